//! The network that this home belongs to: founded with the home, named and opened to others, joined, left.
//!
//! One home is one network. Going over to another one takes a copy of the database first, and replaces the log and
//! what is projected from it; tasks, rules, plugins and keys stay.

mod history;
mod invite;
mod join;
mod people;

pub use invite::InviteWanted;

use crate::clock::rfc3339;
use crate::error::{Code, NodeError, Result};
use crate::keys;
use crate::log::NETWORK;
use crate::node::Node;
use crate::policies::CONSTITUTION;
use crate::report::NetworkReport;
use std::sync::Arc;
use weft_ledger::{Body, Genesis, MemberRole};
use weft_model::{Cid, Did};
use weft_store::members::{self, Member, Role};
use weft_store::{Read, Write, blocks, devices, events, meta, polls};

/// Key in `meta`: how this home came to be part of a mesh.
pub(crate) const MESHED: &str = "meshed";
/// Its value where the network was founded here.
const CREATED: &str = "created";
/// Its value where another one was joined.
const JOINED: &str = "joined";
/// Key in `meta`: the device that let this one in, until the log itself says who belongs here.
const INVITER: &str = "inviter";

impl Node {
    /// Opens this home's network to others, and names it.
    ///
    /// # Errors
    /// `conflict` when this home joined another one's; when the name is none.
    pub fn network_create(&self, name: &str) -> Result<NetworkReport> {
        crate::node::check_user(name).map_err(|_| {
            NodeError::invalid("a network's name has 1 to 256 bytes without control characters")
        })?;
        let meshed = self.store.read(|tx| meta::get(tx, MESHED))?;
        if meshed.as_deref() == Some(JOINED) {
            let here = self.network_show()?;
            return Err(NodeError::new(
                Code::Conflict,
                format!("this home belongs to the network `{}`", here.name),
            )
            .try_this("leave it with `weft network leave`, or make another home with `weft init --home DIR`"));
        }
        self.need_admin("names a network")?;
        let named = self.with_state(|state| state.name() == name)?;
        let mark = |tx: &Write| Ok::<_, NodeError>(meta::set(tx, MESHED, CREATED)?);
        if named {
            self.store.write(mark)?;
        } else {
            self.append(mark, || Body::NetworkNamed { name: name.into() })?;
        }
        self.changed();
        self.network_show()
    }

    /// The network of this home.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn network_show(&self) -> Result<NetworkReport> {
        let device = keys::did(&self.device_key);
        let (genesis, network, events) = self.store.read(|tx| -> Result<_> {
            Ok((self.genesis(tx)?, self.network_cid(tx)?, events::len(tx)?))
        })?;
        self.with_state(|state| {
            let own = state.member_of_device(&device);
            let own = own.and_then(|member| state.member(&member));
            NetworkReport {
                network: network.to_string(),
                name: state.name().to_owned(),
                founder: genesis.user,
                created: rfc3339(genesis.created),
                user: own.as_ref().map_or(self.owner.clone(), |m| m.user.clone()),
                role: own.map(|m| m.role.word().to_owned()),
                device: device.to_string(),
                members: state.members().len() as u64,
                devices: state.allowed_devices().len() as u64,
                events,
                digest: state.state_digest().to_string(),
                constitution: state.constitution().to_string(),
                running: self.peering().is_some(),
            }
        })
    }

    /// Leaves the network: says so in its log, and founds one of this home's own.
    ///
    /// # Errors
    /// When this is the last admin and others stay, or this home is alone already.
    pub fn network_leave(self: &Arc<Self>) -> Result<NetworkReport> {
        let device = keys::did(&self.device_key);
        let (member, alone, last_admin, others_of_mine) = self.with_state(|state| {
            let member = state.member_of_device(&device);
            let members = state.members();
            let admins = members.iter().filter(|m| m.role == MemberRole::Admin);
            let admin = |m: &Did| state.member(m).is_some_and(|m| m.role == MemberRole::Admin);
            let mine = member.map_or(0, |m| state.devices_of(&m).len());
            (
                member,
                // Whoever was removed, or has no log yet, still stands in somebody else's network.
                member.is_some() && members.len() <= 1 && mine <= 1,
                member.is_some_and(|m| admin(&m)) && admins.count() == 1,
                mine > 1,
            )
        })?;
        if alone {
            let meshed = self.store.write(|tx| meta::remove(tx, MESHED))?;
            if !meshed {
                return Err(NodeError::new(
                    Code::Conflict,
                    "this home is in no network but its own",
                )
                .try_this("weft network show"));
            }
            self.stop_mesh();
            return self.network_show();
        }
        if let Some(member) = member {
            if last_admin && !others_of_mine {
                return Err(NodeError::refused(
                    "you are the last admin of this network, and others are in it",
                )
                .try_this("make another one an admin first: weft members role NAME admin"));
            }
            let body = if others_of_mine {
                self.with_state(|state| state.revocation(&device))?
            } else {
                self.with_state(|state| state.removal(&member))?
            };
            self.append(|_| Ok(()), || body)?;
            self.say_goodbye();
        }
        self.stop_mesh();
        self.go_alone()?;
        self.network_show()
    }

    /// Gives connected members a moment to take the last event.
    fn say_goodbye(&self) {
        let Some(peering) = self.peering() else {
            return;
        };
        // The announcement goes out with the next look at the log; an answer to any request means that it was sent.
        if self.with_state(|_| ()).is_err() {
            return;
        }
        let peers: Vec<Did> = {
            let paths = peering.paths.lock();
            let paths = paths.unwrap_or_else(std::sync::PoisonError::into_inner);
            paths.keys().copied().collect()
        };
        for peer in peers {
            // Whoever removes us on the way closes the connection: the goodbye was heard.
            let _ = peering
                .mesh
                .request(&peer, weft_mesh::Protocol::Find, vec![0xf6]);
        }
    }

    /// Founds a network of this home's own in place of the one that it leaves.
    fn go_alone(&self) -> Result<()> {
        self.copy_aside("leave")?;
        let now = self.now();
        let _turn = self
            .log
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let constitution: Cid = self
            .store
            .read(|tx| meta::get(tx, CONSTITUTION))?
            .unwrap_or_default()
            .parse()?;
        let (record, network) = crate::genesis::found(self, constitution)?;
        self.store.write(|tx| -> Result<()> {
            blocks::put(tx, &network.to_string(), &record, now)?;
            self.clear_community(tx, &network)?;
            meta::remove(tx, MESHED)?;
            meta::remove(tx, INVITER)?;
            members::put(
                tx,
                &Member {
                    user_id: self.owner.clone(),
                    did: Some(keys::did(&self.owner_key()).to_string()),
                    role: Role::Admin,
                    device_did: Some(keys::did(&self.device_key).to_string()),
                    is_self: true,
                    joined_at: now,
                    removed_at: None,
                },
            )?;
            self.feed(
                tx,
                "network.left",
                None,
                "this home is in a network of its own",
            )
        })?;
        self.forget_community();
        let path = self.home.root().join(crate::genesis::MARKER);
        crate::home::write_whole(&path, format!("{network}\n").as_bytes(), 0o600)
    }

    /// Takes over another network's beginning; its log comes over the mesh.
    fn go_over(
        &self,
        genesis: &[u8],
        network: &Cid,
        inviter: &Did,
        addresses: &[String],
    ) -> Result<()> {
        self.copy_aside("join")?;
        let now = self.now();
        let _turn = self
            .log
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        self.store.write(|tx| -> Result<()> {
            blocks::put(tx, &network.to_string(), genesis, now)?;
            self.clear_community(tx, network)?;
            meta::set(tx, MESHED, JOINED)?;
            meta::set(tx, INVITER, &inviter.to_string())?;
            devices::put(
                tx,
                &devices::Device {
                    did: inviter.to_string(),
                    member: String::new(),
                    is_self: false,
                    addresses: Vec::new(),
                    seen_at: None,
                    revoked_at: None,
                },
            )?;
            devices::seen(tx, &inviter.to_string(), addresses, now)?;
            Ok(())
        })?;
        self.forget_community();
        let path = self.home.root().join(crate::genesis::MARKER);
        crate::home::write_whole(&path, format!("{network}\n").as_bytes(), 0o600)
    }

    /// Meets the network that this home is in already, by a device that knows this one now.
    fn come_back(&self, inviter: &Did, addresses: &[String]) -> Result<()> {
        let now = self.now();
        self.store.write(|tx| -> Result<()> {
            meta::set(tx, MESHED, JOINED)?;
            Ok(devices::seen(tx, &inviter.to_string(), addresses, now)?)
        })
    }

    /// Forgets the log and what is projected from it.
    fn clear_community(&self, tx: &Write, network: &Cid) -> Result<()> {
        meta::set(tx, NETWORK, &network.to_string())?;
        events::clear(tx)?;
        devices::clear(tx)?;
        polls::clear(tx)?;
        members::clear(tx)?;
        crate::peering::forget_peers(tx)?;
        weft_store::tiers::clear_facts(tx)?;
        crate::facts::seal(tx)
    }

    /// A copy of the database beside it, before the log is replaced.
    fn copy_aside(&self, why: &str) -> Result<()> {
        let name = format!("weft.db.before-{why}-{}", self.now());
        Ok(self.store.backup_to(self.home.root().join(name))?)
    }

    /// The device that let this one in, while the log does not yet say that it belongs here.
    pub(crate) fn inviter(&self) -> Result<Option<Did>> {
        let text = self.store.read(|tx| meta::get(tx, INVITER))?;
        Ok(text.and_then(|t| t.parse().ok()))
    }

    /// Whether the network was joined: then nothing is signed before its log is here.
    pub(crate) fn is_guest_home(&self, tx: &Read) -> Result<bool> {
        Ok(meta::get(tx, MESHED)?.as_deref() == Some(JOINED))
    }

    pub(crate) fn genesis(&self, tx: &Read) -> Result<Genesis> {
        let network = meta::get(tx, NETWORK)?.unwrap_or_default();
        let bytes = blocks::get(tx, &network)?
            .ok_or_else(|| NodeError::internal("the home has no genesis record"))?;
        Genesis::decode(&bytes).map_err(|e| NodeError::internal(e.to_string()))
    }

    /// The member whose this device is, and their role.
    pub(crate) fn own_member(&self) -> Result<weft_ledger::Member> {
        let device = keys::did(&self.device_key);
        let found = self.with_state(|state| {
            let member = state.member_of_device(&device)?;
            state.member(&member)
        })?;
        found.ok_or_else(|| {
            NodeError::refused("this device belongs to no member of its network")
                .try_this("ask an admin for an invite, then: weft join STRING")
        })
    }

    /// Who this device's member is, by their first key; in a network that does not know the device, the owner's key.
    pub(crate) fn own_did(&self) -> Result<Did> {
        let device = keys::did(&self.device_key);
        let member = self.with_state(|state| state.member_of_device(&device))?;
        Ok(member.unwrap_or_else(|| keys::did(&self.owner_key())))
    }

    /// Refuses unless this device's member is an admin.
    pub(crate) fn need_admin(&self, what: &str) -> Result<weft_ledger::Member> {
        let own = self.own_member()?;
        if own.role == MemberRole::Admin {
            return Ok(own);
        }
        Err(NodeError::refused(format!(
            "only an admin {what}; `{}` is {}",
            own.user,
            own.role.word()
        ))
        .try_this("ask an admin: weft members list"))
    }
}
