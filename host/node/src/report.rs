//! What the node tells people and programs: one value for text and for `--json`.
//!
//! Instants are RFC 3339 text in UTC here, and only here; fields that end in `_ms` are milliseconds.

pub use crate::trials::{TrialDifference, TrialReport};
mod content;
mod install;

pub use install::{
    InstallReport, OutdatedLine, OutdatedReport, PackageReport, PinReport, QuarantineReport,
};

pub use content::{
    ContentFinding, ContentGcReport, ContentGetReport, ContentProgress, ContentReport,
    ContentVerifyReport,
};

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
    /// Decisions taken so far.
    pub attempt: u32,
    /// CID of the last decision's record.
    pub decision: Option<String>,
    /// One per stage of the last decision.
    pub steps: Vec<StepReport>,
    /// Who runs it: `self` or a peer's id.
    pub peer: Option<String>,
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

/// A vote on a task's importance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PollReport {
    /// Its id.
    pub poll: String,
    /// The task's name.
    pub name: String,
    /// `open`, `decided` or `undecided`.
    pub status: String,
    /// When it opened and closes.
    pub opened_at: String,
    /// When it closes, or closed.
    pub closes_at: String,
    /// Options in order, with what they collected.
    pub options: Vec<PollOption>,
    /// How many may vote.
    pub eligible: u32,
    /// How many did.
    pub cast: u32,
    /// The winner.
    pub consensus: Option<String>,
    /// The leader's share of the weight, 0 to 1.
    pub confidence: f64,
    /// The voting method: plugin name and release CID.
    pub method: Option<String>,
    /// The method's release CID.
    pub method_cid: Option<String>,
    /// Who voted what.
    pub ballots: Vec<BallotReport>,
}

/// An option of a poll.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PollOption {
    /// Its name.
    pub option: String,
    /// Ballots.
    pub votes: u32,
    /// Weight; none while the poll is open.
    pub weight: Option<f64>,
}

/// One ballot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BallotReport {
    /// Who.
    pub member: String,
    /// What.
    pub choice: String,
    /// Weight; none while the poll is open.
    pub weight: Option<f64>,
    /// When.
    pub at: String,
}

/// An owner's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserReport {
    /// Who.
    pub user: String,
    /// Rest between tasks, in minutes.
    pub idle_minutes: i64,
    /// IANA zone; none: the system's.
    pub timezone: Option<String>,
    /// Critical tasks pass the hours.
    pub critical_any_hour: bool,
    /// Critical tasks pass the rest.
    pub critical_any_idle: bool,
}

/// One window of an owner's hours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HoursReport {
    /// Its id, unique per user.
    pub id: String,
    /// Whose.
    pub user: String,
    /// 0 is Sunday; none: every day.
    pub day: Option<u8>,
    /// First minute, `HH:MM`.
    pub from: String,
    /// End, `HH:MM`, exclusive.
    pub until: String,
    /// Whether it counts.
    pub active: bool,
    /// For a person.
    pub description: Option<String>,
}

/// One ethical rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RuleReport {
    /// Its id, unique per user.
    pub id: String,
    /// Whose.
    pub user: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its value.
    pub value: String,
    /// `strict` or `warn`.
    pub level: String,
    /// Whether it counts.
    pub active: bool,
    /// Why the owner set it.
    pub reasoning: Option<String>,
}

/// Whether an owner's rules can ever allow a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RulesCheckReport {
    /// Whose.
    pub user: String,
    /// Whether some task can be allowed at some time.
    pub possible: bool,
    /// What forbids it, or what was found on the way.
    pub findings: Vec<String>,
    /// The first moment that is allowed, from now on.
    pub next_window_at: Option<String>,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberReport {
    /// Name.
    pub user: String,
    /// Key.
    pub did: Option<String>,
    /// `admin`, `member` or `guest`.
    pub role: String,
    /// When they joined.
    pub joined_at: String,
    /// Whether it is this home's owner.
    pub is_self: bool,
}

/// A member's tier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TierReport {
    /// Who.
    pub user: String,
    /// `free`, `supporter`, `contributor`, or what the quota plugin says.
    pub tier: String,
    /// Finished tasks, ballots cast, donations in all.
    pub tasks: u64,
    /// Ballots cast.
    pub votes: u64,
    /// Donations in all.
    pub donations: f64,
    /// The last donation.
    pub donated_at: Option<String>,
    /// Tasks admitted today.
    pub used_today: u32,
    /// When the count starts again.
    pub resets_at: String,
}

/// A registered peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerReport {
    /// Its id.
    pub peer: String,
    /// Name that people use.
    pub alias: Option<String>,
    /// Energy.
    pub energy_type: String,
    /// Clean share, per cent.
    pub percent_clean: Option<f64>,
    /// Grid in g/kWh.
    pub grid_g_per_kwh: Option<f64>,
    /// Idle cores.
    pub cpu_free: Option<f64>,
    /// Free memory in MB.
    pub memory_free_mb: Option<f64>,
    /// IANA zone there.
    pub timezone: Option<String>,
    /// Whether it is up.
    pub online: bool,
    /// `declared`: from a row of the table, not from the peer itself.
    pub known: String,
}

/// The ranking for a task, explained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestReport {
    /// The scorer.
    pub scorer: String,
    /// Its release CID.
    pub scorer_cid: String,
    /// Best first.
    pub ranking: Vec<RankedReport>,
}

/// A candidate, with what the scorer saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankedReport {
    /// The peer; `self` for this device.
    pub peer: String,
    /// Its score.
    pub score: Option<f64>,
    /// Why it is out.
    pub out: Option<String>,
    /// What the scorer read of it.
    pub features: std::collections::BTreeMap<String, f64>,
}

/// A permission.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PermitReport {
    /// Peer id, alias or `*`.
    pub peer: String,
    /// User or `*`.
    pub user: String,
    /// Task name or `*`.
    pub task: String,
}

/// Carbon over a time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CarbonReport {
    /// The month, `YYYY-MM`; none: all time.
    pub month: Option<String>,
    /// Delegations and runs counted.
    pub tasks: u64,
    /// Emitted, in grams.
    pub emitted_g: f64,
    /// Avoided, in grams; negative when delegating made it worse.
    pub saved_g: f64,
    /// Average renewable share, per cent.
    pub average_renewable_percent: Option<f64>,
    /// How well it is known: rows by quality.
    pub quality: std::collections::BTreeMap<String, u64>,
    /// The delegation that saved most.
    pub best: Option<CarbonLine>,
    /// The delegation that saved least.
    pub worst: Option<CarbonLine>,
    /// One piece of advice.
    pub advice: String,
}

/// One row of the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CarbonLine {
    /// When.
    pub at: String,
    /// Task name.
    pub task: String,
    /// Where from and to.
    pub from: String,
    /// Where to.
    pub to: String,
    /// Grams saved.
    pub saved_g: f64,
    /// Grams emitted.
    pub emitted_g: f64,
}

/// The energy here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnergyReport {
    /// Source.
    #[serde(rename = "type")]
    pub kind: String,
    /// Clean share, per cent.
    pub percent_clean: Option<f64>,
    /// Grid in g/kWh.
    pub grid_g_per_kwh: Option<f64>,
    /// `declared`, `measured` or `unknown`.
    pub known: String,
    /// Since when.
    pub updated_at: Option<String>,
}

/// The node at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusReport {
    /// Its home.
    pub home: String,
    /// Whether a daemon serves it.
    pub daemon: bool,
    /// This device's key.
    pub device: String,
    /// Its owner.
    pub owner: String,
    /// The constitution in force.
    pub constitution: Option<String>,
    /// What serves each slot.
    pub slots: Vec<SlotReport>,
    /// Tasks by status.
    pub tasks: std::collections::BTreeMap<String, u64>,
    /// Open votes.
    pub open_polls: u64,
    /// Energy.
    pub energy: EnergyReport,
    /// Every setting, its value, and which source set it.
    pub settings: Vec<SettingReport>,
    /// Events in this device's log.
    pub log_events: u64,
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SettingReport {
    /// Its name in weft.toml.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// `default`, `weft.toml` or the environment variable's name.
    pub source: String,
}

/// What doctor found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DoctorReport {
    /// Whether nothing is broken.
    pub ok: bool,
    /// One per check.
    pub checks: Vec<CheckReport>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// What was looked at.
    pub check: String,
    /// `ok`, `warning` or `broken`.
    pub result: String,
    /// What was found.
    pub found: String,
    /// What to do; empty when fine.
    pub remedy: String,
}

/// A new home.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InitReport {
    /// Where.
    pub home: String,
    /// Whether it was made now (false: it was there and stays as it is).
    pub created: bool,
    /// This device's key.
    pub device: String,
    /// Its owner.
    pub owner: String,
    /// The genesis constitution.
    pub constitution: String,
    /// Default plugins in service.
    pub plugins: usize,
}

/// A backup or a restore.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BackupReport {
    /// The file or home written.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// What is in it.
    pub contains: Vec<String>,
}
