//! The decision: `override -> voting -> sla -> consent -> ethics -> quota -> permission -> scorer`, as a pure state
//! machine.
//!
//! A [`Snapshot`] holds all that the answer depends on, taken in one transaction. The [`Pipeline`] asks for one slot
//! call at a time ([`Step::Ask`]); the caller carries it to the plugins and gives back their [`Answer`]s; at the end
//! stands a [`Decision`]. Same snapshot and same answers, same decision: so a recorded one can be run again.
//!
//! No clock, no I/O, no rules of its own: it knows the order, the known words for reasons, and what a slot's failure
//! means. Zones are passed in; [`windows`] turns hours of the week into intervals of instants.

mod outcome;
mod packed;
mod pipeline;
pub mod placement;
pub mod record;
mod snapshot;
mod stages;
pub mod trial;
pub mod windows;

pub use outcome::{Decision, Out, Ranked, StepRecord, Verdict, Violation};
pub use pipeline::{Answer, Failed, Pipeline, Step};
pub use record::{Record, RecordError};
pub use snapshot::{
    Candidates, Consensus, Energy, OwnerRules, Permission, QuotaState, Snapshot, VoteState,
};
