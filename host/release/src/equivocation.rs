//! Proof that a publisher gave one revision of a name to two releases.
//!
//! Two envelopes are the whole proof: anybody can check it, and nobody but the publisher's key can have made it.

use crate::envelope::{Envelope, EnvelopeError};
use weft_model::{Cid, Did};

/// Two releases under one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivocation {
    /// Who signed both.
    pub publisher: Did,
    /// The release's name.
    pub name: String,
    /// The revision used twice.
    pub revision: u64,
    /// The release of the first envelope.
    pub first: Cid,
    /// That of the second.
    pub second: Cid,
}

/// Two envelopes that prove nothing.
#[derive(Debug, thiserror::Error)]
pub enum EquivocationError {
    /// One of them does not hold.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// They are of different publishers, names or revisions.
    #[error("the two releases differ in their {0}: that is no equivocation; give two of the same")]
    Other(&'static str),
    /// They are one release.
    #[error("both envelopes hold the release `{0}`: that is no equivocation; give two releases")]
    Same(Cid),
}

/// Checks that two envelopes prove an equivocation: the same publisher, name and revision, other bytes, and the
/// publisher's signature as author on both.
///
/// # Errors
/// When an envelope does not open, or the two contradict nothing.
pub fn check(first: &Envelope, second: &Envelope) -> Result<Equivocation, EquivocationError> {
    let (a, b) = (first.open()?, second.open()?);
    for (what, same) in [
        ("publisher", a.release.publisher == b.release.publisher),
        ("name", a.release.name == b.release.name),
        ("revision", a.release.revision == b.release.revision),
    ] {
        if !same {
            return Err(EquivocationError::Other(what));
        }
    }
    if a.cid == b.cid {
        return Err(EquivocationError::Same(a.cid));
    }
    Ok(Equivocation {
        publisher: a.release.publisher,
        name: a.release.name,
        revision: a.release.revision,
        first: a.cid,
        second: b.cid,
    })
}
