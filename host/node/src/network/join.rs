//! Joining: the invite is shown in the inviter's lobby, the home goes over to the network, and its log is fetched.

use super::invite::{Invite, JoinAnswer, JoinClaim, JoinRequest};
use crate::error::{Code, NodeError, Result};
use crate::keys;
use crate::node::{DEFAULT_OWNER, Node, check_user};
use crate::report::JoinReport;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};
use weft_ledger::ballot::certify_for;
use weft_ledger::{Body, Genesis, SignedEvent};
use weft_model::{Did, cbor, content};
use weft_store::{events, meta};

/// How long joining waits for the network's log; it comes later otherwise.
const LOG_PATIENCE: Duration = Duration::from_secs(20);
/// How often a waiting thread looks by itself.
const LOOK: Duration = Duration::from_millis(200);

impl Node {
    /// Joins a network by an invite. `name`: the user name there, else the owner's name here.
    ///
    /// # Errors
    /// `invite-expired`, `invite-used`, `invite-revoked`, `invite-unknown`, `invite-forged`, `name-taken`,
    /// `already-member` as the inviter says; `unavailable` when it can't be reached; `conflict` when this home is in a
    /// network with others. The home stays as it was then.
    ///
    /// A home that was restored from a backup has the log, and a device key that nobody else knows: it joins its own
    /// network again, and keeps its log.
    pub fn join(self: &Arc<Self>, invite: &str, name: Option<&str>) -> Result<JoinReport> {
        let invite = Invite::decode(invite)?;
        let user = name.unwrap_or(&self.owner).to_owned();
        check_user(&user)?;
        if invite.expires <= self.now() {
            return Err(NodeError::coded("invite-expired", "the invite has expired")
                .try_this("ask for a new one"));
        }
        let again = self.check_free(&invite)?;
        let device = keys::did(&self.device_key);
        let key = self.owner_key();
        let member = match again {
            true => self.with_state(|state| state.member_of_key(&keys::did(&key)))?,
            false => None,
        };
        let member = member.unwrap_or_else(|| keys::did(&key));
        let claim = JoinClaim {
            invite: keys::did(&invite.key()),
            network: invite.network,
            user: user.clone(),
            member,
            device,
            certificate: certify_for(member, invite.network, device, &key),
            at: self.now(),
        };
        let request = JoinRequest::sign(claim, &invite.key())?;
        let bytes = cbor::encode(&request).map_err(NodeError::internal)?;
        let secret = self.device_key.to_bytes();
        let answer = weft_mesh::ask_lobby(secret, &invite.device, &invite.addresses, bytes)?;
        let answer: JoinAnswer = cbor::decode(&answer)
            .map_err(|e| NodeError::invalid(format!("the inviter's answer does not read: {e}")))?;
        let (genesis, user, role, addresses) = match answer {
            JoinAnswer::Admitted {
                genesis,
                user,
                role,
                addresses,
            } => (genesis, user, role, addresses),
            JoinAnswer::Refused { code, message } => return Err(refused(&code, message)),
        };
        let found = Genesis::decode(&genesis).map_err(|e| NodeError::invalid(e.to_string()))?;
        if content::record_cid(&genesis) != invite.network {
            return Err(NodeError::coded(
                "invite-forged",
                "the inviter's network is not the one that the invite names",
            ));
        }
        let addresses: Vec<String> = addresses
            .iter()
            .filter_map(|a| weft_mesh::check_address(a).ok())
            .collect();
        let ran = self.peering().is_some();
        self.stop_mesh();
        if again {
            self.come_back(&invite.device, &addresses)?;
        } else {
            self.go_over(&genesis, &invite.network, &invite.device, &addresses)?;
        }
        if user != *self.owner {
            self.rename_owner(&user)?;
        }
        let listen = self.listening_on();
        self.start_mesh(&listen)?;
        self.wait_for_log(&invite.device);
        let events = self.store.read(events::len)?;
        if !ran {
            self.stop_mesh();
        }
        self.changed();
        Ok(JoinReport {
            network: invite.network.to_string(),
            name: self
                .with_state(|state| state.name().to_owned())
                .unwrap_or(found.name),
            user,
            role: role.word().to_owned(),
            device: device.to_string(),
            by: invite.device.to_string(),
            events,
        })
    }

    /// Refuses where joining would take people from one another. Returns whether this home comes back to the network that
    /// it is in, with a device that the others do not know yet.
    fn check_free(&self, invite: &Invite) -> Result<bool> {
        let network = self.store.read(|tx| self.network_cid(tx))?;
        let device = keys::did(&self.device_key);
        if invite.device == device {
            return Err(
                NodeError::new(Code::Conflict, "this device made the invite itself")
                    .try_this("give it to somebody else"),
            );
        }
        let own = keys::did(&self.owner_key());
        let others = self.with_state(|state| {
            let devices = state.allowed_devices();
            let own = state.member_of_key(&own).unwrap_or(own);
            devices.values().any(|member| *member != own) || devices.keys().any(|d| *d != device)
        })?;
        let is_member = self.with_state(|state| state.allowed_devices().contains_key(&device))?;
        if network == invite.network && is_member {
            if self.vouches_for_itself(&device)? {
                return Ok(true);
            }
            return Err(
                NodeError::new(Code::Conflict, "this home is in that network already")
                    .try_this("weft network show"),
            );
        }
        if others && is_member {
            let name = self.with_state(|state| state.name().to_owned())?;
            return Err(NodeError::new(
                Code::Conflict,
                format!("this home is in the network `{name}` with others"),
            )
            .try_this("leave it with `weft network leave`, or join from another home: weft init --home DIR"));
        }
        Ok(false)
    }

    /// Whether this device's place rests on its own word, as in a restored home, and not on that of whoever let it in.
    fn vouches_for_itself(&self, device: &Did) -> Result<bool> {
        let author = device.to_string();
        let first = self
            .store
            .read(|tx| events::chain(tx, &author, 1, 1))?
            .into_iter()
            .next();
        let Some(first) = first else {
            return Ok(false);
        };
        let signed =
            SignedEvent::decode(&first.bytes).map_err(|e| NodeError::internal(e.to_string()))?;
        Ok(matches!(&signed.event.body, Body::DeviceCertified { device: d, .. } if d == device))
    }

    /// Waits until the log says that this device belongs here and the inviter is connected, or for [`LOG_PATIENCE`].
    fn wait_for_log(self: &Arc<Self>, inviter: &Did) {
        let begun = Instant::now();
        let device = keys::did(&self.device_key);
        let (count, signal) = &self.wake;
        loop {
            let before = *count.lock().unwrap_or_else(PoisonError::into_inner);
            // Without a daemon nobody else keeps the mesh going.
            if let Err(e) = self.tick_mesh() {
                tracing::warn!("{e}");
            }
            let here = self.with_state(|state| state.allowed_devices().contains_key(&device));
            let met = self.peering().is_some_and(|p| p.path(inviter).is_some());
            if (here.unwrap_or(false) && met) || begun.elapsed() > LOG_PATIENCE {
                return;
            }
            let guard = count.lock().unwrap_or_else(PoisonError::into_inner);
            if *guard == before {
                drop(signal.wait_timeout(guard, LOOK));
            }
        }
    }

    /// Once the log says that this device belongs here, the inviter is a member like any other.
    pub(crate) fn settle_in(&self) -> Result<()> {
        if self.inviter()?.is_none() {
            return Ok(());
        }
        let device: Did = keys::did(&self.device_key);
        if self.with_state(|state| state.allowed_devices().contains_key(&device))? {
            self.store.write(|tx| meta::remove(tx, super::INVITER))?;
        }
        Ok(())
    }

    /// The owner is called here as they are in the network, where an admin may have renamed them.
    pub(crate) fn follow_name(&self) -> Result<()> {
        let device = keys::did(&self.device_key);
        let named = self.with_state(|state| {
            let member = state.member_of_device(&device)?;
            Some(state.member(&member)?.user)
        })?;
        named.map_or(Ok(()), |name| self.rename_owner(&name))
    }

    /// The owner's name becomes the one in the network; their rows go with it.
    fn rename_owner(&self, to: &str) -> Result<()> {
        let from = self.owner.clone();
        if from == to {
            return Ok(());
        }
        self.store.write(|tx| -> Result<()> {
            meta::set(tx, crate::node::OWNER, to)?;
            weft_store::owner::rename(tx, &from, to)?;
            let message = format!("the owner of this home is `{to}` now, it was `{from}`");
            self.feed(tx, "owner.renamed", Some(to), &message)
        })?;
        self.owner.set(to);
        Ok(())
    }
}

fn refused(code: &str, message: String) -> NodeError {
    let (code, remedy) = match code {
        "invite-expired" => ("invite-expired", "ask for a new one".to_owned()),
        "invite-used" => ("invite-used", "ask for a new one".to_owned()),
        "invite-revoked" => ("invite-revoked", "ask for a new one".to_owned()),
        "invite-unknown" => ("invite-unknown", "ask for a new one".to_owned()),
        "invite-forged" => (
            "invite-forged",
            "copy all of the string that `weft invite` printed".to_owned(),
        ),
        "already-member" => ("already-member", "weft network show".to_owned()),
        "name-taken" | "name" => (
            "name-taken",
            format!(
                "join under another name: weft join STRING --as NAME (here it is `{DEFAULT_OWNER}` unless set at init)"
            ),
        ),
        "clock" => ("clock", "set both clocks by NTP".to_owned()),
        _ => ("refused", String::new()),
    };
    let message = weft_model::text::printable(&message, 300);
    NodeError::coded(code, message).try_this(remedy)
}
