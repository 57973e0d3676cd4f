//! What came of tasks of other members: kept with the end of the job, sent until the submitter has taken it, and then
//! let go. Nothing of a stranger's task stays on this disk but its row.

use super::Peering;
use super::lending::{LEASES, holder};
use super::work::{Ask, Blob, Done, INLINE_BYTES, Offer, Outcome, Say, WorkerEnergy};
use crate::error::{NodeError, Result};
use crate::node::Node;
use serde_bytes::ByteBuf;
use std::sync::{Arc, PoisonError};
use weft_model::{Did, Instant, cbor};
use weft_store::tasks::Task;
use weft_store::{Read, Write, leases, tasks};

/// Results of one submitter that are begun in one look.
const DELIVERIES: u32 = 16;
/// Results that nobody took for so long are sent no more, in milliseconds: 7 days.
const UNDELIVERED_MS: Instant = 7 * 24 * 3_600_000;

/// What a job for another member gave.
pub(crate) struct Gave {
    /// The output as it travels.
    output: Blob,
    /// Of how many bytes of the input the claim is.
    read: u64,
    /// The line that the workload returned.
    summary: String,
}

impl Node {
    /// Keeps what came of a task with its lease, if it has one. Returns whether it has. `sealed`: why a private one failed.
    pub(crate) fn finish_lease(
        &self,
        tx: &Write,
        task: &Task,
        receipt: Option<&[u8]>,
        gave: Option<&Gave>,
        sealed: Option<String>,
    ) -> Result<bool> {
        let Some(lease) = leases::get(tx, &task.id)? else {
            return Ok(false);
        };
        let offer: Option<Offer> = match cbor::decode::<Ask>(&lease.offer) {
            Ok(Ask::Offer(offer)) => Some(*offer),
            _ => None,
        };
        let done = match (receipt, gave) {
            (Some(receipt), Some(gave)) => Some(Done {
                receipt: ByteBuf::from(receipt),
                output: gave.output.clone(),
                read: gave.read,
                summary: gave.summary.clone(),
                energy: self.worker_energy(tx)?,
            }),
            _ => None,
        };
        let outcome = Outcome {
            task: task.id.clone(),
            attempt: offer.map_or(1, |o| o.attempt),
            failed: done.is_none().then(|| {
                let plain = || task.reason.clone().unwrap_or_else(|| "it failed".into());
                sealed.unwrap_or_else(plain)
            }),
            done,
        };
        let bytes = cbor::encode(&Ask::Result(Box::new(outcome))).map_err(NodeError::internal)?;
        leases::finish(tx, &task.id, &bytes)?;
        Ok(true)
    }

    /// The output of a lease's task as it travels: content of this home, and the bytes themselves where they are few.
    /// `read` is how much of the input the receipt's claim is of.
    pub(crate) fn lease_output(
        &self,
        task: &str,
        path: &std::path::Path,
        read: u64,
        summary: String,
    ) -> Result<Option<Gave>> {
        let lease = self.store.read(|tx| leases::get(tx, task))?;
        if lease.is_none() {
            return Ok(None);
        }
        let output = self.blob_of(path, &holder(task))?;
        Ok(Some(Gave {
            output,
            read,
            summary,
        }))
    }

    /// A file as it travels; one that does not fit into a message is kept as content for a holder.
    fn blob_of(&self, path: &std::path::Path, holder: &str) -> Result<Blob> {
        let io = |e| NodeError::file(path, &e);
        let size = std::fs::metadata(path).map_err(io)?.len();
        if size <= INLINE_BYTES as u64 {
            let bytes = std::fs::read(path).map_err(io)?;
            return Ok(Blob {
                cid: weft_model::content::raw_cid(&bytes),
                size: bytes.len() as u64,
                bytes: Some(ByteBuf::from(bytes)),
            });
        }
        let file = std::fs::File::open(path).map_err(io)?;
        let (cid, _) = self.put_stream(file, Some(holder))?;
        Ok(Blob {
            cid,
            size,
            bytes: None,
        })
    }

    fn worker_energy(&self, tx: &Read) -> Result<WorkerEnergy> {
        let here = self.power(tx)?;
        Ok(WorkerEnergy {
            kind: crate::settings::word_of(here.kind).to_owned(),
            percent_clean: here.percent_clean,
            grid_g_per_kwh: here.grid,
        })
    }

    /// Sends results to their submitters, as far as they are connected, and lets go of those that nobody takes.
    ///
    /// # Errors
    /// When the database can't be read or written.
    pub(super) fn deliver_results(self: &Arc<Self>, peering: &Arc<Peering>) -> Result<()> {
        let old = self.now() - UNDELIVERED_MS;
        for task in self.store.read(|tx| leases::untaken(tx, old, DELIVERIES))? {
            // It may wait for its moment still; nobody waits for it.
            let _ = self.task_cancel(&task);
            self.lease_over(&task)?;
        }
        for submitter in peering.connected() {
            let name = submitter.to_string();
            for task in self
                .store
                .read(|tx| leases::ready_for(tx, &name, DELIVERIES))?
            {
                self.deliver_aside(peering, &submitter, task);
            }
        }
        Ok(())
    }

    /// Sends the result of a task that has just ended, without waiting for the next look.
    pub(crate) fn deliver_soon(self: &Arc<Self>, task: &str) {
        let lease = self.store.read(|tx| leases::get(tx, task)).ok().flatten();
        let submitter = lease.and_then(|lease| lease.submitter.parse::<Did>().ok());
        if let (Some(submitter), Some(peering)) = (submitter, self.peering())
            && peering.path(&submitter).is_some()
        {
            self.deliver_aside(&peering, &submitter, task.to_owned());
        }
    }

    fn deliver_aside(self: &Arc<Self>, peering: &Arc<Peering>, submitter: &Did, task: String) {
        let to = *submitter;
        self.errand(peering, format!("result:{task}"), submitter, move |node| {
            node.deliver(&to, &task)
        });
    }

    fn deliver(self: &Arc<Self>, submitter: &Did, task: &str) -> Result<()> {
        let lease = self.store.read(|tx| leases::get(tx, task))?;
        let result = lease.filter(|l| l.delivered_at.is_none());
        let Some(result) = result.and_then(|l| l.result) else {
            return Ok(());
        };
        let peering = self.need_peering()?;
        let answer = peering
            .mesh
            .request(submitter, weft_mesh::Protocol::Task, result);
        let taken = answer.ok().and_then(|a| cbor::decode::<Say>(&a).ok());
        if matches!(taken, Some(Say::Taken)) {
            self.lease_over(task)?;
        }
        Ok(())
    }

    /// The submitter has the result, or wants none: what was kept for it goes.
    fn lease_over(&self, task: &str) -> Result<()> {
        let now = self.now();
        let output = self.store.write(|tx: &Write| -> Result<Option<String>> {
            leases::over(tx, task, now)?;
            let Some(mut row) = tasks::get(tx, task)? else {
                return Ok(None);
            };
            let output = row.output_path.take();
            if output.is_some() {
                tasks::update(tx, &row)?;
            }
            Ok(output)
        })?;
        if let Some(peering) = self.peering() {
            peering.have_input(task);
        }
        if let Some(path) = output.map(std::path::PathBuf::from)
            && let Err(e) = std::fs::remove_file(&path)
            && e.kind() != std::io::ErrorKind::NotFound
        {
            return Err(NodeError::file(&path, &e));
        }
        self.let_go(&holder(task))
    }

    /// Lets go of all content that a holder has.
    pub(super) fn let_go(&self, holder: &str) -> Result<()> {
        let held = self.store.write(|tx| -> Result<_> {
            let held = weft_store::content::held_by(tx, holder)?;
            weft_store::content::unpin_all(tx, holder)?;
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
        if lease.is_none_or(|lease| !lease.is_of(from)) {
            return Ok(Say::Unknown);
        }
        // One that came to its end meanwhile stays as it ended.
        let _ = self.task_cancel(task);
        self.lease_over(task)?;
        Ok(Say::Taken)
    }

    /// How far a submitter's tasks are.
    pub(super) fn states_of(&self, from: &Did, tasks: &[String]) -> Result<Say> {
        let known = self.store.read(|tx| -> Result<Vec<bool>> {
            tasks
                .iter()
                .take(LEASES as usize)
                .map(|task| {
                    let lease = leases::get(tx, task)?;
                    Ok(lease.is_some_and(|l| l.is_of(from) && l.delivered_at.is_none()))
                })
                .collect()
        })?;
        let tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = |task| tails.get(task).map_or(0, |tail| tail.bytes());
        let states = tasks.iter().zip(known);
        Ok(Say::States(
            states
                .map(|(task, known)| known.then(|| bytes(task)))
                .collect(),
        ))
    }
}
