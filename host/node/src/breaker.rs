//! The breaker: what fails too often is put out of service until a person lifts it.
//!
//! Failures are rows of `faults`, so that all processes that use this home after each other count the same ones.

use crate::error::Result;
use crate::node::Node;
use std::sync::PoisonError;
use weft_engine::Fault;
use weft_model::Instant;
use weft_store::{Write, releases};

/// Failures within [`WINDOW_MS`] that put a plugin out of service.
const FAILURES: u64 = 3;
/// The breaker's window, in milliseconds.
const WINDOW_MS: i64 = 60_000;
/// How long a fault is kept for people to look at, in milliseconds.
const KEPT_MS: i64 = 30 * 24 * 3_600_000;

impl Node {
    /// Counts what failed since it was last called, in the open. Whoever asked a plugin calls it, without `self.log`.
    ///
    /// # Errors
    /// When the database can't be written.
    pub(crate) fn count_faults(&self) -> Result<()> {
        let faults = self.slots.take_faults();
        if faults.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let turn = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let tripped = self.store.write(|tx| -> Result<bool> {
            let mut tripped = false;
            for fault in &faults {
                tripped |= self.count_fault(tx, fault, now)?;
            }
            releases::prune_faults(tx, now - KEPT_MS)?;
            Ok(tripped)
        })?;
        drop(turn);
        match tripped {
            true => self.reload_slots(),
            false => Ok(()),
        }
    }

    /// True: that was one too many.
    fn count_fault(&self, tx: &Write, fault: &Fault, now: Instant) -> Result<bool> {
        let cid = fault.release.to_string();
        let why = fault.error.to_string();
        releases::add_fault(
            tx,
            &releases::Fault {
                release_cid: cid.clone(),
                slot: Some(fault.slot.name().to_owned()),
                at: now,
                kind: fault.error.word().to_owned(),
                message: Some(why.clone()),
            },
        )?;
        if releases::quarantined(tx, &cid)?.is_some() {
            return Ok(false);
        }
        let failures = releases::faults_since(tx, &cid, now - WINDOW_MS + 1)?;
        if failures < FAILURES {
            let name = self.name_of(tx, &cid);
            let message = format!(
                "`{name}` failed in `{}`, {failures} of the {FAILURES} times in a minute that put it out of service: {why}",
                fault.slot.name()
            );
            self.warning(tx, "policy.failed", &cid, &message)?;
            return Ok(false);
        }
        self.quarantine_in(tx, &cid, &why)?;
        self.end_trials_of(tx, &cid, &why)?;
        Ok(true)
    }

    /// Puts one release out of service, in the open; the caller reloads the slots.
    pub(crate) fn quarantine_in(&self, tx: &Write, cid: &str, why: &str) -> Result<()> {
        let name = self.name_of(tx, cid);
        releases::quarantine(tx, cid, why, self.now())?;
        let message = format!("`{name}` is out of service: {why}");
        self.alarm(tx, "policy.quarantined", cid, &message)
    }
}
