//! The home itself: its state, its settings, its health, its copies.

use super::{EnergyReport, SlotReport};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

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
    pub tasks: BTreeMap<String, u64>,
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
