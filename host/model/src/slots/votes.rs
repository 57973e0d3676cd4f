//! Votes: the `voting` slot.

use crate::Columns;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statistic {
    pub min: f64,
    pub max: f64,
    pub sum: f64,
    pub count: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    pub totals: Vec<f64>,
    pub eligible: u32,
    pub cast: u32,
    pub closed: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    pub consensus: Option<u32>,
    pub confidence: f64,
}

/// Arguments of `weigh`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weigh {
    pub voters: Columns,
    pub statistics: Vec<Statistic>,
}
