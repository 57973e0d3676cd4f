//! Everything that a node can be asked.

mod content;
mod key;
mod model;
mod network;
mod release;

pub use content::ContentRequest;
pub use key::{KeyRequest, TrustRequest};
pub use model::ModelRequest;
pub use network::NetworkRequest;
pub use release::{PackageRequest, SkillRow};

use crate::trial::TrialRequest;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use weft_model::Instant;
use weft_model::task::TaskSpec;

/// One request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the CLI's options, told in --help")]
pub enum Request {
    // The node.
    Status,
    Doctor,
    Stop,
    /// What happened after a place that an earlier answer gave. None: the last `last` entries.
    Happened {
        after: Option<(i64, i64)>,
        last: u32,
    },
    /// Moves the clock forward; refused by a daemon whose clock is the system's.
    ClockForward {
        ms: i64,
    },

    // Plugins and workloads. `path` is absolute; `target` is a release CID or a name.
    /// Checks a component file, makes its release, signs it with the home's owner key, runs its golden vectors and
    /// stores it. `kind` is `policy` or `workload`; another kind is refused.
    ReleaseAdd {
        path: String,
        kind: String,
        revision: Option<u64>,
    },
    /// None: of every kind.
    ReleaseList {
        kind: Option<String>,
    },
    /// Looks at a release, or at a component file that is not stored.
    ReleaseInspect {
        target: String,
    },
    SlotUse {
        slot: String,
        target: String,
        config: Option<Value>,
        add: bool,
    },
    SlotRollback {
        slot: String,
    },
    SlotHistory {
        slot: String,
    },
    SlotList,
    /// Releases on trial.
    Trial(TrialRequest),
    /// Calls a plugin by hand; `call` is `{"rank": {…}}`, as in a golden vector.
    PluginRun {
        target: String,
        call: Value,
        config: Option<Value>,
        at: Option<Instant>,
    },
    /// Times a plugin on its golden vectors.
    PluginBench {
        target: String,
        calls: usize,
    },
    /// Runs a stored or unstored component's golden vectors.
    PluginTest {
        target: String,
    },
    /// `grant`: it is given the directories that the name was granted.
    WorkloadUse {
        name: String,
        target: String,
        grant: bool,
    },
    WorkloadRollback {
        name: String,
    },
    WorkloadHistory {
        name: String,
    },

    Content(ContentRequest),
    Package(PackageRequest),
    Model(ModelRequest),

    // Tasks.
    /// Runs a workload here and now, and answers at its end. `text`: its input, where that is no file.
    Run {
        spec: TaskSpec,
        text: Option<String>,
    },
    /// The same, answered as soon as it runs.
    RunStart {
        spec: TaskSpec,
        text: Option<String>,
    },
    /// Lines of a task's output from a byte on, as soon as there are some, or after a moment.
    TaskTail {
        task: String,
        from: u64,
    },
    ReceiptShow {
        cid: String,
    },
    /// Runs it again. `input` (absolute) and `params`: those of the task, where they are none.
    ReceiptVerify {
        cid: String,
        input: Option<String>,
        params: Option<String>,
    },
    /// `wait`: answer when the task has come to its end, or waits for a moment.
    TaskSubmit {
        spec: TaskSpec,
        wait: bool,
    },
    /// A dry run: decides, stores nothing.
    TaskCheck {
        spec: TaskSpec,
        at: Option<Instant>,
    },
    TaskList {
        user: Option<String>,
        status: Option<String>,
        limit: u32,
    },
    TaskShow {
        task: String,
    },
    TaskCancel {
        task: String,
    },
    Why {
        task: String,
    },
    DecisionShow {
        cid: String,
    },
    DecisionVerify {
        cid: String,
    },

    // Votes, members, tiers.
    VoteOpen {
        name: String,
        minutes: Option<u32>,
    },
    /// `poll`: a poll's id or a task's name. `voter`: a member of this home whose key it holds.
    VoteCast {
        poll: String,
        choice: String,
        voter: Option<String>,
    },
    /// None: all open polls.
    VoteShow {
        poll: Option<String>,
    },
    /// Without a key, one is made and kept in the home.
    MemberAdd {
        user: String,
        did: Option<String>,
        role: String,
    },
    MemberList,
    TierShow {
        user: Option<String>,
    },
    TierDonate {
        user: String,
        amount: f64,
        by: Option<String>,
    },

    // The network.
    Network(NetworkRequest),

    // Keys, and whom this home trusts.
    Key(KeyRequest),
    Trust(TrustRequest),

    // An owner's rules.
    UserSet {
        user: String,
        idle_minutes: Option<u32>,
        timezone: Option<String>,
        critical_any_hour: Option<bool>,
        critical_any_idle: Option<bool>,
    },
    UserShow {
        user: String,
    },
    /// `from` and `until` are `HH:MM`; `day` is 0 to 6 from Sunday.
    HoursAdd {
        user: String,
        id: Option<String>,
        day: Option<u8>,
        from: String,
        until: String,
        description: Option<String>,
    },
    HoursList {
        user: String,
    },
    HoursRemove {
        user: String,
        id: String,
    },
    RulesAdd {
        user: String,
        id: Option<String>,
        kind: String,
        value: Option<String>,
        level: String,
        reasoning: Option<String>,
    },
    RulesList {
        user: String,
    },
    RulesRemove {
        user: String,
        id: String,
    },
    RulesCheck {
        user: String,
    },

    // Peers, permits, energy, carbon.
    PeerAdd {
        peer: PeerRow,
    },
    PeerList,
    PeerBest {
        any: bool,
        spec: TaskSpec,
    },
    PermitAdd {
        user: String,
        task: String,
        peer: Option<String>,
    },
    PermitList,
    PermitRemove {
        user: String,
        task: String,
        peer: Option<String>,
    },
    EnergySet {
        kind: String,
        percent: f64,
        grid: Option<f64>,
    },
    EnergyClear,
    EnergyShow,
    /// `YYYY-MM`; none: all time.
    CarbonReport {
        month: Option<String>,
    },

    // The home.
    Backup {
        path: String,
    },
}

/// A peer to register; what is none stays as it was, or unknown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs, reason = "the CLI's options, told in --help")]
pub struct PeerRow {
    pub peer: String,
    pub alias: Option<String>,
    pub energy_type: Option<String>,
    pub percent_clean: Option<f64>,
    pub grid_g_per_kwh: Option<f64>,
    pub cpu_free: Option<f64>,
    pub memory_free_mb: Option<f64>,
    pub disk_free_mb: Option<f64>,
    pub battery_percent: Option<f64>,
    pub plugged_in: Option<bool>,
    pub thermal_headroom: Option<f64>,
    pub idle: Option<f64>,
    pub rtt_ms: Option<f64>,
    pub path_class: Option<String>,
    pub cost: Option<f64>,
    pub reputation: Option<f64>,
    pub timezone: Option<String>,
    pub location: Option<String>,
    pub offline: bool,
    pub online: bool,
}
