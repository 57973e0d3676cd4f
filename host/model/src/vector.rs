//! Golden vectors as a release carries them: a DAG-CBOR list.

use crate::{Instant, SlotCall, SlotReply, cbor};
use ipld_core::ipld::Ipld;
use serde::{Deserialize, Serialize};

/// Relative tolerance between an expected and a computed float; expected values come from a calculation by hand.
pub const TOLERANCE: f64 = 1e-9;

/// One case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    /// What it shows.
    pub case: String,
    /// The instant that the policy is told.
    pub now: Instant,
    /// The config as canonical CBOR; empty for the defaults.
    #[serde(with = "serde_bytes")]
    pub config: Vec<u8>,
    /// The call.
    pub input: SlotCall,
    /// What it must give.
    pub output: Expected,
}

/// What a vector expects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expected {
    /// This answer, up to [`TOLERANCE`] in floats.
    Reply(SlotReply),
    /// A policy error of this name.
    Error(String),
}

/// One case of a workload: what it writes for an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobVector {
    /// What it shows.
    pub case: String,
    /// Its params, a JSON object; empty for none.
    pub params: String,
    /// What it reads.
    pub input: String,
    /// What it must give.
    pub output: JobExpected,
}

/// What a workload's vector expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobExpected {
    /// Just these bytes.
    Output(String),
    /// A failure of this kind: `bad-params`, `bad-input`, `missing` or `failed`.
    Error(String),
}

/// Those of a release.
#[derive(Clone, Debug, PartialEq)]
pub enum Vectors {
    /// Of a policy.
    Policy(Vec<Vector>),
    /// Of a workload that computes without a model.
    Job(Vec<JobVector>),
}

impl Vectors {
    /// Reads those of a policy, or of a workload.
    ///
    /// # Errors
    /// When they are not such a list in DAG-CBOR.
    pub fn decode(bytes: &[u8], is_workload: bool) -> Result<Self, cbor::CborError> {
        Ok(match is_workload {
            true => Self::Job(cbor::decode(bytes)?),
            false => Self::Policy(cbor::decode(bytes)?),
        })
    }

    /// As a release carries them.
    ///
    /// # Errors
    /// When a number is none that DAG-CBOR has.
    pub fn encode(&self) -> Result<Vec<u8>, cbor::CborError> {
        match self {
            Self::Policy(vectors) => cbor::encode(vectors),
            Self::Job(vectors) => cbor::encode(vectors),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Policy(vectors) => vectors.len(),
            Self::Job(vectors) => vectors.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Whether two replies are equal but for [`TOLERANCE`] in floats.
pub fn close(a: &SlotReply, b: &SlotReply) -> bool {
    let ipld = |r: &SlotReply| ipld_core::serde::to_ipld(r).ok();
    match (ipld(a), ipld(b)) {
        (Some(a), Some(b)) => close_ipld(&a, &b),
        _ => false,
    }
}

fn close_ipld(a: &Ipld, b: &Ipld) -> bool {
    match (a, b) {
        (Ipld::Float(x), Ipld::Float(y)) => {
            x == y || (x - y).abs() <= TOLERANCE * x.abs().max(y.abs())
        }
        (Ipld::List(x), Ipld::List(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| close_ipld(x, y))
        }
        (Ipld::Map(x), Ipld::Map(y)) => {
            x.len() == y.len()
                && x.iter()
                    .all(|(k, x)| y.get(k).is_some_and(|y| close_ipld(x, y)))
        }
        _ => a == b,
    }
}
