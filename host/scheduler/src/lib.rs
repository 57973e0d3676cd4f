//! The life of waiting tasks: `step(now, input) -> effects`.
//!
//! Knows which tasks wait and until when, and says which are to be decided again: one whose moment has come, and all
//! of them when the world changed in a way that a decision may see. Pure: no clock, no I/O; the caller carries the
//! effects out. A task that is decided again and still waits comes back by the next [`Input::Waiting`].

pub mod lease;

use weft_model::Instant;

/// Tasks that are decided again in one step, at most; the rest follow in the next.
pub const BATCH: usize = 64;
/// How soon after a change of the world a task without a moment of its own is asked about again, in milliseconds: a
/// burst of edits is one change.
pub const SETTLE_MS: Instant = 100;
/// Time between two rounds that changes of the world begin, in milliseconds: who changes all the time, such as a peer under
/// broken clouds, costs no more than that.
pub const ROUND_MS: Instant = 5_000;

/// A task that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its id.
    pub task: String,
    /// When to ask again. None: when something changes.
    pub until: Option<Instant>,
    /// When it was submitted: the order among equals.
    pub submitted: Instant,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// All tasks that wait now.
    Waiting(Vec<Waiting>),
    /// How the world looks: a digest of what decisions read, and whether a vote has just been closed.
    World {
        /// The digest.
        digest: u64,
        /// Whether a vote was closed since the last step.
        votes_closed: bool,
    },
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Decide again about this task.
    Decide {
        /// Its id.
        task: String,
    },
}

/// The tasks that wait, and the world as it was last seen.
#[derive(Debug, Default)]
pub struct Scheduler {
    waiting: Vec<Waiting>,
    world: Option<u64>,
    changed_at: Option<Instant>,
    /// When the last round began that a change of the world asked for.
    round_at: Option<Instant>,
}

impl Scheduler {
    /// Takes what happened and says what to do, oldest task first.
    pub fn step(&mut self, now: Instant, input: Input) -> Vec<Effect> {
        match input {
            Input::Waiting(mut waiting) => {
                waiting.sort_by(|a, b| (a.submitted, &a.task).cmp(&(b.submitted, &b.task)));
                self.waiting = waiting;
                self.take(|w| w.until.is_some_and(|until| until <= now))
            }
            Input::World {
                digest,
                votes_closed,
            } => {
                if self
                    .world
                    .replace(digest)
                    .is_some_and(|before| before != digest)
                {
                    self.changed_at = Some(now);
                }
                let settled = self.changed_at.is_some_and(|at| now - at >= SETTLE_MS);
                let rested = self.round_at.is_none_or(|at| now - at >= ROUND_MS);
                if votes_closed || (settled && rested) {
                    self.changed_at = None;
                    self.round_at = Some(now);
                    return self.take(|_| true);
                }
                Vec::new()
            }
        }
    }

    fn take(&mut self, due: impl Fn(&Waiting) -> bool) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.waiting.retain(|w| {
            let take = effects.len() < BATCH && due(w);
            if take {
                effects.push(Effect::Decide {
                    task: w.task.clone(),
                });
            }
            !take
        });
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(task: &str, until: Option<Instant>, submitted: Instant) -> Waiting {
        Waiting {
            task: task.into(),
            until,
            submitted,
        }
    }

    fn decided(effects: &[Effect]) -> Vec<&str> {
        effects
            .iter()
            .map(|Effect::Decide { task }| task.as_str())
            .collect()
    }

    #[test]
    fn a_task_is_decided_again_when_its_moment_has_come_and_not_before() {
        let mut scheduler = Scheduler::default();
        let tasks = vec![
            waiting("b", Some(200), 2),
            waiting("a", Some(100), 1),
            waiting("c", None, 0),
        ];
        let mut at = |now| scheduler.step(now, Input::Waiting(tasks.clone()));
        assert_eq!(decided(&at(99)), Vec::<&str>::new());
        assert_eq!(decided(&at(100)), ["a"]);
        assert_eq!(decided(&at(200)), ["a", "b"]);
    }

    #[test]
    fn a_changed_world_asks_about_every_task_once_it_has_settled() {
        let mut scheduler = Scheduler::default();
        scheduler.step(
            0,
            Input::Waiting(vec![waiting("a", Some(10_000), 1), waiting("b", None, 2)]),
        );
        let world = |digest| Input::World {
            digest,
            votes_closed: false,
        };
        assert_eq!(
            decided(&scheduler.step(0, world(1))),
            Vec::<&str>::new(),
            "the first look is no change"
        );
        assert_eq!(
            decided(&scheduler.step(10, world(2))),
            Vec::<&str>::new(),
            "it has to settle"
        );
        assert_eq!(
            decided(&scheduler.step(10 + SETTLE_MS, world(2))),
            ["a", "b"]
        );
        assert_eq!(
            decided(&scheduler.step(20 + SETTLE_MS, world(2))),
            Vec::<&str>::new()
        );
    }

    #[test]
    fn a_world_that_changes_all_the_time_asks_now_and_then() {
        let mut scheduler = Scheduler::default();
        let mut rounds = 0;
        for at in 0..200 {
            let now = at * SETTLE_MS;
            scheduler.step(now, Input::Waiting(vec![waiting("a", None, 1)]));
            let world = Input::World {
                digest: (at / 2) as u64,
                votes_closed: false,
            };
            rounds += scheduler.step(now, world).len() as i64;
        }
        assert_eq!(rounds, 200 * SETTLE_MS / ROUND_MS);
    }

    #[test]
    fn a_closed_vote_asks_at_once() {
        let mut scheduler = Scheduler::default();
        scheduler.step(0, Input::Waiting(vec![waiting("a", None, 1)]));
        let effects = scheduler.step(
            0,
            Input::World {
                digest: 1,
                votes_closed: true,
            },
        );
        assert_eq!(decided(&effects), ["a"]);
    }

    #[test]
    fn a_step_is_bounded() {
        let mut scheduler = Scheduler::default();
        let many = (0..1_000)
            .map(|i| waiting(&format!("{i:04}"), Some(0), i))
            .collect();
        let effects = scheduler.step(1, Input::Waiting(many));
        assert_eq!(effects.len(), BATCH);
        assert_eq!(decided(&effects)[0], "0000");
    }
}
