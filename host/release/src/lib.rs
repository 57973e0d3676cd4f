//! Release records, the envelopes that sign them, and what follows from a record alone: its kind, the canonical form
//! of a config, what an update wants more than its predecessor, and a difference that a person can read. And what
//! content is: files as UnixFS, CAR files over a reader or writer that is passed in.
//!
//! A function of its arguments throughout: no storage, no network, no clock, no randomness; keys are passed in. It
//! does not choose whom to trust: [`Envelope::verify`] says who signed, [`Trust::judge`] holds that against the rules that
//! an owner wrote down.
//!
//! Invariant: a [`Release`] that was decoded here is valid and has exactly one encoding, so its CID names it.

pub mod car;
pub mod config;
pub mod diff;
mod dsse;
pub mod envelope;
pub mod equivocation;
pub mod growth;
pub mod install;
pub mod kind;
pub mod limits;
pub mod names;
pub mod record;
pub mod statement;
pub mod text;
pub mod trial;
pub mod trust;
pub mod unixfs;

pub use config::{ConfigError, canonical_config};
pub use diff::diff;
pub use envelope::{Envelope, EnvelopeError, Opened, Role};
pub use equivocation::{Equivocation, EquivocationError};
pub use growth::{Growth, growth};
pub use kind::{Kind, WorldError};
pub use record::{
    Component, Effectiveness, Known, Limits, Model, RecordError, Release, ReleaseError,
};
pub use statement::{Head, Revocation, Rotation, StatementError};
pub use trial::{TrialError, TrialExample, TrialRecord};
pub use trust::{Trust, TrustError, Verdict};
