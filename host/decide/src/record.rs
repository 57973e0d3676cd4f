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
///
/// 2: what there is once for every candidate lies in columns. 1 had a map for each candidate in the ranking.
pub const FORMAT: u32 = 2;

/// Bytes that are no record of this format.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// They are no DAG-CBOR of a record's shape.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// Another version of Weft made it.
    #[error(
        "the decision record has format {found}, this version of weft reads {FORMAT}; read it with the version that \
         made it"
    )]
    Format {
        /// What it says.
        found: u32,
    },
}

/// A decision that can be run again. Fields stand in the order of canonical CBOR, so that encoding moves none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`FORMAT`].
    pub format: u32,
    /// The answers to each call, in order.
    pub answers: Vec<Vec<Answer>>,
    /// The engine profile that the plugins ran under.
    pub profile: String,
    /// What was decided.
    pub decision: Decision,
    /// What it was made from.
    pub snapshot: Snapshot,
    /// False when a step ended by anything but its output or its fuel.
    pub replayable: bool,
    /// The constitution in force.
    pub constitution: Option<Cid>,
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

    /// Reads a record of this [`FORMAT`].
    ///
    /// # Errors
    /// When the record is of another format, or the bytes are no record.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        match cbor::decode::<Head>(bytes)?.format {
            FORMAT => cbor::decode::<Self>(bytes)?.checked(),
            found => Err(RecordError::Format { found }),
        }
    }

    /// Refuses candidates whose columns do not have a row for each.
    fn checked(self) -> Result<Self, RecordError> {
        let candidates = &self.snapshot.candidates;
        let rows = candidates.ids.len();
        let same = candidates.permissions.len() == rows && candidates.table.rows as usize == rows;
        let scored = candidates.scored as usize <= candidates.features.len();
        match same && scored {
            true => Ok(self),
            false => Err(CborError::Decode(
                "the candidates' columns have different lengths".into(),
            )
            .into()),
        }
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
