//! A small network for the tests of this crate: keys by number, one chain per device, a log to apply.
#![allow(dead_code, reason = "each test file uses a part")]

pub mod random;

use ed25519_dalek::SigningKey;
use serde_bytes::ByteArray;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use weft_ledger::{
    Body, Chain, Genesis, MemberRole, Outcome, SignedBallot, SignedEvent, State, Void,
};
use weft_model::{Cid, Did, Instant, content};

/// When the network was founded.
pub const START: Instant = 1_790_000_000_000;
/// Key number of the founder; devices of member `n` are `n + 100`, `n + 150`.
pub const FOUNDER: u8 = 1;

/// The key number `n`.
pub fn key(n: u8) -> SigningKey {
    KEYS[usize::from(n)].clone()
}

/// A key's public name.
pub fn did(n: u8) -> Did {
    DIDS[usize::from(n)]
}

/// Made once: a public key takes longer than most of what is tested.
static KEYS: LazyLock<Vec<SigningKey>> = LazyLock::new(|| {
    (0..=255)
        .map(|n| SigningKey::from_bytes(&[n; 32]))
        .collect()
});
static DIDS: LazyLock<Vec<Did>> =
    LazyLock::new(|| KEYS.iter().map(weft_ledger::sign::did).collect());

/// Some CID.
pub fn cid(text: &str) -> Cid {
    content::record_cid(text.as_bytes())
}

/// The founder's network.
pub fn genesis() -> Genesis {
    Genesis {
        name: "test".into(),
        created: START,
        nonce: ByteArray::new([7; 16]),
        user: "alice@example.com".into(),
        founder: did(FOUNDER),
        device: did(FOUNDER + 100),
        constitution: cid("constitution 1"),
    }
}

/// Writes and applies events of several devices.
pub struct Net {
    pub state: State,
    pub chains: BTreeMap<u8, Chain>,
    pub log: Vec<SignedEvent>,
    pub now: Instant,
}

impl Net {
    /// The founder alone.
    pub fn new() -> Self {
        Self {
            state: State::new(genesis()).unwrap(),
            chains: BTreeMap::new(),
            log: Vec::new(),
            now: START,
        }
    }

    /// The founder and members 2, 3, … with these roles, each with a certified device.
    pub fn with(roles: &[MemberRole]) -> Self {
        let mut net = Self::new();
        for (i, role) in roles.iter().enumerate() {
            let n = i as u8 + 2;
            net.ok(FOUNDER + 100, added(n, *role));
            net.ok(FOUNDER + 100, net.certificate(n, n + 100));
        }
        net
    }

    /// Signs an event that has seen everything so far, without applying it.
    pub fn write(&mut self, device: u8, body: Body) -> SignedEvent {
        let seen = self.state.unseen_heads(&did(device));
        self.write_seeing(device, body, seen)
    }

    /// Signs an event that has seen these and its own chain.
    pub fn write_seeing(&mut self, device: u8, body: Body, seen: Vec<Cid>) -> SignedEvent {
        let network = self.state.network();
        self.now += 1;
        let chain = self
            .chains
            .entry(device)
            .or_insert_with(|| Chain::new(network, did(device), None));
        chain.append(body, seen, self.now, &key(device)).unwrap()
    }

    /// Signs and applies.
    pub fn say(&mut self, device: u8, body: Body) -> (Cid, Outcome) {
        let event = self.write(device, body);
        self.apply(event)
    }

    /// Applies.
    pub fn apply(&mut self, event: SignedEvent) -> (Cid, Outcome) {
        let cid = event.encode().unwrap().1;
        let outcome = self.state.apply(&event).unwrap();
        self.log.push(event);
        (cid, outcome)
    }

    /// Signs and applies what must count.
    pub fn ok(&mut self, device: u8, body: Body) -> Cid {
        let kind = body.kind().to_owned();
        let (cid, outcome) = self.say(device, body);
        assert_eq!(outcome, Outcome::Counted, "{kind}");
        cid
    }

    /// Signs and applies what must be void, and says why.
    pub fn void(&mut self, device: u8, body: Body) -> Void {
        let kind = body.kind().to_owned();
        match self.say(device, body) {
            (_, Outcome::Void(void)) => void,
            (_, other) => panic!("{kind} is {other:?}"),
        }
    }

    /// Member `n`'s word that a device is theirs.
    pub fn certificate(&self, n: u8, device: u8) -> Body {
        Body::DeviceCertified {
            device: did(device),
            member: did(n),
            signature: weft_ledger::ballot::certify(self.state.network(), did(device), &key(n)),
        }
    }

    /// A poll of 5 minutes on `task`.
    pub fn open(&mut self, device: u8, task: &str) -> Cid {
        let body = opened(task, self.now + 1 + 300_000);
        self.ok(device, body)
    }

    /// Member `n`'s ballot.
    pub fn ballot(&self, poll: Cid, n: u8, choice: u32, counter: u64) -> Body {
        Body::Ballot(SignedBallot::cast(poll, choice, counter, self.now, &key(n)))
    }

    /// A closing of a poll with these ballots.
    pub fn closing(&self, poll: Cid, ballots: Vec<Cid>) -> Body {
        Body::PollClosed {
            poll,
            ballots,
            totals: vec![1.0, 0.0],
            consensus: Some(0),
            confidence: 1.0,
            method: cid("voting"),
        }
    }

    /// The CIDs of the ballots that count.
    pub fn counted(&self, poll: &Cid) -> Vec<Cid> {
        self.state
            .counted_ballots(poll)
            .into_iter()
            .map(|b| b.cid)
            .collect()
    }
}

/// Admits member `n`.
pub fn added(n: u8, role: MemberRole) -> Body {
    Body::MemberAdded {
        user: format!("user{n}@example.com"),
        did: did(n),
        role,
    }
}

/// Opens a poll with two options.
pub fn opened(task: &str, closes_at: Instant) -> Body {
    Body::PollOpened {
        task_name: task.into(),
        options: vec!["yes".into(), "no".into()],
        closes_at,
    }
}

/// A decision was made.
pub fn committed(n: u8) -> Body {
    Body::DecisionCommitted {
        commitment: ByteArray::new([n; 32]),
    }
}
