//! What a node answers.

mod content;
mod model;
mod network;
mod release;

pub use content::ContentResponse;
pub use model::ModelResponse;
pub use network::NetworkResponse;
pub use release::PackageResponse;

use serde::{Deserialize, Serialize};
use weft_node::key_report::{KeyFileReport, KeyReport, TrustReport, TrustTestReport};
use weft_node::report::*;

/// One response. `--json` prints what is inside.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", content = "value", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each is named for its report")]
pub enum Response {
    /// Done; nothing to show but this sentence.
    Done(String),
    Status(Box<StatusReport>),
    Doctor(DoctorReport),
    Happened(FeedReport),
    Release(Box<ReleaseReport>),
    Releases(Vec<ReleaseReport>),
    Slot(SlotReport),
    Slots(Vec<SlotReport>),
    Changes(Vec<ChangeReport>),
    Trial(Box<TrialReport>),
    Run(RunReport),
    Bench(BenchReport),
    Task(Box<TaskReport>),
    Tasks(Vec<TaskReport>),
    Why(Box<WhyReport>),
    Decision(DecisionReport),
    Verify(VerifyReport),
    Poll(PollReport),
    Polls(Vec<PollReport>),
    Member(MemberReport),
    Members(Vec<MemberReport>),
    Tiers(Vec<TierReport>),
    User(UserReport),
    Hours(Vec<HoursReport>),
    Rules(Vec<RuleReport>),
    RulesCheck(RulesCheckReport),
    Peer(Box<PeerReport>),
    Peers(Vec<PeerReport>),
    Best(BestReport),
    Permits(Vec<PermitReport>),
    Energy(EnergyReport),
    Carbon(CarbonReport),
    Backup(BackupReport),
    Content(ContentResponse),
    Network(NetworkResponse),
    Package(PackageResponse),
    Model(ModelResponse),
    Receipt(Box<ReceiptReport>),
    Tail(TailReport),
    Key(Box<KeyReport>),
    Keys(Vec<KeyReport>),
    KeyFile(KeyFileReport),
    Trust(TrustReport),
    TrustTest(TrustTestReport),
}

/// Why a request was refused: what happened, why, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// Stable, for programs, such as `not-found`.
    pub code: String,
    /// What happened, and why.
    pub message: String,
    /// What to do; empty when there is nothing to add.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remedy: String,
}

impl ApiError {
    /// An error with what to do; an empty remedy when there is nothing to add.
    pub fn new(code: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}

impl From<weft_node::NodeError> for ApiError {
    fn from(e: weft_node::NodeError) -> Self {
        Self {
            code: e.code.as_str().to_owned(),
            remedy: e.advice().to_owned(),
            message: e.message,
        }
    }
}
