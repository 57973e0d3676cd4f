//! Talking to one service, and looking at what it wants done.

use crate::common::{FOUNDER, Net, did};
use serde_bytes::ByteBuf;
use weft_ledger::sync::{Announce, Effect, Input, Kept, Misbehaviour, Pull, Pulled, digest};
use weft_ledger::{SignedEvent, Sync};
use weft_model::{Cid, Did, Instant};

/// This node's device.
pub const D1: u8 = FOUNDER + 100;
/// When it all happens.
pub const NOW: Instant = crate::common::START + 1_000_000;

pub fn peer(n: u8) -> Did {
    did(n)
}

/// A service that knows these events, connected to these peers, whose first pulls were answered emptily.
pub fn service(known: &Net, peers: &[u8]) -> Sync {
    let mut sync = Sync::new(known.state.clone());
    for n in peers {
        let effects = sync.step(NOW, Input::Connected { peer: peer(*n) });
        assert!(matches!(&effects[..], [Effect::Pull { .. }]));
        assert_eq!(answer(&mut sync, NOW, *n, &[], false), []);
    }
    sync
}

pub fn answer(
    sync: &mut Sync,
    now: Instant,
    n: u8,
    events: &[SignedEvent],
    more: bool,
) -> Vec<Effect> {
    let pulled = Pulled {
        events: events.iter().map(bytes).collect(),
        more,
    };
    let from = peer(n);
    sync.step(now, Input::Answered { from, pulled })
}

pub fn announce(
    sync: &mut Sync,
    now: Instant,
    n: u8,
    event: &SignedEvent,
    digest: Cid,
) -> Vec<Effect> {
    let announce = Announce {
        digest,
        event: Some(bytes(event)),
    };
    let from = peer(n);
    sync.step(now, Input::Announced { from, announce })
}

pub fn bytes(event: &SignedEvent) -> ByteBuf {
    ByteBuf::from(event.encode().unwrap().0)
}

pub fn cid_of(event: &SignedEvent) -> Cid {
    event.encode().unwrap().1
}

pub fn own_digest(sync: &Sync) -> Cid {
    digest(&sync.state().heads())
}

pub fn kept(effects: &[Effect]) -> Vec<&Kept> {
    let events = effects.iter().filter_map(|e| match e {
        Effect::Keep(events) => Some(events),
        _ => None,
    });
    events.flatten().collect()
}

pub fn pulls(effects: &[Effect]) -> Vec<(Did, Pull)> {
    let pulls = effects.iter().filter_map(|e| match e {
        Effect::Pull { to, pull } => Some((*to, pull.clone())),
        _ => None,
    });
    pulls.collect()
}

pub fn blamed(effects: &[Effect]) -> Vec<(Did, Misbehaviour, bool)> {
    let blamed = effects.iter().filter_map(|e| match e {
        Effect::Misbehaved { peer, why, drop } => Some((*peer, why.clone(), *drop)),
        _ => None,
    });
    blamed.collect()
}
