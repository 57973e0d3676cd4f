//! What members say to each other: events, and the messages by which logs become the same; adverts.

use super::fuzz;
use super::samples::tree_of_events;
use super::samples::{NOW, did};
use serde_bytes::ByteBuf;
use weft_ledger::sync::{Announce, Pull, Pulled};
use weft_ledger::{SignedEvent, State};
use weft_model::advert::{Advert, Capacity, Energy, Hardware};
use weft_model::content;

#[test]
fn events() {
    let (_, events) = tree_of_events();
    fuzz("event", &events, |bytes| {
        let Ok(signed) = SignedEvent::decode(bytes) else {
            return false;
        };
        // What was decoded has exactly one encoding.
        assert_eq!(signed.encode().expect("it was decoded").0, bytes);
        signed.verify().is_ok()
    });
}

#[test]
fn log_messages() {
    let (genesis, events) = tree_of_events();
    let cids: Vec<_> = events.iter().map(|e| content::record_cid(e)).collect();
    let announce = |event: Option<&Vec<u8>>| Announce {
        digest: cids[0],
        event: event.map(|e| ByteBuf::from(e.clone())),
    };
    let samples = [announce(None).encode(), announce(Some(&events[0])).encode()];
    fuzz("announcement", &samples, |bytes| {
        Announce::decode(bytes).is_ok()
    });
    let pull = |after| Pull {
        heads: cids.clone(),
        after,
    };
    let samples = [pull(None).encode(), pull(Some(cids[0])).encode()];
    fuzz("pull", &samples, |bytes| Pull::decode(bytes).is_ok());
    let page = Pulled {
        events: events.iter().cloned().map(ByteBuf::from).collect(),
        more: false,
    };
    fuzz("page", &[page.encode()], |bytes| {
        let Ok(page) = Pulled::decode(bytes) else {
            return false;
        };
        // What a page holds is folded, or refused one by one.
        let mut state = State::new(genesis.clone()).expect("a genesis");
        page.events.iter().all(|event| {
            SignedEvent::decode(event)
                .is_ok_and(|signed| signed.verify().is_ok_and(|e| state.insert(e).is_ok()))
        })
    });
}

#[test]
fn adverts() {
    let advert = Advert {
        device: did(1),
        seq: 1,
        at: NOW,
        name: "roof".into(),
        location: String::new(),
        energy: Energy {
            kind: "solar".into(),
            percent_clean: Some(95.0),
            battery_percent: None,
            plugged_in: Some(true),
            grid_g_per_kwh: Some(45.0),
            known: "declared".into(),
        },
        capacity: Capacity::default(),
        hardware: Hardware {
            cores: 4,
            memory_mb: None,
            arch: "x86_64".into(),
            gpu: None,
        },
        allowed_tasks: vec!["*".into()],
        max_task_duration_ms: 1_000,
        hours: None,
        utc_offset_minutes: 0,
        zone: None,
        pins: Vec::new(),
        queue_depth: 0,
        running: 0,
        cost: None,
        relay: false,
    };
    let samples = [advert.encode().expect("an advert")];
    fuzz("advert", &samples, |bytes| Advert::decode(bytes).is_ok());
}
