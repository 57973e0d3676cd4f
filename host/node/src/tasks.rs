//! Tasks: submitted, decided, kept, decided again, cancelled, explained.

mod at_once;
mod shown;
pub(crate) mod tail;

pub(crate) use shown::{find, local_time};

use crate::caps::{NoPlace, waits_for_place};
use crate::deciding::Decided;
use crate::error::{Code, NodeError, Result};
use crate::gather::{OVERRIDE_USED, SELF, Wanted};
use crate::node::Node;
use crate::report::TaskReport;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use shown::{Trace, steps};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use weft_decide::windows::utc_offset_minutes;
use weft_decide::{Decision, Verdict};
use weft_ledger::Body;
use weft_model::task::{Status, TaskSpec};
use weft_model::{Cid, Instant};
use weft_store::leases::Lease;
use weft_store::tasks::Task;
use weft_store::{Write, decisions, polls, tasks};

/// Name of the error that a task was decided by another thread meanwhile.
const MEANWHILE: &str = "meanwhile";
/// Name of the error that another device's task may not run here now; its remedy is the next window, in milliseconds.
pub(crate) const NOT_HERE: &str = "not-here";
/// Name of the error that there is no place for another device's task now.
pub(crate) const NO_PLACE: &str = "no-place";

/// What is decided and kept.
#[derive(Clone, Copy)]
pub(crate) struct Decide<'a> {
    pub id: &'a str,
    pub spec: &'a TaskSpec,
    pub attempt: u32,
    pub submitted: Instant,
    /// The task as it waits; none for a new one.
    pub before: Option<&'a Task>,
    /// Another device's offer, which is kept with the task, and only if that runs here at once.
    pub lease: Option<&'a Lease>,
}

impl Node {
    /// Accepts a task and decides about it. What it returns is on the disk.
    ///
    /// # Errors
    /// When a field breaks a limit, the workload it names is not here, or the queue is full. Nothing is kept then.
    pub fn task_submit(self: &Arc<Self>, spec: &TaskSpec) -> Result<TaskReport> {
        let spec = self.complete(spec)?;
        self.before_signing();
        // Without a daemon nobody else closes what is over.
        self.close_due_polls()?;
        let id = new_id()?;
        let submitted = self.now();
        let decided = self.decide_and_keep(&Decide {
            id: &id,
            spec: &spec,
            attempt: 1,
            submitted,
            before: None,
            lease: None,
        })?;
        self.start(&id, &decided)?;
        self.task_show(&id)
    }

    /// Decides without keeping anything, at any instant.
    ///
    /// # Errors
    /// As [`Self::task_submit`].
    pub fn task_check(&self, spec: &TaskSpec, at: Option<Instant>) -> Result<TaskReport> {
        let spec = self.complete(spec)?;
        let now = at.unwrap_or_else(|| self.now());
        let table = self.slots.table();
        let wanted = Wanted {
            task: "dry-run",
            spec: &spec,
            attempt: 1,
            submitted: now,
            now,
            guest: false,
        };
        let (decided, zone) = self.store.read(|tx| -> Result<_> {
            Ok((
                self.gather_and_decide(tx, &table, &wanted)?,
                self.zone_of(tx, &spec.user)?,
            ))
        })?;
        let offset = |at| zone.as_ref().map_or(0, |zone| utc_offset_minutes(zone, at));
        self.count_faults()?;
        let task = task_row("dry-run", &spec, 1, now, now, &decided);
        let mut report = self.report_row(&task);
        report.steps = steps(&decided.decision, &decided.trace);
        report.next_window_start = decided
            .decision
            .next_window
            .map(|at| local_time(at, offset(at)));
        report.violations = decided.decision.violations;
        // Nothing was kept, so there is no record to name.
        report.decision = None;
        Ok(report)
    }

    /// Decides again about a task that waits: a new attempt with a fresh snapshot.
    pub(crate) fn task_resume(self: &Arc<Self>, id: &str) -> Result<Option<Decision>> {
        let Some(task) = self.store.read(|tx| tasks::get(tx, id))? else {
            return Ok(None);
        };
        if !matches!(task.status.as_str(), "deferred" | "queued") {
            return Ok(None);
        }
        let spec: TaskSpec = serde_json::from_str(&task.spec).map_err(|e| {
            NodeError::invalid(format!("table `tasks`, row `{id}`, column `spec`: {e}"))
        })?;
        if self.lacks_input(id, &spec)? {
            return Ok(None);
        }
        // A decision would find no place either, and would be one more line in the log.
        if waits_for_place(&task) && self.store.read(|tx| self.lacks_place(tx, id, &spec))? {
            return Ok(None);
        }
        let decided = self.decide_and_keep(&Decide {
            id,
            spec: &spec,
            attempt: task.attempt + 1,
            submitted: task.submitted_at,
            before: Some(&task),
            lease: None,
        });
        let decided = match decided {
            Err(e) if e.code == Code::Check(MEANWHILE) => return Ok(None),
            decided => decided?,
        };
        self.start(id, &decided)?;
        let decision = &decided.decision;
        // Another device's task runs here or nowhere: its submitter asks somebody else.
        if decision.verdict != Verdict::RunHere && self.store.read(|tx| self.is_lease(tx, id))? {
            self.fail_lease(id, &decision.reason)?;
        }
        Ok(Some(decided.decision))
    }

    /// Begins what was decided: a job here, or the lease of a peer.
    fn start(self: &Arc<Self>, id: &str, decided: &Decided) -> Result<()> {
        match decided.decision.verdict {
            Verdict::RunHere if decided.held.is_some() => Ok(()),
            Verdict::RunHere => self.start_job(id),
            Verdict::Delegate { .. } => self.start_lease(id),
            _ => Ok(()),
        }
    }

    /// Fills in what was left out, and checks the rest.
    fn complete(&self, spec: &TaskSpec) -> Result<TaskSpec> {
        let mut spec = spec.clone();
        spec.user = self.user(&spec.user)?;
        spec.validate()
            .map_err(|e| NodeError::invalid(e.to_string()))?;
        if let Some(params) = &spec.params {
            let object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(params);
            object.map_err(|e| NodeError::invalid(format!("params: not a JSON object: {e}")))?;
        }
        if let Some(input) = &spec.input {
            let path = std::path::Path::new(input);
            let meta = std::fs::metadata(path).map_err(|e| NodeError::file(path, &e))?;
            if !meta.is_file() {
                return Err(NodeError::invalid(format!("input: `{input}` is no file")));
            }
        }
        self.store.read(|tx| self.bound_workload(tx, &spec))?;
        self.refresh_energy();
        Ok(spec)
    }

    /// One transaction: the snapshot is read, the decision made, and all that follows from it kept.
    pub(crate) fn decide_and_keep(&self, what: &Decide<'_>) -> Result<Decided> {
        let Decide {
            id,
            spec,
            attempt,
            submitted,
            before,
            lease,
        } = *what;
        self.before_signing();
        let turn = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        let table = self.table_for(id);
        let mut place = false;
        let kept = self.store.write(|tx| -> Result<_> {
            if let Some(before) = before {
                // Two threads may find it due: the second one finds that it is decided.
                let same = tasks::get(tx, id)?
                    .is_some_and(|t| t.status == before.status && t.attempt == before.attempt);
                if !same {
                    return Err(NodeError::coded(MEANWHILE, "it was decided meanwhile"));
                }
            } else if lease.is_none() {
                let waiting = tasks::count(tx, "queued")? + tasks::count(tx, "deferred")?;
                let queue = self.mesh(tx)?.policy.scheduling.queue;
                if waiting >= u64::from(queue) {
                    return Err(NodeError::new(
                        Code::Unavailable,
                        format!("{waiting} tasks wait on this device, {queue} is the most"),
                    )
                    .try_this("cancel some with `weft task cancel`, or submit again later"));
                }
            }
            self.revert_facts(tx)?;
            self.revert_consensus(tx, &spec.name)?;
            let wanted = Wanted {
                task: id,
                spec,
                attempt,
                submitted,
                now,
                guest: lease.is_some() || (before.is_some() && self.is_lease(tx, id)?),
            };
            let mut decided = self.gather_and_decide(tx, &table, &wanted)?;
            if decided.decision.verdict == Verdict::RunHere {
                decided.held = self.take_place(tx, id, spec)?.err();
                place = decided.held.is_none();
            }
            if let (Some(_), Some(no)) = (lease, &decided.held) {
                return Err(NodeError::coded(NO_PLACE, no.reason()));
            }
            if lease.is_some() && decided.decision.verdict != Verdict::RunHere {
                let next = next_chance(&decided.decision).map(|at| at.to_string());
                return Err(NodeError::coded(NOT_HERE, decided.decision.reason)
                    .try_this(next.unwrap_or_default()));
            }
            if let Some(before) = before
                && decided.held.is_none()
                && waits_on(
                    before,
                    &task_row(id, spec, attempt, submitted, now, &decided),
                )
            {
                return Ok((decided, Vec::new()));
            }
            self.keep_decision(tx, id, spec, attempt, submitted, before, &decided)?;
            if let Some(lease) = lease {
                self.accept_lease(tx, lease)?;
            }
            let parts = self.trial_parts(tx, &table, &wanted, &decided)?;
            Ok((decided, parts))
        });
        drop(turn);
        if kept.is_err() && place {
            self.places.free(id);
        }
        let (decided, parts) = kept?;
        if let Err(e) = self.count_trials(parts) {
            // The decision stands; it is the trial that knows less.
            tracing::error!(
                task = id,
                "a trial's part in the decision is not counted: {e}"
            );
        }
        self.count_faults()?;
        self.changed();
        Ok(decided)
    }

    #[allow(
        clippy::too_many_arguments,
        reason = "one row's worth of facts, used once"
    )]
    fn keep_decision(
        &self,
        tx: &Write,
        id: &str,
        spec: &TaskSpec,
        attempt: u32,
        submitted: Instant,
        before: Option<&Task>,
        decided: &Decided,
    ) -> Result<()> {
        let now = self.now();
        let decision = &decided.decision;
        let mut task = task_row(id, spec, attempt, submitted, now, decided);
        if let Some(no) = &decided.held {
            hold(&mut task, no, now);
        }
        task.poll_id = before.and_then(|t| t.poll_id.clone());
        if let Some(before) = before {
            task.admitted_at = before.admitted_at.or(task.admitted_at);
        }
        if let Some(closes_at) = decision.open_poll {
            task.poll_id = Some(self.open_poll_in(tx, &spec.name, &spec.user, closes_at)?);
        } else if task.poll_id.is_none() {
            task.poll_id = polls::open_for(tx, &spec.name, now)?.map(|p| p.id);
        }
        match before {
            Some(_) => tasks::update(tx, &task)?,
            None => tasks::insert(tx, &task)?,
        }
        let salt = crate::keys::generate()?.to_bytes();
        let trace = Trace {
            salt: HEXLOWER.encode(&salt),
            lines: decided.trace.clone(),
        };
        let trace = serde_json::to_string(&trace).map_err(NodeError::internal)?;
        decisions::record(
            tx,
            &decisions::Decision {
                cid: decided.cid.to_string(),
                task_id: id.to_owned(),
                attempt,
                at: now,
                verdict: task.status.clone(),
            },
            &decided.record,
            &trace,
        )?;
        note(tx, &task, now)?;
        if let Some(tier) = &decision.tier {
            let mut row = weft_store::tiers::get(tx, &spec.user)?;
            let work = weft_store::tiers::work(tx, &spec.user)?;
            if row.tier != *tier || row.tasks != work.tasks || row.votes != work.votes {
                row.tier.clone_from(tier);
                row.tasks = work.tasks;
                row.votes = work.votes;
                weft_store::tiers::put(tx, &row, now)?;
            }
        }
        if let Some(word) = &decision.override_word {
            self.entry_override(tx, spec, word)?;
        }
        if let Verdict::Delegate { peer } = &decision.verdict {
            self.keep_delegation(tx, &task, peer, decided)?;
        }
        let commitment = commitment(&salt, &decided.cid);
        self.append_in(
            tx,
            Body::DecisionCommitted {
                commitment: commitment.into(),
            },
        )?;
        Ok(())
    }

    fn entry_override(&self, tx: &Write, spec: &TaskSpec, word: &str) -> Result<()> {
        self.append_in(
            tx,
            Body::OverrideUsed {
                task: spec.name.clone(),
                word: word.to_owned(),
                submitter: spec.user.clone(),
            },
        )?;
        let message = format!(
            "`{}` passed as an emergency by the word `{word}`",
            spec.name
        );
        self.feed(tx, OVERRIDE_USED, Some(&spec.user), &message)
    }

    /// Takes a task back; one that runs is told to stop.
    ///
    /// # Errors
    /// When there is none, or it has come to its end.
    pub fn task_cancel(self: &Arc<Self>, id: &str) -> Result<TaskReport> {
        let now = self.now();
        let mut with_peer = None;
        let id = self.store.write(|tx| -> Result<String> {
            let mut task = find(tx, id)?;
            let status: Status = task
                .status
                .parse()
                .map_err(|_| NodeError::internal("a status of no kind"))?;
            if status.is_final() && status != Status::Delegated {
                return Err(NodeError::new(
                    Code::Conflict,
                    format!("task `{}` is {status}, there is nothing to cancel", task.id),
                ));
            }
            if status == Status::Delegated {
                with_peer.clone_from(&task.peer);
                self.end_leases(tx, &task.id, now)?;
                // It was modelled when the peer was picked.
                weft_store::carbon::forget(tx, &task.id)?;
            }
            task.status = Status::Cancelled.word().into();
            task.reason = Some("taken back by its submitter".into());
            task.retry_at = None;
            task.next_window_start = None;
            task.updated_at = now;
            task.finished_at = Some(now);
            tasks::update(tx, &task)?;
            note(tx, &task, now)?;
            // Its submitter does not wait for what this device's owner took back.
            self.finish_lease(tx, &task, None, None, None)?;
            Ok(task.id)
        })?;
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cancel) = jobs.get(&id) {
            cancel.store(true, Ordering::Release);
        }
        drop(jobs);
        if let Some(peer) = with_peer {
            self.call_off(&id, &peer);
        }
        self.changed();
        self.task_show(&id)
    }
}

/// When a decision that let nothing run says to ask again.
pub(crate) fn next_chance(decision: &Decision) -> Option<Instant> {
    decision.next_window.or(match decision.verdict {
        Verdict::Defer { until } => until,
        Verdict::Queue { until } => Some(until),
        _ => None,
    })
}

/// The row that a decision makes of a task.
fn task_row(
    id: &str,
    spec: &TaskSpec,
    attempt: u32,
    submitted: Instant,
    now: Instant,
    decided: &Decided,
) -> Task {
    let decision = &decided.decision;
    let (status, retry_at, peer) = match &decision.verdict {
        Verdict::RunHere => (Status::Running, None, Some(SELF.to_owned())),
        Verdict::Delegate { peer } => (Status::Delegated, None, Some(peer.clone())),
        Verdict::Defer { until } => (Status::Deferred, *until, None),
        Verdict::Block => (Status::Blocked, None, None),
        Verdict::Queue { until } => (Status::Queued, Some(*until), None),
        Verdict::Fail => (Status::Failed, None, None),
    };
    let text = serde_json::to_string(spec).unwrap_or_default();
    let mut task = Task::new(id, &spec.user, &spec.name, submitted);
    task.spec = text;
    task.tags.clone_from(&spec.tags);
    task.status = status.word().into();
    task.reason = (!decision.reason.is_empty()).then(|| decision.reason.clone());
    let warnings: Vec<&str> = decision
        .warnings
        .iter()
        .chain(&decided.notes)
        .map(String::as_str)
        .collect();
    task.warning = (!warnings.is_empty()).then(|| warnings.join("; "));
    task.importance = Some(decision.importance.word().into());
    task.urgency = Some(decision.urgency.word().into());
    task.sla = (!decision.sla.is_empty()).then(|| decision.sla.clone());
    task.attempt = attempt;
    task.duration_ms = spec.duration_ms;
    task.memory_mb = spec.memory_mb;
    task.next_window_start = decision.next_window;
    task.retry_at = retry_at;
    task.decision_cid = Some(decided.cid.to_string());
    task.violations = serde_json::to_string(&decision.violations).unwrap_or_else(|_| "[]".into());
    task.peer = peer;
    task.submitted_at = submitted;
    task.admitted_at = decision.reservation.as_ref().map(|_| now);
    task.started_at = (status == Status::Running).then_some(now);
    task.updated_at = now;
    // One that another device has ends there.
    let ended = status.is_final() && status != Status::Delegated;
    task.finished_at = ended.then_some(now);
    task
}

/// Whether a task that was decided again waits as it did, for the same reason and until the same moment: that is no attempt, and
/// nothing is signed about it.
fn waits_on(before: &Task, now: &Task) -> bool {
    // Tables have whole seconds.
    let seconds = |at: Option<Instant>| at.map(|at| at.div_euclid(1_000));
    let of = |task: &Task| {
        (
            task.status.clone(),
            task.reason.clone(),
            task.warning.clone(),
            task.importance.clone(),
            task.violations.clone(),
            seconds(task.retry_at),
            seconds(task.next_window_start),
        )
    };
    let waits = [Status::Deferred.word(), Status::Queued.word()];
    waits.contains(&now.status.as_str()) && of(before) == of(now)
}

/// Makes a task that may run wait for its place, or ends it where there never will be one. Nothing is reserved for it yet.
fn hold(task: &mut Task, no: &NoPlace, now: Instant) {
    let never = matches!(no, NoPlace::Never(_));
    let status = if never {
        Status::Blocked
    } else {
        Status::Queued
    };
    task.status = status.word().into();
    task.reason = Some(no.reason().to_owned());
    task.peer = (!never).then(|| SELF.to_owned());
    task.started_at = None;
    task.admitted_at = None;
    task.finished_at = never.then_some(now);
}

/// A salted hash of the decision's CID: what the log says of a record that stays here. Showing the record, with the
/// salt that lies beside it, is the owner's act.
fn commitment(salt: &[u8; 32], decision: &Cid) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(decision.to_bytes());
    hash.finalize().into()
}

/// A line of the task's history: the status that it took, and why.
pub(crate) fn note(tx: &Write, task: &Task, now: Instant) -> Result<()> {
    let entry = tasks::HistoryEntry {
        task_id: task.id.clone(),
        status: task.status.clone(),
        reasoning: task.reason.clone(),
        timestamp: now,
    };
    Ok(tasks::add_history(tx, &entry)?)
}

fn new_id() -> Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(NodeError::internal)?;
    Ok(format!("t{}", HEXLOWER.encode(&bytes)))
}
