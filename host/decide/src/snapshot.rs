//! What a decision is made from.

use serde::{Deserialize, Serialize};
use weft_model::slots::economy::Contribution;
use weft_model::slots::ethics::Rule;
use weft_model::slots::time::{Interval, Outlook, Source, Standing};
use weft_model::task::{Importance, TaskSpec};
use weft_model::{Columns, Instant};

/// Everything that a decision depends on, but for the plugins' answers. Fields stand in the order of canonical CBOR, so
/// that encoding moves none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When it is decided, and when it was submitted.
    pub now: Instant,
    /// What was asked for.
    pub spec: TaskSpec,
    /// The task's id and what was asked for.
    pub task: String,
    /// What is known of the vote on the task's name.
    pub vote: VoteState,
    /// Another device asks for it: quota and energy were judged there, hours and ethics of this device's owner count here.
    #[serde(default, skip_serializing_if = "is_no")]
    pub guest: bool,
    /// The submitter's quota.
    pub quota: QuotaState,
    /// The energy here.
    pub energy: Energy,
    /// 1 for the submission, one more for each resumption or retry.
    pub attempt: u32,
    /// The device owner's rules where that is somebody else.
    pub executor: Option<Result<OwnerRules, String>>,
    /// The next start of off-peak hours here, for when every candidate failed.
    pub off_peak: Option<Instant>,
    /// What the submitter is to the community.
    pub standing: Standing,
    /// When it was submitted.
    pub submitted: Instant,
    /// The submitter's own rules; an error when a row is malformed.
    pub submitter: Result<OwnerRules, String>,
    /// Who could run it: this device first.
    pub candidates: Candidates,
    /// Peers failed at it, and the off-peak hours since then have begun: it runs here on any energy.
    #[serde(default, skip_serializing_if = "is_no")]
    pub last_resort: bool,
    /// Overrides that the submitter used in the last 24 hours.
    pub overrides_used: u32,
    /// Whether a workload is bound to the task on this device.
    pub workload_bound: bool,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde calls"
)]
fn is_no(flag: &bool) -> bool {
    !flag
}

/// The vote on a task's importance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VoteState {
    /// The community does not vote: the submitter's word counts, but for critical.
    Off,
    /// A consensus is recorded for the name.
    Decided(Consensus),
    /// A poll ended without one, or nobody could vote in time: eco.
    Undecided,
    /// A poll is open until then.
    Open(Instant),
    /// None yet: one is to be opened, to close then.
    Needed(Instant),
}

/// A recorded consensus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Consensus {
    /// What was decided.
    pub importance: Importance,
    /// The winner's share of the weight, 0 to 1.
    pub confidence: f64,
    /// The poll.
    pub poll: String,
}

/// Energy at this device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Energy {
    /// Clean share here and now, per cent. None: unknown.
    pub percent_clean: Option<f64>,
    /// Its source.
    pub source: Source,
    /// Forecast for here.
    pub forecast: Vec<Outlook>,
}

/// What one owner set, resolved to instants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnerRules {
    /// Whose.
    pub user: String,
    /// Whether hours are set at all.
    pub hours_set: bool,
    /// The hours as intervals, a day back to nine days ahead.
    pub windows: Vec<Interval>,
    /// When this device last ran a task for the mesh.
    pub last_run: Option<Instant>,
    /// Rest between tasks, in milliseconds.
    pub idle_ms: u64,
    /// Critical tasks pass the hours.
    pub critical_any_hour: bool,
    /// Critical tasks pass the rest.
    pub critical_any_idle: bool,
    /// Active ethical rules, by id.
    pub rules: Vec<Rule>,
    /// Minutes that the owner's zone is ahead of UTC now; for showing local times.
    pub utc_offset_minutes: i32,
}

/// The submitter's use of the community's devices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuotaState {
    /// What they gave and did.
    pub contribution: Contribution,
    /// Tasks admitted since the last reset.
    pub used: u32,
    /// Of those, how many still run.
    pub in_flight: u32,
    /// The next reset.
    pub reset: Instant,
}

/// Who could run it, as columns. Row 0 is this device.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Candidates {
    /// Peer ids.
    pub ids: Vec<String>,
    /// One row per candidate.
    #[serde(with = "crate::packed::table")]
    pub table: Columns,
    /// How many of the features the scorer reads: the first ones.
    pub scored: u32,
    /// The features in the table: [`Self::features_for`] the scorer.
    pub features: Vec<String>,
    /// Whether each may run this task for this user, and why not.
    #[serde(with = "crate::packed::permissions")]
    pub permissions: Vec<Permission>,
}

/// Whether a candidate may run the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Permission {
    /// It may.
    Allowed,
    /// No row of `peer_permissions` allows it.
    NoPermit,
    /// The node's own list of allowed tasks does not have it.
    NotInAllowedTasks,
    /// It refused, lost or failed this very task before.
    FailedBefore,
    /// It is said to take longer than this node lets a task run.
    TooLong,
}

impl Candidates {
    /// Features that placement itself reads, whatever the scorer does.
    pub const HOST_FEATURES: [&'static str; 3] =
        ["energy.percent_clean", "energy.source", "peer.local_minute"];

    /// The features that a table holds: those of the scorer, then what placement reads and the scorer does not.
    pub fn features_for(scorer: &[String]) -> Vec<String> {
        let read = |feature: &&str| scorer.iter().any(|f| f == feature);
        let unread = Self::HOST_FEATURES.into_iter().filter(|f| !read(f));
        scorer
            .iter()
            .cloned()
            .chain(unread.map(ToOwned::to_owned))
            .collect()
    }

    /// Where [`Self::HOST_FEATURES`] stand in the table.
    pub fn host(&self) -> HostColumns<'_> {
        let place = |feature: &str| self.features.iter().position(|f| f == feature);
        HostColumns {
            table: &self.table,
            places: Self::HOST_FEATURES.map(place),
        }
    }

    /// A candidate's value of a feature; none when it is unknown or not in the table.
    pub fn value(&self, row: usize, feature: &str) -> Option<f64> {
        let f = self.features.iter().position(|f| f == feature)?;
        self.table.get(f, row)
    }
}

/// What placement itself reads of the candidates.
#[derive(Clone, Copy, Debug)]
pub struct HostColumns<'a> {
    table: &'a Columns,
    places: [Option<usize>; Candidates::HOST_FEATURES.len()],
}

impl HostColumns<'_> {
    /// A candidate's value of the `i`th of [`Candidates::HOST_FEATURES`]; none when it is unknown.
    pub fn value(&self, row: usize, i: usize) -> Option<f64> {
        self.table.get(self.places[i]?, row)
    }
}
