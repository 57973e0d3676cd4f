//! Golden vectors as a release carries them: a DAG-CBOR list.

use crate::{Instant, SlotCall, SlotReply};
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
