//! The daemon's loop: takes up updates and closes votes whose time has come, and decides again about tasks whose
//! moment has.

use crate::caps::waits_for_place;
use crate::error::Result;
use crate::node::Node;
use crate::peering::ADVERT;
use crate::policies::CONSTITUTION;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use weft_scheduler::{Effect, Input, Waiting};
use weft_store::peers::Peer;
use weft_store::tasks::{self, Filter, Task};
use weft_store::{Read, owner, polls};

/// Longest sleep: what a person edits by hand with `sqlite3` is noticed within this, in milliseconds.
const LOOK_MS: u64 = 1_000;

/// Pause after a look during which something changed, in milliseconds.
const BUSY_MS: u64 = 50;
/// Closed votes that are looked at for news.
const RECENT_POLLS: u32 = 20;

impl Node {
    /// Runs until `stop` is set. What goes wrong with one task is said and does not end the loop.
    pub fn run_daemon(self: &Arc<Self>, stop: &AtomicBool) {
        let (count, signal) = &self.wake;
        while !stop.load(Ordering::Acquire) {
            let before = *count.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(e) = self.step() {
                tracing::error!("{e}");
            }
            let guard = count.lock().unwrap_or_else(PoisonError::into_inner);
            // What changed during the look is looked at once more, after the pause that bounds the work.
            let pause = if *guard == before {
                self.next_pause_ms().map_or(LOOK_MS, |ms| ms.min(LOOK_MS))
            } else {
                BUSY_MS
            };
            drop(signal.wait_timeout(guard, Duration::from_millis(pause)));
        }
        for cancel in self
            .jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
        {
            cancel.store(true, Ordering::Release);
        }
        self.drain();
    }

    /// Wakes the loop, as to stop it.
    pub fn wake(&self) {
        self.changed();
    }

    /// One look: updates and votes first, since what they decide may let tasks run. Returns how many tasks were decided again.
    ///
    /// # Errors
    /// When the database can't be read or written.
    pub fn step(self: &Arc<Self>) -> Result<usize> {
        let now = self.now();
        self.recover_unkept()?;
        self.step_installs()?;
        self.tick_mesh()?;
        self.refresh_energy_aside();
        if !self.may_sign() {
            return Ok(0);
        }
        let closed = self.close_due_polls()?;
        let mut decided = self.fill_places()?;
        let waiting = self.waiting()?;
        let world = self.store.read(|tx| self.world(tx))?;
        let mut scheduler = self
            .scheduler
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut effects = scheduler.step(now, Input::Waiting(waiting));
        effects.extend(scheduler.step(
            now,
            Input::World {
                digest: world,
                votes_closed: closed > 0,
            },
        ));
        drop(scheduler);
        for (task, until) in self.pauses_over() {
            decided += self.resume(&task);
            self.end_pause(&task, until);
        }
        for Effect::Decide { task } in effects {
            decided += self.resume(&task);
        }
        Ok(decided)
    }

    /// Returns how many tasks were decided again: one, or none.
    fn resume(self: &Arc<Self>, task: &str) -> usize {
        match self.task_resume(task) {
            Ok(decided) => decided.iter().count(),
            Err(e) => {
                tracing::error!(task, "could not be decided again: {e}");
                0
            }
        }
    }

    /// Gives places that are free to tasks that wait for one, the oldest first; who does not fit is waited for, so that no
    /// large job waits for ever. Returns how many were decided again.
    fn fill_places(self: &Arc<Self>) -> Result<usize> {
        let mut waiting = self.unfinished()?;
        waiting.retain(waits_for_place);
        // They come newest first; instants are kept in seconds, so that they alone would not tell.
        waiting.reverse();
        for (decided, task) in waiting.iter().enumerate() {
            match self.task_resume(&task.id) {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(decided),
                Err(e) => tracing::error!(task = task.id, "could not be decided again: {e}"),
            }
        }
        Ok(waiting.len())
    }

    fn waiting(&self) -> Result<Vec<Waiting>> {
        Ok(self
            .unfinished()?
            .into_iter()
            .filter(|t| matches!(t.status.as_str(), "deferred" | "queued"))
            .filter(|t| !waits_for_place(t) && !self.is_paused(&t.id))
            .map(|t| Waiting {
                task: t.id,
                until: t.retry_at,
                submitted: t.submitted_at,
            })
            .collect())
    }

    /// Tasks that have not come to their end.
    fn unfinished(&self) -> Result<Vec<Task>> {
        let filter = Filter {
            unfinished: true,
            limit: Some(weft_store::limits::LIST_ROWS_MAX),
            ..Filter::default()
        };
        let rows = self.store.read(|tx| tasks::list(tx, &filter))?;
        for malformed in &rows.malformed {
            tracing::error!("{malformed}");
        }
        Ok(rows.rows)
    }

    /// A digest of everything that a waiting task may wait for: energy, peers, permissions, owners' rules, slots,
    /// the constitution.
    fn world(&self, tx: &Read) -> Result<u64> {
        let mut hasher = DefaultHasher::new();
        let mut see = |text: String| text.hash(&mut hasher);
        see(format!(
            "{:?}",
            owner::energy::get(tx).map_err(|e| e.to_string())
        ));
        // What a source says, not when: a reading like the one before changes nothing.
        let reading = self.energy.current(self.now());
        see(format!("{:?}", reading.map(|(_, reading)| reading)));
        see(format!("{:?}", owner::preferences::all(tx)?));
        see(format!("{:?}", owner::hours::all(tx)?));
        see(format!("{:?}", owner::rules::all(tx)?));
        see(format!("{:?}", owner::cooldown::all(tx)?));
        see(format!("{:?}", owner::permissions::list(tx)?));
        for peer in weft_store::peers::list(tx)?.rows {
            see(what_matters(&peer));
        }
        see(format!("{:?}", weft_store::meta::get(tx, CONSTITUTION)?));
        see(format!("{:?}", weft_store::slots::all(tx)?));
        see(format!("{:?}", weft_store::bound::WORKLOADS.list(tx)?));
        see(format!(
            "{:?}",
            polls::list(tx, Some(polls::CLOSED), RECENT_POLLS)?
        ));
        Ok(hasher.finish())
    }
}

/// What of a peer may change a decision. What a person wrote counts as it stands; adverts come every few seconds, each with
/// a little less memory or a little more sun, so of them only whole steps count.
fn what_matters(peer: &Peer) -> String {
    if peer.origin != ADVERT {
        let written = Peer {
            last_seen: None,
            updated_at: None,
            ..peer.clone()
        };
        return format!("{written:?}");
    }
    let steps = |value: Option<f64>, step: f64| value.map(|v| (v / step).floor() as i64);
    let halvings = |value: Option<f64>| value.map(|v| v.max(1.0).log2().floor() as i64);
    let energy = (
        &peer.energy_type,
        steps(peer.percent_clean, 1.0),
        steps(peer.grid_g_per_kwh, 10.0),
        steps(peer.battery_percent, 10.0),
        peer.plugged_in,
    );
    let capacity = (
        halvings(peer.cpu_free),
        halvings(peer.memory_free_mb),
        halvings(peer.disk_free_mb),
        steps(peer.thermal_headroom, 0.25),
        steps(peer.idle, 0.25),
        halvings(peer.queue_depth.map(f64::from)),
    );
    format!(
        "{:?}",
        (
            (&peer.peer_id, &peer.alias, &peer.did, &peer.origin),
            (peer.online, &peer.path_class, &peer.timezone),
            energy,
            capacity,
            (steps(peer.cost, 1.0), steps(peer.reputation, 0.1)),
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advert_that_says_the_same_again_changes_nothing_and_a_cloud_does() {
        let peer = Peer {
            online: true,
            percent_clean: Some(93.0),
            cpu_free: Some(3.7),
            memory_free_mb: Some(5_000.0),
            rtt_ms: Some(1.2),
            last_seen: Some(1),
            origin: ADVERT.into(),
            ..Peer::new("roof")
        };
        let again = Peer {
            percent_clean: Some(93.4),
            cpu_free: Some(3.1),
            memory_free_mb: Some(4_700.0),
            rtt_ms: Some(2.9),
            last_seen: Some(5_001),
            ..peer.clone()
        };
        assert_eq!(what_matters(&peer), what_matters(&again));
        for changed in [
            Peer {
                percent_clean: Some(89.9),
                ..peer.clone()
            },
            Peer {
                online: false,
                ..peer.clone()
            },
            Peer {
                memory_free_mb: Some(900.0),
                ..peer.clone()
            },
            Peer {
                path_class: Some("relayed".into()),
                ..peer.clone()
            },
        ] {
            assert_ne!(what_matters(&peer), what_matters(&changed));
        }
    }
}
