//! Tasks as people ask about them: lists, one task, why it is where it is.

use crate::clock::rfc3339;
use crate::deciding::TraceLine;
use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::report::{CandidateReport, HistoryLine, StepReport, TaskReport, WhyReport};
use serde::{Deserialize, Serialize};
use weft_decide::windows::utc_offset_minutes;
use weft_decide::{Decision, Record};
use weft_model::Instant;
use weft_model::task::{Status, TaskSpec};
use weft_store::tasks::{Filter, Task};
use weft_store::{Read, blocks, decisions, tasks};

/// Letters of a task's id that must be given to name it.
const ID_PREFIX: usize = 4;

impl Node {
    /// Tasks, newest first.
    ///
    /// # Errors
    /// When a row is malformed.
    pub fn task_list(
        &self,
        user: Option<&str>,
        status: Option<&str>,
        limit: u32,
    ) -> Result<Vec<TaskReport>> {
        if let Some(status) = status {
            status
                .parse::<Status>()
                .map_err(|e| NodeError::invalid(e.to_string()))?;
        }
        let filter = Filter {
            user_id: user.map(ToOwned::to_owned),
            status: status.map(ToOwned::to_owned),
            unfinished: false,
            limit: Some(limit),
        };
        self.store.read(|tx| {
            let rows = tasks::list(tx, &filter)?.strict()?;
            rows.iter()
                .map(|task| {
                    let mut report = self.report_row(task);
                    if let (Some(at), Ok(zone)) =
                        (task.next_window_start, self.zone_of(tx, &task.user_id)?)
                    {
                        let offset = utc_offset_minutes(&zone, at);
                        report.next_window_start = Some(local_time(at, offset));
                    }
                    Ok(report)
                })
                .collect()
        })
    }

    /// One task, by its id or the beginning of it.
    ///
    /// # Errors
    /// When there is none, or several begin so.
    pub fn task_show(&self, id: &str) -> Result<TaskReport> {
        let mut report = self.task_shown(id)?;
        if report.status == Status::Delegated.word() {
            report.with_peer = self.with_peer(&report.task);
        }
        Ok(report)
    }

    fn task_shown(&self, id: &str) -> Result<TaskReport> {
        self.store.read(|tx| {
            let task = find(tx, id)?;
            let mut report = self.report_row(&task);
            if let Some(cid) = &task.decision_cid
                && let Some(bytes) = blocks::get(tx, cid)?
            {
                let record = Record::decode(&bytes)?;
                let trace = trace_of(tx, cid)?;
                report.steps = steps(&record.decision, &trace);
                report.violations.clone_from(&record.decision.violations);
                let offset = record
                    .snapshot
                    .submitter
                    .as_ref()
                    .map_or(0, |r| r.utc_offset_minutes);
                report.next_window_start = task.next_window_start.map(|at| local_time(at, offset));
            }
            Ok(report)
        })
    }

    /// All that a person asks about a task: its decision, its candidates, its history.
    ///
    /// # Errors
    /// When there is no such task.
    pub fn why(&self, id: &str) -> Result<WhyReport> {
        let task = self.task_show(id)?;
        self.store.read(|tx| {
            let mut ranking = Vec::new();
            let mut constitution = None;
            if let Some(cid) = &task.decision
                && let Some(bytes) = blocks::get(tx, cid)?
            {
                let record = Record::decode(&bytes)?;
                ranking =
                    CandidateReport::of(&record.decision.ranking, &record.snapshot.candidates);
                constitution = record.constitution.map(|c| c.to_string());
            }
            let history = tasks::history(tx, &task.task)?
                .rows
                .into_iter()
                .map(|h| HistoryLine {
                    at: rfc3339(h.timestamp),
                    status: h.status,
                    reason: h.reasoning,
                })
                .collect();
            Ok(WhyReport {
                task: task.clone(),
                ranking,
                history,
                constitution,
            })
        })
    }

    pub(crate) fn report_row(&self, task: &Task) -> TaskReport {
        TaskReport {
            task: task.id.clone(),
            name: task.name.clone(),
            user: task.user_id.clone(),
            status: task.status.clone(),
            reason: task.reason.clone(),
            warning: task.warning.clone(),
            next_window_start: task.next_window_start.map(|at| self.local_here(at)),
            next_window_at: task.next_window_start.map(rfc3339),
            retry_at: task.retry_at.map(rfc3339),
            violations: serde_json::from_str(&task.violations).unwrap_or_default(),
            importance: task.importance.clone(),
            urgency: task.urgency.clone(),
            sla: task.sla.clone(),
            // The spec is this program's own writing; a hand that broke it is told where it is decided.
            private: serde_json::from_str(&task.spec).is_ok_and(|spec: TaskSpec| spec.private),
            attempt: task.attempt,
            decision: task.decision_cid.clone(),
            steps: Vec::new(),
            peer: task.peer.clone(),
            with_peer: None,
            poll: task.poll_id.clone(),
            output: task.output_path.clone(),
            summary: task.summary.clone(),
            receipt: task.receipt_cid.clone(),
            submitted_at: rfc3339(task.submitted_at),
            finished_at: task.finished_at.map(rfc3339),
        }
    }

    fn local_here(&self, at: Instant) -> String {
        local_time(at, utc_offset_minutes(&self.zone, at))
    }
}

/// What lies beside a record: what its calls cost, and the salt of its commitment.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Trace {
    pub salt: String,
    pub lines: Vec<TraceLine>,
}

/// Stages with what their calls cost.
pub(super) fn steps(decision: &Decision, trace: &[TraceLine]) -> Vec<StepReport> {
    let mut used = vec![false; trace.len()];
    decision
        .steps
        .iter()
        .map(|step| {
            let mut fuel = None;
            let mut us = None;
            for (i, line) in trace.iter().enumerate() {
                if !used[i] && Some(line.slot) == step.slot && Some(line.release) == step.release {
                    used[i] = true;
                    fuel = Some(fuel.unwrap_or(0) + line.fuel.unwrap_or(0));
                    us = Some(us.unwrap_or(0) + line.us);
                }
            }
            StepReport {
                slot: step
                    .slot
                    .map_or("permission".to_owned(), |s| s.name().to_owned()),
                plugin: step.plugin.clone(),
                release: step.release.map(|r| r.to_string()),
                verdict: step.verdict.clone(),
                fuel,
                us,
            }
        })
        .collect()
}

fn trace_of(tx: &Read, cid: &str) -> Result<Vec<TraceLine>> {
    match decisions::trace(tx, cid)? {
        Some(text) => serde_json::from_str::<Trace>(&text)
            .map(|t| t.lines)
            .map_err(NodeError::internal),
        None => Ok(Vec::new()),
    }
}

/// Local `HH:MM` at a fixed offset from UTC.
pub(crate) fn local_time(at: Instant, offset_minutes: i32) -> String {
    let minutes = at.div_euclid(60_000) + i64::from(offset_minutes);
    let minute = minutes.rem_euclid(24 * 60);
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// A task by its id or the beginning of it.
pub(crate) fn find(tx: &Read, id: &str) -> Result<Task> {
    if let Some(task) = tasks::get(tx, id)? {
        return Ok(task);
    }
    let none = || {
        NodeError::not_found(format!(
            "there is no task `{}`",
            weft_model::text::printable(id, 80)
        ))
        .try_this("list them with `weft task list`")
    };
    if id.len() < ID_PREFIX {
        return Err(none());
    }
    match &tasks::ids_like(tx, id, 2)?[..] {
        [one] => tasks::get(tx, one)?.ok_or_else(none),
        [] => Err(none()),
        _ => Err(NodeError::invalid(format!(
            "several tasks begin with `{id}`; give more of the id"
        ))),
    }
}
