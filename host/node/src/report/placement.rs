//! Peers, energy, carbon.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use weft_model::advert::{Hardware, Serves, Window};

/// A registered peer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PeerReport {
    /// Its id.
    pub peer: String,
    /// Name that people use.
    pub alias: Option<String>,
    /// What it calls itself.
    #[serde(default)]
    pub name: Option<String>,
    /// The member whose device it is.
    #[serde(default)]
    pub user: Option<String>,
    /// `lan`, `direct`, `relayed` or `unreachable`; none where it was never met.
    #[serde(default)]
    pub path: Option<String>,
    /// Round trip in milliseconds.
    #[serde(default)]
    pub rtt_ms: Option<f64>,
    /// 0 to 100; none without a battery.
    #[serde(default)]
    pub battery_percent: Option<f64>,
    /// Last sign of life, RFC 3339.
    #[serde(default)]
    pub last_seen: Option<String>,
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
    /// Free disk in MB.
    #[serde(default)]
    pub disk_free_mb: Option<f64>,
    /// Whether it is on mains.
    #[serde(default)]
    pub plugged_in: Option<bool>,
    /// 1 cold, 0 throttling.
    #[serde(default)]
    pub thermal_headroom: Option<f64>,
    /// 1 nobody uses it, 0 in use.
    #[serde(default)]
    pub idle: Option<f64>,
    /// Credits that it asks for a task.
    #[serde(default)]
    pub cost: Option<f64>,
    /// What else it says about itself; none where it is not heard.
    #[serde(default)]
    pub advert: Option<AdvertReport>,
    /// Whether it is up.
    pub online: bool,
    /// `declared`: by a person in the table, or by the peer of itself.
    pub known: String,
}

/// What a device says about itself beside its energy and what it has free.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdvertReport {
    /// When it said so, by its clock, RFC 3339.
    pub at: String,
    /// How it knows its energy: `measured`, `modelled`, `declared` or `unknown`.
    pub energy_known: String,
    /// What it is made of.
    pub hardware: Hardware,
    /// Names of the tasks that it takes; `*` alone: any; empty: none.
    pub allowed_tasks: Vec<String>,
    /// The longest that a task may run there, in milliseconds.
    pub max_task_duration_ms: u64,
    /// When its owner lets tasks run, in its local time. None: at any time; empty: never.
    pub hours: Option<Vec<Window>>,
    /// The releases that it serves.
    pub pins: Vec<PinnedReport>,
    /// Tasks that wait there.
    pub queue_depth: u32,
    /// Tasks that run there.
    pub running: u32,
    /// It carries traffic for members that can't reach each other.
    pub relay: bool,
}

/// A release that a device serves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PinnedReport {
    /// `slot` or `task`.
    pub serves: Serves,
    /// The slot's name, or the task's.
    pub name: String,
    /// The release's CID.
    pub release: String,
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
    pub features: BTreeMap<String, f64>,
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
    pub quality: BTreeMap<String, u64>,
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
    /// Charge as the source says it, per cent.
    pub battery_percent: Option<f64>,
    /// On mains as the source says it.
    pub plugged_in: Option<bool>,
    /// `measured`, `modelled`, `declared` or `unknown`.
    pub known: String,
    /// Since when.
    pub updated_at: Option<String>,
    /// Said by `weft energy set`, or in the table; the source does not count then.
    pub by_hand: bool,
    /// The setting `energy_source`.
    pub source: String,
    /// When the source was last read with success.
    pub read_at: Option<String>,
    /// What went wrong when the source was last tried.
    pub problem: Option<String>,
}
