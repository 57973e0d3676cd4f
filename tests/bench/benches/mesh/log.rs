//! The log among many nodes of one process, and into a new one: real services and real messages, carried by hand, so that
//! every byte is counted. The least that could be sent is each event once to each node that did not write it.

use ed25519_dalek::SigningKey;
use serde_bytes::ByteArray;
use std::collections::{HashMap, VecDeque};
use std::time::Instant;
use weft_bench::Report;
use weft_ledger::sync::{Announce, Effect, Input, Pull, Pulled};
use weft_ledger::{Body, Chain, Genesis, MemberRole, SignedEvent, State, Sync, ballot};
use weft_model::{Cid, Did, content};

/// When the network was founded.
const START: i64 = 1_790_000_000_000;
/// Events among the nodes.
const EVENTS: usize = 1_000;
/// Neighbours that a gossip goes on to.
const FAN_OUT: usize = 4;
/// Events of the chain that a new node takes.
const LONG: usize = 100_000;

/// Adds the figures.
pub fn run(report: &mut Report) {
    for nodes in [3, 10, 30, 50] {
        converge(report, nodes);
    }
    catch_up(report);
}

struct Net {
    keys: Vec<SigningKey>,
    chains: Vec<Chain>,
    nodes: Vec<Sync>,
    kept: Vec<HashMap<Cid, Vec<u8>>>,
    queue: VecDeque<(usize, usize, Message)>,
    bytes: u64,
    now: i64,
}

enum Message {
    Gossip(Vec<u8>),
    Ask(Vec<u8>),
    Page(Vec<u8>),
}

fn did(key: &SigningKey) -> Did {
    weft_ledger::sign::did(key)
}

impl Net {
    /// A network of so many members with one device each, all of which know that.
    fn new(count: usize) -> Self {
        let keys: Vec<SigningKey> = (0..count)
            .map(|n| {
                let mut seed = [7; 32];
                seed[..8].copy_from_slice(&(n as u64).to_le_bytes());
                SigningKey::from_bytes(&seed)
            })
            .collect();
        let genesis = Genesis {
            name: "bench".into(),
            created: START,
            nonce: ByteArray::new([1; 16]),
            user: "member0@example.com".into(),
            founder: did(&keys[0]),
            device: did(&keys[0]),
            constitution: content::record_cid(b"rules"),
        };
        let state = State::new(genesis).expect("a genesis");
        let network = state.network();
        let chains = keys
            .iter()
            .map(|k| Chain::new(network, did(k), None))
            .collect();
        let mut net = Self {
            nodes: vec![Sync::new(state); count],
            kept: vec![HashMap::new(); count],
            keys,
            chains,
            queue: VecDeque::new(),
            bytes: 0,
            now: START,
        };
        for n in 1..count {
            let (user, member) = (format!("member{n}@example.com"), did(&net.keys[n]));
            net.write(
                0,
                Body::MemberAdded {
                    user,
                    did: member,
                    role: MemberRole::Member,
                },
            );
            let signature = ballot::certify(network, member, &net.keys[n]);
            net.write(
                0,
                Body::DeviceCertified {
                    device: member,
                    member,
                    signature,
                },
            );
        }
        // All begin with that.
        let first = net.nodes[0].clone();
        let kept = net.kept[0].clone();
        net.nodes = vec![first; count];
        net.kept = vec![kept; count];
        net.queue.clear();
        for a in 0..count {
            for b in (0..count).filter(|b| *b != a) {
                net.step(
                    a,
                    Input::Connected {
                        peer: did(&net.keys[b]),
                    },
                );
            }
        }
        net.settle();
        net.bytes = 0;
        net
    }

    fn write(&mut self, n: usize, body: Body) -> usize {
        self.now += 10;
        let author = did(&self.keys[n]);
        let seen = self.nodes[n].state().unseen_heads(&author);
        let signed: SignedEvent = self.chains[n]
            .append(body, seen, self.now, &self.keys[n])
            .expect("an event");
        let (bytes, cid) = signed.encode().expect("an event");
        let size = bytes.len();
        self.kept[n].insert(cid, bytes);
        let (_, effects) = self.nodes[n].append(self.now, &signed).expect("an event");
        self.carry(n, effects, None);
        size
    }

    fn step(&mut self, n: usize, input: Input) {
        let effects = self.nodes[n].step(self.now, input);
        self.carry(n, effects, None);
    }

    fn carry(&mut self, n: usize, effects: Vec<Effect>, heard: Option<(usize, Vec<u8>)>) {
        let mut blamed = false;
        for effect in effects {
            match effect {
                Effect::Keep(kept) => {
                    for k in kept {
                        self.kept[n].insert(k.event.cid(), k.bytes);
                    }
                }
                Effect::Pull { to, pull } => {
                    let to = self.place(&to);
                    self.queue.push_back((n, to, Message::Ask(pull.encode())));
                }
                Effect::Answer { to, events, more } => {
                    let to = self.place(&to);
                    let bytes = events
                        .iter()
                        .map(|cid| Ok::<_, ()>(self.kept[n][cid].clone()));
                    let page = Pulled::fill(bytes, more).expect("kept events");
                    self.queue.push_back((n, to, Message::Page(page.encode())));
                }
                Effect::Announce(announce) => self.gossip(n, n, &announce.encode()),
                Effect::Misbehaved { .. } => blamed = true,
                Effect::Proof { .. } | Effect::Skewed { .. } => {}
            }
        }
        if let Some((from, bytes)) = heard.filter(|_| !blamed) {
            self.gossip(n, from, &bytes);
        }
    }

    /// To the neighbours that come next, as a gossip mesh has some.
    fn gossip(&mut self, n: usize, from: usize, bytes: &[u8]) {
        let count = self.nodes.len();
        for hop in 1..=FAN_OUT.min(count - 1) {
            let to = (n + hop * hop * 3 + hop) % count;
            if to != n && to != from {
                self.queue
                    .push_back((n, to, Message::Gossip(bytes.to_vec())));
            }
        }
    }

    fn place(&self, device: &Did) -> usize {
        self.keys
            .iter()
            .position(|k| did(k) == *device)
            .expect("a node")
    }

    /// Delivers until nothing is on its way.
    fn settle(&mut self) {
        let mut seen: Vec<HashMap<Cid, ()>> = vec![HashMap::new(); self.nodes.len()];
        while let Some((from, to, message)) = self.queue.pop_front() {
            let peer = did(&self.keys[from]);
            match message {
                Message::Gossip(bytes) => {
                    self.bytes += bytes.len() as u64;
                    // Gossip hands a message to its node once.
                    if seen[to].insert(content::raw_cid(&bytes), ()).is_some() {
                        continue;
                    }
                    let announce = Announce::decode(&bytes).expect("an announcement");
                    let input = Input::Announced {
                        from: peer,
                        announce,
                    };
                    let effects = self.nodes[to].step(self.now, input);
                    self.carry(to, effects, Some((from, bytes)));
                }
                Message::Ask(bytes) => {
                    self.bytes += bytes.len() as u64;
                    let pull = Pull::decode(&bytes).expect("a pull");
                    self.step(to, Input::Asked { from: peer, pull });
                }
                Message::Page(bytes) => {
                    self.bytes += bytes.len() as u64;
                    let pulled = Pulled::decode(&bytes).expect("a page");
                    self.step(to, Input::Answered { from: peer, pulled });
                }
            }
        }
    }

    fn agree(&self) -> bool {
        let digests: Vec<Cid> = self
            .nodes
            .iter()
            .map(|n| n.state().state_digest())
            .collect();
        digests.windows(2).all(|w| w[0] == w[1])
    }
}

fn converge(report: &mut Report, count: usize) {
    let mut net = Net::new(count);
    let begun = Instant::now();
    let mut written = 0;
    for n in 0..EVENTS {
        let mut commitment = [0; 32];
        commitment[..8].copy_from_slice(&(n as u64).to_le_bytes());
        let body = Body::DecisionCommitted {
            commitment: ByteArray::new(commitment),
        };
        written += net.write(n % count, body);
        net.settle();
    }
    // What gossip did not bring, the turns of half a minute do.
    let mut rounds = 0;
    while !net.agree() && rounds < 2 * count {
        rounds += 1;
        net.now += 30_000;
        for n in 0..count {
            net.step(n, Input::Tick);
        }
        net.settle();
    }
    let seconds = begun.elapsed().as_secs_f64();
    assert!(net.agree(), "the logs differ");
    let least = (written * (count - 1)) as f64;
    report.values(
        &format!("log, {count} nodes, {EVENTS} events"),
        &[
            ("converged_percent", 100.0),
            ("rounds", rounds as f64),
            ("times_least_bytes", net.bytes as f64 / least),
            (
                "us_per_event_and_node",
                seconds * 1e6 / (EVENTS * count) as f64,
            ),
        ],
    );
}

/// A new node takes a long log from one peer, page by page.
fn catch_up(report: &mut Report) {
    let mut net = Net::new(3);
    let empty = Sync::new(State::new(genesis_of(&net)).expect("a genesis"));
    let mut bytes = 0;
    for n in 0..LONG {
        let mut commitment = [0; 32];
        commitment[..8].copy_from_slice(&(n as u64).to_le_bytes());
        let body = Body::DecisionCommitted {
            commitment: ByteArray::new(commitment),
        };
        bytes += net.write(0, body);
        net.queue.clear();
    }
    net.nodes[2] = empty;
    net.kept[2].clear();
    net.bytes = 0;
    let begun = Instant::now();
    let peer = did(&net.keys[0]);
    net.step(2, Input::Connected { peer });
    net.settle();
    let mut rounds = 0;
    while net.nodes[2].state().len() < net.nodes[0].state().len() && rounds < 1_000 {
        rounds += 1;
        net.now += 1_000;
        net.step(2, Input::Tick);
        net.settle();
    }
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(
        net.nodes[2].state().state_digest(),
        net.nodes[0].state().state_digest()
    );
    report.values(
        &format!("log, {LONG} events to a new node"),
        &[
            ("s", seconds),
            ("us_per_event", seconds * 1e6 / LONG as f64),
            ("times_least_bytes", net.bytes as f64 / bytes as f64),
        ],
    );
}

fn genesis_of(net: &Net) -> Genesis {
    Genesis {
        name: "bench".into(),
        created: START,
        nonce: ByteArray::new([1; 16]),
        user: "member0@example.com".into(),
        founder: did(&net.keys[0]),
        device: did(&net.keys[0]),
        constitution: content::record_cid(b"rules"),
    }
}
