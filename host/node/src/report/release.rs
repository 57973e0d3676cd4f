//! Releases, what serves a slot, and what a plugin says when it is called by hand.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A release that this node holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReleaseReport {
    /// Its CID.
    pub cid: String,
    /// Name, version, revision.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// Revision.
    pub revision: u64,
    /// `policy` or `workload`.
    pub kind: String,
    /// The slot, for a policy.
    pub slot: Option<String>,
    /// The world.
    pub world: String,
    /// CID of the component.
    pub component: String,
    /// Size of the component in bytes.
    pub size: u64,
    /// Who published it.
    pub publisher: String,
    /// Imports read from the binary.
    pub imports: Vec<String>,
    /// Features that it reads.
    pub features: Vec<String>,
    /// One sentence.
    pub description: String,
    /// Where it is in force: slot or task names.
    pub serves: Vec<String>,
    /// `verified`, `active`, `quarantined` …
    pub state: String,
    /// Golden vectors that it passed.
    pub vectors: Option<usize>,
    /// JSON Schema of its config.
    pub config_schema: Option<Value>,
}

/// What serves a slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlotReport {
    /// The slot.
    pub slot: String,
    /// In order.
    pub plugins: Vec<SlotPlugin>,
    /// The constitution that this made.
    pub constitution: Option<String>,
}

/// One plugin of a slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlotPlugin {
    /// Release CID.
    pub cid: String,
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// `enforce`, `shadow` or `canary N%`.
    pub mode: String,
    /// Config as JSON; empty object for the defaults.
    pub config: Value,
    /// Since when.
    pub since: String,
}

/// A change of a slot or a workload binding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangeReport {
    /// When.
    pub at: String,
    /// `genesis`, `use`, `add`, `rollback`, `quarantine`.
    pub action: String,
    /// Release CIDs in force afterwards.
    pub releases: Vec<String>,
    /// Their names.
    pub names: Vec<String>,
    /// Why.
    pub reason: Option<String>,
}

/// One call of a plugin by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// The release.
    pub cid: String,
    /// The plugin's name.
    pub name: String,
    /// Its answer.
    pub reply: Value,
    /// Fuel used.
    pub fuel: u64,
    /// Wall time in microseconds.
    pub us: u64,
}

/// Timings of a plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchReport {
    /// The release.
    pub cid: String,
    /// The plugin's name.
    pub name: String,
    /// Vectors called in turn, calls in all.
    pub cases: usize,
    /// Calls.
    pub calls: usize,
    /// Microseconds a call on a fresh instance: least, median, 99th percentile.
    pub min_us: f64,
    /// Median.
    pub median_us: f64,
    /// 99th percentile.
    pub p99_us: f64,
    /// Median fuel.
    pub median_fuel: u64,
}
