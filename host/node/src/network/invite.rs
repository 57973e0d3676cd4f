//! Invites: one string that carries a one-time key. This device keeps the public half and what it lets in; whoever shows
//! the secret half in the lobby is let in, as long as the invite stands.

use crate::clock::rfc3339;
use crate::error::{NodeError, Result};
use crate::keys;
use crate::node::Node;
use crate::report::InviteReport;
use data_encoding::BASE32_NOPAD;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use std::ops::RangeInclusive;
use std::sync::PoisonError;
use weft_ledger::ballot::{certify_for, is_certified_by};
use weft_ledger::sign::{self, Signature};
use weft_ledger::{Body, MemberRole};
use weft_model::{Cid, Did, Instant, cbor};
use weft_store::invites::{self, Use};
use weft_store::{Read, Write, blocks};

/// What every invite begins with.
const PREFIX: &str = "weft1";
/// Longest invite that is read, in bytes.
const INVITE_BYTES: usize = 4 * 1024;
/// Addresses in an invite.
const ADDRESSES: usize = 8;
/// Life of an invite, in milliseconds: a second to 90 days.
const LIFE_MS: RangeInclusive<u64> = 1_000..=90 * 24 * 3_600_000;
/// Most that one invite lets in.
const USES_MAX: u64 = 1_000;
/// Media type of a request to join, as signed by the invite's key.
const JOIN_TYPE: &str = "application/vnd.weft.join+dag-cbor";
/// Most that a newcomer's clock may be off, in milliseconds.
const SKEW_MS: Instant = 24 * 3_600_000;

/// What an invite is to let in.
#[derive(Clone, Debug)]
pub struct InviteWanted {
    /// `admin`, `member` or `guest`.
    pub role: String,
    /// How long it stands, in milliseconds.
    pub life_ms: u64,
    /// How many it lets in.
    pub uses: u64,
    /// A further device of this home's own member joins, nobody new.
    pub device: bool,
}

/// What stands in an invite.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Invite {
    /// The network.
    pub network: Cid,
    /// What people call it.
    pub name: String,
    /// The device whose lobby it is for.
    pub device: Did,
    /// Where that lobby is.
    pub addresses: Vec<String>,
    /// What it makes of a newcomer; none: a device of the inviter.
    pub role: Option<MemberRole>,
    /// When it stops.
    pub expires: Instant,
    /// The one-time key.
    pub secret: ByteArray<32>,
}

impl Invite {
    fn encode(&self) -> Result<String> {
        let bytes = cbor::encode(self).map_err(NodeError::internal)?;
        Ok(format!(
            "{PREFIX}{}",
            BASE32_NOPAD.encode(&bytes).to_lowercase()
        ))
    }

    /// Reads an invite; whitespace and line breaks of a mail in it do no harm.
    pub fn decode(text: &str) -> Result<Self> {
        let bad = |why: &str| {
            NodeError::invalid(format!("this is no invite: {why}"))
                .try_this("copy all of the string that `weft invite` printed")
        };
        let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        if text.len() > INVITE_BYTES {
            return Err(bad("it is too long"));
        }
        let body = text
            .to_lowercase()
            .strip_prefix(PREFIX)
            .ok_or_else(|| bad("it does not begin with `weft1`"))?
            .to_uppercase();
        let bytes = BASE32_NOPAD
            .decode(body.as_bytes())
            .map_err(|_| bad("it is cut off or changed"))?;
        let invite: Self = cbor::decode(&bytes).map_err(|_| bad("it is cut off or changed"))?;
        if invite.addresses.len() > ADDRESSES || invite.name.len() > weft_model::limits::NAME_BYTES
        {
            return Err(bad("it holds too much"));
        }
        Ok(invite)
    }

    pub fn key(&self) -> SigningKey {
        SigningKey::from_bytes(&self.secret)
    }
}

/// What a newcomer asks in the lobby.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JoinRequest {
    /// What is asked.
    pub claim: JoinClaim,
    /// By the invite's key.
    pub proof: Signature,
}

/// What the invite's key signs. The device is the one at the other end of the connection, so a copy is of no use to another.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JoinClaim {
    /// Public half of the invite's key.
    pub invite: Did,
    /// The network.
    pub network: Cid,
    /// The newcomer's user name.
    pub user: String,
    /// The newcomer's key.
    pub member: Did,
    /// Their device.
    pub device: Did,
    /// The member's word that the device is theirs.
    pub certificate: Signature,
    /// When it was signed.
    pub at: Instant,
}

impl JoinRequest {
    pub fn sign(claim: JoinClaim, key: &SigningKey) -> Result<Self> {
        let bytes = cbor::encode(&claim).map_err(NodeError::internal)?;
        let proof = sign::sign(key, JOIN_TYPE, &bytes);
        Ok(Self { claim, proof })
    }

    fn holds(&self) -> bool {
        cbor::encode(&self.claim)
            .is_ok_and(|bytes| sign::holds(&self.claim.invite, JOIN_TYPE, &bytes, &self.proof))
    }
}

/// What the lobby answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum JoinAnswer {
    /// Come in.
    Admitted {
        /// The network's genesis record.
        genesis: serde_bytes::ByteBuf,
        /// The name under which the newcomer is a member.
        user: String,
        /// Their role.
        role: MemberRole,
        /// Where the mesh is.
        addresses: Vec<String>,
    },
    /// Not so.
    Refused {
        /// The name of the reason.
        code: String,
        /// What happened and why.
        message: String,
    },
}

/// Why somebody is not let in: a name for programs, and a sentence.
type Refusal = (&'static str, String);

impl Node {
    /// Makes an invite.
    ///
    /// # Errors
    /// When this device's member is no admin, the mesh does not run, or a figure is out of range.
    pub fn invite(&self, wanted: &InviteWanted) -> Result<InviteReport> {
        let role = parse_role(&wanted.role)?;
        if !LIFE_MS.contains(&wanted.life_ms) || !(1..=USES_MAX).contains(&wanted.uses) {
            return Err(NodeError::invalid(format!(
                "an invite stands for a second to 90 days and lets in 1 to {USES_MAX}"
            )));
        }
        if wanted.uses > 1 && wanted.role != "guest" {
            return Err(NodeError::invalid(
                "an invite for several makes guests: who has it is not known, so it gives nobody a voice",
            )
            .try_this("one invite for each member, or --role guest; `weft members role` makes a guest a member"));
        }
        let own = if wanted.device {
            let own = self.own_member()?;
            let key = self.with_state(|state| state.key_of(&own.did))?;
            if key != keys::did(&self.owner_key()) {
                return Err(NodeError::refused(format!(
                    "the key of `{}` is not on this device",
                    own.user
                ))
                .try_this("add devices on the device that holds the key"));
            }
            own
        } else {
            self.need_admin("invites")?
        };
        let peering = self.need_peering()?;
        let status = peering.mesh.status();
        let mut addresses = lobby_outside(&self.settings);
        addresses.extend(status.lobby);
        addresses.truncate(ADDRESSES);
        if addresses.is_empty() {
            return Err(NodeError::new(
                crate::error::Code::Unavailable,
                "this node listens on no TCP address, so nobody could come into its lobby",
            )
            .try_this("weft start --listen /ip4/0.0.0.0/tcp/9001"));
        }
        let now = self.now();
        let key = keys::generate()?;
        let expires = now + wanted.life_ms as Instant;
        let (network, name) = (
            self.store.read(|tx| self.network_cid(tx))?,
            self.with_state(|state| state.name().to_owned())?,
        );
        let invite = Invite {
            network,
            name,
            device: keys::did(&self.device_key),
            addresses,
            role: (!wanted.device).then_some(role),
            expires,
            secret: ByteArray::new(key.to_bytes()),
        };
        let row = invites::Invite {
            key: keys::did(&key).to_string(),
            role: role.word().to_owned(),
            member: wanted.device.then(|| own.did.to_string()),
            created_at: now,
            expires_at: expires,
            uses: wanted.uses,
            revoked_at: None,
        };
        self.store.write(|tx| -> Result<()> {
            invites::add(tx, &row)?;
            let message = format!("an invite for {} was made", describe(&row));
            self.feed(tx, "invite.made", Some(&row.key), &message)
        })?;
        let mut report = self.store.read(|tx| self.invite_report(tx, &row))?;
        report.invite = Some(invite.encode()?);
        Ok(report)
    }

    /// Invites of this device, newest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn invite_list(&self) -> Result<Vec<InviteReport>> {
        self.store.read(|tx| {
            invites::list(tx)?
                .iter()
                .map(|row| self.invite_report(tx, row))
                .collect()
        })
    }

    /// Takes an invite back, by its public half or the string itself.
    ///
    /// # Errors
    /// `not-found`.
    pub fn invite_revoke(&self, invite: &str) -> Result<Vec<InviteReport>> {
        let key = match Invite::decode(invite) {
            Ok(invite) => keys::did(&invite.key()).to_string(),
            Err(_) => invite.to_owned(),
        };
        let now = self.now();
        let stood = self.store.write(|tx| invites::revoke(tx, &key, now))?;
        if !stood {
            return Err(NodeError::not_found(
                "this device made no such invite, or it was taken back",
            )
            .try_this("weft invite list"));
        }
        self.invite_list()
    }

    fn invite_report(&self, tx: &Read, row: &invites::Invite) -> Result<InviteReport> {
        let used = invites::uses(tx, &row.key)?.len() as u64;
        let state = if row.revoked_at.is_some() {
            "revoked"
        } else if used >= row.uses {
            "used"
        } else if row.expires_at <= self.now() {
            "expired"
        } else {
            "open"
        };
        Ok(InviteReport {
            invite: None,
            key: row.key.clone(),
            role: row.role.clone(),
            member: row.member.clone(),
            expires_at: rfc3339(row.expires_at),
            uses: row.uses,
            used,
            state: state.into(),
        })
    }

    /// Answers a newcomer.
    pub(crate) fn answer_lobby(&self, newcomer: &Did, request: &[u8]) -> Option<Vec<u8>> {
        let answer = match cbor::decode::<JoinRequest>(request) {
            Ok(request) => match self.admit(newcomer, &request) {
                Ok(Ok(answer)) => answer,
                Ok(Err((code, message))) => {
                    self.note_lobby(code);
                    tracing::warn!(%newcomer, code, "a newcomer was refused: {message}");
                    JoinAnswer::Refused {
                        code: code.into(),
                        message,
                    }
                }
                Err(e) => {
                    tracing::error!("a newcomer could not be let in: {e}");
                    JoinAnswer::Refused {
                        code: "unavailable".into(),
                        message: "the inviter's node could not keep it; try again".into(),
                    }
                }
            },
            Err(_) => {
                self.note_lobby("lobby-garbage");
                return None;
            }
        };
        cbor::encode(&answer).ok()
    }

    fn note_lobby(&self, why: &str) {
        if let Some(peering) = self.peering() {
            peering.note(why);
        }
    }

    /// Checks an invite and lets its bearer in: one transaction, so that a use is counted when it is kept.
    fn admit(&self, newcomer: &Did, request: &JoinRequest) -> Result<Result<JoinAnswer, Refusal>> {
        let claim = &request.claim;
        let now = self.now();
        if claim.device != *newcomer || !request.holds() {
            return Ok(Err((
                "invite-forged",
                "the invite's key did not sign this".into(),
            )));
        }
        if now.abs_diff(claim.at) > SKEW_MS as u64 {
            return Ok(Err((
                "clock",
                "the clocks differ by more than a day; set both by NTP".into(),
            )));
        }
        let turn = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let network = self.store.read(|tx| self.network_cid(tx))?;
        if claim.network != network {
            return Ok(Err((
                "invite-unknown",
                "the invite is for another network".into(),
            )));
        }
        let known = self.with_state(|state| {
            let member = state.allowed_devices().get(&claim.device).copied();
            member.and_then(|m| state.member(&m))
        })?;
        let (named, back) = self.with_state(|state| {
            let named = state.member_named(&claim.user);
            (named, state.member(&claim.member))
        })?;
        let admitted = self
            .store
            .write(|tx| -> Result<Result<(String, MemberRole), Refusal>> {
                let Some(invite) = invites::get(tx, &claim.invite.to_string())? else {
                    return Ok(Err((
                        "invite-unknown",
                        "this node made no such invite".into(),
                    )));
                };
                let uses = invites::uses(tx, &invite.key)?;
                // Who came by it and did not hear the answer asks again.
                if let (Some(member), true) = (
                    &known,
                    uses.iter().any(|u| u.device == claim.device.to_string()),
                ) {
                    return Ok(Ok((member.user.clone(), member.role)));
                }
                if let Err(refusal) = stands(&invite, uses.len() as u64, now) {
                    return Ok(Err(refusal));
                }
                if known.is_some() {
                    return Ok(Err((
                        "already-member",
                        "this device is a member's already".into(),
                    )));
                }
                let (user, member, role) =
                    match self.let_in(tx, &network, &invite, claim, named.as_ref(), back)? {
                        Ok(in_) => in_,
                        Err(refusal) => return Ok(Err(refusal)),
                    };
                invites::note_use(
                    tx,
                    &Use {
                        key: invite.key.clone(),
                        device: claim.device.to_string(),
                        member: member.to_string(),
                        at: now,
                    },
                )?;
                let message = format!(
                    "`{user}` came in by an invite with the device {}",
                    claim.device
                );
                self.feed(tx, "member.joined", Some(&user), &message)?;
                Ok(Ok((user, role)))
            })?;
        let (user, role) = match admitted {
            Ok(in_) => in_,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // The projection reads what was just appended.
        let people = self.with_state(Clone::clone)?;
        self.store.write(|tx| self.project_people(tx, &people))?;
        drop(turn);
        self.open_door()?;
        self.changed();
        let (genesis, status) = (
            self.store.read(|tx| -> Result<_> {
                Ok(blocks::get(tx, &network.to_string())?.unwrap_or_default())
            })?,
            self.need_peering()?.mesh.status(),
        );
        let mut addresses = status.told;
        addresses.truncate(ADDRESSES);
        Ok(Ok(JoinAnswer::Admitted {
            genesis: genesis.into(),
            user,
            role,
            addresses,
        }))
    }

    /// The events that make a newcomer a member, or a device one of this home's member. Who is a member already and comes
    /// `back` with another device, as after a restore, stays what they are.
    fn let_in(
        &self,
        tx: &Write,
        network: &Cid,
        invite: &invites::Invite,
        claim: &JoinClaim,
        named: Option<&weft_ledger::Member>,
        back: Option<weft_ledger::Member>,
    ) -> Result<Result<(String, Did, MemberRole), Refusal>> {
        if let Some(own) = &invite.member {
            let key = self.owner_key();
            let member: Did = own.parse()?;
            if self.with_state(|state| state.key_of(&member))? != keys::did(&key) {
                return Ok(Err((
                    "invite-unknown",
                    "the member's key is here no more".into(),
                )));
            }
            self.append_in(
                tx,
                Body::DeviceCertified {
                    device: claim.device,
                    member,
                    signature: certify_for(member, *network, claim.device, &key),
                },
            )?;
            let role = parse_role(&invite.role)?;
            return Ok(Ok((self.owner.clone(), member, role)));
        }
        let key = self.with_state(|state| state.key_of(&claim.member))?;
        let (device, member) = (&claim.device, &claim.member);
        if !is_certified_by(network, device, member, &key, &claim.certificate) {
            return Ok(Err((
                "invite-forged",
                "the member did not certify the device".into(),
            )));
        }
        let (user, role) = match back {
            Some(member) => (member.user, member.role),
            None => {
                if crate::node::check_user(&claim.user).is_err() {
                    return Ok(Err(("name", "that is no user name".into())));
                }
                if named.is_some() {
                    let message = format!("the name `{}` is taken in this network", claim.user);
                    return Ok(Err(("name-taken", message)));
                }
                let (user, role) = (claim.user.clone(), parse_role(&invite.role)?);
                self.append_in(
                    tx,
                    Body::MemberAdded {
                        user: user.clone(),
                        did: claim.member,
                        role,
                    },
                )?;
                (user, role)
            }
        };
        self.append_in(
            tx,
            Body::DeviceCertified {
                device: claim.device,
                member: claim.member,
                signature: claim.certificate,
            },
        )?;
        Ok(Ok((user, claim.member, role)))
    }
}

/// Whether an invite still lets somebody in.
fn stands(invite: &invites::Invite, used: u64, now: Instant) -> Result<(), Refusal> {
    if invite.revoked_at.is_some() {
        return Err(("invite-revoked", "the invite was taken back".into()));
    }
    if invite.expires_at <= now {
        return Err(("invite-expired", "the invite has expired".into()));
    }
    if used >= invite.uses {
        return Err((
            "invite-used",
            "the invite has let in as many as it was for".into(),
        ));
    }
    Ok(())
}

fn describe(invite: &invites::Invite) -> String {
    match &invite.member {
        Some(_) => "a device".into(),
        None => format!("{} of role {}", invite.uses, invite.role),
    }
}

/// Addresses of the lobby under those that others reach this device by.
fn lobby_outside(settings: &crate::settings::Settings) -> Vec<String> {
    settings
        .text("external_addresses")
        .split(',')
        .filter_map(|a| weft_mesh::lobby_beside(a.trim()))
        .collect()
}

pub(super) fn parse_role(word: &str) -> Result<MemberRole> {
    match word {
        "admin" => Ok(MemberRole::Admin),
        "member" => Ok(MemberRole::Member),
        "guest" => Ok(MemberRole::Guest),
        _ => Err(NodeError::invalid(format!(
            "`{}` is no role; known are admin, member, guest",
            weft_model::text::printable(word, 40)
        ))),
    }
}
