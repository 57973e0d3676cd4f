//! The decision record: a snapshot, the plugins' answers and the decision, known by a CID.
//!
//! Calls are not stored: they follow from the snapshot. To check a record, run the [`crate::Pipeline`] on its
//! snapshot with the recorded answers (the decision must be the same), and ask the named releases again (their
//! answers must be the same).

use crate::outcome::Decision;
use crate::pipeline::{Answer, Pipeline, Step};
use crate::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use weft_model::cbor::CborError;
use weft_model::{Cid, SlotCall, cbor, content};

/// Version of this record's form.
pub const FORMAT: u32 = 1;

/// A decision that can be run again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`FORMAT`].
    pub format: u32,
    /// The constitution in force.
    pub constitution: Option<Cid>,
    /// The engine profile that the plugins ran under.
    pub profile: String,
    /// What it was made from.
    pub snapshot: Snapshot,
    /// The answers to each call, in order.
    pub answers: Vec<Vec<Answer>>,
    /// What was decided.
    pub decision: Decision,
    /// False when a step ended by anything but its output or its fuel.
    pub replayable: bool,
}

impl Record {
    /// Makes the record of a finished decision.
    pub fn new(
        constitution: Option<Cid>,
        profile: &str,
        snapshot: Snapshot,
        answers: Vec<Vec<Answer>>,
        decision: Decision,
    ) -> Self {
        let replayable = answers
            .iter()
            .flatten()
            .all(|a| a.outcome.as_ref().err().is_none_or(|f| f.replayable));
        Self {
            format: FORMAT,
            constitution,
            profile: profile.to_owned(),
            snapshot,
            answers,
            decision,
            replayable,
        }
    }

    /// Its bytes and their CID.
    ///
    /// # Errors
    /// When a value has no DAG-CBOR form.
    pub fn encode(&self) -> Result<(Cid, Vec<u8>), CborError> {
        let bytes = cbor::encode(self)?;
        Ok((content::record_cid(&bytes), bytes))
    }

    /// Runs the pipeline on the snapshot with the recorded answers: the calls that it makes, and its decision.
    pub fn rerun(&self) -> (Vec<SlotCall>, Option<Decision>) {
        let (mut pipeline, mut step) = Pipeline::start(&self.snapshot);
        let mut calls = Vec::new();
        let mut answers = self.answers.iter();
        loop {
            match step {
                Step::Done(decision) => return (calls, Some(*decision)),
                Step::Ask(call) => {
                    calls.push(call);
                    match answers.next() {
                        Some(answers) => step = pipeline.resume(answers),
                        None => return (calls, None),
                    }
                }
            }
        }
    }
}
