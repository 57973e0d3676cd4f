//! Results of tasks that were given to other members. What a worker says is checked against what was asked: receipt,
//! release, params, input, output. What does not hold ends its lease, and people are told.

use super::Peering;
use super::leasing::{Failed, Placed, output_holder, still_under_way};
use super::work::{Done, Outcome, REASON_BYTES, Say, WorkerEnergy};
use crate::error::{Code, NodeError, Result};
use crate::jobs::UNFINISHED;
use crate::node::Node;
use crate::private;
use crate::receipt::{Receipt, content_name, name_of_file};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::NamedTempFile;
use weft_model::task::Status;
use weft_model::text::printable;
use weft_model::{Cid, Did, Instant, content};
use weft_store::{Write, blocks, tasks};

/// How often an output is asked for before its lease has failed.
const OUTPUT_TRIES: u32 = 3;
/// Most energy that one task takes, in watt-hours: 1 GWh.
const ENERGY_WH_MAX: f64 = 1e9;
/// Most grid intensity, in g/kWh.
const GRID_MAX: f64 = 2_000.0;
/// How far a worker's clock may be from this one before its times are wrong, in milliseconds: 10 minutes.
const SKEW_MS: Instant = 600_000;

impl Node {
    /// A worker brought a result.
    pub(super) fn brought(self: &Arc<Self>, from: &Did, outcome: &Outcome) -> Result<Say> {
        let placed = self.placed(&outcome.task)?;
        let Some(placed) = placed.filter(|p| p.peer == *from && p.lease.attempt == outcome.attempt)
        else {
            self.note_unasked(from, &outcome.task)?;
            return Ok(Say::Taken);
        };
        let Some(done) = &outcome.done else {
            let said = outcome.failed.as_deref().unwrap_or("it gave no reason");
            // What the workload said is sealed; what the worker itself says is not.
            let unsealed = match placed.spec.private {
                true => self.unseal_text(said).ok(),
                false => None,
            };
            let reason = unsealed.unwrap_or_else(|| said.to_owned());
            self.lease_failed(&placed, Failed::new("failed", &reason))?;
            return Ok(Say::Taken);
        };
        let checked = self
            .check_receipt(&placed, done)
            .and_then(|receipt| Ok((receipt, self.output_inline(&placed, done)?)));
        let (receipt, output) = match checked {
            Ok(checked) => checked,
            Err(e) if matches!(e.code, Code::Check(_)) => {
                self.lied(&placed, &e.message)?;
                return Ok(Say::Taken);
            }
            Err(e) => return Err(e),
        };
        if let Some(bytes) = output {
            let path = self.output_path(&placed.task.id);
            crate::home::write_whole(&path, &bytes, 0o600)?;
            self.keep_result(&placed, done, &receipt, &path)?;
            return Ok(Say::Taken);
        }
        self.fetch_output(placed, done.clone(), receipt);
        Ok(Say::Later)
    }

    /// Done already, cancelled, given up: nobody waits for it. One that this peer was never given is counted.
    fn note_unasked(&self, from: &Did, task: &str) -> Result<()> {
        let from = from.to_string();
        let rows = self.store.read(|tx| tasks::delegations(tx, task))?.rows;
        let given = rows
            .iter()
            .any(|l| l.to_device.as_deref() == Some(from.as_str()));
        if let (false, Some(peering)) = (given, self.peering()) {
            peering.note("result-not-asked");
        }
        Ok(())
    }

    /// A result that does not hold: people are told, and the next peer is asked.
    fn lied(self: &Arc<Self>, placed: &Placed, why: &str) -> Result<()> {
        if let Some(peering) = self.peering() {
            peering.note("result-wrong");
        }
        self.store.write(|tx| {
            let who = self.peer_called(tx, &placed.peer)?;
            let message = format!("{who} brought a result that does not hold: {why}");
            self.alarm(tx, "result.refused", &placed.task.id, &message)
        })?;
        self.lease_failed(placed, Failed::new("failed", why))
    }

    /// The receipt must be this peer's, about this task, release, params, input and output.
    fn check_receipt(&self, placed: &Placed, done: &Done) -> Result<Receipt> {
        let wrong = |what: &str| {
            Err(NodeError::coded(
                "wrong-receipt",
                format!("its receipt is of another {what}"),
            ))
        };
        let receipt = Receipt::open(&done.receipt)
            .map_err(|e| NodeError::coded("wrong-receipt", e.message))?;
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
        if claim.params != self.params_cid(&placed.task.id, placed.lease.attempt, &placed.spec) {
            return wrong("params");
        }
        if placed.spec.private && claim.verifiable {
            return wrong("kind: a private task is none that others can verify");
        }
        if Some(&claim.input) != self.name_of_input(placed, done.read)?.as_ref() {
            return wrong("input");
        }
        let away = (self.now() - placed.lease.delegated_at).max(0) + SKEW_MS;
        let too_long = Instant::try_from(account.wall_ms).map_or(true, |ms| ms > away);
        if too_long || !is_figure(account.energy_wh, ENERGY_WH_MAX) {
            return wrong("time or energy than a device can have");
        }
        check_energy(&done.energy)?;
        let output = &done.output;
        let most = match placed.spec.private {
            true => private::sealed_size(record.limits.output_bytes),
            false => record.limits.output_bytes,
        };
        if output.size > most {
            return wrong("output than the release may write");
        }
        let named = match output.inline()? {
            Some(bytes) => content_name(output.size, &Sha256::digest(bytes).into()),
            // Checked when its bytes are here.
            None => claim.output.clone(),
        };
        if claim.output != named {
            return wrong("output than the one that came");
        }
        self.summary_of(placed, done)?;
        Ok(receipt)
    }

    /// The line that the workload returned.
    fn summary_of(&self, placed: &Placed, done: &Done) -> Result<String> {
        let line = match placed.spec.private {
            true => Cow::Owned(self.unseal_text(&done.summary)?),
            false => Cow::Borrowed(done.summary.as_str()),
        };
        Ok(printable(&line, REASON_BYTES))
    }

    /// The output that came along, as its submitter reads it.
    fn output_inline<'a>(&self, placed: &Placed, done: &'a Done) -> Result<Option<Cow<'a, [u8]>>> {
        let Some(bytes) = done.output.inline()? else {
            return Ok(None);
        };
        Ok(Some(match placed.spec.private {
            true => Cow::Owned(self.unseal_bytes(bytes)?),
            false => Cow::Borrowed(bytes),
        }))
    }

    /// The name of the first bytes of what was offered as input; none where it has not so many.
    fn name_of_input(&self, placed: &Placed, read: u64) -> Result<Option<String>> {
        if placed.spec.input.is_none() {
            let empty = content_name(0, &Sha256::digest(b"").into());
            return Ok((read == 0).then_some(empty));
        }
        let Some(cid) = self.offered_input(&placed.task.id)? else {
            return Ok(None);
        };
        let path = self.content.path(&cid);
        let (size, name) = name_of_file(&path, read)?;
        Ok((size == read).then_some(name))
    }

    fn fetch_output(self: &Arc<Self>, placed: Placed, done: Done, receipt: Receipt) {
        let Some(peering) = self.peering() else {
            return;
        };
        let (name, peer) = (format!("output:{}", placed.task.id), placed.peer);
        let peers = Arc::clone(&peering);
        self.errand(&peering, name, &peer, move |node| {
            node.fetch_and_keep(&peers, &placed, &done, &receipt)
        });
    }

    fn fetch_and_keep(
        self: &Arc<Self>,
        peering: &Peering,
        placed: &Placed,
        done: &Done,
        receipt: &Receipt,
    ) -> Result<()> {
        let id = &placed.task.id;
        let cid = done.output.cid;
        let holder = output_holder(id);
        let got = self.fetch_sized(&cid, done.output.size, &[placed.peer], Some(&holder));
        if let Err(e) = got {
            // Who went away in the middle may come back, and brings it again.
            if peering.path(&placed.peer).is_none() {
                return Ok(());
            }
            let missed = peering.watched(id, self.now(), |w| {
                w.missed += 1;
                w.missed
            });
            if missed < OUTPUT_TRIES {
                return Ok(());
            }
            let why = format!("its output did not come: {e}");
            return self.lease_failed(placed, Failed::new("failed", &why));
        }
        let path = self.output_path(id);
        let io = |e| NodeError::file(&path, &e);
        let mut draft = self.copy_out(&cid)?;
        if name_of_file(draft.path(), u64::MAX)?.1 != receipt.claim.output {
            return self.lied(placed, "its output is not the one that its receipt names");
        }
        if placed.spec.private {
            let sealed = draft.reopen().map_err(io)?;
            draft = self.draft()?;
            match self.unseal_output(sealed, &mut draft) {
                Err(e) if matches!(e.code, Code::Check(_)) => {
                    return self.lied(placed, &e.message);
                }
                unsealed => unsealed?,
            }
        }
        draft.as_file().sync_all().map_err(io)?;
        draft.persist(&path).map_err(|e| io(e.error))?;
        self.keep_result(placed, done, receipt, &path)
    }

    /// A copy of content that has no name yet.
    fn copy_out(&self, cid: &Cid) -> Result<NamedTempFile> {
        let mut reader = self.open_content(cid)?;
        let mut draft = self.draft()?;
        while let Some((_, leaf)) = reader.next_leaf()? {
            std::io::Write::write_all(&mut draft, leaf)
                .map_err(|e| NodeError::file(draft.path(), &e))?;
        }
        Ok(draft)
    }

    fn draft(&self) -> Result<NamedTempFile> {
        let folder = self.home.outputs();
        NamedTempFile::with_prefix_in(UNFINISHED, &folder).map_err(|e| NodeError::file(&folder, &e))
    }

    fn output_path(&self, task: &str) -> PathBuf {
        self.home.outputs().join(format!("{task}.out"))
    }

    /// One transaction: task, lease, receipt, carbon, history.
    fn keep_result(
        self: &Arc<Self>,
        placed: &Placed,
        done: &Done,
        receipt: &Receipt,
        path: &Path,
    ) -> Result<()> {
        let now = self.now();
        let summary = self.summary_of(placed, done)?;
        let impact = self.worker_carbon(&placed.task, &placed.lease, receipt, &done.energy)?;
        self.count_faults()?;
        let kept = self.store.write(|tx: &Write| -> Result<bool> {
            let Some((mut task, mut lease)) = still_under_way(tx, placed)? else {
                return Ok(false);
            };
            let cid = content::record_cid(&done.receipt).to_string();
            blocks::put(tx, &cid, &done.receipt, now)?;
            lease.status = "done".into();
            lease.finished_at = Some(now);
            lease.receipt_cid = Some(cid.clone());
            tasks::put_delegation(tx, &lease)?;
            weft_store::carbon::add(tx, &impact)?;
            task.status = Status::Done.word().into();
            task.summary = Some(summary);
            task.receipt_cid = Some(cid);
            task.output_cid = Some(receipt.claim.output.clone());
            task.output_path = Some(path.display().to_string());
            task.finished_at = Some(now);
            task.updated_at = now;
            tasks::update(tx, &task)?;
            crate::tasks::note(tx, &task, now)?;
            Ok(true)
        })?;
        if !kept {
            return self.drop_output(&placed.task.id, path);
        }
        self.lease_ended(&placed.task.id)
    }

    /// The output of a task that was taken back, or done, while it came: only the latter's is wanted.
    fn drop_output(&self, task: &str, path: &Path) -> Result<()> {
        let row = self.store.read(|tx| tasks::get(tx, task))?;
        let named = row.and_then(|t| t.output_path).map(PathBuf::from);
        if named.as_deref() != Some(path) {
            std::fs::remove_file(path).map_err(|e| NodeError::file(path, &e))?;
        }
        self.let_go(&output_holder(task))
    }
}

fn is_figure(value: f64, max: f64) -> bool {
    (0.0..=max).contains(&value)
}

/// What a worker says it runs on must be possible: its figures stand in tables beside this device's own.
fn check_energy(energy: &WorkerEnergy) -> Result<()> {
    let clean = energy.percent_clean.is_none_or(|p| is_figure(p, 100.0));
    let grid = energy.grid_g_per_kwh.is_none_or(|g| is_figure(g, GRID_MAX));
    if clean && grid {
        return Ok(());
    }
    Err(NodeError::coded(
        "wrong-energy",
        "its energy is none that there is",
    ))
}
