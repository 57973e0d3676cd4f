//! Running tasks for other members: the checks before, the input, the job. Nothing accepted is lost: task and lease are
//! one transaction. What comes of it is [`super::returning`]'s.

use super::Peering;
use super::work::{Ask, Blob, Offer, REASON_BYTES, Refusal, Say};
use crate::error::{Code, NodeError, Result};
use crate::gather::SELF;
use crate::keys;
use crate::node::Node;
use crate::private::NOT_FOR_US;
use crate::tasks::Decide;
use std::sync::{Arc, PoisonError};
use weft_model::task::{Status, TaskSpec};
use weft_model::text::printable;
use weft_model::{Did, Instant, cbor};
use weft_store::leases::{self, Lease};
use weft_store::owner::permissions;
use weft_store::tasks::Task;
use weft_store::{Read, Write, releases, tasks};

/// Leases without a result that a device holds at a time, for all members together.
pub(super) const LEASES: u64 = 256;
/// Largest input that comes from another device, in bytes: 1 GiB.
const INPUT_BYTES: u64 = 1 << 30;
/// How often an input is asked for while its submitter is connected.
const INPUT_TRIES: u32 = 3;
/// How long a submitter who went away before its input was here is waited for, in milliseconds: an hour.
const INPUT_PATIENCE_MS: Instant = 3_600_000;
/// Name of the refusal that there is no room for another lease, and what it says.
const QUEUE_FULL: &str = "queue-full";
const FULL: &str = "this device has as many tasks of others as it takes";

/// An input that is on its way.
#[derive(Clone)]
pub(super) struct Wanted {
    from: Did,
    input: Blob,
    since: Instant,
    tries: u32,
}

impl Wanted {
    fn new(from: Did, input: Blob, since: Instant) -> Self {
        Self {
            from,
            input,
            since,
            tries: 0,
        }
    }
}

impl Peering {
    fn want_input(&self, task: String, wanted: Wanted) {
        let mut inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        inputs.insert(task, wanted);
    }

    fn wants_input(&self, task: &str) -> bool {
        let inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        inputs.contains_key(task)
    }

    fn wanted_inputs(&self) -> Vec<(String, Wanted)> {
        let inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        inputs
            .iter()
            .map(|(task, wanted)| (task.clone(), wanted.clone()))
            .collect()
    }

    pub(super) fn have_input(&self, task: &str) {
        let mut inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        inputs.remove(task);
    }

    /// How often it did not come by now.
    fn missed_input(&self, task: &str) -> u32 {
        let mut inputs = self.inputs.lock().unwrap_or_else(PoisonError::into_inner);
        inputs.get_mut(task).map_or(0, |wanted| {
            wanted.tries += 1;
            wanted.tries
        })
    }
}

/// Who holds a lease's input and output in the content store.
pub(super) fn holder(task: &str) -> String {
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
            (Some(lease), _) if lease.is_of(from) => return Ok(Ok(())),
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
        let most = match spec.private {
            true => crate::private::sealed_size(INPUT_BYTES),
            false => INPUT_BYTES,
        };
        if input.size > most {
            let why = format!(
                "its input has {} bytes, {most} are the most from another device",
                input.size
            );
            return Ok(Err(("too-large", why, None)));
        }
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
        if spec.private != offer.private.is_some() || spec.private && spec.params.is_some() {
            return no("invalid", "a private task's params come encrypted");
        }
        if let Some(wrapped) = &offer.private
            && let Err(e) = self.open_secret(wrapped, &offer.task, from)
        {
            return no(NOT_FOR_US, &e.message);
        }
        if spec.private && self.settings.granted(&spec.name).is_some() {
            return no(
                "not-private",
                "this device grants that task a directory for writing, so it is not private here",
            );
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
            return no(QUEUE_FULL, FULL);
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
                // The same offer came twice at a time, and the other one was first.
                None if e.code == Code::Conflict && self.has_lease_of(id, lease)? => Ok(Ok(())),
                None => Err(e),
            },
        }
    }

    /// What a decision that let nothing run is to the submitter; none where it could not be made.
    fn refusal_of(&self, e: &NodeError) -> Option<No> {
        let next = e.remedy.parse().ok();
        let code = match e.code {
            Code::Check(crate::tasks::NOT_HERE) => "owner-rules",
            Code::Check(crate::tasks::NO_PLACE) => "no-place",
            Code::Check(QUEUE_FULL) => QUEUE_FULL,
            _ => return None,
        };
        Some((code, e.message.clone(), next))
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
        let (decided, never) = self.store.read(|tx| -> Result<_> {
            Ok((
                self.gather_and_decide(tx, &table, &wanted)?,
                self.never_fits(tx, spec)?,
            ))
        })?;
        if let Some(reason) = never {
            return Ok(Err(("no-place", reason, None)));
        }
        let decision = decided.decision;
        if decision.verdict == weft_decide::Verdict::RunHere {
            return Ok(Ok(()));
        }
        let next = crate::tasks::next_chance(&decision);
        Ok(Err(("owner-rules", decision.reason, next)))
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
            self.accept_lease(tx, &lease)
        })?;
        if let Some(peering) = self.peering() {
            peering.want_input(lease.task_id, Wanted::new(from, input, now));
            self.fetch_inputs(&peering);
        }
        Ok(Ok(()))
    }

    /// Fetches the inputs that are on their way; who has no place now has one later.
    pub(super) fn fetch_inputs(self: &Arc<Self>, peering: &Arc<Peering>) {
        for (id, wanted) in peering.wanted_inputs() {
            let here = peering.path(&wanted.from).is_some();
            if !here && self.now() - wanted.since < INPUT_PATIENCE_MS {
                continue;
            }
            let (from, peers) = (wanted.from, Arc::clone(peering));
            self.errand(peering, format!("input:{id}"), &from, move |node| {
                node.fetch_input(&peers, &id, &wanted)
            });
        }
    }

    fn fetch_input(self: &Arc<Self>, peering: &Peering, id: &str, wanted: &Wanted) -> Result<()> {
        let input = &wanted.input;
        let got = self.fetch_sized(&input.cid, input.size, &[wanted.from], Some(&holder(id)));
        let Err(e) = got else {
            peering.have_input(id);
            self.task_resume(id)?;
            return Ok(());
        };
        let gone = self.now() - wanted.since >= INPUT_PATIENCE_MS;
        // One that went away in the middle may come back.
        if !gone && (peering.path(&wanted.from).is_none() || peering.missed_input(id) < INPUT_TRIES)
        {
            return Ok(());
        }
        peering.have_input(id);
        self.fail_lease(id, &format!("its input did not come: {e}"))
    }

    /// Takes up inputs that were on their way when the process died.
    pub(crate) fn resume_inputs(self: &Arc<Self>) -> Result<()> {
        let Some(peering) = self.peering() else {
            return Ok(());
        };
        let open = self
            .store
            .read(|tx| leases::unfinished(tx, LEASES as u32))?;
        for lease in open {
            let Ok(Ask::Offer(offer)) = cbor::decode::<Ask>(&lease.offer) else {
                continue;
            };
            let (Some(input), Ok(from)) = (offer.input, lease.submitter.parse::<Did>()) else {
                continue;
            };
            if input.bytes.is_none() && !self.content.has(&input.cid)? {
                peering.want_input(lease.task_id, Wanted::new(from, input, self.now()));
            }
        }
        Ok(())
    }

    /// Whether another device's task waits for its input: then it is not decided yet.
    pub(crate) fn lacks_input(&self, task: &str, spec: &TaskSpec) -> Result<bool> {
        let Some(path) = &spec.input else {
            return Ok(false);
        };
        match self.peering() {
            Some(peering) => Ok(peering.wants_input(task)),
            None => Ok(!std::path::Path::new(path).exists()
                && self.store.read(|tx| self.is_lease(tx, task))?),
        }
    }

    /// Keeps a lease that is accepted, if there is still room for it.
    pub(crate) fn accept_lease(&self, tx: &Write, lease: &Lease) -> Result<()> {
        if leases::open(tx)? >= LEASES {
            return Err(NodeError::coded(QUEUE_FULL, FULL));
        }
        Ok(leases::accept(tx, lease)?)
    }

    fn has_lease_of(&self, task: &str, lease: &Lease) -> Result<bool> {
        let known = self.store.read(|tx| leases::get(tx, task))?;
        Ok(known.is_some_and(|l| l.submitter == lease.submitter))
    }

    /// Ends a lease without a run.
    pub(crate) fn fail_lease(self: &Arc<Self>, id: &str, why: &str) -> Result<()> {
        let now = self.now();
        self.store.write(|tx: &Write| -> Result<()> {
            let Some(mut task) = tasks::get(tx, id)? else {
                return Ok(());
            };
            if !matches!(task.status.as_str(), tasks::QUEUED | tasks::DEFERRED) {
                return Ok(());
            }
            task.status = Status::Failed.word().into();
            task.reason = Some(why.to_owned());
            task.retry_at = None;
            task.peer = None;
            task.finished_at = Some(now);
            task.updated_at = now;
            tasks::update(tx, &task)?;
            crate::tasks::note(tx, &task, now)?;
            self.finish_lease(tx, &task, None, None, None)?;
            Ok(())
        })?;
        self.changed();
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
