//! Running tasks for other members: the checks before, the result after. Nothing accepted is lost: task and lease are one
//! transaction, the result is kept with the end of the job, and is sent until the submitter has taken it.

use super::Peering;
use super::work::{
    Ask, Blob, Done, INLINE_BYTES, Offer, Outcome, REASON_BYTES, Refusal, Say, WorkerEnergy,
};
use crate::error::{NodeError, Result};
use crate::gather::SELF;
use crate::keys;
use crate::node::Node;
use crate::tasks::Decide;
use serde_bytes::ByteBuf;
use std::sync::{Arc, PoisonError};
use weft_model::task::{Status, TaskSpec};
use weft_model::text::printable;
use weft_model::{Did, Instant, cbor};
use weft_store::leases::{self, Lease};
use weft_store::owner::permissions;
use weft_store::tasks::Task;
use weft_store::{Read, Write, releases, tasks};

/// Leases without a result that a device holds at a time, for all members together.
const LEASES: u64 = 256;
/// Results that are sent in one look.
const DELIVERIES: u32 = 64;
/// Results that nobody took for so long are sent no more, in milliseconds: 7 days.
const UNDELIVERED_MS: Instant = 7 * 24 * 3_600_000;
/// Who holds a lease's input and output in the content store.
fn holder(task: &str) -> String {
    format!("lease:{task}")
}

/// Why an offer is not taken: the reason's name, the reason, when to ask again.
type No = (&'static str, String, Option<Instant>);

impl Node {
    /// Takes an offer or refuses it.
    pub(super) fn offered(
        self: &Arc<Self>,
        from: &Did,
        bytes: &[u8],
        offer: &Offer,
    ) -> Result<Say> {
        match self.take_offer(from, bytes, offer)? {
            Ok(()) => Ok(Say::Accepted),
            Err((code, reason, next_window)) => {
                let refusal = Refusal {
                    task: printable(&offer.task, 64),
                    submitter: *from,
                    worker: keys::did(&self.device_key),
                    code: code.to_owned(),
                    reason: printable(&reason, REASON_BYTES / 2),
                    next_window,
                    at: self.now(),
                };
                tracing::info!(%from, code, "an offer was refused: {reason}");
                Ok(Say::Refused(Box::new(refusal.sign(&self.device_key)?)))
            }
        }
    }

    fn take_offer(
        self: &Arc<Self>,
        from: &Did,
        bytes: &[u8],
        offer: &Offer,
    ) -> Result<Result<(), No>> {
        if let Err(no) = self.check_offer(from, offer)? {
            return Ok(Err(no));
        }
        let id = &offer.task;
        let known = self.store.read(|tx| -> Result<_> {
            Ok((leases::get(tx, id)?, tasks::get(tx, id)?.is_some()))
        })?;
        match known {
            // The answer was lost on its way, and the submitter asks again.
            (Some(lease), _) if lease.submitter == from.to_string() => return Ok(Ok(())),
            (_, true) | (Some(_), _) => {
                return Ok(Err((
                    "task-known",
                    "a task of this id is here already".into(),
                    None,
                )));
            }
            (None, false) => {}
        }
        let member = self
            .with_state(|state| state.allowed_devices().get(from).copied())?
            .map(|m| m.to_string())
            .unwrap_or_default();
        let lease = Lease {
            task_id: id.clone(),
            submitter: from.to_string(),
            member,
            offer: bytes.to_vec(),
            result: None,
            delivered_at: None,
            accepted_at: self.now(),
        };
        let mut spec = offer.spec.clone();
        spec.workload = Some(offer.release.to_string());
        let Some(input) = &offer.input else {
            return self.run_lease(spec, &lease);
        };
        let inline = match input.inline() {
            Ok(inline) => inline,
            Err(e) => return Ok(Err(("wrong-bytes", e.message, None))),
        };
        if let Some(bytes) = inline {
            self.put_stream(bytes, Some(&holder(id)))?;
            spec.input = Some(self.content.path(&input.cid).display().to_string());
            let run = self.run_lease(spec, &lease)?;
            if run.is_err() {
                self.let_go(id)?;
            }
            return Ok(run);
        }
        // Whether it would run is known before anything is fetched.
        if let Err(no) = self.would_run(&spec, id)? {
            return Ok(Err(no));
        }
        self.accept_and_fetch(*from, spec, lease, input.clone())
    }

    /// Signature and membership are the connection's; here is what the offer itself must hold to.
    fn check_offer(&self, from: &Did, offer: &Offer) -> Result<Result<(), No>> {
        let no = |code, reason: &str| Ok(Err((code, reason.to_owned(), None)));
        let spec = &offer.spec;
        let id_ok = (4..=64).contains(&offer.task.len())
            && offer.task.bytes().all(|b| b.is_ascii_alphanumeric());
        if !id_ok {
            return no("invalid", "a task's id is 4 to 64 letters and digits");
        }
        if let Err(e) = spec.validate() {
            return Ok(Err(("invalid", e.to_string(), None)));
        }
        if spec.input.is_some() {
            return no("invalid", "an input is named by its CID, not by a file");
        }
        let user = self.user_of_device(from)?;
        if user.as_deref() != Some(spec.user.as_str()) {
            return no(
                "not-a-member",
                "the task's user is not the member whose device asks",
            );
        }
        if !self.settings.allows_task(&spec.name) {
            return no(
                "not-allowed",
                "this device's list of allowed tasks does not have it",
            );
        }
        let longest = self
            .settings
            .whole("max_task_duration_ms")
            .unwrap_or(u64::MAX);
        if spec.duration_ms > longest {
            return no("too-long", "this device runs no task for so long");
        }
        let (permit, open, release) = self.store.read(|tx| -> Result<_> {
            let own = keys::did(&self.device_key).to_string();
            let alias = Some(self.alias()).filter(|a| *a != permissions::ANY);
            let permit = permissions::check(tx, &own, alias, &spec.user, &spec.name);
            Ok((
                permit.is_ok_and(|p| p.allowed),
                leases::open(tx)?,
                releases::get(tx, &offer.release.to_string())?,
            ))
        })?;
        if !permit {
            return no(
                "no-permit",
                "this device's owner did not permit that user this task",
            );
        }
        if open >= LEASES {
            return no(
                "queue-full",
                "this device has as many tasks of others as it takes",
            );
        }
        if release.is_none_or(|r| r.kind != "workload") {
            return no(
                "no-workload",
                "that release is not installed on this device",
            );
        }
        Ok(Ok(()))
    }

    /// Decides by this device's own rules, and starts the job: decision, task and lease are one transaction.
    fn run_lease(self: &Arc<Self>, spec: TaskSpec, lease: &Lease) -> Result<Result<(), No>> {
        let id = &lease.task_id;
        let decided = self.decide_and_keep(&Decide {
            id,
            spec: &spec,
            attempt: 1,
            submitted: lease.accepted_at,
            before: None,
            lease: Some(lease),
        });
        match decided {
            Ok(_) => {
                self.start_job(id)?;
                Ok(Ok(()))
            }
            Err(e) => match self.refusal_of(&e) {
                Some(no) => Ok(Err(no)),
                None => Err(e),
            },
        }
    }

    /// What a decision that let nothing run is to the submitter; none where it could not be made.
    fn refusal_of(&self, e: &NodeError) -> Option<No> {
        let next = e.remedy.parse().ok();
        (e.code == crate::error::Code::Check(crate::tasks::NOT_HERE))
            .then(|| ("owner-rules", e.message.clone(), next))
    }

    fn would_run(&self, spec: &TaskSpec, id: &str) -> Result<Result<(), No>> {
        let now = self.now();
        let table = self.slots.table();
        let wanted = crate::gather::Wanted {
            task: id,
            spec,
            attempt: 1,
            submitted: now,
            now,
            guest: true,
        };
        let decided = self
            .store
            .read(|tx| self.gather_and_decide(tx, &table, &wanted))?;
        let decision = decided.decision;
        if decision.verdict == weft_decide::Verdict::RunHere {
            return Ok(Ok(()));
        }
        Ok(Err(("owner-rules", decision.reason, decision.next_window)))
    }

    /// Accepts, and fetches the input on a thread of its own; then the daemon's loop decides and runs it.
    fn accept_and_fetch(
        self: &Arc<Self>,
        from: Did,
        mut spec: TaskSpec,
        lease: Lease,
        input: Blob,
    ) -> Result<Result<(), No>> {
        spec.input = Some(self.content.path(&input.cid).display().to_string());
        let now = self.now();
        let mut task = Task::new(&lease.task_id, &spec.user, &spec.name, now);
        task.spec = serde_json::to_string(&spec).map_err(NodeError::internal)?;
        task.status = Status::Queued.word().into();
        task.reason = Some("its input is on the way".into());
        task.updated_at = now;
        self.store.write(|tx: &Write| -> Result<()> {
            tasks::insert(tx, &task)?;
            crate::tasks::note(tx, &task, now)?;
            leases::accept(tx, &lease)?;
            Ok(())
        })?;
        self.fetch_input(from, &lease.task_id, &input);
        Ok(Ok(()))
    }

    fn fetch_input(self: &Arc<Self>, from: Did, task: &str, input: &Blob) {
        let (node, id, input) = (Arc::clone(self), task.to_owned(), input.clone());
        let spawned = std::thread::Builder::new()
            .name("weft-input".into())
            .spawn(move || {
                let got = node.fetch_content(&input.cid, &[from], Some(&holder(&id)));
                let ended = match got {
                    Ok(_) => node.resume_lease(&id),
                    Err(e) => node.fail_lease(&id, &format!("its input did not come: {e}")),
                };
                if let Err(e) = ended {
                    tracing::error!(task = id, "{e}");
                }
            });
        if let Err(e) = spawned {
            tracing::error!(task, "the input is not fetched: {e}");
        }
    }

    fn resume_lease(self: &Arc<Self>, id: &str) -> Result<()> {
        self.task_resume(id)?;
        Ok(())
    }

    /// Ends a lease without a run.
    fn fail_lease(self: &Arc<Self>, id: &str, why: &str) -> Result<()> {
        let now = self.now();
        self.store.write(|tx: &Write| -> Result<()> {
            let Some(mut task) = tasks::get(tx, id)? else {
                return Ok(());
            };
            task.status = Status::Failed.word().into();
            task.reason = Some(why.to_owned());
            task.finished_at = Some(now);
            task.updated_at = now;
            tasks::update(tx, &task)?;
            crate::tasks::note(tx, &task, now)?;
            self.finish_lease(tx, &task, None, None)?;
            Ok(())
        })?;
        self.changed();
        Ok(())
    }

    /// Keeps what came of a task with its lease, if it has one. Returns whether it has.
    pub(crate) fn finish_lease(
        &self,
        tx: &Write,
        task: &Task,
        receipt: Option<&[u8]>,
        output: Option<&Blob>,
    ) -> Result<bool> {
        let Some(lease) = leases::get(tx, &task.id)? else {
            return Ok(false);
        };
        let offer: Option<Offer> = match cbor::decode::<Ask>(&lease.offer) {
            Ok(Ask::Offer(offer)) => Some(*offer),
            _ => None,
        };
        let done = match (receipt, output) {
            (Some(receipt), Some(output)) => Some(Done {
                receipt: ByteBuf::from(receipt),
                output: output.clone(),
                summary: printable(task.summary.as_deref().unwrap_or_default(), REASON_BYTES),
                energy: self.worker_energy(tx)?,
            }),
            _ => None,
        };
        let outcome = Outcome {
            task: task.id.clone(),
            attempt: offer.map_or(1, |o| o.attempt),
            failed: done
                .is_none()
                .then(|| task.reason.clone().unwrap_or_else(|| "it failed".into())),
            done,
        };
        let bytes = cbor::encode(&Ask::Result(Box::new(outcome))).map_err(NodeError::internal)?;
        leases::finish(tx, &task.id, &bytes)?;
        Ok(true)
    }

    /// The output of a lease's task as it travels: content of this home, and the bytes themselves where they are few.
    pub(crate) fn lease_output(&self, task: &str, path: &std::path::Path) -> Result<Option<Blob>> {
        let lease = self.store.read(|tx| leases::get(tx, task))?;
        if lease.is_none() {
            return Ok(None);
        }
        let io = |e| NodeError::file(path, &e);
        let size = std::fs::metadata(path).map_err(io)?.len();
        if size <= INLINE_BYTES as u64 {
            let bytes = std::fs::read(path).map_err(io)?;
            return Ok(Some(Blob {
                cid: weft_model::content::raw_cid(&bytes),
                size: bytes.len() as u64,
                bytes: Some(ByteBuf::from(bytes)),
            }));
        }
        let file = std::fs::File::open(path).map_err(io)?;
        let (cid, _) = self.put_stream(file, Some(&holder(task)))?;
        Ok(Some(Blob {
            cid,
            size,
            bytes: None,
        }))
    }

    fn worker_energy(&self, tx: &Read) -> Result<WorkerEnergy> {
        let here = self.power(tx)?;
        Ok(WorkerEnergy {
            kind: crate::settings::word_of(here.kind).to_owned(),
            percent_clean: here.percent_clean,
            grid_g_per_kwh: here.grid,
        })
    }

    /// Sends results to their submitters, as far as they are connected.
    pub(super) fn deliver_results(self: &Arc<Self>, peering: &Arc<Peering>) {
        let undelivered = match self.store.read(|tx| leases::undelivered(tx, DELIVERIES)) {
            Ok(list) => list,
            Err(e) => {
                tracing::error!("{e}");
                return;
            }
        };
        for lease in undelivered {
            let Some(result) = lease.result.clone() else {
                continue;
            };
            if self.now() - lease.accepted_at > UNDELIVERED_MS {
                self.delivered(&lease.task_id);
                continue;
            }
            let Ok(submitter) = lease.submitter.parse::<Did>() else {
                continue;
            };
            let mut sending = peering
                .sending
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if peering.path(&submitter).is_none() || !sending.insert(lease.task_id.clone()) {
                continue;
            }
            drop(sending);
            let (node, peering) = (Arc::clone(self), Arc::clone(peering));
            let task = lease.task_id.clone();
            let spawned = std::thread::Builder::new()
                .name("weft-deliver".into())
                .spawn(move || {
                    node.deliver(&peering, &submitter, &lease.task_id, result);
                    let mut sending = peering
                        .sending
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner);
                    sending.remove(&lease.task_id);
                });
            if let Err(e) = spawned {
                tracing::error!(task, "a result is not sent: {e}");
            }
        }
    }

    fn deliver(&self, peering: &Peering, submitter: &Did, task: &str, result: Vec<u8>) {
        let answer = peering
            .mesh
            .request(submitter, weft_mesh::Protocol::Task, result);
        let taken = answer.ok().and_then(|a| cbor::decode::<Say>(&a).ok());
        if matches!(taken, Some(Say::Taken)) {
            self.delivered(task);
        }
    }

    /// The submitter has the result: what was kept for it goes.
    fn delivered(&self, task: &str) {
        let now = self.now();
        let noted = self
            .store
            .write(|tx: &Write| leases::delivered(tx, task, now))
            .map_err(NodeError::from)
            .and_then(|()| self.let_go(task));
        if let Err(e) = noted {
            tracing::error!(task, "{e}");
        }
    }

    /// Lets go of a lease's input and output.
    fn let_go(&self, task: &str) -> Result<()> {
        let holder = holder(task);
        let held = self.store.write(|tx| -> Result<_> {
            let held = weft_store::content::held_by(tx, &holder)?;
            weft_store::content::unpin_all(tx, &holder)?;
            Ok(held)
        })?;
        for cid in held {
            self.content.remove_unheld(&cid.parse()?)?;
        }
        Ok(())
    }

    /// The submitter wants it no more.
    pub(super) fn called_off(self: &Arc<Self>, from: &Did, task: &str) -> Result<Say> {
        let lease = self.store.read(|tx| leases::get(tx, task))?;
        if lease.is_none_or(|l| l.submitter != from.to_string()) {
            return Ok(Say::Unknown);
        }
        // One that came to its end meanwhile stays as it ended.
        let _ = self.task_cancel(task);
        self.delivered(task);
        Ok(Say::Taken)
    }

    /// How far a submitter's task is.
    pub(super) fn state_of(&self, from: &Did, task: &str) -> Result<Say> {
        let lease = self.store.read(|tx| leases::get(tx, task))?;
        Ok(match lease {
            Some(l) if l.submitter == from.to_string() && l.delivered_at.is_none() => Say::Running,
            _ => Say::Unknown,
        })
    }

    /// Takes up inputs that were on their way when the process died.
    pub(crate) fn resume_inputs(self: &Arc<Self>) -> Result<()> {
        let open = self
            .store
            .read(|tx| leases::undelivered(tx, weft_store::limits::LIST_ROWS_MAX))?;
        for lease in open.into_iter().filter(|l| l.result.is_none()) {
            let Ok(Ask::Offer(offer)) = cbor::decode::<Ask>(&lease.offer) else {
                continue;
            };
            let (Some(input), Ok(from)) = (offer.input, lease.submitter.parse::<Did>()) else {
                continue;
            };
            if input.bytes.is_none() && !self.content.has(&input.cid)? {
                self.fetch_input(from, &lease.task_id, &input);
            }
        }
        Ok(())
    }

    /// Whether a task is another device's.
    pub(crate) fn is_lease(&self, tx: &Read, task: &str) -> Result<bool> {
        Ok(leases::get(tx, task)?.is_some())
    }

    /// Who a task of another device came from, for its carbon: the device, else this one.
    pub(crate) fn submitter_of(&self, task: &str) -> Result<String> {
        let lease = self.store.read(|tx| leases::get(tx, task))?;
        Ok(lease.map_or_else(|| SELF.to_owned(), |l| l.submitter))
    }
}
