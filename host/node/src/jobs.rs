//! Runs the tasks that were decided to run here, and keeps what follows: output, receipt, carbon, rest.

use crate::error::{Code, NodeError, Result};
use crate::gather::SELF;
use crate::given::Named;
use crate::node::Node;
use crate::peering::REASON_BYTES;
use crate::receipt::{Account, Claim, Receipt, content_name, name_of_file};
use crate::tasks::note;
use crate::tasks::tail::Counted;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use weft_engine::workload::{JobFailure, JobLimits};
use weft_engine::{Finished, Job};
use weft_model::task::{Status, TaskSpec};
use weft_model::text::printable;
use weft_model::{Cid, Instant};
use weft_release::Release;
use weft_store::owner::cooldown;
use weft_store::tasks::{self, Task};
use weft_store::{Write, blocks};

/// How the name of an output begins while its job runs.
pub(crate) const UNFINISHED: &str = ".unfinished-";

/// What stands here of why another device's private task failed.
const PRIVATE_FAILED: &str = "the workload failed; why is for its submitter alone";

/// How a job ended, before it is kept.
struct Ended {
    status: Status,
    reason: Option<String>,
    finished: Option<Finished>,
    ran: Option<Ran>,
}

/// What ran, and what its receipt says of what it was given.
struct Ran {
    cid: Cid,
    release: Release,
    named: Named,
    /// Name of the input, or of its beginning.
    input: String,
    /// How many bytes of it that is.
    read: u64,
    /// CID of the params.
    params: Cid,
    /// As the claim has it.
    seed: Option<u64>,
    /// Name of the output.
    output: String,
}

impl Node {
    /// Starts a task's job on a thread of its own. Its status is `running` on the disk already.
    pub(crate) fn start_job(self: &Arc<Self>, id: &str) -> Result<()> {
        let cancel = Arc::new(AtomicBool::new(false));
        self.jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.to_owned(), Arc::clone(&cancel));
        self.tail(id);
        let (node, id) = (Arc::clone(self), id.to_owned());
        std::thread::Builder::new()
            .name("weft-job".into())
            .spawn(move || {
                crate::caps::step_back(&node.settings);
                node.run_job(&id, cancel);
            })
            .map_err(NodeError::internal)?;
        Ok(())
    }

    fn run_job(self: &Arc<Self>, id: &str, cancel: Arc<AtomicBool>) {
        let started = self.now();
        if let Err(e) = self.run_and_keep(id, started, cancel) {
            tracing::error!(task = id, "the job's end could not be kept: {e}");
            self.unkept
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(id.to_owned(), e);
        }
        self.jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(id);
        let tail = {
            let mut tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
            tails.remove(id)
        };
        self.places.free(id);
        self.deliver_soon(id);
        self.changed();
        if let Some(tail) = tail {
            tail.end();
        }
    }

    fn run_and_keep(&self, id: &str, started: Instant, cancel: Arc<AtomicBool>) -> Result<()> {
        let Some(task) = self.store.read(|tx| tasks::get(tx, id))? else {
            return Ok(());
        };
        // Taken back before its job could be told.
        if task.status != Status::Running.word() {
            return Ok(());
        }
        let spec: TaskSpec = serde_json::from_str(&task.spec).map_err(NodeError::internal)?;
        let ended = self.run(&task, &spec, cancel).unwrap_or_else(|e| Ended {
            status: Status::Failed,
            reason: Some(e.to_string()),
            finished: None,
            ran: None,
        });
        self.keep_end(task, &spec, started, &ended)
    }

    fn run(&self, task: &Task, spec: &TaskSpec, cancel: Arc<AtomicBool>) -> Result<Ended> {
        let (cid, release) = self.store.read(|tx| {
            let bound = self.bound_workload(tx, spec)?.ok_or_else(|| {
                NodeError::not_found(format!("no workload is bound to `{}` any more", spec.name))
            })?;
            self.find_release(tx, &bound)
        })?;
        let engine = self.workloads()?;
        let folder = self.home.outputs();
        let output = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(&folder)
            .map_err(|e| NodeError::file(&folder, &e))?;
        let writer = output.reopen().map_err(|e| NodeError::file(&folder, &e))?;
        let secret = self.given_secret(&task.id, spec)?;
        let params = match &secret {
            Some(given) => given.secret.params.clone().unwrap_or_default(),
            None => spec.params.clone().unwrap_or_default(),
        };
        let params_cid = match &secret {
            Some(given) => given.secret.params_cid(),
            None => weft_model::content::raw_cid(params.as_bytes()),
        };
        let sealer = match &secret {
            Some(given) => Some(given.writer(writer.try_clone().map_err(NodeError::internal)?)?),
            None => None,
        };
        let tail = self.tail(&task.id);
        if sealer.is_none() {
            tail.show(output.reopen().map_err(|e| NodeError::file(&folder, &e))?);
        }
        let sink: Box<dyn std::io::Write + Send> = match &sealer {
            Some(sealer) => Box::new(sealer.clone()),
            None => Box::new(writer),
        };
        let limit = self
            .settings
            .number("max_task_duration_ms")
            .unwrap_or(f64::MAX) as u64;
        let named = crate::models::named(&release, &params)?;
        let seed = match &secret {
            Some(_) => None,
            None => crate::models::sampling_seed(&release, &params),
        };
        let ready = self.ready(&release, &named)?;
        let given = self.given(
            spec,
            &release,
            &params,
            ready.models,
            secret.as_ref().map(|s| &s.secret),
        )?;
        let job = Job {
            seed: given.seed,
            params,
            input: given.input,
            output: Box::new(Counted { inner: sink, tail }),
            limits: JobLimits {
                fuel: release.limits.fuel,
                memory_bytes: release.limits.memory_bytes,
                deadline_ms: release.limits.deadline_ms.min(limit),
                output_bytes: release.limits.output_bytes,
            },
            dirs: given.dirs,
            cancel: Arc::clone(&cancel),
            threads: crate::caps::threads(&self.settings),
            skills: ready.skills,
            embedder: ready.embedder,
        };
        let finished = match engine.run(&ready.workload, job) {
            Ok(finished) => finished,
            Err(e) => {
                return Ok(Ended {
                    status: Status::Failed,
                    reason: Some(e.to_string()),
                    finished: None,
                    ran: None,
                });
            }
        };
        let input = given.named.input(&finished)?;
        let read = given.named.bytes(&finished);
        let mut name = content_name(finished.bytes_out, &finished.output_digest);
        let (status, reason) = match &finished.result {
            Ok(_) => {
                let path = folder.join(format!("{}.out", task.id));
                if let Some(sealer) = &sealer {
                    sealer.finish().map_err(|e| NodeError::file(&path, &e))?;
                    name = name_of_file(output.path(), u64::MAX)?.1;
                }
                output
                    .as_file()
                    .sync_all()
                    .map_err(|e| NodeError::file(&path, &e))?;
                output
                    .persist(&path)
                    .map_err(|e| NodeError::file(&path, &e.error))?;
                (Status::Done, None)
            }
            Err(JobFailure::Cancelled) if cancel.load(Ordering::Acquire) => (
                Status::Cancelled,
                Some("taken back by its submitter".to_owned()),
            ),
            Err(failure) => (Status::Failed, Some(failure.to_string())),
        };
        Ok(Ended {
            status,
            reason,
            finished: Some(finished),
            ran: Some(Ran {
                cid,
                release,
                named: given.named,
                input,
                read,
                params: params_cid,
                seed,
                output: name,
            }),
        })
    }

    /// One transaction: status, history, receipt, carbon and the device's rest.
    fn keep_end(
        &self,
        mut task: Task,
        spec: &TaskSpec,
        started: Instant,
        ended: &Ended,
    ) -> Result<()> {
        let now = self.now();
        let receipt = match (&ended.finished, &ended.ran) {
            (Some(finished), Some(ran)) if ended.status == Status::Done => {
                Some(self.receipt(&task, spec, ran, finished)?)
            }
            _ => None,
        };
        let summary = ended.finished.as_ref().and_then(|f| f.result.as_ref().ok());
        // One that can't be opened gave nothing to any workload.
        let secret = self.given_secret(&task.id, spec).unwrap_or_default();
        let secret = secret.as_ref();
        // What another device's private task says of itself is for its submitter alone.
        let sealed = match (secret, &ended.reason) {
            (Some(secret), Some(why)) if ended.status == Status::Failed => {
                Some(secret.seal(&printable(why, REASON_BYTES))?)
            }
            _ => None,
        };
        let carbon = match &ended.finished {
            Some(finished) => Some(self.home_carbon(&task, spec, started, finished.wall_ms)?),
            None => None,
        };
        self.count_faults()?;
        let path = self.home.outputs().join(format!("{}.out", task.id));
        let gave = match (&receipt, &ended.ran) {
            (Some(_), Some(ran)) => {
                let line = summary.map_or("", String::as_str);
                let line = match secret {
                    Some(secret) => secret.seal(line)?,
                    None => printable(line, REASON_BYTES),
                };
                self.lease_output(&task.id, &path, ran.read, line)?
            }
            _ => None,
        };
        let _turn = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        self.store.write(|tx: &Write| -> Result<()> {
            // A task that was taken back meanwhile stays so; that it ran is still counted.
            let cancelled =
                tasks::get(tx, &task.id)?.is_some_and(|t| t.status == Status::Cancelled.word());
            // The node stops, and nobody took the task back: it stays `running` for the next start to run again.
            if ended.status == Status::Cancelled && !cancelled {
                return Ok(());
            }
            if !cancelled {
                task.status = ended.status.word().into();
                if ended.reason.is_some() {
                    task.reason.clone_from(&ended.reason);
                }
                if sealed.is_some() {
                    task.reason = Some(PRIVATE_FAILED.into());
                }
                task.finished_at = Some(now);
                task.updated_at = now;
                // What another device's private task returned is not kept here.
                task.summary = summary.filter(|_| secret.is_none()).cloned();
                if let (Some((cid, bytes)), Some(ran)) = (&receipt, &ended.ran) {
                    blocks::put(tx, &cid.to_string(), bytes, now)?;
                    task.receipt_cid = Some(cid.to_string());
                    task.output_cid = Some(ran.output.clone());
                    task.output_path = Some(path.display().to_string());
                }
                tasks::update(tx, &task)?;
                note(tx, &task, now)?;
                let bytes = receipt.as_ref().map(|(_, bytes)| &bytes[..]);
                self.finish_lease(tx, &task, bytes, gave.as_ref(), sealed)?;
            }
            if let Some(impact) = &carbon {
                weft_store::carbon::add(tx, impact)?;
            }
            // What its owner runs by hand is no reason to keep others waiting.
            if task.decision_cid.is_some() {
                self.rest(tx, &task.id, now)?;
            }
            Ok(())
        })
    }

    /// The device rests for as long as its owner wants.
    fn rest(&self, tx: &Write, task: &str, now: Instant) -> Result<()> {
        let minutes = match weft_store::owner::preferences::get(tx, &self.owner) {
            Ok(preferences) => preferences.min_idle_minutes,
            // The row is malformed: the owner's rules are closed anyway until it is mended.
            Err(weft_store::Error::Malformed(_)) => 0,
            Err(e) => return Err(e.into()),
        };
        cooldown::set(
            tx,
            &cooldown::Cooldown {
                user_id: self.owner.clone(),
                last_task_id: Some(task.to_owned()),
                last_executed_at: Some(now),
                // No rest is none at all: an instant would be kept rounded up to its second.
                idle_until: (minutes > 0).then(|| now + Instant::from(minutes) * 60_000),
                reason: Some(format!("System idle period: {minutes} minutes")),
            },
        )?;
        Ok(())
    }

    fn receipt(
        &self,
        task: &Task,
        spec: &TaskSpec,
        ran: &Ran,
        finished: &Finished,
    ) -> Result<(Cid, Vec<u8>)> {
        let claim = Claim {
            release: ran.cid,
            component: ran.release.component.cid,
            input: ran.input.clone(),
            params: ran.params,
            seed: ran.seed,
            models: ran.named.models.clone(),
            output: ran.output.clone(),
            fuel: finished.fuel,
            profile: self.workloads()?.profile().to_owned(),
            verifiable: ran.named.verifiable,
        };
        let watts = self.store.read(|tx| self.mesh(tx))?.watts(spec.watts);
        let account = Account {
            task: task.id.clone(),
            decision: task.decision_cid.clone().unwrap_or_default(),
            peak_memory_bytes: finished.peak_memory_bytes,
            wall_ms: finished.wall_ms,
            energy_wh: watts * finished.wall_ms as f64 / 3_600_000.0,
            energy_known: "modelled".into(),
            worker: crate::keys::did(&self.device_key),
            ended: self.now(),
        };
        Receipt::sign(claim, account, &self.device_key)
    }

    /// Marks tasks that were running when a process died as queued, to be decided again.
    pub(crate) fn recover(&self) -> Result<()> {
        self.sweep_outputs()?;
        let filter = tasks::Filter {
            status: Some(Status::Running.word().into()),
            limit: Some(weft_store::limits::LIST_ROWS_MAX),
            ..tasks::Filter::default()
        };
        let lost = self.store.read(|tx| tasks::list(tx, &filter))?.rows;
        self.queue_again(lost, "the node stopped while it ran")
    }

    /// Marks tasks whose jobs' ends could not be kept as queued, once there is room for that.
    ///
    /// # Errors
    /// When there still is none.
    pub(crate) fn recover_unkept(&self) -> Result<()> {
        let ids: Vec<String> = {
            let unkept = self.unkept.lock().unwrap_or_else(PoisonError::into_inner);
            unkept.keys().cloned().collect()
        };
        for id in ids {
            let lost = self.store.read(|tx| tasks::get(tx, &id))?;
            let lost = lost
                .into_iter()
                .filter(|t| t.status == Status::Running.word());
            self.queue_again(lost.collect(), "its end could not be kept")?;
            let mut unkept = self.unkept.lock().unwrap_or_else(PoisonError::into_inner);
            unkept.remove(&id);
        }
        Ok(())
    }

    fn queue_again(&self, lost: Vec<Task>, why: &str) -> Result<()> {
        if lost.is_empty() {
            return Ok(());
        }
        let now = self.now();
        self.store.write(|tx: &Write| -> Result<()> {
            for mut task in lost {
                if task.decision_cid.is_some() {
                    task.status = Status::Queued.word().into();
                    task.reason = Some(format!("{why}; it is tried again"));
                    task.retry_at = Some(now);
                } else {
                    // Its owner ran it by hand, and waits for it no more.
                    task.status = Status::Failed.word().into();
                    task.reason = Some(format!("{why}; run it again"));
                    task.finished_at = Some(now);
                }
                task.updated_at = now;
                tasks::update(tx, &task)?;
                note(tx, &task, now)?;
                self.feed(tx, "task.interrupted", Some(&task.id), why)?;
            }
            Ok(())
        })
    }

    /// Removes what killed jobs had written so far; the output of a job that ended has its task's name.
    fn sweep_outputs(&self) -> Result<()> {
        let folder = self.home.outputs();
        let io = |e| NodeError::file(&folder, &e);
        for entry in std::fs::read_dir(&folder).map_err(io)? {
            let entry = entry.map_err(io)?;
            if entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(UNFINISHED.as_bytes())
            {
                let path = entry.path();
                let removed = match entry.file_type().map_err(io)?.is_dir() {
                    true => std::fs::remove_dir_all(path),
                    false => std::fs::remove_file(path),
                };
                removed.map_err(io)?;
            }
        }
        Ok(())
    }

    /// Waits until no job runs.
    pub fn drain(&self) {
        let (count, signal) = &self.wake;
        let mut seen = count.lock().unwrap_or_else(PoisonError::into_inner);
        while !self
            .jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
        {
            seen = signal
                .wait_timeout(seen, std::time::Duration::from_millis(DRAIN_CHECK_MS))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Waits until a task has come to its end or waits for a moment, and nothing works on it any more.
    ///
    /// # Errors
    /// When there is no such task, or what became of it could not be kept.
    pub fn task_wait(&self, id: &str) -> Result<crate::report::TaskReport> {
        let (count, signal) = &self.wake;
        loop {
            // Whoever changes a task signals; what changes from here on ends the wait below at once.
            let before = *count.lock().unwrap_or_else(PoisonError::into_inner);
            let works = self
                .jobs
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .contains_key(id);
            let works = works || self.is_under_way(id)?;
            let report = self.task_show(id)?;
            let runs = report.status == Status::Running.word();
            if !works && !runs {
                return Ok(report);
            }
            let unkept = self.unkept.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(e) = unkept.get(id).filter(|_| !works) {
                let why = format!("task `{id}` ran, but its end could not be kept: {e}");
                return Err(NodeError {
                    message: why,
                    remedy: format!("{}; the task is run again", e.advice()),
                    ..e.clone()
                });
            }
            drop(unkept);
            if !works && self.stopping.load(Ordering::Acquire) {
                return Err(NodeError::new(
                    Code::Unavailable,
                    format!("the daemon stops; task `{id}` is run again at the next start"),
                )
                .try_this("weft start"));
            }
            let guard = count.lock().unwrap_or_else(PoisonError::into_inner);
            if *guard == before {
                drop(signal.wait_timeout(guard, std::time::Duration::from_millis(DRAIN_CHECK_MS)));
            }
        }
    }

    /// A task that a row peer was picked for: it is `delegated`, has no receipt, and its carbon is modelled.
    pub(crate) fn keep_delegation(
        &self,
        tx: &Write,
        task: &Task,
        peer: &str,
        decided: &crate::deciding::Decided,
    ) -> Result<()> {
        let row = decided.candidates.iter().position(|id| id == peer);
        let score = decided
            .decision
            .ranking
            .iter()
            .find(|r| Some(r.row as usize) == row)
            .and_then(|r| r.score);
        tasks::put_delegation(
            tx,
            &tasks::Delegation {
                id: format!("{}-{}", task.id, task.attempt),
                task_id: task.id.clone(),
                task_name: Some(task.name.clone()),
                user_id: Some(task.user_id.clone()),
                from_device: Some(SELF.into()),
                to_device: Some(peer.to_owned()),
                attempt: task.attempt,
                score,
                status: "leased".into(),
                reason: task.reason.clone(),
                delegated_at: task.updated_at,
                finished_at: None,
                receipt_cid: None,
            },
        )?;
        // What a device of the mesh takes is known by its receipt; a row's is modelled now.
        if !self.is_remote(tx, peer)? {
            let impact = self.delegated_carbon(tx, task, peer)?;
            weft_store::carbon::add(tx, &impact)?;
        }
        Ok(())
    }

    /// Ends the leases of a task that is taken back.
    pub(crate) fn end_leases(&self, tx: &Write, task: &str, now: Instant) -> Result<()> {
        for mut lease in tasks::delegations(tx, task)?.rows {
            if matches!(lease.status.as_str(), "leased" | "running") {
                lease.status = "cancelled".into();
                lease.reason = Some("taken back by its submitter".into());
                lease.finished_at = Some(now);
                tasks::put_delegation(tx, &lease)?;
            }
        }
        Ok(())
    }
}

/// How often a waiting thread looks by itself, in milliseconds.
const DRAIN_CHECK_MS: u64 = 200;
