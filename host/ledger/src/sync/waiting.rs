//! Announced events that wait for their ancestors: what the inbox does not know of them, and when they are let go.

use crate::fold::Inbox;
use crate::limits::{INBOX, WAIT_MS, WAITING_BYTES, WAITING_PER_PEER};
use crate::sync::peer::passed;
use std::collections::BTreeMap;
use weft_model::{Cid, Did, Instant};

/// By whom an event that waits was sent, since when it waits, and its bytes.
#[derive(Clone, Debug)]
struct Held {
    from: Did,
    since: Instant,
    bytes: Vec<u8>,
}

/// What waits. Never more than its limits: what would exceed them is let go, and a pull brings it later.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    held: BTreeMap<Cid, Held>,
    bytes: usize,
}

impl Waiting {
    pub fn contains(&self, event: &Cid) -> bool {
        self.held.contains_key(event)
    }

    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether one more of this peer's fits.
    pub fn has_room(&self, from: &Did, size: usize) -> bool {
        self.held.len() < INBOX
            && self.bytes + size <= WAITING_BYTES
            && self.held.values().filter(|h| h.from == *from).count() < WAITING_PER_PEER
    }

    pub fn add(&mut self, event: Cid, from: Did, since: Instant, bytes: Vec<u8>) {
        self.bytes += bytes.len();
        self.held.insert(event, Held { from, since, bytes });
    }

    /// The bytes of an event that waits no longer.
    pub fn take(&mut self, event: &Cid) -> Option<Vec<u8>> {
        let held = self.held.remove(event)?;
        self.bytes -= held.bytes.len();
        Some(held.bytes)
    }

    /// Lets go of what a peer sent; how many.
    pub fn forget_of(&mut self, from: &Did, inbox: &mut Inbox) -> u64 {
        self.forget(inbox, |held| held.from == *from)
    }

    /// Lets go of what has waited too long, or turned out to be no event of this log; how many.
    pub fn forget_old(&mut self, now: Instant, inbox: &mut Inbox) -> u64 {
        self.forget(inbox, |held| passed(held.since, now, WAIT_MS))
    }

    fn forget(&mut self, inbox: &mut Inbox, which: impl Fn(&Held) -> bool) -> u64 {
        let gone: Vec<Cid> = self
            .held
            .iter()
            .filter(|(_, held)| which(held))
            .map(|(cid, _)| *cid)
            .collect();
        for cid in &gone {
            self.take(cid);
            inbox.forget(cid);
        }
        gone.len() as u64
    }
}
