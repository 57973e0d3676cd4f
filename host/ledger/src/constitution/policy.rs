//! The mesh policy: figures that all nodes must agree on and that no plugin owns. Its `Default` is DESIGN 13.

use super::ConstitutionError;
use crate::limits::{NAME_BYTES, OPTIONS, POLL_MS};
use serde::{Deserialize, Serialize};
use weft_model::task::Importance as Word;

/// Milliseconds in an hour.
const HOUR_MS: u64 = 3_600_000;
/// Milliseconds in a day.
const DAY_MS: u64 = 24 * HOUR_MS;
/// Most power that a task without a figure is modelled with, in watts.
const WATTS_MAX: f64 = 100_000.0;

/// What all nodes agree on beside the plugins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeshPolicy {
    /// How the importance of a task is voted on.
    pub importance: Importance,
    /// The zone of the community's days, an IANA name; quotas begin anew at its midnight.
    pub zone: String,
    /// How a constitution is voted on.
    pub policy_votes: PolicyVotes,
    /// How a result is verified.
    pub verification: Verification,
    /// What work costs at least, and what is put at stake.
    pub market: Market,
    /// What a device takes on.
    pub scheduling: Scheduling,
    /// What is assumed of energy.
    pub energy: Energy,
    /// What a device must offer to be asked at all.
    pub capability_floor: CapabilityFloor,
    /// How skills spread.
    pub skills: Skills,
}

/// How the importance of a task is voted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Importance {
    /// Whether it is voted on at all.
    pub voting: bool,
    /// What can be chosen, the weightiest first.
    pub options: Vec<String>,
    /// How long a poll is open, in milliseconds.
    pub window_ms: u64,
    /// How long a consensus on a name holds, in milliseconds.
    pub consensus_ms: u64,
}

/// How a constitution is voted on. Percentages of members and of votes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyVotes {
    /// Least share of the members who take part, per cent.
    pub turnout_percent: u8,
    /// Share of the votes that must be exceeded to approve, per cent.
    pub approve_above_percent: u8,
    /// Least share of the votes that approves a loosening, per cent.
    pub loosen_percent: u8,
    /// How long a loosening waits after its activation, in milliseconds.
    pub loosen_delay_ms: u64,
    /// How long admins may stay on the last version after an emergency, in milliseconds.
    pub emergency_ms: u64,
}

/// How a result is verified.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// Share of the assigned verifiers who must agree, per cent.
    pub quorum_percent: u8,
    /// Fewest and most verifiers assigned.
    pub assigned: (u8, u8),
    /// How long they have, in milliseconds.
    pub window_ms: u64,
    /// Validated results of (worker, component) until which every result is verified; then with probability 1/n.
    pub always_below: u32,
}

/// What work costs at least, and what is put at stake. In credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Market {
    /// Least fee.
    pub minimum_fee: u64,
    /// A worker's bond.
    pub bond: u64,
    /// How long it stays, in milliseconds.
    pub bond_ms: u64,
    /// What a member starts with, and regenerates to.
    pub floor: u64,
}

/// What a device takes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scheduling {
    /// Tasks that wait on one device.
    pub queue: u32,
    /// Factor by which a boosted task goes first.
    pub boost: f64,
    /// How long a task may run, in milliseconds.
    pub task_timeout_ms: u64,
}

/// What is assumed of energy where nobody says more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Energy {
    /// Minute of a device's local day at which off-peak hours begin, 0 to 1439.
    pub off_peak_minute: u16,
    /// Power of a task that declares none, in watts. Figures made from it are labelled modelled.
    pub modelled_watts: f64,
}

/// What a device must offer to be asked at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapabilityFloor {
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// Fuel.
    pub fuel: u64,
    /// Operations per second of a graphics processor.
    pub gpu_flops: u64,
    /// Bytes read and written.
    pub io_bytes: u64,
}

/// How skills spread. Shares are 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Skills {
    /// Peers that a node keeps for skills.
    pub peers: u32,
    /// Copies wanted.
    pub replication: u32,
    /// Trust below which a peer is dropped.
    pub trust_threshold: f64,
    /// Trust in a new peer.
    pub trust_new: f64,
    /// What a good transfer adds.
    pub trust_good: f64,
    /// Share of the trust that a bad transfer takes.
    pub trust_bad: f64,
    /// When what is known of a peer's skills is stale, in milliseconds.
    pub stale_ms: u64,
    /// How often a node says what it has, in milliseconds.
    pub advert_ms: u64,
    /// How often a node looks at its skills, in milliseconds.
    pub review_ms: u64,
    /// Demand above which a skill is downloaded.
    pub download_above: f64,
    /// Effectiveness above which a skill is advertised.
    pub advertise_above: f64,
    /// The same for strategies.
    pub advertise_strategy_above: f64,
    /// Connectivity below which a node looks for peers.
    pub connectivity_below: f64,
    /// Replication below which a node downloads first.
    pub replication_below: f64,
}

impl Default for MeshPolicy {
    fn default() -> Self {
        Self {
            importance: Importance {
                voting: true,
                options: Word::ALL.iter().map(|w| w.word().to_owned()).collect(),
                window_ms: 300_000,
                consensus_ms: DAY_MS,
            },
            zone: "UTC".to_owned(),
            policy_votes: PolicyVotes {
                turnout_percent: 60,
                approve_above_percent: 50,
                loosen_percent: 66,
                loosen_delay_ms: 72 * HOUR_MS,
                emergency_ms: 72 * HOUR_MS,
            },
            verification: Verification {
                quorum_percent: 66,
                assigned: (3, 7),
                window_ms: 15 * 60_000,
                always_below: 10,
            },
            market: Market {
                minimum_fee: 10,
                bond: 100,
                bond_ms: 7 * DAY_MS,
                floor: 1_000,
            },
            scheduling: Scheduling {
                queue: 256,
                boost: 1.5,
                task_timeout_ms: 30 * 60_000,
            },
            energy: Energy {
                off_peak_minute: 120,
                // One busy core of a laptop.
                modelled_watts: 15.0,
            },
            capability_floor: CapabilityFloor {
                memory_bytes: 128 * 1024 * 1024,
                fuel: 1_000_000,
                gpu_flops: 0,
                io_bytes: 50 * 1024 * 1024,
            },
            skills: Skills {
                peers: 50,
                replication: 3,
                trust_threshold: 0.7,
                trust_new: 0.8,
                trust_good: 0.01,
                trust_bad: 1.0 / 3.0,
                stale_ms: 60_000,
                advert_ms: 20_000,
                review_ms: 60_000,
                download_above: 0.6,
                advertise_above: 0.8,
                advertise_strategy_above: 0.9,
                connectivity_below: 0.7,
                replication_below: 0.8,
            },
        }
    }
}

impl MeshPolicy {
    /// Checks each figure against its range. Whether the zone exists is for whoever knows zones.
    pub(super) fn validate(&self) -> Result<(), ConstitutionError> {
        let i = &self.importance;
        let window = i64::try_from(i.window_ms).unwrap_or(i64::MAX);
        range(
            "mesh.importance.options",
            i.options.len(),
            *OPTIONS.start(),
            *OPTIONS.end(),
        )?;
        for option in &i.options {
            text("mesh.importance.options", option)?;
        }
        let mut distinct = i.options.clone();
        distinct.sort_unstable();
        distinct.dedup();
        range(
            "mesh.importance.options",
            distinct.len(),
            i.options.len(),
            i.options.len(),
        )?;
        range(
            "mesh.importance.window_ms",
            window,
            *POLL_MS.start(),
            *POLL_MS.end(),
        )?;
        range(
            "mesh.importance.consensus_ms",
            i.consensus_ms,
            0,
            366 * DAY_MS,
        )?;
        text("mesh.zone", &self.zone)?;

        let p = &self.policy_votes;
        range(
            "mesh.policy_votes.turnout_percent",
            p.turnout_percent,
            1,
            100,
        )?;
        range(
            "mesh.policy_votes.approve_above_percent",
            p.approve_above_percent,
            50,
            99,
        )?;
        range(
            "mesh.policy_votes.loosen_percent",
            p.loosen_percent,
            51,
            100,
        )?;
        range(
            "mesh.policy_votes.loosen_delay_ms",
            p.loosen_delay_ms,
            0,
            366 * DAY_MS,
        )?;
        range(
            "mesh.policy_votes.emergency_ms",
            p.emergency_ms,
            0,
            366 * DAY_MS,
        )?;

        let v = &self.verification;
        range(
            "mesh.verification.quorum_percent",
            v.quorum_percent,
            51,
            100,
        )?;
        range("mesh.verification.assigned", v.assigned.1, 1, 64)?;
        range("mesh.verification.assigned", v.assigned.0, 1, v.assigned.1)?;
        range(
            "mesh.verification.window_ms",
            v.window_ms,
            1_000,
            30 * DAY_MS,
        )?;

        let credits = crate::limits::MAX_INTEGER;
        range(
            "mesh.market.minimum_fee",
            self.market.minimum_fee,
            0,
            credits,
        )?;
        range("mesh.market.bond", self.market.bond, 0, credits)?;
        range("mesh.market.floor", self.market.floor, 0, credits)?;
        range("mesh.market.bond_ms", self.market.bond_ms, 0, 366 * DAY_MS)?;

        range("mesh.scheduling.queue", self.scheduling.queue, 1, 65_536)?;
        range("mesh.scheduling.boost", self.scheduling.boost, 1.0, 100.0)?;
        range(
            "mesh.scheduling.task_timeout_ms",
            self.scheduling.task_timeout_ms,
            1_000,
            30 * DAY_MS,
        )?;

        let e = &self.energy;
        range("mesh.energy.off_peak_minute", e.off_peak_minute, 0, 1_439)?;
        range(
            "mesh.energy.modelled_watts",
            e.modelled_watts,
            0.0,
            WATTS_MAX,
        )?;

        let s = &self.skills;
        range("mesh.skills.peers", s.peers, 1, 65_536)?;
        range("mesh.skills.replication", s.replication, 1, 1_024)?;
        for (field, share) in [
            ("mesh.skills.trust_threshold", s.trust_threshold),
            ("mesh.skills.trust_new", s.trust_new),
            ("mesh.skills.trust_good", s.trust_good),
            ("mesh.skills.trust_bad", s.trust_bad),
            ("mesh.skills.download_above", s.download_above),
            ("mesh.skills.advertise_above", s.advertise_above),
            (
                "mesh.skills.advertise_strategy_above",
                s.advertise_strategy_above,
            ),
            ("mesh.skills.connectivity_below", s.connectivity_below),
            ("mesh.skills.replication_below", s.replication_below),
        ] {
            range(field, share, 0.0, 1.0)?;
        }
        for (field, ms) in [
            ("mesh.skills.stale_ms", s.stale_ms),
            ("mesh.skills.advert_ms", s.advert_ms),
            ("mesh.skills.review_ms", s.review_ms),
        ] {
            range(field, ms, 1_000, DAY_MS)?;
        }
        Ok(())
    }
}

fn range<T: PartialOrd + std::fmt::Display>(
    field: &'static str,
    found: T,
    min: T,
    max: T,
) -> Result<(), ConstitutionError> {
    let why = format!("found {found}, allowed is {min} to {max}");
    if (min..=max).contains(&found) {
        Ok(())
    } else {
        Err(ConstitutionError::Field { field, why })
    }
}

fn text(field: &'static str, text: &str) -> Result<(), ConstitutionError> {
    crate::body::check_text(text, NAME_BYTES).map_err(|why| ConstitutionError::Field {
        field,
        why: format!("found {why}"),
    })
}
