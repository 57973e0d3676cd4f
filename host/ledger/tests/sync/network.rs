//! A network of real services in one thread: messages are delayed, lost, doubled and reordered, links are cut, nodes
//! start again from what they kept, devices tell two stories. One seed makes one run.

use crate::common::random::{Rng, body};
use crate::common::{FOUNDER, Net, did, genesis, key};
use std::collections::{BTreeMap, BTreeSet};
use weft_ledger::limits::{INBOX, WAITING_PER_PEER};
use weft_ledger::sync::{Announce, Effect, Input, Pull, Pulled};
use weft_ledger::{Chain, Equivocation, Head, SignedEvent, State, Sync, Void};
use weft_model::{Cid, Did, Instant};

/// How often a run met what is hard.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hits {
    pub forks: usize,
    pub proofs: usize,
    pub partitions: usize,
    pub losses: usize,
    pub doubles: usize,
    pub restarts: usize,
    pub late_starts: usize,
    pub waited: usize,
    pub removals: usize,
    pub revocations: usize,
    pub skews: usize,
    pub unentangled: usize,
}

/// One device.
struct Node {
    n: u8,
    sync: Sync,
    chain: Chain,
    /// The other story, if it tells one.
    twin: Option<Chain>,
    kept: Vec<(Cid, Vec<u8>)>,
    linked: BTreeSet<usize>,
    /// How far its clock is off.
    skew: i64,
    /// Rises when it starts again: what was on its way to it is lost.
    life: u32,
}

enum What {
    Gossip(Vec<u8>),
    Ask(Vec<u8>),
    Page(Vec<u8>),
    Failed,
}

/// The lives of its ends, and how often it was closed.
type Link = (u32, u32, u32);

struct Message {
    from: usize,
    to: usize,
    link: Link,
    what: What,
}

/// All of them, and the links between them.
pub struct Network {
    rng: Rng,
    now: Instant,
    nodes: Vec<Node>,
    /// How often each link was closed: what was on its way over it is lost.
    closed: BTreeMap<(usize, usize), u32>,
    /// Which side of a partition each is on.
    sides: Vec<usize>,
    loss: usize,
    on_the_way: BTreeMap<(Instant, u64), Message>,
    sent: u64,
    steps: u8,
    pub hits: Hits,
}

impl Network {
    /// Four devices of a founder, an admin and two members; sometimes the last one knows nothing yet.
    pub fn new(seed: u64, start: &Net) -> Self {
        let mut rng = Rng(seed);
        let late = rng.below(3) == 0;
        let kept: Vec<(Cid, Vec<u8>)> = start
            .log
            .iter()
            .map(|e| e.encode().unwrap())
            .map(|(bytes, cid)| (cid, bytes))
            .collect();
        let nodes = (FOUNDER..=4).map(|n| {
            let knows = n < 4 || !late;
            let state = start.state.clone();
            let head = state.head(&did(n + 100));
            Node {
                n,
                chain: Chain::new(state.network(), did(n + 100), head),
                sync: Sync::new(if knows { state } else { fresh() }),
                twin: None,
                kept: if knows { kept.clone() } else { Vec::new() },
                linked: BTreeSet::new(),
                skew: [0, 0, 0, 0, 900_000][rng.below(5)],
                life: 0,
            }
        });
        let nodes: Vec<Node> = nodes.collect();
        let mut network = Self {
            closed: BTreeMap::new(),
            sides: vec![0; nodes.len()],
            nodes,
            loss: [0, 5, 30][rng.below(3)],
            rng,
            now: start.now,
            on_the_way: BTreeMap::new(),
            sent: 0,
            steps: 0,
            hits: Hits {
                late_starts: usize::from(late),
                ..Hits::default()
            },
        };
        network.link_all();
        network
    }

    /// Lives through `steps` random things.
    pub fn live(&mut self, steps: usize) {
        for _ in 0..steps {
            self.pass();
            let one = self.rng.below(self.nodes.len());
            match self.rng.below(16) {
                0..8 => self.write(one),
                8 => self.part(),
                9 => self.join(),
                10 => self.restart(one),
                11 | 12 => self.tell_two_stories(one),
                _ => {}
            }
        }
    }

    /// Now and then a device tells two stories at the very end, so that nothing rests on them.
    pub fn end(&mut self) {
        if self.rng.below(4) == 0 && self.nodes[1].twin.is_none() {
            self.tell_two_stories(1);
            self.write(1);
        }
    }

    /// Mends all links, and waits until all have the same; at most ten minutes.
    pub fn heal(&mut self) {
        self.loss = 0;
        self.join();
        for _ in 0..600 {
            self.pass_ms(1_000);
            let digests: BTreeSet<Vec<Cid>> =
                self.nodes.iter().map(|n| n.sync.state().heads()).collect();
            if digests.len() == 1 && self.on_the_way.is_empty() {
                return;
            }
        }
    }

    /// Checks what must hold after [`Self::heal`].
    pub fn check(&mut self) {
        let state = self.nodes[0].sync.state().clone();
        let digest = state.state_digest();
        for node in &self.nodes {
            assert_eq!(node.sync.state().heads(), state.heads(), "node {}", node.n);
            assert_eq!(
                node.sync.state().state_digest(),
                digest,
                "node {} judges the same events otherwise",
                node.n
            );
            // What an honest device wrote, everybody has: it was kept, and all have the same.
            assert_eq!(node.kept.len(), state.len(), "node {} kept all", node.n);
            if node.twin.is_none() {
                assert_eq!(state.frozen().get(&did(node.n + 100)), None);
                assert_eq!(
                    state.head(&did(node.n + 100)).as_ref(),
                    node.chain.head(),
                    "node {}'s own events reached the others",
                    node.n
                );
            }
        }
        let log = self.nodes[0].log();
        self.hits.forks += usize::from(!state.frozen().is_empty());
        let voids: Vec<&Void> = log.iter().filter_map(|(c, _)| state.void(c)).collect();
        self.hits.removals += usize::from(voids.contains(&&Void::Removed));
        self.hits.revocations += usize::from(voids.contains(&&Void::Revoked));
        if !state.frozen().is_empty() {
            self.hits.unentangled += usize::from(without_forks(&state, &log));
        }
    }

    /// Some time passes, up to a few seconds.
    fn pass(&mut self) {
        let ms = [50, 200, 1_000, 12_000][self.rng.below(4)];
        self.pass_ms(ms);
    }

    fn pass_ms(&mut self, ms: i64) {
        let until = self.now + ms;
        while let Some(entry) = self.on_the_way.first_entry() {
            if entry.key().0 > until {
                break;
            }
            self.now = entry.key().0;
            let message = entry.remove();
            self.deliver(message);
        }
        self.now = until;
        for i in 0..self.nodes.len() {
            self.step(i, Input::Tick);
        }
    }

    fn deliver(&mut self, message: Message) {
        let Message { from, to, link, .. } = message;
        if link != self.link(from, to) || self.sides[from] != self.sides[to] {
            self.hits.losses += 1;
            return;
        }
        let peer = self.device(from);
        let input = match message.what {
            What::Gossip(bytes) => Input::Announced {
                from: peer,
                announce: Announce::decode(&bytes).unwrap(),
            },
            What::Ask(bytes) => Input::Asked {
                from: peer,
                pull: Pull::decode(&bytes).unwrap(),
            },
            What::Page(bytes) => Input::Answered {
                from: peer,
                pulled: Pulled::decode(&bytes).unwrap(),
            },
            What::Failed => Input::Failed { from: peer },
        };
        self.step(to, input);
    }

    fn step(&mut self, i: usize, input: Input) {
        let now = self.now + self.nodes[i].skew;
        let effects = self.nodes[i].sync.step(now, input);
        self.carry(i, effects);
    }

    fn carry(&mut self, i: usize, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Keep(events) => {
                    let kept = events.into_iter().map(|k| (k.event.cid(), k.bytes));
                    self.nodes[i].kept.extend(kept);
                }
                Effect::Pull { to, pull } => {
                    let to = self.index(&to);
                    self.send_or_fail(i, to, What::Ask(pull.encode()));
                }
                Effect::Answer { to, events, more } => {
                    let to = self.index(&to);
                    let node = &self.nodes[i];
                    let stored = events.iter().map(|cid| node.bytes(cid).ok_or(*cid));
                    let page = Pulled::fill(stored, more).expect("what is answered was kept");
                    self.send_or_fail(i, to, What::Page(page.encode()));
                }
                Effect::Announce(announce) => {
                    for to in 0..self.nodes.len() {
                        if to != i {
                            self.gossip(i, to, &announce);
                        }
                    }
                }
                Effect::Proof {
                    device,
                    first,
                    second,
                } => {
                    let story = |cid| SignedEvent::decode(&self.nodes[i].bytes(&cid).unwrap());
                    let proof = Equivocation {
                        first: story(first).unwrap(),
                        second: story(second).unwrap(),
                    };
                    assert_eq!(proof.verify().unwrap().0, device);
                    self.hits.proofs += 1;
                }
                Effect::Misbehaved { peer, why, .. } => panic!("{peer} is honest, but {why}"),
                Effect::Skewed { .. } => self.hits.skews += 1,
            }
        }
        let sync = &self.nodes[i].sync;
        assert!(sync.in_flight() < self.nodes.len(), "one pull per peer");
        assert!(sync.waiting() <= INBOX.min(WAITING_PER_PEER * self.nodes.len()));
        self.hits.waited += usize::from(sync.waiting() > 0);
    }

    fn gossip(&mut self, from: usize, to: usize, announce: &Announce) {
        if self.is_lost(from, to) {
            return;
        }
        let copies = 1 + usize::from(self.rng.below(8) == 0);
        self.hits.doubles += copies - 1;
        for _ in 0..copies {
            self.send(from, to, What::Gossip(announce.encode()));
        }
    }

    /// A stream: lost without a word, or with one to who asked.
    fn send_or_fail(&mut self, from: usize, to: usize, what: What) {
        if !self.is_lost(from, to) {
            self.send(from, to, what);
        } else if self.rng.below(2) == 0 {
            match what {
                What::Ask(_) => self.send(to, from, What::Failed),
                _ => self.send(from, to, What::Failed),
            }
        }
    }

    fn is_lost(&mut self, from: usize, to: usize) -> bool {
        let lost = self.sides[from] != self.sides[to] || self.rng.below(100) < self.loss;
        self.hits.losses += usize::from(lost);
        lost
    }

    fn send(&mut self, from: usize, to: usize, what: What) {
        let delay = [1, 20, 300, 11_000][[0, 0, 1, 1, 1, 2, 2, 3][self.rng.below(8)]];
        let at = self.now + delay + self.rng.below(20) as i64;
        let link = self.link(from, to);
        let message = Message {
            from,
            to,
            link,
            what,
        };
        self.sent += 1;
        self.on_the_way.insert((at, self.sent), message);
    }

    /// A device says something.
    fn write(&mut self, i: usize) {
        self.steps += 1;
        let now = self.now + self.nodes[i].skew;
        let node = &mut self.nodes[i];
        let body = body(&mut self.rng, node.sync.state(), node.n, self.steps, now);
        let seen = node.sync.state().unseen_heads(&did(node.n + 100));
        let event = node.chain.append(body, seen, now, &key(node.n + 100));
        let event = event.unwrap();
        let (bytes, cid) = event.encode().unwrap();
        node.kept.push((cid, bytes));
        let (_, effects) = node.sync.append(now, &event).unwrap();
        self.carry(i, effects);
    }

    /// A device says something else about the place of its next event, to one of the others.
    fn tell_two_stories(&mut self, i: usize) {
        // The last one's device is an honest one in every run.
        let to = self.rng.below(self.nodes.len());
        if i == 0 || i + 1 == self.nodes.len() || to == i {
            return;
        }
        self.steps += 1;
        let now = self.now + self.nodes[i].skew;
        let node = &mut self.nodes[i];
        let mut twin = node.twin.take().unwrap_or_else(|| node.chain.clone());
        let state = node.sync.state();
        let body = body(&mut self.rng, state, node.n, self.steps, now);
        let seen = state.unseen_heads(&did(node.n + 100));
        let event = twin.append(body, seen, now, &key(node.n + 100)).unwrap();
        node.twin = Some(twin);
        let announce = Announce {
            digest: event.encode().unwrap().1,
            event: Some(event.encode().unwrap().0.into()),
        };
        self.gossip(i, to, &announce);
        if self.rng.below(2) == 0 {
            self.write(i);
        }
    }

    /// Cuts the links between two sides; the nodes notice, or not.
    fn part(&mut self) {
        self.hits.partitions += 1;
        let noticed = self.rng.below(2) == 0;
        for side in &mut self.sides {
            *side = self.rng.below(2);
        }
        for a in 0..self.nodes.len() {
            for b in 0..self.nodes.len() {
                if noticed && self.sides[a] != self.sides[b] && self.nodes[a].linked.remove(&b) {
                    *self.closed.entry((a.min(b), a.max(b))).or_default() += 1;
                    let peer = self.device(b);
                    self.step(a, Input::Disconnected { peer });
                }
            }
        }
    }

    fn join(&mut self) {
        self.sides.fill(0);
        self.link_all();
    }

    fn link_all(&mut self) {
        for a in 0..self.nodes.len() {
            for b in 0..self.nodes.len() {
                if a != b && self.sides[a] == self.sides[b] && self.nodes[a].linked.insert(b) {
                    let peer = self.device(b);
                    self.step(a, Input::Connected { peer });
                }
            }
        }
    }

    /// A node begins again with what it kept.
    fn restart(&mut self, i: usize) {
        self.hits.restarts += 1;
        let mut state = fresh();
        let log = self.nodes[i].log();
        let kept = log.iter().map(|(_, event)| event.trust().unwrap());
        state.insert_all(kept).unwrap();
        let node = &mut self.nodes[i];
        node.sync = Sync::new(state);
        node.life += 1;
        node.linked.clear();
        let device = self.device(i);
        for other in 0..self.nodes.len() {
            if self.nodes[other].linked.remove(&i) {
                self.step(other, Input::Disconnected { peer: device });
            }
        }
        self.link_all();
    }

    fn link(&self, from: usize, to: usize) -> Link {
        let closed = self.closed.get(&(from.min(to), from.max(to)));
        let closed = closed.copied().unwrap_or(0);
        (self.nodes[from].life, self.nodes[to].life, closed)
    }

    fn device(&self, i: usize) -> Did {
        did(self.nodes[i].n + 100)
    }

    fn index(&self, device: &Did) -> usize {
        let found = (0..self.nodes.len()).find(|i| self.device(*i) == *device);
        found.expect("all devices are nodes")
    }
}

impl Node {
    fn bytes(&self, cid: &Cid) -> Option<Vec<u8>> {
        let found = self.kept.iter().find(|(kept, _)| kept == cid);
        found.map(|(_, bytes)| bytes.clone())
    }

    fn log(&self) -> Vec<(Cid, SignedEvent)> {
        let events = self.kept.iter();
        events
            .map(|(cid, bytes)| (*cid, SignedEvent::decode(bytes).unwrap()))
            .collect()
    }
}

fn fresh() -> State {
    State::new(genesis()).unwrap()
}

/// What people see is the same without what frozen devices said since they told two stories. False where somebody
/// else's event rests on such a one, so that it can't be left out.
fn without_forks(state: &State, log: &[(Cid, SignedEvent)]) -> bool {
    let mut without = fresh();
    for (_, signed) in log {
        let event = &signed.event;
        if state
            .frozen()
            .get(&event.author)
            .is_some_and(|fork| *fork <= event.seq)
        {
            continue;
        }
        if without.insert(signed.trust().unwrap()).is_err() {
            return false;
        }
    }
    assert_eq!(without.members(), state.members());
    assert_eq!(without.constitutions(), state.constitutions());
    assert_eq!(without.donations(), state.donations());
    assert!(without.polls().eq(state.polls()));
    for poll in state.polls() {
        assert_eq!(
            without.counted_ballots(&poll.id),
            state.counted_ballots(&poll.id)
        );
    }
    let heads = |s: &State, device| -> Option<Head> { s.head(device) };
    for device in state.frozen().keys() {
        assert_eq!(heads(&without, device), heads(state, device));
    }
    true
}
