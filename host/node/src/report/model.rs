//! Models, and runs that were compared with their receipts.

use super::TaskReport;
use serde::{Deserialize, Serialize};

/// A model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelReport {
    /// What people call it here.
    pub name: String,
    /// The CID of its list of files: equal files are one model.
    pub cid: String,
    /// Bytes of all its files.
    pub size: u64,
    /// Its licence; empty: unknown.
    pub license: String,
    /// Where it came from.
    pub source: String,
    /// When it came here.
    pub added_at: String,
    /// Whether it came with Weft.
    pub bundled: bool,
    /// Its files, by path.
    pub files: Vec<ModelFileReport>,
}

/// A file of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFileReport {
    /// Its path within the model.
    pub path: String,
    /// Its CID.
    pub cid: String,
    /// Its bytes.
    pub size: u64,
}

/// A receipt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReceiptReport {
    /// Its CID.
    pub cid: String,
    /// CID of the claim, which is the same for whoever computes it.
    pub claim_cid: String,
    /// The release.
    pub release: String,
    /// Its component.
    pub component: String,
    /// The input: a CID, or `sha256:<hex>` for more than one block.
    pub input: String,
    /// CID of the params.
    pub params: String,
    /// CIDs of its model and of the directories that it could read.
    pub models: Vec<String>,
    /// The output, named as the input is.
    pub output: String,
    /// Fuel used.
    pub fuel: u64,
    /// The engine's profile, which fuel depends on.
    pub profile: String,
    /// Whether another run must give the same.
    pub verifiable: bool,
    /// Where chance began; none where nothing is sampled.
    pub seed: Option<u64>,
    /// The task.
    pub task: String,
    /// CID of the decision that it followed from; none where its owner ran it by hand.
    pub decision: Option<String>,
    /// Largest memory, in bytes.
    pub peak_memory_bytes: u64,
    /// Wall time, in milliseconds.
    pub wall_ms: u64,
    /// Energy, in watt-hours.
    pub energy_wh: f64,
    /// `measured`, `modelled` or `declared`.
    pub energy_known: String,
    /// The device that did it, and signed this.
    pub worker: String,
    /// When it ended.
    pub ended: String,
    /// What running it again gave; none where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<AgainReport>,
}

/// A run beside the claim of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgainReport {
    /// Whether everything is the same.
    pub equal: bool,
    /// What is not, and how.
    pub differences: Vec<String>,
    /// Wall time of this run, in milliseconds.
    pub wall_ms: u64,
}

/// Lines of a task's output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TailReport {
    /// The lines; empty where there are none yet.
    pub text: String,
    /// From which byte to go on.
    pub next: u64,
    /// The task as it ended: these were the last lines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<Box<TaskReport>>,
}
