//! Where, and what it cost: the `scorer` and `carbon` slots.

use super::time::Source;
use crate::{Columns, Instant};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScorerTask {
    pub critical: bool,
    pub duration: u64,
    pub cores: f64,
    pub memory_mb: u64,
    pub fee: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Exclusion {
    Offline,
    Unreachable,
    TooLittleCpu,
    TooLittleMemory,
    TooLittleDisk,
    BatteryLow,
    TooHot,
    TooDear,
    TooSlow,
    NotTrusted,
    NotFree,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Score {
    Score(f64),
    Excluded(Exclusion),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Quality {
    Measured,
    Modelled,
    Declared,
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    pub from: Instant,
    pub until: Instant,
    pub wh: f64,
    pub wh_quality: Quality,
    pub source: Source,
    pub grid: Option<f64>,
    pub grid_quality: Quality,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Actor {
    pub segments: Vec<Segment>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    pub actors: Vec<Actor>,
    pub transfer_wh: f64,
    pub home_source: Option<Source>,
    pub home_grid: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Footprint {
    pub emitted_mg: i64,
    pub avoided_mg: i64,
    pub quality: Quality,
}

/// Arguments of `rank`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rank {
    pub task: ScorerTask,
    pub candidates: Columns,
    pub tie_seed: u64,
}
