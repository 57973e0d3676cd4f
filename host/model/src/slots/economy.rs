//! Shares: the `quota`, `reward`, `reputation` and `demand` slots.

use crate::Instant;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    pub tasks: u64,
    pub votes: u64,
    pub since: Instant,
    pub donated: Option<Instant>,
    pub granted: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuotaRequest {
    pub tier: String,
    pub used: u32,
    pub in_flight: u32,
    pub duration: u64,
    pub memory_mb: u64,
    pub reset: Instant,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reservation {
    pub tasks: u32,
    pub duration: u64,
    pub memory_mb: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delay {
    pub until: Instant,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum QuotaVerdict {
    Admit(Reservation),
    Wait(Delay),
    Deny(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Reveal {
    Agrees,
    Disagrees,
    Missing,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verifier {
    pub reveal: Reveal,
    pub reputation: f64,
    pub stake: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settlement {
    pub amount: u64,
    pub accepted: bool,
    pub quality: f64,
    pub timeliness: f64,
    pub worker_stake: u64,
    pub verifiers: Vec<Verifier>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Payout {
    pub worker: u64,
    pub verifiers: Vec<u64>,
    pub pool: u64,
    pub refund: u64,
    pub slash_worker: u64,
    pub slash_verifiers: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum WorkRole {
    Execution,
    Verification,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkReceipt {
    pub role: WorkRole,
    pub correct: bool,
    pub value: u64,
    pub counterparty: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    pub prior: Option<ReputationScore>,
    pub elapsed: u64,
    pub receipts: Vec<WorkReceipt>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReputationScore {
    pub value: f64,
    pub uncertainty: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    pub prior: f64,
    pub elapsed: u64,
    pub uses: u32,
    pub effectiveness: f64,
    pub seeders: u32,
    pub size_bytes: u64,
    pub free_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Advice {
    Drop,
    Keep,
    Replicate,
    ReplicateNow,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DemandVerdict {
    pub demand: f64,
    pub urgency: f64,
    pub replicas: u32,
    pub advice: Advice,
}
