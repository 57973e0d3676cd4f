//! Events that came before their ancestors.

use super::{Outcome, Rejected, State};
use crate::event::Verified;
use crate::limits::INBOX;
use std::collections::{BTreeMap, BTreeSet};
use weft_model::Cid;

/// Holds events back until their ancestors are there, so that any order of arrival gives one state. Holds at most
/// [`INBOX`]; whoever feeds it asks for [`Inbox::missing`] and offers what was refused again later.
#[derive(Clone, Debug, Default)]
pub struct Inbox {
    waiting: BTreeMap<Cid, Verified>,
    /// Which events wait for an absent one.
    blocked: BTreeMap<Cid, BTreeSet<Cid>>,
}

/// An event that could not be held back.
#[derive(Debug, thiserror::Error)]
pub enum InboxError {
    /// Not part of this log.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// Too many wait already.
    #[error(
        "{INBOX} events wait for their ancestors already; fetch those first, then offer this one again"
    )]
    Full,
}

impl Inbox {
    /// Applies an event and all that waited for it; one whose ancestors are absent is held back. What became of each
    /// applied event, in their order; an event that turned out not to be of this log is left out when it had waited.
    ///
    /// # Errors
    /// When the event itself is no event of this log, or too many wait.
    pub fn offer(
        &mut self,
        state: &mut State,
        event: Verified,
    ) -> Result<Vec<(Verified, Outcome)>, InboxError> {
        let mut applied = Vec::new();
        let mut ready = vec![event];
        let mut first = true;
        while let Some(event) = ready.pop() {
            let cid = event.cid();
            match state.insert(event.clone()) {
                Ok(outcome) => {
                    applied.push((event, outcome));
                    for waiter in self.blocked.remove(&cid).into_iter().flatten() {
                        ready.extend(self.waiting.remove(&waiter));
                    }
                }
                Err(Rejected::Missing(ancestors)) => {
                    if self.waiting.len() >= INBOX {
                        return Err(InboxError::Full);
                    }
                    // One absent ancestor is enough: when it comes, the rest is looked at again.
                    self.blocked.entry(ancestors[0]).or_default().insert(cid);
                    self.waiting.insert(cid, event);
                }
                Err(rejected) if first => return Err(rejected.into()),
                Err(_) => {}
            }
            first = false;
        }
        Ok(applied)
    }

    /// Absent events that others wait for.
    pub fn missing(&self) -> impl Iterator<Item = &Cid> {
        self.blocked
            .keys()
            .filter(|cid| !self.waiting.contains_key(*cid))
    }

    /// Whether an event waits.
    pub fn contains(&self, event: &Cid) -> bool {
        self.waiting.contains_key(event)
    }

    /// Forgets one that waits; what waits for it stays.
    pub fn forget(&mut self, event: &Cid) {
        self.waiting.remove(event);
        self.blocked.retain(|_, waiters| {
            waiters.remove(event);
            !waiters.is_empty()
        });
    }

    /// Forgets all that wait, as when their ancestors can't be found anywhere.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}
