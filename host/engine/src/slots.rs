//! Which policy serves which slot now, swapped as a whole, and what happens when one fails.
//!
//! A [`Table`] is never changed: a swap puts another one in its place. A decision takes one table and keeps it, so
//! calls in flight finish on the old version and the next decision sees the new one. What a failure means for a
//! task is the decision's business; here it is only noticed, kept for who counts, and answered by the last good version where
//! the slot's rule says so.

use crate::error::CallError;
use crate::limits::FAULTS_KEPT;
use crate::policy::{Called, Policy, PolicyEngine};
use arc_swap::ArcSwap;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant as Clock;
use weft_model::slot::Failure;
use weft_model::{Cid, Instant, Slot, SlotCall};

/// A policy in service, with its config.
pub struct Active {
    /// The release's CID.
    pub release: Cid,
    /// Its name, for people.
    pub name: String,
    /// Canonical CBOR; empty for the defaults.
    pub config: Vec<u8>,
    /// The features that it reads, in order.
    pub features: Vec<String>,
    /// The compiled policy.
    pub policy: Arc<Policy>,
}

/// How far a release on trial decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrialMode {
    /// Not at all.
    Shadow,
    /// This share of the tasks, in per cent, 1 to 99.
    Canary(u8),
}

/// A release on trial, beside what serves its slot.
#[derive(Clone)]
pub struct OnTrial {
    /// The caller's number of the trial.
    pub id: i64,
    /// The release.
    pub active: Arc<Active>,
    /// How far it decides.
    pub mode: TrialMode,
}

/// All slots at one moment.
#[derive(Clone, Default)]
pub struct Table {
    /// The constitution that this table carries out.
    pub constitution: Option<Cid>,
    /// Plugins by slot, in order; one where the slot is no chain.
    pub active: BTreeMap<Slot, Vec<Arc<Active>>>,
    /// The version that served before, by slot.
    pub last_good: BTreeMap<Slot, Arc<Active>>,
    /// What is on trial, by slot.
    pub trials: BTreeMap<Slot, OnTrial>,
    /// Slots in which the one on trial is active, and the serving version is the last good: see
    /// [`Table::with_canaries`].
    pub canaries: BTreeSet<Slot>,
}

impl Table {
    /// The table for a task that the canaries of these slots decide; one that does not serve a single slot as a
    /// canary is left as it is.
    pub fn with_canaries(&self, slots: impl IntoIterator<Item = Slot>) -> Self {
        let mut table = self.clone();
        for slot in slots {
            let Some(OnTrial {
                active,
                mode: TrialMode::Canary(_),
                ..
            }) = self.trials.get(&slot)
            else {
                continue;
            };
            let serving = table.active.insert(slot, vec![Arc::clone(active)]);
            if let Some(serving) = serving.and_then(|all| all.into_iter().next()) {
                table.last_good.insert(slot, serving);
            }
            table.canaries.insert(slot);
        }
        table
    }
}

/// What a slot's plugin gave, or how it failed.
#[derive(Debug)]
pub struct Answer {
    /// The release that answered, or failed last.
    pub release: Cid,
    /// Its name.
    pub name: String,
    /// Its config.
    pub config: Vec<u8>,
    /// The answer.
    pub outcome: Result<Called, CallError>,
    /// The release that failed before this one answered in its place, and how.
    pub instead_of: Option<(Cid, CallError)>,
    /// Wall time, in microseconds.
    pub us: u64,
}

/// A call that a release failed, of the kinds that the breaker counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The release.
    pub release: Cid,
    /// In which slot.
    pub slot: Slot,
    /// How it failed.
    pub error: CallError,
}

/// The slots of a node.
pub struct Slots {
    engine: Arc<PolicyEngine>,
    table: ArcSwap<Table>,
    faults: Mutex<VecDeque<Fault>>,
}

impl Slots {
    /// Slots that nothing serves yet.
    pub fn new(engine: Arc<PolicyEngine>) -> Self {
        Self {
            engine,
            table: ArcSwap::from_pointee(Table::default()),
            faults: Mutex::default(),
        }
    }

    /// The table now; keep it for as long as one decision takes.
    pub fn table(&self) -> Arc<Table> {
        self.table.load_full()
    }

    /// Puts another table in place. When this returns, no later [`Self::table`] gives the old one.
    pub fn swap(&self, table: Table) -> Arc<Table> {
        self.table.swap(Arc::new(table))
    }

    /// What failed since this was last asked, oldest first.
    pub fn take_faults(&self) -> Vec<Fault> {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.drain(..).collect()
    }

    /// Asks one plugin of a table. The last good version answers in its place where the slot's rule says so.
    pub fn ask(&self, table: &Table, active: &Active, now: Instant, call: &SlotCall) -> Answer {
        let started = Clock::now();
        let mut outcome = self.call(active, now, call);
        let mut answered = active;
        let mut instead_of = None;
        // A call's columns are those that the active plugin reads; another reader needs a call of its own.
        let stand_in = table
            .last_good
            .get(&call.slot())
            .filter(|last| !same(last, active) && last.features == active.features);
        // A canary that gives no answer at all, for whatever reason, leaves the task to the version that serves.
        let on_trial = table.canaries.contains(&call.slot());
        if let (Err(error), Some(last)) = (&outcome, stand_in)
            && (on_trial || error.counts() && falls_back(call.slot().failure()))
        {
            instead_of = Some((active.release, error.clone()));
            outcome = self.call(last, now, call);
            answered = last;
        }
        Answer {
            release: answered.release,
            name: answered.name.clone(),
            config: answered.config.clone(),
            outcome,
            instead_of,
            us: started.elapsed().as_micros() as u64,
        }
    }

    fn call(&self, active: &Active, now: Instant, call: &SlotCall) -> Result<Called, CallError> {
        let outcome = self.engine.call(&active.policy, now, &active.config, call);
        if let Err(error) = &outcome
            && error.counts()
        {
            let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
            if faults.len() == FAULTS_KEPT {
                faults.pop_front();
            }
            faults.push_back(Fault {
                release: active.release,
                slot: call.slot(),
                error: error.clone(),
            });
        }
        outcome
    }
}

/// One release with one config.
fn same(a: &Active, b: &Active) -> bool {
    a.release == b.release && a.config == b.config
}

fn falls_back(failure: Failure) -> bool {
    matches!(
        failure,
        Failure::LastGood | Failure::LastGoodElseClosed | Failure::LastGoodElseFirstFit
    )
}
