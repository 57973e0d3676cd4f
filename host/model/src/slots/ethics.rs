//! Rules: the `ethics` slot.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    Warn,
    Strict,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub id: String,
    pub kind: String,
    pub value: String,
    pub level: Level,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Known {
    Measured,
    Modelled,
    Declared,
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EthicsTask {
    pub name: String,
    pub tags: Vec<String>,
    pub watts: f64,
    pub watts_known: Known,
    pub duration: u64,
    pub memory_mb: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Violation {
    pub rule: String,
    pub kind: String,
    pub observed: String,
    pub limit: String,
    pub hard: bool,
}

/// Arguments of `judge`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EthicsCall {
    pub rules: Vec<Rule>,
    pub tasks: Vec<EthicsTask>,
}
