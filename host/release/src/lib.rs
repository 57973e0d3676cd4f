//! Release records, the envelopes that sign them, and what follows from a record alone: its kind, the canonical form
//! of a config, what an update wants more than its predecessor, and a difference that a person can read.
//!
//! A function of its arguments throughout: no storage, no network, no clock, no randomness; keys are passed in. It
//! does not decide whom to trust: [`Envelope::verify`] says who signed, the caller holds that against its rules.
//!
//! Invariant: a [`Release`] that was decoded here is valid and has exactly one encoding, so its CID names it.

pub mod config;
pub mod diff;
pub mod envelope;
pub mod growth;
pub mod kind;
pub mod limits;
pub mod record;
pub mod text;
pub mod trial;

pub use config::{ConfigError, canonical_config};
pub use diff::diff;
pub use envelope::{Envelope, EnvelopeError, Role};
pub use growth::{Growth, growth};
pub use kind::{Kind, WorldError};
pub use record::{
    Component, Effectiveness, Known, Limits, Model, RecordError, Release, ReleaseError,
};
pub use trial::{TrialError, TrialExample, TrialRecord};
