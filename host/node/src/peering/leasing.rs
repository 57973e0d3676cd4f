//! Giving tasks to other members: the offer to the peer that the decision picked, the result or the next peer. What a
//! worker says is checked against what was asked: receipt, release, input, output.

use super::work::{
    Ask, Blob, Done, INLINE_BYTES, Offer, Outcome, REASON_BYTES, Say, SignedRefusal,
};
use super::{ADVERT, Peering};
use crate::error::{NodeError, Result};
use crate::keys;
use crate::node::Node;
use crate::receipt::{Receipt, content_name};
use serde_bytes::ByteBuf;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use weft_model::task::{Importance, Status, TaskSpec};
use weft_model::text::printable;
use weft_model::{Cid, Did, Instant, cbor, content};
use weft_scheduler::lease::{Next, after_failure, is_lost};
use weft_store::tasks::{self, Delegation, Task};
use weft_store::{Read, Write, blocks, peers};

/// States of a lease in which a peer failed at it.
const FAILURES: [&str; 3] = ["refused", "lost", "failed"];
/// States of a lease that is under way.
const UNDER_WAY: [&str; 2] = ["leased", "running"];

/// Peers that failed at a task.
pub(crate) fn failed_before(tx: &Read, task: &str) -> Result<Vec<String>> {
    let leases = tasks::delegations(tx, task)?.rows;
    Ok(leases
        .into_iter()
        .filter(|l| FAILURES.contains(&l.status.as_str()))
        .filter_map(|l| l.to_device)
        .collect())
}

/// A lease as it is carried.
struct Placed {
    task: Task,
    spec: TaskSpec,
    lease: Delegation,
    peer: Did,
}

/// How a try ended without a result.
struct Failed {
    /// `refused`, `lost` or `failed`.
    status: &'static str,
    reason: String,
    /// When the peer may be asked again.
    next_window: Option<Instant>,
    refusal: Option<Box<SignedRefusal>>,
}

impl Node {
    /// Whether a peer's row is a device of the mesh, to which a task is really sent.
    pub(crate) fn is_remote(&self, tx: &Read, peer: &str) -> Result<bool> {
        let row = peers::get(tx, peer)?;
        Ok(row.is_some_and(|p| p.origin == ADVERT) && self.peering().is_some())
    }

    /// Offers a task that was decided to go to a peer, on a thread of its own. Row peers get none.
    pub(crate) fn start_lease(self: &Arc<Self>, id: &str) -> Result<()> {
        let Some(placed) = self.placed(id)? else {
            return Ok(());
        };
        self.under_way(id, true);
        let (node, id) = (Arc::clone(self), id.to_owned());
        std::thread::Builder::new()
            .name("weft-lease".into())
            .spawn(move || {
                if let Err(e) = node.offer(&placed) {
                    tracing::error!(task = id, "it could not be offered: {e}");
                    node.under_way(&id, false);
                    node.changed();
                }
            })
            .map_err(NodeError::internal)?;
        Ok(())
    }

    /// The lease of a task that waits for a peer of the mesh.
    fn placed(&self, id: &str) -> Result<Option<Placed>> {
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
            let row = match lease.to_device.as_deref() {
                Some(peer) => peers::get(tx, peer)?,
                None => None,
            };
            let peer: Option<Did> = row
                .filter(|p| p.origin == ADVERT)
                .and_then(|p| p.did?.parse().ok());
            let Some(peer) = peer else { return Ok(None) };
            let spec: TaskSpec = serde_json::from_str(&task.spec).map_err(NodeError::internal)?;
            Ok(Some(Placed {
                task,
                spec,
                lease,
                peer,
            }))
        })
    }

    fn offer(self: &Arc<Self>, placed: &Placed) -> Result<()> {
        let offer = self.offer_of(placed)?;
        let said = self.ask_about_task(&placed.peer, &Ask::Offer(Box::new(offer)));
        let failed = match said {
            Ok(Say::Accepted) => return self.lease_runs(placed),
            Ok(Say::Refused(refusal)) => {
                let own = keys::did(&self.device_key);
                let holds = refusal.holds(&placed.task.id, &own, &placed.peer);
                Failed {
                    status: "refused",
                    reason: if holds {
                        printable(&refusal.refusal.reason, REASON_BYTES)
                    } else {
                        "it refused, and did not sign why".into()
                    },
                    next_window: refusal.refusal.next_window.filter(|_| holds),
                    refusal: holds.then_some(refusal),
                }
            }
            Ok(_) => failed("failed", "it answered an offer with something else"),
            Err(e) => failed("lost", &e.message),
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
            Some(path) => Some(self.input_of(&placed.task.id, Path::new(path))?),
            None => None,
        };
        let mut spec = placed.spec.clone();
        spec.input = None;
        spec.workload = None;
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
        })
    }

    fn input_of(&self, task: &str, path: &Path) -> Result<Blob> {
        let io = |e| NodeError::file(path, &e);
        let size = std::fs::metadata(path).map_err(io)?.len();
        if size <= INLINE_BYTES as u64 {
            let bytes = std::fs::read(path).map_err(io)?;
            return Ok(Blob {
                cid: content::raw_cid(&bytes),
                size: bytes.len() as u64,
                bytes: Some(ByteBuf::from(bytes)),
            });
        }
        let file = File::open(path).map_err(io)?;
        let (cid, _) = self.put_stream(file, Some(&holder(task)))?;
        Ok(Blob {
            cid,
            size,
            bytes: None,
        })
    }

    fn lease_runs(&self, placed: &Placed) -> Result<()> {
        let now = self.now();
        self.store.write(|tx: &Write| -> Result<()> {
            // A result may have come before the answer.
            let current = tasks::delegations(tx, &placed.task.id)?.rows;
            let Some(mut lease) = current.into_iter().find(|l| l.id == placed.lease.id) else {
                return Ok(());
            };
            if lease.status == "leased" {
                lease.status = "running".into();
                tasks::put_delegation(tx, &lease)?;
                self.history(tx, &placed.task, "delegated", "the peer accepted it", now)?;
            }
            Ok(())
        })
    }

    /// A try failed: the next best peer after a pause, or here off-peak.
    fn lease_failed(self: &Arc<Self>, placed: &Placed, failed: Failed) -> Result<()> {
        let now = self.now();
        let id = placed.task.id.clone();
        let off_peak = self.off_peak(now)?;
        let next = self.store.write(|tx: &Write| -> Result<Option<Next>> {
            let Some(mut task) = tasks::get(tx, &id)? else {
                return Ok(None);
            };
            let rows = tasks::delegations(tx, &id)?.rows;
            let Some(mut lease) = rows.iter().find(|l| l.id == placed.lease.id).cloned() else {
                return Ok(None);
            };
            // Cancelled, or its result came, while it was thought lost.
            if !UNDER_WAY.contains(&lease.status.as_str()) {
                return Ok(None);
            }
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
            if task.status != Status::Delegated.word() {
                return Ok(None);
            }
            let tries = 1 + rows
                .iter()
                .filter(|l| FAILURES.contains(&l.status.as_str()))
                .count();
            let next = after_failure(tries, now, off_peak);
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
            Ok(Some(next))
        })?;
        match next {
            Some(Next::Ask { at }) => {
                let pause = u64::try_from(at - now).unwrap_or_default();
                std::thread::sleep(Duration::from_millis(pause));
                let decided = self.task_resume(&id)?;
                // What does not go to a peer again is not under way any more.
                let again = decided
                    .is_some_and(|d| matches!(d.verdict, weft_decide::Verdict::Delegate { .. }));
                if !again {
                    self.under_way(&id, false);
                }
            }
            Some(Next::OffPeak { .. }) | None => self.under_way(&id, false),
        }
        self.changed();
        Ok(())
    }

    /// A worker brought a result.
    pub(super) fn brought(self: &Arc<Self>, from: &Did, outcome: &Outcome) -> Result<Say> {
        let Some(placed) = self.placed(&outcome.task)? else {
            // Done already, cancelled, or never given: nobody waits for it.
            return Ok(Say::Taken);
        };
        if placed.peer != *from || placed.lease.attempt != outcome.attempt {
            return Ok(Say::Taken);
        }
        let Some(done) = &outcome.done else {
            let reason = outcome.failed.as_deref().unwrap_or("it gave no reason");
            let failed = failed("failed", &printable(reason, REASON_BYTES));
            let node = Arc::clone(self);
            std::thread::spawn(move || {
                if let Err(e) = node.lease_failed(&placed, failed) {
                    tracing::error!(task = placed.task.id, "{e}");
                }
            });
            return Ok(Say::Taken);
        };
        let receipt = match self.check_receipt(&placed, done) {
            Ok(receipt) => receipt,
            Err(e) => {
                self.store.write(|tx| {
                    let who = self.peer_called(tx, from)?;
                    let message = format!("{who} brought a result that does not hold: {e}");
                    self.alarm(tx, "result.refused", &placed.task.id, &message)
                })?;
                let failed = failed("failed", &e.message);
                let node = Arc::clone(self);
                std::thread::spawn(move || {
                    if let Err(e) = node.lease_failed(&placed, failed) {
                        tracing::error!(task = placed.task.id, "{e}");
                    }
                });
                return Ok(Say::Taken);
            }
        };
        if let Some(bytes) = done.output.inline()? {
            let path = self.output_path(&placed.task.id);
            crate::home::write_whole(&path, bytes, 0o600)?;
            self.keep_result(&placed, done, &receipt, &path)?;
            return Ok(Say::Taken);
        }
        self.fetch_output(placed, done.clone(), receipt);
        Ok(Say::Later)
    }

    /// The receipt must be this peer's, about this task, release, params, input and output.
    fn check_receipt(&self, placed: &Placed, done: &Done) -> Result<Receipt> {
        let wrong = |what: &str| {
            Err(NodeError::coded(
                "wrong-receipt",
                format!("its receipt is of another {what}"),
            ))
        };
        let receipt = Receipt::open(&done.receipt)?;
        let (claim, account) = (&receipt.claim, &receipt.account);
        if account.worker != placed.peer {
            return wrong("worker");
        }
        if account.task != placed.task.id {
            return wrong("task");
        }
        let (release, record) = self.store.read(|tx| {
            let bound = self.bound_workload(tx, &placed.spec)?.unwrap_or_default();
            self.find_release(tx, &bound)
        })?;
        if claim.release != release || claim.component != record.component.cid {
            return wrong("release");
        }
        let params = placed.spec.params.clone().unwrap_or_default();
        if claim.params != content::raw_cid(params.as_bytes()) {
            return wrong("params");
        }
        // A job may stop reading before the end of its input; then the claim names what it read.
        let whole = match &placed.spec.input {
            Some(path) => name_of_file(Path::new(path))?,
            None => content_name(0, &Sha256::digest(b"").into()),
        };
        if claim.input != whole && placed.spec.input.is_none() {
            return wrong("input");
        }
        if !account.energy_wh.is_finite() || !(0.0..=1e9).contains(&account.energy_wh) {
            return wrong("energy than any device has");
        }
        let output = &done.output;
        let named = match output.inline()? {
            Some(bytes) => content_name(output.size, &Sha256::digest(bytes).into()),
            // Checked when its bytes are here.
            None => claim.output.clone(),
        };
        if claim.output != named {
            return wrong("output than the one that came");
        }
        Ok(receipt)
    }

    fn fetch_output(self: &Arc<Self>, placed: Placed, done: Done, receipt: Receipt) {
        let Some(peering) = self.peering() else {
            return;
        };
        let id = placed.task.id.clone();
        let mut sending = peering
            .sending
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !sending.insert(format!("output:{id}")) {
            return;
        }
        drop(sending);
        let node = Arc::clone(self);
        std::thread::spawn(move || {
            let ended = node.fetch_and_keep(&placed, &done, &receipt);
            let mut sending = peering
                .sending
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            sending.remove(&format!("output:{id}"));
            drop(sending);
            if let Err(e) = ended {
                tracing::warn!(task = id, "the output did not come: {e}");
            }
        });
    }

    fn fetch_and_keep(
        self: &Arc<Self>,
        placed: &Placed,
        done: &Done,
        receipt: &Receipt,
    ) -> Result<()> {
        let cid = done.output.cid;
        self.fetch_content(&cid, &[placed.peer], Some(&holder(&placed.task.id)))?;
        let path = self.output_path(&placed.task.id);
        self.copy_out(&cid, &path)?;
        if name_of_file(&path)? != receipt.claim.output {
            std::fs::remove_file(&path).map_err(|e| NodeError::file(&path, &e))?;
            let wrong = failed("failed", "its output is not the one that its receipt names");
            return self.lease_failed(placed, wrong);
        }
        self.keep_result(placed, done, receipt, &path)
    }

    fn copy_out(&self, cid: &Cid, path: &Path) -> Result<()> {
        let mut reader = self.open_content(cid)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let io = |e| NodeError::file(path, &e);
        let mut draft = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
        while let Some((_, leaf)) = reader.next_leaf()? {
            std::io::Write::write_all(&mut draft, leaf).map_err(io)?;
        }
        draft.as_file().sync_all().map_err(io)?;
        draft.persist(path).map_err(|e| io(e.error))?;
        Ok(())
    }

    fn output_path(&self, task: &str) -> PathBuf {
        self.home.outputs().join(format!("{task}.out"))
    }

    /// One transaction: task, lease, receipt, carbon, history.
    fn keep_result(
        &self,
        placed: &Placed,
        done: &Done,
        receipt: &Receipt,
        path: &Path,
    ) -> Result<()> {
        let now = self.now();
        let impact = self.worker_carbon(&placed.task, &placed.peer, receipt, &done.energy)?;
        self.store.write(|tx: &Write| -> Result<()> {
            let Some(mut task) = tasks::get(tx, &placed.task.id)? else {
                return Ok(());
            };
            let rows = tasks::delegations(tx, &task.id)?.rows;
            let Some(mut lease) = rows.into_iter().find(|l| l.id == placed.lease.id) else {
                return Ok(());
            };
            if !UNDER_WAY.contains(&lease.status.as_str()) {
                return Ok(());
            }
            let cid = content::record_cid(&done.receipt).to_string();
            blocks::put(tx, &cid, &done.receipt, now)?;
            lease.status = "done".into();
            lease.finished_at = Some(now);
            lease.receipt_cid = Some(cid.clone());
            tasks::put_delegation(tx, &lease)?;
            weft_store::carbon::add(tx, &impact)?;
            if task.status != Status::Delegated.word() {
                return Ok(());
            }
            task.status = Status::Done.word().into();
            task.summary = Some(printable(&done.summary, REASON_BYTES));
            task.receipt_cid = Some(cid);
            task.output_cid = Some(receipt.claim.output.clone());
            task.output_path = Some(path.display().to_string());
            task.finished_at = Some(now);
            task.updated_at = now;
            tasks::update(tx, &task)?;
            crate::tasks::note(tx, &task, now)?;
            Ok(())
        })?;
        self.under_way(&placed.task.id, false);
        self.changed();
        Ok(())
    }

    /// Looks after leases under way: those of an earlier run, and those whose worker is gone for too long.
    pub(super) fn watch_leases(self: &Arc<Self>, peering: &Arc<Peering>) -> Result<()> {
        let now = self.now();
        let timeout = self
            .store
            .read(|tx| self.mesh(tx))?
            .policy
            .scheduling
            .task_timeout_ms;
        let filter = tasks::Filter {
            status: Some(Status::Delegated.word().into()),
            limit: Some(weft_store::limits::LIST_ROWS_MAX),
            ..tasks::Filter::default()
        };
        for task in self.store.read(|tx| tasks::list(tx, &filter))?.rows {
            let Some(placed) = self.placed(&task.id)? else {
                continue;
            };
            let known = self.is_under_way(&task.id);
            self.under_way(&task.id, true);
            let here = peering.path(&placed.peer).is_some();
            let heard = peering.last_heard(&task.id, here, now);
            if is_lost(now, placed.lease.delegated_at, heard, timeout) {
                let node = Arc::clone(self);
                peering.forget_heard(&task.id);
                std::thread::spawn(move || {
                    let gone = failed("lost", "it was not heard of for too long");
                    if let Err(e) = node.lease_failed(&placed, gone) {
                        tracing::error!(task = placed.task.id, "{e}");
                    }
                });
                continue;
            }
            // After a restart nobody knows whether the offer had arrived: it is made again, which changes nothing where
            // it had.
            if !known && here {
                let node = Arc::clone(self);
                std::thread::spawn(move || {
                    if let Err(e) = node.offer(&placed) {
                        tracing::error!(task = placed.task.id, "{e}");
                    }
                });
            }
        }
        Ok(())
    }

    /// Tells the worker that a task is wanted no more.
    pub(crate) fn call_off(self: &Arc<Self>, task: &str, peer: &str) {
        self.under_way(task, false);
        let row = self.store.read(|tx| peers::get(tx, peer)).ok().flatten();
        let device: Option<Did> = row.and_then(|p| p.did?.parse().ok());
        let (Some(device), true) = (device, self.peering().is_some()) else {
            return;
        };
        let (node, task) = (Arc::clone(self), task.to_owned());
        std::thread::spawn(move || {
            // A worker that can't be told runs it for nothing; its result finds nobody.
            let _ = node.ask_about_task(&device, &Ask::Cancel(task));
        });
    }

    /// Whether a task is with a peer of the mesh, and this process waits for its result.
    pub(crate) fn is_under_way(&self, task: &str) -> bool {
        self.under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(task)
    }

    fn under_way(&self, task: &str, yes: bool) {
        let mut set = self
            .under_way
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if yes {
            set.insert(task.to_owned());
        } else {
            set.remove(task);
        }
    }

    fn peer_called(&self, tx: &Read, device: &Did) -> Result<String> {
        let row = peers::get(tx, &device.to_string())?;
        let name = row.and_then(|p| p.alias.or(p.name).or(p.user_id));
        Ok(match name {
            Some(name) => format!("{name} ({})", content::short(&device.to_string())),
            None => content::short(&device.to_string()),
        })
    }

    fn history(
        &self,
        tx: &Write,
        task: &Task,
        status: &str,
        why: &str,
        now: Instant,
    ) -> Result<()> {
        let entry = tasks::HistoryEntry {
            task_id: task.id.clone(),
            status: status.to_owned(),
            reasoning: Some(why.to_owned()),
            timestamp: now,
        };
        Ok(tasks::add_history(tx, &entry)?)
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

/// Who holds a task's input and output in the submitter's content.
fn holder(task: &str) -> String {
    format!("task:{task}")
}

fn failed(status: &'static str, reason: &str) -> Failed {
    Failed {
        status,
        reason: reason.to_owned(),
        next_window: None,
        refusal: None,
    }
}

/// A file's name by size and hash.
fn name_of_file(path: &Path) -> Result<String> {
    let io = |e| NodeError::file(path, &e);
    let mut file = File::open(path).map_err(io)?;
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer).map_err(io)?;
        if read == 0 {
            return Ok(content_name(size, &hash.finalize().into()));
        }
        size += read as u64;
        hash.update(&buffer[..read]);
    }
}
