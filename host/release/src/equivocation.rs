//! Proof that a publisher gave one revision of a name to two releases.
//!
//! Two signed files are the whole proof, each the envelope of a release or a head: anybody can check it, and nobody but
//! the publisher's key can have made it.

use crate::envelope::{Envelope, EnvelopeError};
use crate::statement::{self, Head};
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
    /// The release of the first file.
    pub first: Cid,
    /// That of the second.
    pub second: Cid,
}

/// Two files that prove nothing.
#[derive(Debug, thiserror::Error)]
pub enum EquivocationError {
    /// One of them does not hold.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// They are of different publishers, names or revisions.
    #[error("the two releases differ in their {0}: that is no equivocation; give two of the same")]
    Other(&'static str),
    /// They are one release.
    #[error("both name the release `{0}`: that is no equivocation; give two releases")]
    Same(Cid),
}

/// What a publisher signed of a number.
struct Said {
    publisher: Did,
    name: String,
    revision: u64,
    release: Cid,
}

/// Reads a head, or the envelope of a release, and checks its signatures.
fn said(bytes: &[u8]) -> Result<Said, EnvelopeError> {
    if let Ok(head) = statement::open::<Head>(bytes) {
        return Ok(Said {
            publisher: head.publisher,
            name: head.name,
            revision: head.revision,
            release: head.release,
        });
    }
    let opened = Envelope::decode(bytes)?.open()?;
    Ok(Said {
        publisher: opened.release.publisher,
        name: opened.release.name,
        revision: opened.release.revision,
        release: opened.cid,
    })
}

/// Checks that two signed files, each the envelope of a release or a head, prove an equivocation: the same publisher,
/// name and revision, another release, and the publisher's signature on both.
///
/// # Errors
/// When one does not open, or the two contradict nothing.
pub fn check(first: &[u8], second: &[u8]) -> Result<Equivocation, EquivocationError> {
    let (a, b) = (said(first)?, said(second)?);
    for (what, same) in [
        ("publisher", a.publisher == b.publisher),
        ("name", a.name == b.name),
        ("revision", a.revision == b.revision),
    ] {
        if !same {
            return Err(EquivocationError::Other(what));
        }
    }
    if a.release == b.release {
        return Err(EquivocationError::Same(a.release));
    }
    Ok(Equivocation {
        publisher: a.publisher,
        name: a.name,
        revision: a.revision,
        first: a.release,
        second: b.release,
    })
}
