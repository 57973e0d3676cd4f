//! The daemon's loop: takes up updates and closes votes whose time has come, and decides again about tasks whose
//! moment has.

use crate::error::Result;
use crate::node::Node;
use crate::policies::CONSTITUTION;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use weft_scheduler::{Effect, Input, Waiting};
use weft_store::tasks::{self, Filter};
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
            let pause = if *guard == before { LOOK_MS } else { BUSY_MS };
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
        let closed = self.close_due_polls()?;
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
        let mut decided = 0;
        for effect in effects {
            let Effect::Decide { task } = effect;
            match self.task_resume(&task) {
                Ok(Some(_)) => decided += 1,
                Ok(None) => {}
                Err(e) => tracing::error!(task, "could not be decided again: {e}"),
            }
        }
        Ok(decided)
    }

    fn waiting(&self) -> Result<Vec<Waiting>> {
        let filter = Filter {
            unfinished: true,
            limit: Some(weft_store::limits::LIST_ROWS_MAX),
            ..Filter::default()
        };
        let rows = self.store.read(|tx| tasks::list(tx, &filter))?;
        for malformed in &rows.malformed {
            tracing::error!("{malformed}");
        }
        Ok(rows
            .rows
            .into_iter()
            .filter(|t| matches!(t.status.as_str(), "deferred" | "queued"))
            .map(|t| Waiting {
                task: t.id,
                until: t.retry_at,
                submitted: t.submitted_at,
            })
            .collect())
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
        see(format!("{:?}", weft_store::peers::list(tx)?));
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
