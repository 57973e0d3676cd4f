//! When: the `override`, `sla` and `consent` slots.

use crate::Instant;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Standing {
    Stranger,
    Guest,
    Member,
    Admin,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverrideRequest {
    pub name: String,
    pub tags: Vec<String>,
    pub standing: Standing,
    pub used: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OverrideVerdict {
    pub emergency: bool,
    pub word: Option<String>,
    pub until: Option<Instant>,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Source {
    Solar,
    Wind,
    Hydro,
    Nuclear,
    Biomass,
    Gas,
    Oil,
    Coal,
    Battery,
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outlook {
    pub from: Instant,
    pub until: Instant,
    pub clean: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SlaRequest {
    pub class: String,
    pub submitted: Instant,
    pub deadline: Option<Instant>,
    pub duration: u64,
    pub grid: Option<f64>,
    pub forecast: Vec<Outlook>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DaySpan {
    pub from: u16,
    pub until: u16,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub latest_start: Option<Instant>,
    pub clean: f64,
    pub source: Option<Source>,
    pub peak: Option<DaySpan>,
    pub delegate: bool,
    pub interrupt: bool,
    pub waiting_breaks: bool,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    Submitter,
    Executor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConsentUrgency {
    Low,
    Normal,
    High,
    Critical,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    pub from: Instant,
    pub until: Instant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConsentRequest {
    pub role: Role,
    pub hours_set: bool,
    pub windows: Vec<Interval>,
    pub last_run: Option<Instant>,
    pub idle: u64,
    pub duration: u64,
    pub urgency: ConsentUrgency,
    pub critical_any_hour: bool,
    pub critical_any_idle: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ConsentVerdict {
    Allow,
    Defer(Deferral),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deferral {
    pub until: Option<Instant>,
    pub reason: String,
    pub idle_left: u64,
}
