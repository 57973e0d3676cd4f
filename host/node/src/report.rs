//! What the node tells people and programs: one value for text and for `--json`.
//!
//! Instants are RFC 3339 text in UTC here, and only here; fields that end in `_ms` are milliseconds. One file per
//! concern; nothing here computes.

mod community;
mod content;
mod home;
mod install;
mod metrics;
mod model;
mod network;
mod owner;
mod placement;
mod release;
mod task;

pub use crate::trials::{TrialDifference, TrialReport};
pub use community::{BallotReport, MemberReport, PollOption, PollReport, TierReport};
pub use content::{
    ContentFinding, ContentGcReport, ContentGetReport, ContentProgress, ContentReport,
    ContentUnpublishReport, ContentVerifyReport, FetchReport, SeederReport,
};
pub use home::{BackupReport, CheckReport, DoctorReport, InitReport, SettingReport, StatusReport};
pub use install::{
    InstallReport, OutdatedLine, OutdatedReport, PackageReport, PinReport, QuarantineReport,
};
pub use metrics::{FeedEntry, FeedReport, Figure};
pub use model::{AgainReport, ModelFileReport, ModelReport, ReceiptReport, TailReport};
pub use network::{
    DeviceReport, EventReport, FoundReport, InviteReport, JoinReport, LogReport, LogVerifyReport,
    MeshPeerReport, MeshReport, NetworkReport, OutsiderReport,
};
pub use owner::{HoursReport, PermitReport, RuleReport, RulesCheckReport, UserReport};
pub use placement::{
    AdvertReport, BestReport, CarbonLine, CarbonReport, EnergyReport, PeerReport, PinnedReport,
    RankedReport,
};
pub use release::{BenchReport, ChangeReport, ReleaseReport, RunReport, SlotPlugin, SlotReport};
pub use task::{
    CandidateReport, DecisionReport, HistoryLine, StepReport, TaskReport, VerifyReport, WhyReport,
    WithPeer,
};
