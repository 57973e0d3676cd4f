//! Watching over leases under way: offers those that no peer has accepted yet, asks how far the others are, gives up those
//! whose worker is silent.
//!
//! What is known here ([`Watched`], pauses) lies beside the tables and is made anew by a process that finds them. A worker
//! is known to be there by its answers about the task, not by its connection.

use super::Peering;
use super::leasing::{Failed, RUNNING};
use super::work::{Ask, Say};
use crate::error::Result;
use crate::node::Node;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use weft_model::{Did, Instant};
use weft_scheduler::lease::{Silence, is_overdue};
use weft_store::tasks::{self, Delegation};

/// How often a peer is asked how far its tasks are, in milliseconds.
const ASK_MS: Instant = 2_000;
/// Most tasks that are named in one such question.
const ASKED: usize = 256;

/// What this process knows of a lease under way.
pub(super) struct Watched {
    silence: Silence,
    /// Whether the worker spoke of it since the last look.
    heard: bool,
    /// Bytes of its output, as the worker said last.
    written: Option<u64>,
    /// Offers that were closed without an answer.
    unanswered: u32,
    /// Times that its output did not come.
    pub missed: u32,
}

impl Watched {
    /// Its worker spoke of it.
    pub fn hear(&mut self) {
        self.heard = true;
    }

    /// An offer was closed without an answer; how many were by now.
    pub fn unanswered(&mut self) -> u32 {
        self.unanswered += 1;
        self.unanswered
    }

    pub fn written(&self) -> Option<u64> {
        self.written
    }
}

impl Peering {
    /// What is known of a lease under way.
    pub(super) fn watched<T>(
        &self,
        task: &str,
        now: Instant,
        look: impl FnOnce(&mut Watched) -> T,
    ) -> T {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        look(watched.entry(task.to_owned()).or_insert_with(|| Watched {
            silence: Silence::begin(now),
            heard: false,
            written: None,
            unanswered: 0,
            missed: 0,
        }))
    }

    pub(super) fn forget(&self, task: &str) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.remove(task);
    }

    fn forget_all_but(&self, leases: &[Delegation]) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        watched.retain(|task, _| leases.iter().any(|lease| lease.task_id == *task));
    }

    /// The next peer is asked from then on.
    pub(super) fn pause(&self, task: &str, until: Instant) {
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.insert(task.to_owned(), until);
    }

    pub(super) fn pauses(&self, task: &str) -> bool {
        let pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.contains_key(task)
    }

    /// Whether it is time to ask a peer how far its tasks are.
    fn is_to_ask(&self, peer: &Did, now: Instant) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let due = asked
            .get(peer)
            .is_none_or(|at| now < *at || now - at >= ASK_MS);
        if due {
            asked.insert(*peer, now);
        }
        due
    }
}

impl Node {
    /// Whether a task pauses before the next peer is asked: then it is not decided yet.
    pub(crate) fn is_paused(&self, task: &str) -> bool {
        self.peering().is_some_and(|peering| peering.pauses(task))
    }

    /// Tasks whose pause is over, and since when. They pause until [`Self::end_pause`].
    pub(crate) fn pauses_over(&self) -> Vec<(String, Instant)> {
        let (Some(peering), now) = (self.peering(), self.now()) else {
            return Vec::new();
        };
        let pauses = peering
            .pauses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let over = pauses.iter().filter(|(_, until)| **until <= now);
        over.map(|(task, until)| (task.clone(), *until)).collect()
    }

    /// Ends a pause once its task was decided again; one that began meanwhile goes on.
    pub(crate) fn end_pause(&self, task: &str, until: Instant) {
        if let Some(peering) = self.peering() {
            let mut pauses = peering
                .pauses
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if pauses.get(task) == Some(&until) {
                pauses.remove(task);
            }
        }
    }

    /// In how many milliseconds the next pause is over.
    pub(crate) fn next_pause_ms(&self) -> Option<u64> {
        let peering = self.peering()?;
        let pauses = peering
            .pauses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let until = pauses.values().min()?;
        u64::try_from(until - self.now()).ok()
    }

    /// Looks after leases under way: offers those that no peer has accepted, asks about the others, gives up those
    /// whose worker is silent for too long.
    ///
    /// # Errors
    /// When the database can't be read or written.
    pub(super) fn watch_leases(self: &Arc<Self>, peering: &Arc<Peering>) -> Result<()> {
        let now = self.now();
        let (leases, timeout) = self.store.read(|tx| -> Result<_> {
            let rows = tasks::under_way(tx, weft_store::limits::LIST_ROWS_MAX)?.rows;
            Ok((rows, self.mesh(tx)?.policy.scheduling.task_timeout_ms))
        })?;
        let seconds = self.settings.whole("worker_patience_seconds").unwrap_or(0);
        let patience = Instant::try_from(seconds.saturating_mul(1_000)).unwrap_or(Instant::MAX);
        peering.forget_all_but(&leases);
        let mut running: BTreeMap<Did, Vec<String>> = BTreeMap::new();
        for lease in leases {
            let silence = peering.watched(&lease.task_id, now, |w| {
                let heard = std::mem::take(&mut w.heard);
                w.silence.look(now, heard)
            });
            let gone = if silence > patience {
                Some("it was not heard of for too long")
            } else if is_overdue(now, lease.delegated_at, timeout) {
                Some("it took longer than a task may")
            } else {
                None
            };
            if let Some(why) = gone {
                if let Some(placed) = self.placed(&lease.task_id)? {
                    self.lease_failed(&placed, Failed::new("lost", why))?;
                    self.tell_off(peering, placed.peer, &lease.task_id);
                }
                continue;
            }
            let to = lease.to_device.as_deref().unwrap_or_default();
            let Some(peer) = to.parse::<Did>().ok().filter(|p| peering.path(p).is_some()) else {
                continue;
            };
            if lease.status == RUNNING {
                running.entry(peer).or_default().push(lease.task_id);
            } else if let Some(placed) = self.placed(&lease.task_id)? {
                self.offer_aside(peering, placed);
            }
        }
        for (peer, tasks) in running {
            if peering.is_to_ask(&peer, now) {
                let peers = Arc::clone(peering);
                self.errand(peering, format!("state:{peer}"), &peer, move |node| {
                    tasks
                        .chunks(ASKED)
                        .try_for_each(|some| node.ask_states(&peers, &peer, some))
                });
            }
        }
        Ok(())
    }

    fn ask_states(self: &Arc<Self>, peering: &Peering, peer: &Did, tasks: &[String]) -> Result<()> {
        let said = self.ask_about_task(peer, &Ask::State(tasks.to_vec()))?;
        let Ok(Say::States(states)) = said else {
            // Silence is counted by the look.
            return Ok(());
        };
        let now = self.now();
        for (task, state) in tasks.iter().zip(states) {
            let Some(placed) = self.placed(task)?.filter(|p| p.peer == *peer) else {
                continue;
            };
            match state {
                Some(bytes) => peering.watched(task, now, |w| {
                    w.heard = true;
                    w.written = Some(bytes);
                }),
                None => {
                    self.lease_failed(
                        &placed,
                        Failed::new("failed", "it knows nothing of the task"),
                    )?;
                }
            }
        }
        Ok(())
    }
}
