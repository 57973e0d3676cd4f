//! Releases on trial: put beside what serves a slot, promoted, and taken back, by a person or by themselves.
//!
//! A slot's bindings hold what serves it (`enforce`) and at most one release on trial (`shadow` or `canary N%`). Every
//! change of them is one transaction with the trial's row, the constitution and the log's event; the table follows.
//! `beside` asks the one on trial and counts what it answered; the rule of when a trial is over is
//! [`weft_decide::trial`]'s.
//!
//! Invariant: what serves a slot is never changed by a trial; when a trial ends otherwise than by promotion, the
//! bindings left are those that served beside it.

mod beside;
mod report;

pub use report::{TrialDifference, TrialReport};

use crate::error::{Code, NodeError, Result};
use crate::node::Node;
use crate::policies::parse_slot;
use crate::report::SlotReport;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use weft_decide::trial::{self, Return, is_canary};
use weft_engine::{OnTrial, Table, TrialMode};
use weft_model::Slot;
use weft_release::Release;
use weft_store::slots::{Binding, Change, Mode};
use weft_store::trials::Trial;
use weft_store::{Read, Write, releases, slots, trials};

/// Outcome of a trial that a person ended by letting the release decide.
pub(crate) const ENFORCED: &str = "enforced";
/// Outcome of a trial that ended by itself, over too many refusals.
pub(crate) const RETURNED: &str = "returned";
/// Outcome of a trial whose release was put out of service.
pub(crate) const QUARANTINED: &str = "quarantined";
/// Outcome of a trial whose release is on trial no longer, for another reason.
const REPLACED: &str = "replaced";
/// Changes of a slot that are searched for a version that served before.
const HISTORY_ROWS: u32 = 100;

impl Node {
    /// The table for a task: with the canaries that decide about it in place.
    pub(crate) fn table_for(&self, task: &str) -> Arc<Table> {
        let table = self.slots.table();
        let canaries: Vec<Slot> = table
            .trials
            .iter()
            .filter(|(slot, on_trial)| match on_trial.mode {
                TrialMode::Canary(percent) => is_canary(**slot, task, percent),
                TrialMode::Shadow => false,
            })
            .map(|(slot, _)| *slot)
            .collect();
        if canaries.is_empty() {
            table
        } else {
            Arc::new(table.with_canaries(canaries))
        }
    }

    /// What is on trial, loaded, with its row; rows of trials that are no longer are ended, new ones begun: also where
    /// a person edited the bindings by hand.
    pub(crate) fn trials_in_table(
        &self,
        found: &[(Slot, Binding, Release)],
    ) -> Result<BTreeMap<Slot, OnTrial>> {
        let mut loaded = BTreeMap::new();
        for (slot, binding, release) in found {
            let mode = match binding.mode {
                Mode::Enforce => continue,
                Mode::Shadow => TrialMode::Shadow,
                Mode::Canary(percent) => TrialMode::Canary(percent),
            };
            if let Some(why) = trial::forbidden(*slot, mode != TrialMode::Shadow) {
                tracing::error!(%slot, "a trial in `slots` is not run: {why}");
                continue;
            }
            match self.activate(*slot, binding, release) {
                Ok(active) => {
                    loaded.insert(*slot, (binding, mode, active));
                }
                Err(e) => {
                    tracing::error!(%slot, release = binding.release_cid, "not on trial: {e}");
                }
            }
        }
        let open = self.store.read(trials::open)?;
        let goes_on = |trial: &Trial| {
            loaded.iter().any(|(slot, (binding, _, _))| {
                trial.slot == slot.name()
                    && trial.release_cid == binding.release_cid
                    && trial.mode == binding.mode.to_string()
            })
        };
        let same = open.len() == loaded.len() && open.iter().all(goes_on);
        let open = if same {
            open
        } else {
            let now = self.now();
            self.store.write(|tx| -> Result<_> {
                for trial in open.iter().filter(|t| !goes_on(t)) {
                    trials::end(tx, &trial.slot, REPLACED, now)?;
                }
                let kept = trials::open(tx)?;
                for (slot, (binding, _, _)) in &loaded {
                    if !kept.iter().any(|t| t.slot == slot.name()) {
                        let mode = binding.mode.to_string();
                        trials::begin(tx, slot.name(), &binding.release_cid, &mode, now)?;
                    }
                }
                Ok(trials::open(tx)?)
            })?
        };
        Ok(loaded
            .into_iter()
            .filter_map(|(slot, (_, mode, active))| {
                let id = open.iter().find(|t| t.slot == slot.name())?.id;
                let active = Arc::new(active);
                Some((slot, OnTrial { id, active, mode }))
            })
            .collect())
    }

    /// Puts a release on trial beside what serves a slot.
    ///
    /// # Errors
    /// When the slot has no trials of that mode, nothing serves it, or the release serves it already; and what
    /// [`Node::slot_use`] refuses.
    pub fn slot_try(
        &self,
        slot: &str,
        target: &str,
        config: Option<&Value>,
        mode: &str,
        add: bool,
    ) -> Result<SlotReport> {
        let mode = parse_mode(mode)?;
        if mode == Mode::Enforce {
            return self.slot_use(slot, target, config, add);
        }
        let slot = parse_slot(slot)?;
        allowed(slot, mode)?;
        let (binding, name) = self.binding(slot, target, config, mode)?;
        self.change_trial(
            slot,
            &format!("{slot}: {name} as {mode}"),
            |tx, bindings| {
                let mut serving = enforced(bindings);
                if serving.is_empty() {
                    return Err(NodeError::new(
                        Code::Conflict,
                        format!("nothing serves `{slot}`, so nothing would decide beside it"),
                    )
                    .try_this(format!("weft plugin use {slot} {target}")));
                }
                if serving.iter().any(|b| same(b, &binding)) {
                    return Err(NodeError::new(
                        Code::Conflict,
                        format!("`{name}` serves `{slot}` with this config already"),
                    )
                    .try_this(format!("weft plugin mode {slot} shadow")));
                }
                let cid = &binding.release_cid;
                trials::begin(tx, slot.name(), cid, &mode.to_string(), self.now())?;
                serving.push(binding);
                Ok(("try", serving))
            },
        )
    }

    /// Changes how far the newest release of a slot decides: `shadow`, `canary N%` or `enforce`.
    ///
    /// # Errors
    /// When the slot has no trials of that mode, nothing is on trial, or no earlier version could go on deciding.
    pub fn slot_mode(&self, slot: &str, mode: &str) -> Result<SlotReport> {
        let slot = parse_slot(slot)?;
        let mode = parse_mode(mode)?;
        let why = format!("{slot}: the newest version as {mode}");
        if mode == Mode::Enforce {
            return self.change_trial(slot, &why, |tx, bindings| self.promote(tx, slot, bindings));
        }
        allowed(slot, mode)?;
        self.change_trial(slot, &why, |tx, bindings| {
            let (mut serving, mut tried) = match on_trial(bindings) {
                Some(tried) => (enforced(bindings), tried),
                None => self.newest_and_before(tx, slot, bindings)?,
            };
            tried.mode = mode;
            tried.activated_at = self.now();
            let cid = &tried.release_cid;
            trials::begin(tx, slot.name(), cid, &mode.to_string(), self.now())?;
            serving.push(tried);
            Ok(("mode", serving))
        })
    }

    /// The one on trial decides from now on: in place of what served, or, in a chain, behind it.
    fn promote(
        &self,
        tx: &Write,
        slot: Slot,
        bindings: &[Binding],
    ) -> Result<(&'static str, Vec<Binding>)> {
        let mut tried = on_trial(bindings).ok_or_else(|| {
            NodeError::new(Code::Conflict, format!("nothing is on trial in `{slot}`")).try_this(
                format!("weft plugin use {slot} REF --mode shadow puts a release there"),
            )
        })?;
        if let Some(out) = releases::quarantined(tx, &tried.release_cid)? {
            return Err(NodeError::new(
                Code::Conflict,
                format!("what is on trial is out of service: {}", out.reason),
            )
            .try_this("use another version; a person must lift the quarantine first"));
        }
        tried.mode = Mode::Enforce;
        tried.activated_at = self.now();
        let mut serving = if slot.is_chain() {
            enforced(bindings)
        } else {
            Vec::new()
        };
        serving.push(tried);
        trials::end(tx, slot.name(), ENFORCED, self.now())?;
        Ok(("enforce", serving))
    }

    /// The newest binding of a slot without trial, and those that go on deciding: the others of a chain, else what
    /// served before.
    fn newest_and_before(
        &self,
        tx: &Read,
        slot: Slot,
        bindings: &[Binding],
    ) -> Result<(Vec<Binding>, Binding)> {
        let mut serving = enforced(bindings);
        let newest = serving.pop().ok_or_else(|| {
            NodeError::new(Code::Conflict, format!("nothing serves `{slot}`"))
                .try_this(format!("weft plugin use {slot} REF"))
        })?;
        if !serving.is_empty() {
            return Ok((serving, newest));
        }
        for change in slots::history(tx, slot.name(), HISTORY_ROWS)? {
            let mut before = enforced(&change.bindings);
            before.retain(|b| !same(b, &newest));
            let mut usable = Vec::new();
            for binding in before {
                if releases::quarantined(tx, &binding.release_cid)?.is_none()
                    && self.find_release(tx, &binding.release_cid).is_ok()
                {
                    usable.push(binding);
                }
            }
            if !usable.is_empty() {
                return Ok((usable, newest));
            }
        }
        Err(NodeError::new(
            Code::Conflict,
            format!("`{slot}` has no earlier version that could go on deciding"),
        )
        .try_this(format!(
            "weft plugin use {slot} REF --mode shadow puts another release beside it"
        )))
    }

    /// One transaction: bindings, trial, constitution and event.
    fn change_trial(
        &self,
        slot: Slot,
        why: &str,
        change: impl FnOnce(&Write, &[Binding]) -> Result<(&'static str, Vec<Binding>)>,
    ) -> Result<SlotReport> {
        self.reconstitute(why, |tx| {
            let (action, bindings) = change(tx, &slots::get(tx, slot.name())?)?;
            let change = Change {
                action: action.into(),
                actor: Some(self.owner.clone()),
                reason: None,
                at: self.now(),
            };
            slots::set(tx, slot.name(), &bindings, &change)?;
            Ok(())
        })?;
        self.slot_report(slot)
    }

    /// Ends a trial by itself, in the open; the caller holds `self.log` and reloads the slots.
    fn return_in(&self, tx: &Write, trial: &Trial, why: Return) -> Result<()> {
        let cid = &trial.release_cid;
        let serves_too = enforced(&slots::get(tx, &trial.slot)?)
            .iter()
            .any(|b| b.release_cid == *cid);
        match why {
            // The same release with another config goes on serving: it is the config that failed.
            Return::Failures(n) if !serves_too => {
                let why = format!("it failed in {n} of its last decisions on trial");
                self.quarantine_in(tx, cid, &why)?;
                self.take_back(tx, trial, QUARANTINED, &why)
            }
            Return::Failures(n) | Return::Refusals(n) => {
                let how = match why {
                    Return::Failures(_) => "failed",
                    Return::Refusals(_) => "refused",
                };
                let why = format!("it {how} in {n} of its last decisions on trial");
                self.take_back(tx, trial, RETURNED, &why)?;
                let name = self.name_of(tx, cid);
                let message = format!(
                    "`{name}` decides no longer in `{}`, what served before does: {why}",
                    trial.slot
                );
                self.alarm(tx, "policy.returned", cid, &message)
            }
        }
    }

    /// Ends the trials of a release that was put out of service. The caller holds `self.log`.
    pub(crate) fn end_trials_of(&self, tx: &Write, cid: &str, why: &str) -> Result<()> {
        for trial in trials::open(tx)? {
            if trial.release_cid == cid {
                self.take_back(tx, &trial, QUARANTINED, why)?;
            }
        }
        Ok(())
    }

    fn take_back(&self, tx: &Write, trial: &Trial, outcome: &str, why: &str) -> Result<()> {
        let now = self.now();
        trials::end(tx, &trial.slot, outcome, now)?;
        let serving = enforced(&slots::get(tx, &trial.slot)?);
        let change = Change {
            action: outcome.into(),
            actor: None,
            reason: Some(why.to_owned()),
            at: now,
        };
        slots::set(tx, &trial.slot, &serving, &change)?;
        self.constitute_in(tx, &format!("{}: the trial is over, {why}", trial.slot))?;
        Ok(())
    }
}

/// `shadow`, `enforce`, `canary N` or `canary N%`.
fn parse_mode(text: &str) -> Result<Mode> {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let whole = if words.starts_with("canary") && !words.ends_with('%') {
        format!("{words}%")
    } else {
        words
    };
    Mode::parse(&whole).ok_or_else(|| {
        NodeError::invalid(format!(
            "`{}` is no mode",
            weft_model::text::printable(text, 40)
        ))
        .try_this("write shadow, canary N% with N from 1 to 99, or enforce")
    })
}

fn allowed(slot: Slot, mode: Mode) -> Result<()> {
    let canary = mode != Mode::Shadow;
    let Some(why) = trial::forbidden(slot, canary) else {
        return Ok(());
    };
    let (what, remedy) = if canary {
        ("canary", "--mode shadow")
    } else {
        ("shadow", "lets it decide at once")
    };
    Err(NodeError::refused(format!("`{slot}` has no {what}: {why}"))
        .try_this(format!("weft plugin use {slot} REF {remedy}")))
}

fn enforced(bindings: &[Binding]) -> Vec<Binding> {
    bindings
        .iter()
        .filter(|b| b.mode == Mode::Enforce)
        .cloned()
        .collect()
}

fn on_trial(bindings: &[Binding]) -> Option<Binding> {
    bindings.iter().find(|b| b.mode != Mode::Enforce).cloned()
}

fn same(a: &Binding, b: &Binding) -> bool {
    a.release_cid == b.release_cid && a.config == b.config
}
