//! Giving tasks to other members: the offer to the peer that the decision picked, the watch over it, and the next peer
//! where it fails. What a worker brings is [`super::results`]'s.
//!
//! The tables say which leases are under way; [`super::watching`] looks after them.

use super::watching::Watched;
use super::work::{Ask, Blob, INLINE_BYTES, Offer, REASON_BYTES, Say, SignedRefusal};
use super::{ADVERT, Peering};
use crate::error::{Code, NodeError, Result};
use crate::keys;
use crate::node::Node;
use crate::report::WithPeer;
use serde_bytes::ByteBuf;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use weft_mesh::MeshError;
use weft_model::task::{Importance, Status, TaskSpec};
use weft_model::text::printable;
use weft_model::{Did, Instant, cbor, content};
use weft_scheduler::lease::{Next, after_failure};
use weft_store::tasks::{self, Delegation, Task};
use weft_store::{Read, Write, blocks, peers};

/// States of a lease in which a peer failed at it.
const FAILURES: [&str; 3] = ["refused", "lost", "failed"];
/// States of a lease that is under way.
pub(super) const UNDER_WAY: [&str; 2] = ["leased", "running"];
/// State of a lease that its peer accepted.
pub(super) const RUNNING: &str = "running";
/// How often an offer is made to a peer that closes without an answer.
const OFFERS: u32 = 3;

/// Peers that failed at a task.
pub(crate) fn failed_before(tx: &Read, task: &str) -> Result<Vec<String>> {
    let leases = tasks::delegations(tx, task)?.rows;
    Ok(leases
        .into_iter()
        .filter(|l| FAILURES.contains(&l.status.as_str()))
        .filter_map(|l| l.to_device)
        .collect())
}

/// When a peer failed at a task last.
pub(crate) fn last_failure(tx: &Read, task: &str) -> Result<Option<Instant>> {
    let leases = tasks::delegations(tx, task)?.rows;
    let failed = leases
        .into_iter()
        .filter(|l| FAILURES.contains(&l.status.as_str()));
    Ok(failed.filter_map(|l| l.finished_at).max())
}

/// A lease as it is carried.
#[derive(Clone)]
pub(super) struct Placed {
    pub task: Task,
    pub spec: TaskSpec,
    pub lease: Delegation,
    pub peer: Did,
}

/// How a try ended without a result.
pub(super) struct Failed {
    /// `refused`, `lost` or `failed`.
    status: &'static str,
    reason: String,
    /// When the peer may be asked again.
    next_window: Option<Instant>,
    refusal: Option<Box<SignedRefusal>>,
}

impl Failed {
    pub fn new(status: &'static str, reason: &str) -> Self {
        Self {
            status,
            reason: printable(reason, REASON_BYTES),
            next_window: None,
            refusal: None,
        }
    }
}

impl Node {
    /// Whether a peer's row is a device of the mesh, to which a task is really sent.
    pub(crate) fn is_remote(&self, tx: &Read, peer: &str) -> Result<bool> {
        let row = peers::get(tx, peer)?;
        Ok(row.is_some_and(|p| p.origin == ADVERT) && self.peering().is_some())
    }

    /// Offers a task that was decided to go to a peer. Row peers get none.
    pub(crate) fn start_lease(self: &Arc<Self>, id: &str) -> Result<()> {
        if let (Some(peering), Some(placed)) = (self.peering(), self.placed(id)?) {
            self.offer_aside(&peering, placed);
        }
        Ok(())
    }

    /// Whether a task is with a peer of the mesh, or on its way to the next.
    pub(crate) fn is_under_way(&self, task: &str) -> Result<bool> {
        let Some(peering) = self.peering() else {
            return Ok(false);
        };
        Ok(peering.pauses(task) || self.placed(task)?.is_some())
    }

    /// How far a task is with its peer.
    pub(crate) fn with_peer(&self, task: &str) -> Option<WithPeer> {
        let peering = self.peering()?;
        let placed = self.placed(task).ok()??;
        let name = self.store.read(|tx| self.peer_called(tx, &placed.peer));
        let watched = peering
            .watched
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Some(WithPeer {
            name: name.unwrap_or_default(),
            running: placed.lease.status == RUNNING,
            written: watched.get(task).and_then(Watched::written),
        })
    }

    /// The lease of a task that waits for a peer of the mesh.
    pub(super) fn placed(&self, id: &str) -> Result<Option<Placed>> {
        self.store.read(|tx| {
            let Some(task) = tasks::get(tx, id)? else {
                return Ok(None);
            };
            if task.status != Status::Delegated.word() {
                return Ok(None);
            }
            let lease = tasks::delegations(tx, id)?
                .rows
                .into_iter()
                .rfind(|l| UNDER_WAY.contains(&l.status.as_str()));
            let Some(lease) = lease else { return Ok(None) };
            let to = lease.to_device.clone().unwrap_or_default();
            // A device whose row is gone since, as its network was left, is one of the mesh all the same.
            let of_mesh = peers::get(tx, &to)?.is_none_or(|row| row.origin == ADVERT);
            let (true, Ok(peer)) = (of_mesh, to.parse::<Did>()) else {
                return Ok(None);
            };
            let spec: TaskSpec = serde_json::from_str(&task.spec).map_err(NodeError::internal)?;
            Ok(Some(Placed {
                task,
                spec,
                lease,
                peer,
            }))
        })
    }

    pub(super) fn offer_aside(self: &Arc<Self>, peering: &Arc<Peering>, placed: Placed) {
        let (name, peer) = (format!("offer:{}", placed.task.id), placed.peer);
        let peers = Arc::clone(peering);
        self.errand(peering, name, &peer, move |node| {
            node.offer(&peers, &placed)
        });
    }

    fn offer(self: &Arc<Self>, peering: &Peering, placed: &Placed) -> Result<()> {
        let id = &placed.task.id;
        let offer = match self.offer_of(placed) {
            Ok(offer) => offer,
            Err(e) => return self.not_offered(placed, &e),
        };
        let said = self.ask_about_task(&placed.peer, &Ask::Offer(Box::new(offer)))?;
        let failed = match said {
            Ok(Say::Accepted) => return self.lease_runs(placed),
            Ok(Say::Refused(refusal)) => {
                let own = keys::did(&self.device_key);
                if refusal.holds(id, &own, &placed.peer) {
                    let said = &refusal.refusal;
                    Failed {
                        next_window: said.next_window,
                        ..Failed::new("refused", &said.reason)
                    }
                    .signed(refusal)
                } else {
                    Failed::new("refused", "it refused, and did not sign why")
                }
            }
            Ok(_) => Failed::new("failed", "it answered an offer with something else"),
            Err(MeshError::NoAnswer { .. }) => {
                let tries = peering.watched(id, self.now(), Watched::unanswered);
                // The next look offers it again, which changes nothing where it had arrived.
                if tries < OFFERS {
                    return Ok(());
                }
                Failed::new("failed", "it closed without an answer")
            }
            Err(e) => Failed::new("lost", &e.to_string()),
        };
        self.lease_failed(placed, failed)
    }

    fn offer_of(&self, placed: &Placed) -> Result<Offer> {
        let (release, _) = self.store.read(|tx| {
            let bound = self.bound_workload(tx, &placed.spec)?.ok_or_else(|| {
                NodeError::not_found(format!("no workload is bound to `{}`", placed.spec.name))
            })?;
            self.find_release(tx, &bound)
        })?;
        let input = match &placed.spec.input {
            Some(path) => Some(self.input_of(placed, Path::new(path))?),
            None => None,
        };
        let mut spec = placed.spec.clone();
        spec.input = None;
        spec.workload = None;
        if spec.private {
            spec.params = None;
        }
        // What was decided here is what the worker is told.
        let decided = placed.task.importance.as_deref();
        spec.importance = decided.and_then(|w| w.parse::<Importance>().ok());
        spec.sla.clone_from(&placed.task.sla);
        Ok(Offer {
            task: placed.task.id.clone(),
            attempt: placed.lease.attempt,
            spec,
            release,
            input,
            decision: placed.task.decision_cid.clone().unwrap_or_default(),
            private: self.wrap_secret(
                &placed.task.id,
                placed.lease.attempt,
                &placed.spec,
                &placed.peer,
            )?,
        })
    }

    /// The input as it was when it was first offered: kept as content, so that a file that is written meanwhile makes
    /// nobody a liar.
    fn input_of(&self, placed: &Placed, path: &Path) -> Result<Blob> {
        let task = &placed.task.id;
        if self.offered_input(task)?.is_none() {
            let file = File::open(path).map_err(|e| NodeError::file(path, &e))?;
            let file = self.seal_input(task, placed.lease.attempt, &placed.spec, file)?;
            self.put_stream(file, Some(&input_holder(task)))?;
        }
        let Some(cid) = self.offered_input(task)? else {
            return Err(NodeError::not_found("its input is gone"));
        };
        let kept = self.content.path(&cid);
        let io = |e| NodeError::file(&kept, &e);
        let size = std::fs::metadata(&kept).map_err(io)?.len();
        let bytes = match size <= INLINE_BYTES as u64 {
            true => Some(ByteBuf::from(std::fs::read(&kept).map_err(io)?)),
            false => None,
        };
        Ok(Blob { cid, size, bytes })
    }

    /// The content that was offered as a task's input.
    pub(super) fn offered_input(&self, task: &str) -> Result<Option<weft_model::Cid>> {
        let held = self
            .store
            .read(|tx| weft_store::content::held_by(tx, &input_holder(task)))?;
        Ok(match held.first() {
            Some(cid) => Some(cid.parse()?),
            None => None,
        })
    }

    /// What could not be sent is nobody's failure: the task ends where its own input is gone, else it is tried elsewhere.
    fn not_offered(self: &Arc<Self>, placed: &Placed, e: &NodeError) -> Result<()> {
        let why = format!("it could not be sent: {e}");
        if e.code != Code::NotFound {
            return self.lease_failed(placed, Failed::new("failed", &why));
        }
        let now = self.now();
        self.store.write(|tx: &Write| -> Result<()> {
            let Some((mut task, mut lease)) = still_under_way(tx, placed)? else {
                return Ok(());
            };
            lease.status = "cancelled".into();
            lease.reason = Some(why.clone());
            lease.finished_at = Some(now);
            tasks::put_delegation(tx, &lease)?;
            task.status = Status::Failed.word().into();
            task.reason = Some(why.clone());
            task.peer = None;
            task.finished_at = Some(now);
            task.updated_at = now;
            tasks::update(tx, &task)?;
            crate::tasks::note(tx, &task, now)
        })?;
        self.lease_ended(&placed.task.id)
    }

    fn lease_runs(self: &Arc<Self>, placed: &Placed) -> Result<()> {
        let (id, now) = (&placed.task.id, self.now());
        let waits = self.store.write(|tx: &Write| -> Result<bool> {
            // A result may have come before the answer.
            let current = tasks::delegations(tx, id)?.rows;
            let Some(mut lease) = current.into_iter().find(|l| l.id == placed.lease.id) else {
                return Ok(false);
            };
            if lease.status == "leased" {
                lease.status = RUNNING.into();
                tasks::put_delegation(tx, &lease)?;
                let entry = tasks::HistoryEntry {
                    task_id: id.clone(),
                    status: Status::Delegated.word().into(),
                    reasoning: Some("the peer accepted it".into()),
                    timestamp: now,
                };
                tasks::add_history(tx, &entry)?;
            }
            Ok(["leased", RUNNING, "done"].contains(&lease.status.as_str()))
        })?;
        if waits {
            if let Some(peering) = self.peering() {
                peering.watched(id, now, Watched::hear);
            }
            self.changed();
            return Ok(());
        }
        // Given up or taken back while the answer was on its way.
        let _ = self.ask_about_task(&placed.peer, &Ask::Cancel(id.clone()))?;
        Ok(())
    }

    /// A try failed: the next best peer after a pause, or here off-peak.
    pub(super) fn lease_failed(self: &Arc<Self>, placed: &Placed, failed: Failed) -> Result<()> {
        let now = self.now();
        let id = &placed.task.id;
        let off_peak = self.off_peak(now)?;
        let next = self.store.write(|tx: &Write| -> Result<Option<Next>> {
            // Cancelled, or its result came, while it was thought lost.
            let Some((mut task, mut lease)) = still_under_way(tx, placed)? else {
                return Ok(None);
            };
            lease.status = failed.status.into();
            lease.reason = Some(failed.reason.clone());
            lease.finished_at = Some(now);
            if let Some(refusal) = &failed.refusal {
                let bytes = cbor::encode(refusal.as_ref()).map_err(NodeError::internal)?;
                let cid = content::record_cid(&bytes).to_string();
                blocks::put(tx, &cid, &bytes, now)?;
                lease.receipt_cid = Some(cid);
            }
            tasks::put_delegation(tx, &lease)?;
            let next = after_failure(failed_before(tx, id)?.len(), now, off_peak);
            let who = self.peer_called(tx, &placed.peer)?;
            let window = failed
                .next_window
                .map(|at| format!(", again from {}", crate::clock::rfc3339(at)))
                .unwrap_or_default();
            let (status, at, then) = match next {
                Next::Ask { at } => (Status::Queued, at, "the next best is asked"),
                Next::OffPeak { at } => (Status::Deferred, at, "it runs here off-peak"),
            };
            let said = format!("{who} {}: {}{window}; {then}", failed.status, failed.reason);
            task.status = status.word().into();
            task.reason = Some(said);
            task.retry_at = Some(at);
            task.peer = None;
            task.finished_at = None;
            task.updated_at = now;
            tasks::update(tx, &task)?;
            crate::tasks::note(tx, &task, now)?;
            // Before anyone sees it queued: who waits for the task waits on for the next peer.
            if let (Next::Ask { at }, Some(peering)) = (next, self.peering()) {
                peering.pause(id, at);
            }
            Ok(Some(next))
        })?;
        match next {
            Some(_) => self.lease_ended(id),
            None => Ok(()),
        }
    }

    /// What was kept for a lease goes.
    pub(super) fn lease_ended(self: &Arc<Self>, task: &str) -> Result<()> {
        if let Some(peering) = self.peering() {
            peering.forget(task);
        }
        self.changed();
        self.let_go(&input_holder(task))?;
        self.let_go(&output_holder(task))
    }

    /// Tells the worker that a task is wanted no more.
    pub(crate) fn call_off(self: &Arc<Self>, task: &str, peer: &str) {
        if let Err(e) = self.lease_ended(task) {
            tracing::error!(task, "{e}");
        }
        if let (Some(peering), Ok(peer)) = (self.peering(), peer.parse::<Did>()) {
            self.tell_off(&peering, peer, task);
        }
    }

    pub(super) fn tell_off(self: &Arc<Self>, peering: &Arc<Peering>, peer: Did, task: &str) {
        if peering.path(&peer).is_none() {
            // A worker that can't be told runs it for nothing; its result finds nobody.
            return;
        }
        let task = task.to_owned();
        self.errand(peering, format!("cancel:{task}"), &peer, move |node| {
            let _ = node.ask_about_task(&peer, &Ask::Cancel(task))?;
            Ok(())
        });
    }

    pub(super) fn peer_called(&self, tx: &Read, device: &Did) -> Result<String> {
        let row = peers::get(tx, &device.to_string())?;
        let name = row.and_then(|p| p.alias.or(p.name).or(p.user_id));
        Ok(match name {
            Some(name) => format!("{name} ({})", content::short(&device.to_string())),
            None => content::short(&device.to_string()),
        })
    }

    fn off_peak(&self, now: Instant) -> Result<Instant> {
        let minute = self
            .store
            .read(|tx| self.mesh(tx))?
            .policy
            .energy
            .off_peak_minute;
        Ok(weft_decide::windows::next_local(minute, &self.zone, now + 1).unwrap_or(now))
    }
}

impl Failed {
    fn signed(mut self, refusal: Box<SignedRefusal>) -> Self {
        self.refusal = Some(refusal);
        self
    }
}

/// Task and lease as they stand, while the task waits for this lease.
pub(super) fn still_under_way(tx: &Read, placed: &Placed) -> Result<Option<(Task, Delegation)>> {
    let task = tasks::get(tx, &placed.task.id)?;
    let rows = tasks::delegations(tx, &placed.task.id)?.rows;
    let lease = rows.into_iter().find(|l| l.id == placed.lease.id);
    let (Some(task), Some(lease)) = (task, lease) else {
        return Ok(None);
    };
    let waits = task.status == Status::Delegated.word();
    Ok((waits && UNDER_WAY.contains(&lease.status.as_str())).then_some((task, lease)))
}

/// Who holds a task's input in the submitter's content.
fn input_holder(task: &str) -> String {
    format!("task:{task}:input")
}

/// Who holds a task's output there, until it is a file.
pub(super) fn output_holder(task: &str) -> String {
    format!("task:{task}:output")
}
