//! Members and their devices: roles, names, removal, revocation.

use crate::clock::rfc3339;
use crate::error::{Code, NodeError, Result};
use crate::keys;
use crate::network::invite::parse_role;
use crate::node::{Node, check_user};
use crate::report::{DeviceReport, MemberReport};
use std::sync::PoisonError;
use weft_ledger::{Body, Member, Rekey, State};
use weft_model::Did;
use weft_store::devices;

impl Node {
    /// Gives a member another role.
    ///
    /// # Errors
    /// When this device's member is no admin, there is no such member, or the last admin would go.
    pub fn member_role(&self, user: &str, role: &str) -> Result<Vec<MemberReport>> {
        let role = parse_role(role)?;
        self.need_admin("gives roles")?;
        let member = self.member_called(user)?;
        self.say(|_| Body::MemberAdded {
            user: member.user.clone(),
            did: member.did,
            role,
        })?;
        self.member_list()
    }

    /// Gives a member another name.
    ///
    /// # Errors
    /// As [`Self::member_role`], or when the name is taken.
    pub fn member_rename(&self, user: &str, to: &str) -> Result<Vec<MemberReport>> {
        check_user(to)?;
        self.need_admin("renames members")?;
        let member = self.member_called(user)?;
        self.say(|_| Body::MemberAdded {
            user: to.to_owned(),
            did: member.did,
            role: member.role,
        })?;
        self.member_list()
    }

    /// Another key for a member whose own is lost. Without a name, this home's owner key asks to speak for its member; with
    /// one, this admin gives their word for the key that the member asked for. It speaks once most admins said so.
    ///
    /// # Errors
    /// When nothing was asked for, this device's member is no admin, or the key speaks for them already.
    pub fn member_rekey(&self, user: Option<&str>) -> Result<Vec<MemberReport>> {
        let body = match user {
            None => self.ask_rekey()?,
            Some(user) => {
                self.need_admin("gives members another key")?;
                let member = self.member_called(user)?;
                let asked: Vec<Body> = self.with_state(|state| {
                    let asked = state.rekeys_asked(&member.did);
                    asked.into_iter().cloned().collect()
                })?;
                match &asked[..] {
                    [one] => one.clone(),
                    [] => {
                        return Err(NodeError::not_found(format!(
                            "no device of `{}` asked for that",
                            member.user
                        ))
                        .try_this("on a device of theirs: weft members rekey"));
                    }
                    _ => {
                        return Err(NodeError::refused(format!(
                            "devices of `{}` asked for different keys",
                            member.user
                        ))
                        .try_this(
                            "ask them which one is theirs; revoke the other device: weft devices revoke DEVICE",
                        ));
                    }
                }
            }
        };
        self.say(|_| body)?;
        self.member_list()
    }

    fn ask_rekey(&self) -> Result<Body> {
        let (own, key) = (self.own_member()?, self.owner_key());
        let network = self.store.read(|tx| self.network_cid(tx))?;
        let rekey = Rekey {
            network,
            member: own.did,
            old: self.with_state(|state| state.key_of(&own.did))?,
            new: keys::did(&key),
        };
        if rekey.old == rekey.new {
            return Err(NodeError::new(
                Code::Conflict,
                format!("this home's key speaks for `{}` already", own.user),
            ));
        }
        Ok(Body::MemberRekeyed {
            member: rekey.member,
            old: rekey.old,
            new: rekey.new,
            accepted: rekey.sign(&key),
            given: None,
        })
    }

    /// Removes a member: their devices are closed wherever this is heard, and what they say from now on is void.
    ///
    /// # Errors
    /// As [`Self::member_role`].
    pub fn member_remove(&self, user: &str) -> Result<Vec<MemberReport>> {
        let own = self.need_admin("removes members")?;
        let member = self.member_called(user)?;
        if own.did == member.did {
            return Err(NodeError::refused("an admin does not remove themselves")
                .try_this("weft network leave"));
        }
        self.say(|state| state.removal(&member.did))?;
        self.member_list()
    }

    /// Devices of all members; those that lost their place, too.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn device_list(&self) -> Result<Vec<DeviceReport>> {
        let own = keys::did(&self.device_key);
        let rows = self.store.read(devices::list)?;
        let (allowed, frozen, users) = self.with_state(|state| {
            let users: Vec<(Did, String)> = state
                .members()
                .into_iter()
                .map(|m| (m.did, m.user))
                .collect();
            (state.allowed_devices(), state.frozen().clone(), users)
        })?;
        let peering = self.peering();
        let name = |member: &str| {
            let found = users.iter().find(|(did, _)| did.to_string() == member);
            found.map_or_else(|| member.to_owned(), |(_, user)| user.clone())
        };
        let mut all: Vec<DeviceReport> = Vec::new();
        let mut known = std::collections::BTreeSet::new();
        for row in &rows {
            let Ok(did) = row.did.parse::<Did>() else {
                continue;
            };
            known.insert(did);
            // Before the log is here, the inviter stands in the table alone.
            if row.member.is_empty() {
                continue;
            }
            let state = if frozen.contains_key(&did) {
                "frozen"
            } else if allowed.contains_key(&did) {
                "active"
            } else {
                "revoked"
            };
            all.push(DeviceReport {
                device: row.did.clone(),
                peer_id: weft_mesh::peer_id(&did)
                    .map(|p| p.to_string())
                    .unwrap_or_default(),
                member: name(&row.member),
                is_self: did == own,
                state: state.into(),
                connected: peering.as_ref().is_some_and(|p| p.path(&did).is_some()),
                seen_at: row.seen_at.map(rfc3339),
            });
        }
        // A home that never met another has no rows yet.
        for (did, member) in allowed.iter().filter(|(did, _)| !known.contains(did)) {
            all.push(DeviceReport {
                device: did.to_string(),
                peer_id: weft_mesh::peer_id(did)
                    .map(|p| p.to_string())
                    .unwrap_or_default(),
                member: name(&member.to_string()),
                is_self: *did == own,
                state: "active".into(),
                connected: false,
                seen_at: None,
            });
        }
        Ok(all)
    }

    /// Takes a device its place: its member's own, or by an admin.
    ///
    /// # Errors
    /// When there is no such device, it is this one, or it is another member's and this one's is no admin.
    pub fn device_revoke(&self, device: &str) -> Result<Vec<DeviceReport>> {
        let did: Did = match device.parse() {
            Ok(did) => did,
            Err(_) => self.device_called(device)?,
        };
        if did == keys::did(&self.device_key) {
            return Err(NodeError::refused("a device does not revoke itself")
                .try_this("weft network leave, or revoke it from another device"));
        }
        let member = self
            .with_state(|state| state.allowed_devices().get(&did).copied())?
            .ok_or_else(|| {
                NodeError::not_found(format!("`{did}` is no member's device"))
                    .try_this("weft devices list")
            })?;
        if self.own_member()?.did != member {
            self.need_admin("revokes other members' devices")?;
        }
        self.say(|state| state.revocation(&did))?;
        self.device_list()
    }

    /// A device by the beginning of its key or peer id.
    fn device_called(&self, text: &str) -> Result<Did> {
        let allowed = self.with_state(|state| state.allowed_devices())?;
        let matches: Vec<&Did> = allowed
            .keys()
            .filter(|did| {
                let peer = weft_mesh::peer_id(did).map(|p| p.to_string());
                let short = did.to_string();
                text.len() >= 4
                    && (short.ends_with(text)
                        || short.trim_start_matches("did:key:").starts_with(text)
                        || peer.is_some_and(|p| p == text))
            })
            .collect();
        match matches[..] {
            [one] => Ok(*one),
            [] => Err(NodeError::not_found(format!(
                "there is no device `{}`",
                weft_model::text::printable(text, 80)
            ))
            .try_this("weft devices list")),
            _ => Err(NodeError::invalid(
                "several devices are called so; give all of the key",
            )),
        }
    }

    /// A member by user name or key.
    fn member_called(&self, user: &str) -> Result<Member> {
        let found = self.with_state(|state| match user.parse::<Did>() {
            Ok(did) => state.member(&did),
            Err(_) => state.member_named(user),
        })?;
        found.ok_or_else(|| {
            NodeError::not_found(format!(
                "`{}` is no member",
                weft_model::text::printable(user, 80)
            ))
            .try_this("weft members list")
        })
    }

    /// Says something about people in the log, and brings the tables to what it then says. What the log would void is
    /// refused, and nothing is kept.
    pub(crate) fn say(&self, body: impl FnOnce(&State) -> Body) -> Result<()> {
        let turn = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let mut trial = self.with_state(Clone::clone)?;
        let body = body(&trial);
        self.store.write(|tx| -> Result<()> {
            let cid = self.append_in(tx, body)?;
            let row = weft_store::events::get(tx, &cid.to_string())?
                .ok_or_else(|| NodeError::internal("the event that was just kept is gone"))?;
            let signed = weft_ledger::SignedEvent::decode(&row.bytes)
                .map_err(|e| NodeError::internal(e.to_string()))?;
            trial
                .apply(&signed)
                .map_err(|e| NodeError::internal(e.to_string()))?;
            if let Some(void) = trial.void(&cid) {
                return Err(NodeError::new(
                    Code::Refused,
                    format!("this would be void: {void}"),
                ));
            }
            self.project_people(tx, &trial)
        })?;
        drop(turn);
        self.follow_name()?;
        self.open_door()?;
        self.changed();
        Ok(())
    }
}
