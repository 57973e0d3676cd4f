//! What an event says: a closed list of kinds.
//!
//! A body is a DAG-CBOR map with one key, the kind in kebab-case. **A kind that this version does not know is kept as
//! it is** ([`Body::Unknown`]): its event stays a link of its device's chain, keeps its CID, and is void in the fold,
//! so that an older node follows a log that a newer one writes. A known kind with other fields than listed here is
//! refused: a new field is a new kind.

use crate::ballot::SignedBallot;
use crate::limits::{
    BALLOTS, DEVICES, MAX_INTEGER, NAME_BYTES, OPTIONS, POLL_MS, REASON_BYTES, VOTES,
};
use crate::sign::Signature;
use ipld_core::ipld::Ipld;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::SerializeMap};
use serde_bytes::ByteArray;
use std::collections::BTreeSet;
use weft_model::{Cid, Did, Instant};

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberRole {
    /// Submits and sees what is theirs; does not vote.
    Guest,
    /// Votes.
    Member,
    /// Admits and removes members, records donations, activates constitutions.
    Admin,
}

impl MemberRole {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Member => "member",
            Self::Admin => "admin",
        }
    }

    /// Whether it votes.
    pub fn votes(self) -> bool {
        self >= Self::Member
    }
}

/// The last event of a device that still counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastEvent {
    /// The device.
    pub device: Did,
    /// The event.
    pub event: Cid,
}

/// Makes [`Body`] and its closed encoding from one list of kinds.
macro_rules! bodies {
    ($( $(#[$meta:meta])* $variant:ident = $kind:literal { $( $(#[$fmeta:meta])* $field:ident : $ty:ty ),* $(,)? } )*) => {
        /// What an event says.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Body {
            $( $(#[$meta])* $variant { $( $(#[$fmeta])* $field: $ty, )* }, )*
            /// One member's choice in a poll, signed by the member; any device may carry it.
            Ballot(SignedBallot),
            /// A kind of a later version, kept as it is; void.
            Unknown {
                /// Its kind.
                kind: String,
                /// What it says.
                value: Ipld,
            },
        }

        /// The kinds whose encoding is derived.
        #[derive(Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        enum Known {
            $( #[serde(rename = $kind)] $variant { $( $field: $ty, )* }, )*
            #[serde(rename = "ballot")]
            Ballot(SignedBallot),
        }

        /// The kinds of this version.
        pub const KINDS: &[&str] = &[$( $kind, )* "ballot"];

        impl Body {
            /// Its kind, as encoded.
            pub fn kind(&self) -> &str {
                match self {
                    $( Self::$variant { .. } => $kind, )*
                    Self::Ballot(_) => "ballot",
                    Self::Unknown { kind, .. } => kind,
                }
            }
        }

        impl From<Known> for Body {
            fn from(known: Known) -> Self {
                match known {
                    $( Known::$variant { $( $field, )* } => Self::$variant { $( $field, )* }, )*
                    Known::Ballot(ballot) => Self::Ballot(ballot),
                }
            }
        }

        impl Serialize for Body {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                match self.clone() {
                    $( Self::$variant { $( $field, )* } => Known::$variant { $( $field, )* }.serialize(s), )*
                    Self::Ballot(ballot) => Known::Ballot(ballot).serialize(s),
                    Self::Unknown { kind, value } => {
                        let mut map = s.serialize_map(Some(1))?;
                        map.serialize_entry(&kind, &value)?;
                        map.end()
                    }
                }
            }
        }
    };
}

bodies! {
    /// An admin admits somebody, or gives a member another role or user name.
    MemberAdded = "member-added" {
        /// Their name, such as `alice@example.com`; one member's at a time.
        user: String,
        /// Their key.
        did: Did,
        /// What they may do.
        role: MemberRole,
    }
    /// An admin removes a member, or a member leaves. Events of their devices after the ones listed, and of devices
    /// not listed, are void unless they follow the removal and a new admission.
    MemberRemoved = "member-removed" {
        /// Who.
        did: Did,
        /// The last event that counts, per device.
        last: Vec<LastEvent>,
    }
    /// A device belongs to a member, by the member's own signature ([`crate::ballot::certify`]). A new device may
    /// bring this as its own first event.
    DeviceCertified = "device-certified" {
        /// The device.
        device: Did,
        /// The member.
        member: Did,
        /// The member's signature.
        signature: Signature,
    }
    /// Another key speaks for a member: by the signature of the key until now, or, where that is lost, by the word of more
    /// than half of the admins ([`crate::rekey`]). Without a signature it is an admin's word, or what the member's own
    /// device asks for.
    MemberRekeyed = "member-rekeyed" {
        /// Who, by their first key.
        member: Did,
        /// The key until now.
        old: Did,
        /// The key from now on.
        new: Did,
        /// The new key's signature.
        accepted: Signature,
        /// The old key's signature.
        given: Option<Signature>,
    }
    /// A vote begins. Its CID names the poll.
    PollOpened = "poll-opened" {
        /// What it is about.
        task_name: String,
        /// What can be chosen.
        options: Vec<String>,
        /// When it ends.
        closes_at: Instant,
    }
    /// A vote has ended. By its opener from its end on (or as soon as everybody voted), by any voting member a minute
    /// later.
    PollClosed = "poll-closed" {
        /// The poll.
        poll: Cid,
        /// The ballots counted: of each voter the one that counts, among all that the closer had seen.
        ballots: Vec<Cid>,
        /// Weight per option.
        totals: Vec<f64>,
        /// The option that won, as an index.
        consensus: Option<u32>,
        /// The leading option's share, 0 to 1.
        confidence: f64,
        /// The voting release that weighed and concluded.
        method: Cid,
    }
    /// An admin saw a donation. Nobody records their own.
    Donation = "donation" {
        /// Who gave.
        member: Did,
        /// How much, in credits.
        amount: u64,
        /// The admin.
        by: Did,
    }
    /// An admin gives a member a tier.
    TierGranted = "tier-granted" {
        /// Who.
        member: Did,
        /// Which.
        tier: String,
        /// The admin.
        by: Did,
    }
    /// A decision was made; this is its salted commitment, and its record stays on its node.
    DecisionCommitted = "decision-committed" {
        /// 32 bytes.
        commitment: ByteArray<32>,
    }
    /// A constitution takes the place of the one in force. One per base; of two at once the lower CID.
    ConstitutionActivated = "constitution-activated" {
        /// The constitution in force until now.
        base: Cid,
        /// The new one.
        constitution: Cid,
        /// The ballots or closings that carried it.
        votes: Vec<Cid>,
    }
    /// A task passed as an emergency; counted, open to review.
    OverrideUsed = "override-used" {
        /// The task's name.
        task: String,
        /// The word that made it one.
        word: String,
        /// Who submitted it.
        submitter: String,
    }
    /// An admin gives the network another name.
    NetworkNamed = "network-named" {
        /// What people call it from now on.
        name: String,
    }
    /// A device never counts again, by its own member or an admin. Its events after the one listed are void, all of
    /// them if none is; but not the member's word by which it began.
    DeviceRevoked = "device-revoked" {
        /// The device.
        device: Did,
        /// Its last event that counts.
        last: Option<Cid>,
    }
    /// A key no longer counts here, by this device's member; the key's own statement is kept beside the log.
    KeyRevoked = "key-revoked" {
        /// The key.
        key: Did,
        /// Why, for a person; may be empty.
        reason: String,
    }
    /// A key of this home gave its place to another; the statement that both signed is kept beside the log.
    KeyRotated = "key-rotated" {
        /// The key until now.
        old: Did,
        /// The key from now on.
        new: Did,
    }
    /// A release became the newest of its (publisher, name); the signed head is kept beside the log.
    ReleasePublished = "release-published" {
        /// Whose it is.
        publisher: Did,
        /// Its name.
        name: String,
        /// Its revision: 1 to 2^53 - 1.
        revision: u64,
        /// The release.
        release: Cid,
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let Ipld::Map(map) = Ipld::deserialize(d)? else {
            return Err(D::Error::custom("an event's body is a map with one key"));
        };
        let Some(kind) = map.keys().next().filter(|_| map.len() == 1) else {
            return Err(D::Error::custom("an event's body is a map with one key"));
        };
        if KINDS.contains(&kind.as_str()) {
            ipld_core::serde::from_ipld::<Known>(Ipld::Map(map))
                .map(Self::from)
                .map_err(D::Error::custom)
        } else {
            let (kind, value) = map.into_iter().next().expect("the map has one entry");
            Ok(Self::Unknown { kind, value })
        }
    }
}

impl Body {
    /// Checks every bound that needs nothing but the body itself.
    ///
    /// # Errors
    /// What was found and what is allowed.
    pub fn validate(&self) -> Result<(), String> {
        match self {
            Self::MemberAdded { user, .. } => check_text(user, NAME_BYTES),
            Self::MemberRemoved { last, .. } => at_most("devices", last.len(), DEVICES),
            Self::DeviceCertified { .. }
            | Self::DeviceRevoked { .. }
            | Self::DecisionCommitted { .. } => Ok(()),
            Self::NetworkNamed { name } => check_text(name, NAME_BYTES),
            Self::PollOpened {
                task_name, options, ..
            } => {
                check_text(task_name, NAME_BYTES)?;
                if !OPTIONS.contains(&options.len()) {
                    return Err(format!(
                        "{} options, allowed are {} to {}",
                        options.len(),
                        OPTIONS.start(),
                        OPTIONS.end()
                    ));
                }
                options.iter().try_for_each(|o| check_text(o, NAME_BYTES))?;
                distinct("options", options)
            }
            Self::Ballot(ballot) => integer("counter", ballot.counter, 0),
            Self::PollClosed {
                ballots,
                totals,
                consensus,
                confidence,
                ..
            } => {
                at_most("ballots", ballots.len(), BALLOTS)?;
                at_most("totals", totals.len(), *OPTIONS.end())?;
                distinct("ballots", ballots)?;
                if totals.iter().any(|t| !t.is_finite() || *t < 0.0) {
                    return Err("a total that is no finite weight from 0 on".to_owned());
                }
                if !(0.0..=1.0).contains(confidence) {
                    return Err(format!("confidence {confidence}, allowed is 0 to 1"));
                }
                match consensus {
                    Some(i) if *i as usize >= totals.len() => {
                        Err(format!("consensus on option {i} of {}", totals.len()))
                    }
                    _ => Ok(()),
                }
            }
            Self::Donation { amount, .. } => integer("amount", *amount, 1),
            Self::TierGranted { tier, .. } => check_text(tier, NAME_BYTES),
            Self::ConstitutionActivated { votes, .. } => {
                at_most("votes", votes.len(), VOTES)?;
                distinct("votes", votes)
            }
            Self::OverrideUsed {
                task,
                word,
                submitter,
            } => [task, word, submitter]
                .into_iter()
                .try_for_each(|t| check_text(t, NAME_BYTES)),
            Self::KeyRevoked { reason, .. } if reason.is_empty() => Ok(()),
            Self::KeyRevoked { reason, .. } => check_text(reason, REASON_BYTES),
            Self::KeyRotated { old, new } if old == new => {
                Err("a key that takes its own place".to_owned())
            }
            Self::MemberRekeyed {
                member, old, new, ..
            } if new == old || new == member => Err("a key that takes its own place".to_owned()),
            Self::KeyRotated { .. } | Self::MemberRekeyed { .. } => Ok(()),
            Self::ReleasePublished { name, revision, .. } => {
                check_text(name, NAME_BYTES)?;
                integer("revision", *revision, 1)
            }
            Self::Unknown { kind, .. } => check_text(kind, NAME_BYTES),
        }
    }
}

/// A poll's life fits its bounds.
pub(crate) fn check_poll_life(opened: Instant, closes_at: Instant) -> Result<(), String> {
    match closes_at.checked_sub(opened) {
        Some(ms) if POLL_MS.contains(&ms) => Ok(()),
        _ => Err(format!(
            "a poll that ends at {closes_at} and begins at {opened}, allowed are {} to {} ms",
            POLL_MS.start(),
            POLL_MS.end()
        )),
    }
}

/// A text of 1 to `max` bytes without control characters.
pub(crate) fn check_text(text: &str, max: usize) -> Result<(), String> {
    if text.trim().is_empty() || text.len() > max {
        return Err(format!(
            "a text of {} bytes, allowed are 1 to {max}",
            text.len()
        ));
    }
    if text.chars().any(char::is_control) {
        return Err("a text with a control character".to_owned());
    }
    Ok(())
}

fn at_most(what: &str, found: usize, max: usize) -> Result<(), String> {
    if found <= max {
        Ok(())
    } else {
        Err(format!("{found} {what}, allowed are {max}"))
    }
}

fn integer(what: &str, found: u64, min: u64) -> Result<(), String> {
    if (min..=MAX_INTEGER).contains(&found) {
        Ok(())
    } else {
        Err(format!("{what} {found}, allowed is {min} to {MAX_INTEGER}"))
    }
}

fn distinct<T: Ord>(what: &str, items: &[T]) -> Result<(), String> {
    if items.iter().collect::<BTreeSet<_>>().len() == items.len() {
        Ok(())
    } else {
        Err(format!("{what} that repeat"))
    }
}
