//! Tasks and their decisions.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use weft_decide::{Candidates, Out, Ranked, Violation};

/// A task as people see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskReport {
    /// Its id. For a dry run: `dry-run`.
    pub task: String,
    /// Its name.
    pub name: String,
    /// Who submitted it.
    pub user: String,
    /// `running`, `done`, `delegated`, `deferred`, `blocked`, `queued`, `failed` or `cancelled`; for a dry run what
    /// it would become.
    pub status: String,
    /// Why, in the known words.
    pub reason: Option<String>,
    /// What a person should know all the same.
    pub warning: Option<String>,
    /// The next window, as local `HH:MM` of its owner's zone.
    pub next_window_start: Option<String>,
    /// The same as a full instant.
    pub next_window_at: Option<String>,
    /// When it is decided again by itself.
    pub retry_at: Option<String>,
    /// Violations of ethical rules.
    pub violations: Vec<Violation>,
    /// Importance that counts.
    pub importance: Option<String>,
    /// Urgency that counts.
    pub urgency: Option<String>,
    /// SLA class that counts.
    pub sla: Option<String>,
    /// Whether input, params and output are encrypted wherever it runs but here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub private: bool,
    /// Decisions taken so far.
    pub attempt: u32,
    /// CID of the last decision's record.
    pub decision: Option<String>,
    /// One per stage of the last decision.
    pub steps: Vec<StepReport>,
    /// Who runs it: `self` or a peer's id.
    pub peer: Option<String>,
    /// How far it is there, while it is with a device of the mesh.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with_peer: Option<WithPeer>,
    /// The open vote on its name.
    pub poll: Option<String>,
    /// File that holds the output.
    pub output: Option<String>,
    /// The workload's one-line summary.
    pub summary: Option<String>,
    /// The receipt's CID.
    pub receipt: Option<String>,
    /// When it was submitted.
    pub submitted_at: String,
    /// When it ended.
    pub finished_at: Option<String>,
}

/// A task that is with a device of the mesh.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithPeer {
    /// Who the device is, as people call it.
    pub name: String,
    /// Whether it accepted the task.
    pub running: bool,
    /// Bytes of output so far, as it says; none: it has not said yet.
    pub written: Option<u64>,
}

/// One stage of a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// The slot; `permission` for the stage without one.
    pub slot: String,
    /// The plugin that answered.
    pub plugin: Option<String>,
    /// Its release's CID.
    pub release: Option<String>,
    /// What it said.
    pub verdict: String,
    /// Fuel used; none where no plugin ran.
    pub fuel: Option<u64>,
    /// Wall time in microseconds.
    pub us: Option<u64>,
}

/// A decision with all that a person asks about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WhyReport {
    /// The task.
    pub task: TaskReport,
    /// Candidates, best first.
    pub ranking: Vec<CandidateReport>,
    /// The task's history, oldest first.
    pub history: Vec<HistoryLine>,
    /// The constitution in force.
    pub constitution: Option<String>,
}

/// A candidate's place in a ranking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CandidateReport {
    /// The peer; `self` for this device.
    pub peer: String,
    /// Its score. None: out.
    pub score: Option<f64>,
    /// Why it is out, or does not qualify now.
    pub out: Option<Out>,
}

impl CandidateReport {
    /// A recorded ranking, with the peers' ids.
    pub(crate) fn of(ranking: &[Ranked], candidates: &Candidates) -> Vec<Self> {
        ranking
            .iter()
            .map(|ranked| Self {
                peer: candidates
                    .ids
                    .get(ranked.row as usize)
                    .cloned()
                    .unwrap_or_default(),
                score: ranked.score,
                out: ranked.out,
            })
            .collect()
    }
}

/// A line of a task's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HistoryLine {
    /// When.
    pub at: String,
    /// The status it took.
    pub status: String,
    /// Why.
    pub reason: Option<String>,
}

/// A decision record, and what running it again gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionReport {
    /// Its CID.
    pub cid: String,
    /// The record as JSON.
    pub record: Value,
}

/// The outcome of running a recorded decision again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerifyReport {
    /// The record's CID.
    pub cid: String,
    /// Whether the bytes hash to the CID, every plugin gave the same answer, and the decision is the same.
    pub equal: bool,
    /// Calls that were made again.
    pub calls: usize,
    /// Where it differs.
    pub differences: Vec<String>,
    /// Why it can't be run again, where that is so.
    pub unreplayable: Option<String>,
}
