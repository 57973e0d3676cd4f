//! Carries a decision's calls to the plugins and makes its record.

use crate::caps::NoPlace;
use crate::error::Result;
use crate::gather::Wanted;
use crate::node::Node;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use weft_decide::{Answer, Decision, Failed, Pipeline, Record, Snapshot, Step};
use weft_engine::{CallError, Table};
use weft_model::{Cid, Slot, SlotCall, content};
use weft_store::Read;

/// A decision with its record and trace.
pub struct Decided {
    /// The decision.
    pub decision: Decision,
    /// The candidates' ids, which the ranking's rows count.
    pub candidates: Vec<String>,
    /// The record's CID.
    pub cid: Cid,
    /// The record's bytes.
    pub record: Vec<u8>,
    /// Fuel and times, beside the record.
    pub trace: Vec<TraceLine>,
    /// What happened beside the recorded decision, for a person.
    pub notes: Vec<String>,
    /// Canaries that gave no answer, so that the serving version decided in their place.
    pub canaries_failed: Vec<CanaryFailed>,
    /// Why a task that may run here does not run yet: the owner's caps leave no place for its job.
    pub(crate) held: Option<NoPlace>,
}

/// A canary that gave no answer.
#[derive(Clone, Debug, PartialEq)]
pub struct CanaryFailed {
    /// The slot.
    pub slot: Slot,
    /// How it failed, for a person.
    pub why: String,
    /// Whether that was a trap, a limit or a broken contract, and no refusal to judge.
    pub counts: bool,
}

/// What one call of a plugin cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TraceLine {
    /// The slot.
    pub slot: Slot,
    /// The call.
    pub call: String,
    /// The release.
    pub release: Cid,
    /// Fuel; none when it failed.
    pub fuel: Option<u64>,
    /// Wall time in microseconds.
    pub us: u64,
    /// How it failed.
    pub error: Option<String>,
    /// Whether the breaker counts that failure.
    #[serde(default)]
    pub counts: bool,
    /// The release that failed before this one answered in its place, and how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<(Cid, CallError)>,
}

impl Node {
    /// Decides, with the plugins of one table throughout.
    ///
    /// # Errors
    /// When the record can't be encoded.
    pub fn decide(&self, table: &Table, snapshot: Snapshot) -> Result<Decided> {
        let mut trace = Vec::new();
        let mut given: Vec<Vec<Answer>> = Vec::new();
        let mut canaries_failed = Vec::new();
        let (mut pipeline, mut step) = Pipeline::start(&snapshot);
        let decision = loop {
            match step {
                Step::Done(decision) => break *decision,
                Step::Ask(call) => {
                    let asked = trace.len();
                    let answers = self.ask(table, snapshot.now, &call, &mut trace);
                    canaries_failed.extend(
                        trace[asked..]
                            .iter()
                            .filter_map(|l| canary_failed(table, l)),
                    );
                    step = pipeline.resume(&answers);
                    given.push(answers);
                }
            }
        };
        let record = Record::new(
            table.constitution,
            self.policies.profile(),
            snapshot,
            given,
            decision,
        );
        let (cid, bytes) = record.encode()?;
        Ok(Decided {
            decision: record.decision,
            candidates: record.snapshot.candidates.ids,
            cid,
            record: bytes,
            trace,
            notes: Vec::new(),
            canaries_failed,
            held: None,
        })
    }

    /// Gathers and decides. Where the scorer fails and the last good one reads other features, that one gets a snapshot
    /// of its own, and the decision is made again with it.
    ///
    /// # Errors
    /// When the database can't be read or the record can't be encoded.
    pub(crate) fn gather_and_decide(
        &self,
        tx: &Read,
        table: &Table,
        wanted: &Wanted<'_>,
    ) -> Result<Decided> {
        let decided = self.decide(table, self.gather(tx, table, wanted)?)?;
        let Some(stand_in) = table.last_good.get(&Slot::Scorer) else {
            return Ok(decided);
        };
        let Some(failed) = decided.trace.iter().find(|line| {
            let on_trial = line.error.is_some() && table.canaries.contains(&Slot::Scorer);
            line.slot == Slot::Scorer
                && (line.counts || on_trial)
                && line.release != stand_in.release
        }) else {
            return Ok(decided);
        };
        let warning = format!(
            "scorer {} failed ({}), {} answered in its place",
            content::short(&failed.release.to_string()),
            failed.error.as_deref().unwrap_or_default(),
            stand_in.name
        );
        let mut active = table.active.clone();
        active.insert(Slot::Scorer, vec![Arc::clone(stand_in)]);
        let table = Table {
            constitution: table.constitution,
            active,
            ..Table::default()
        };
        let mut again = self.decide(&table, self.gather(tx, &table, wanted)?)?;
        again.canaries_failed = decided.canaries_failed;
        again.notes.push(warning);
        Ok(again)
    }

    /// Asks every plugin of the call's slot.
    pub(crate) fn ask(
        &self,
        table: &Table,
        now: weft_model::Instant,
        call: &SlotCall,
        trace: &mut Vec<TraceLine>,
    ) -> Vec<Answer> {
        let slot = call.slot();
        let Some(plugins) = table.active.get(&slot) else {
            return Vec::new();
        };
        plugins
            .iter()
            .map(|active| {
                let answer = self.slots.ask(table, active, now, call);
                let error = answer.outcome.as_ref().err();
                trace.push(TraceLine {
                    slot,
                    call: call.name().to_owned(),
                    release: answer.release,
                    fuel: answer.outcome.as_ref().ok().map(|c| c.fuel),
                    us: answer.us,
                    error: error.map(ToString::to_string),
                    counts: error.is_some_and(CallError::counts),
                    instead_of: answer.instead_of.clone(),
                });
                Answer {
                    release: answer.release,
                    name: answer.name,
                    config: (!answer.config.is_empty())
                        .then(|| content::record_cid(&answer.config)),
                    instead_of: answer.instead_of.map(|(cid, _)| cid),
                    outcome: answer.outcome.map(|c| c.reply).map_err(|e| Failed {
                        replayable: e.is_replayable(),
                        why: e.to_string(),
                    }),
                }
            })
            .collect()
    }
}

/// Whether a call says that its slot's canary gave no answer.
fn canary_failed(table: &Table, line: &TraceLine) -> Option<CanaryFailed> {
    if !table.canaries.contains(&line.slot) {
        return None;
    }
    let (why, counts) = match (&line.instead_of, &line.error) {
        (Some((_, error)), _) => (error.to_string(), error.counts()),
        (None, Some(error)) => (error.clone(), line.counts),
        (None, None) => return None,
    };
    Some(CanaryFailed {
        slot: line.slot,
        why,
        counts,
    })
}
