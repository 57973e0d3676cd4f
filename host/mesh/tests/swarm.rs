//! Real swarms on loopback: members meet, talk and gossip; strangers and garbage don't get in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use weft_mesh::{
    Blocks, Change, Config, Dropped, Heard, Host, Mesh, MeshError, Path, Protocol, Topic, ask_lobby,
};
use weft_model::{Cid, Did};

/// Longest that anything here may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A node that notes what it is told and answers with what it was asked.
#[derive(Default)]
struct Node {
    seen: Mutex<Seen>,
    news: Condvar,
}

#[derive(Default)]
struct Seen {
    connected: BTreeMap<Did, Path>,
    heard: Vec<(Did, Vec<u8>)>,
    allowed: BTreeSet<Did>,
}

impl Node {
    fn until<T>(&self, what: &str, mut ready: impl FnMut(&mut Seen) -> Option<T>) -> T {
        let begin = Instant::now();
        let mut seen = self.seen.lock().unwrap();
        loop {
            if let Some(found) = ready(&mut seen) {
                return found;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "not within {PATIENCE:?}: {what}"
            );
            seen = self
                .news
                .wait_timeout(seen, Duration::from_millis(200))
                .unwrap()
                .0;
        }
    }
}

struct Hosted(Arc<Node>);

impl Host for Hosted {
    fn lobby_closed(&self, _: &'static str) {}

    fn now(&self) -> i64 {
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        START.get_or_init(Instant::now).elapsed().as_millis() as i64
    }

    fn answer(&self, from: &Did, protocol: Protocol, request: &[u8]) -> Option<Vec<u8>> {
        if request == b"garbage" {
            return None;
        }
        let mut answer = format!("{protocol:?} {from} ").into_bytes();
        answer.extend_from_slice(request);
        Some(answer)
    }

    fn heard(&self, author: &Did, _: &Did, topic: Topic, bytes: &[u8]) -> Heard {
        if topic == Topic::Adverts {
            return Heard::Reject;
        }
        self.0
            .seen
            .lock()
            .unwrap()
            .heard
            .push((*author, bytes.to_vec()));
        self.0.news.notify_all();
        Heard::Accept
    }

    fn changed(&self, peer: &Did, change: Change) {
        let mut seen = self.0.seen.lock().unwrap();
        match change {
            Change::Connected(path) | Change::Path(path) => {
                seen.connected.insert(*peer, path);
            }
            Change::Gone => {
                seen.connected.remove(peer);
            }
            Change::Rtt(_) => {}
        }
        self.0.news.notify_all();
    }

    fn lobby(&self, newcomer: &Did, request: &[u8]) -> Option<Vec<u8>> {
        (request == b"let me in").then(|| newcomer.to_string().into_bytes())
    }
}

struct NoBlocks;

impl Blocks for NoBlocks {
    fn block(&self, _: &libp2p::PeerId, _: &Cid) -> Option<Vec<u8>> {
        None
    }

    fn size(&self, _: &libp2p::PeerId, _: &Cid) -> Option<u64> {
        None
    }
}

struct Running {
    node: Arc<Node>,
    mesh: Mesh,
    device: Did,
    secret: [u8; 32],
}

fn device_of(secret: [u8; 32]) -> Did {
    let key = libp2p::identity::Keypair::ed25519_from_bytes(&mut secret.clone()).unwrap();
    weft_mesh::did(&key.public().to_peer_id()).unwrap()
}

fn start(n: u8, listen: &str) -> Running {
    let node = Arc::new(Node::default());
    let secret = [n; 32];
    let config = Config {
        secret,
        network: "bafytest".into(),
        listen: vec![listen.into()],
        external: Vec::new(),
        mdns: false,
        upnp: false,
        relay: false,
    };
    let mesh = Mesh::start(
        &config,
        Arc::new(Hosted(Arc::clone(&node))),
        Arc::new(NoBlocks),
    )
    .unwrap();
    Running {
        node,
        mesh,
        device: device_of(secret),
        secret,
    }
}

const TCP: &str = "/ip4/127.0.0.1/tcp/0";
const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";

impl Running {
    fn address(&self) -> String {
        let begin = Instant::now();
        loop {
            if let Some(address) = self.mesh.status().listening.first() {
                return address.clone();
            }
            assert!(begin.elapsed() < PATIENCE, "no address to listen on");
            std::thread::yield_now();
        }
    }

    fn knows(&self, others: &[&Running]) {
        let members = others
            .iter()
            .map(|o| (o.device, vec![o.address()]))
            .collect();
        self.node.seen.lock().unwrap().allowed = others.iter().map(|o| o.device).collect();
        self.mesh.members(members);
    }

    fn meets(&self, other: &Running) -> Path {
        self.node.until("a connection", |seen| {
            seen.connected.get(&other.device).copied()
        })
    }

    fn dropped(&self, why: Dropped) -> u64 {
        self.mesh
            .status()
            .counts
            .dropped
            .get(&why)
            .copied()
            .unwrap_or(0)
    }

    fn until_dropped(&self, why: Dropped, count: u64) {
        let begin = Instant::now();
        while self.dropped(why) < count {
            assert!(begin.elapsed() < PATIENCE, "never dropped: {why:?}");
            std::thread::yield_now();
        }
    }
}

#[test]
fn members_and_newcomers_find_a_device_by_its_name() {
    for (listen, n) in [(TCP, 80), (QUIC, 90)] {
        let (a, b) = (start(n, listen), start(n + 1, listen));
        let named = |address: &str| address.replacen("/ip4/127.0.0.1/", "/dns4/localhost/", 1);
        let address = named(&a.address());
        assert!(address.starts_with("/dns4/"), "{address}");
        a.mesh.members(BTreeMap::from([(b.device, Vec::new())]));
        b.mesh.members(BTreeMap::from([(a.device, vec![address])]));
        b.meets(&a);
        a.meets(&b);
        let lobby: Vec<String> = a.mesh.status().lobby.iter().map(|at| named(at)).collect();
        if !lobby.is_empty() {
            ask_lobby([n + 2; 32], &a.device, &lobby, b"let me in".to_vec()).unwrap();
        }
    }
}

#[test]
fn members_meet_and_talk() {
    for listen in [TCP, QUIC] {
        let (a, b) = (start(1, listen), start(2, listen));
        a.knows(&[&b]);
        b.knows(&[&a]);
        assert_eq!(a.meets(&b), Path::Lan, "{listen}");
        b.meets(&a);
        for protocol in Protocol::ALL {
            let answer = a
                .mesh
                .request(&b.device, protocol, b"hello".to_vec())
                .unwrap();
            let expected = format!("{protocol:?} {} hello", a.device);
            assert_eq!(String::from_utf8(answer).unwrap(), expected, "{listen}");
        }
        let none = a
            .mesh
            .request(&b.device, Protocol::Log, b"garbage".to_vec());
        assert!(matches!(none, Err(MeshError::NoAnswer { .. })), "{none:?}");
        b.until_dropped(Dropped::RequestGarbage, 1);
        // The next one is served.
        a.mesh
            .request(&b.device, Protocol::Log, b"again".to_vec())
            .unwrap();
    }
}

#[test]
fn gossip_reaches_all_and_what_is_refused_goes_no_further() {
    let (a, b, c) = (start(11, TCP), start(12, TCP), start(13, TCP));
    // In a line: what `c` hears of `a` went through `b`.
    a.knows(&[&b]);
    b.knows(&[&a, &c]);
    c.knows(&[&b]);
    b.meets(&a);
    b.meets(&c);
    // Topics are exchanged after the connection: said until it is heard.
    let begin = Instant::now();
    let heard = |r: &Running| r.node.seen.lock().unwrap().heard.clone();
    let mut n = 0_u32;
    while heard(&c).is_empty() {
        assert!(begin.elapsed() < PATIENCE, "gossip does not arrive");
        n += 1;
        a.mesh.publish(Topic::Log, format!("news {n}").into_bytes());
        a.mesh
            .publish(Topic::Adverts, format!("refused {n}").into_bytes());
        std::thread::park_timeout(Duration::from_millis(50));
    }
    assert!(
        heard(&c)
            .iter()
            .all(|(author, bytes)| *author == a.device && bytes.starts_with(b"news"))
    );
    b.until_dropped(Dropped::GossipRejected, 1);
}

#[test]
fn strangers_are_closed_at_the_door() {
    let (a, b, stranger) = (start(21, TCP), start(22, TCP), start(23, TCP));
    a.knows(&[&b]);
    b.knows(&[&a]);
    a.meets(&b);
    // The stranger believes that it is a member.
    stranger.knows(&[&a]);
    a.until_dropped(Dropped::Stranger, 1);
    assert!(
        !a.node
            .seen
            .lock()
            .unwrap()
            .connected
            .contains_key(&stranger.device)
    );
    let refused = stranger
        .mesh
        .request(&a.device, Protocol::Log, b"let me".to_vec());
    assert!(refused.is_err(), "{refused:?}");
    a.mesh
        .request(&b.device, Protocol::Log, b"still".to_vec())
        .unwrap();
}

#[test]
fn a_removed_member_is_closed_at_once() {
    let (a, b) = (start(31, TCP), start(32, TCP));
    a.knows(&[&b]);
    b.knows(&[&a]);
    a.meets(&b);
    b.meets(&a);
    let begin = Instant::now();
    a.mesh.members(BTreeMap::new());
    b.node.until("the end of the connection", |seen| {
        (!seen.connected.contains_key(&a.device)).then_some(())
    });
    assert!(begin.elapsed() < Duration::from_secs(5));
    let refused = a.mesh.request(&b.device, Protocol::Log, b"hello".to_vec());
    assert!(
        matches!(refused, Err(MeshError::Unreachable { .. })),
        "{refused:?}"
    );
}

#[test]
fn a_flood_is_dropped_and_others_are_served() {
    let (a, b, c) = (start(41, TCP), start(42, TCP), start(43, TCP));
    a.knows(&[&b, &c]);
    b.knows(&[&a]);
    c.knows(&[&a]);
    b.meets(&a);
    c.meets(&a);
    let flood = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    let ask = |_| {
                        b.mesh
                            .request(&a.device, Protocol::Task, b"flood".to_vec())
                            .is_err()
                    };
                    (0..100).map(ask).filter(|refused| *refused).count()
                })
            })
            .collect();
        // Meanwhile the other one is answered every time.
        for _ in 0..20 {
            c.mesh
                .request(&a.device, Protocol::Task, b"modest".to_vec())
                .unwrap();
        }
        threads
            .into_iter()
            .map(|t| t.join().unwrap())
            .sum::<usize>()
    });
    assert!(flood > 0, "16 askers at once were all answered");
    let counted = a.dropped(Dropped::RequestRate) + a.dropped(Dropped::RequestFlood);
    assert!(counted > 0, "{:?}", a.mesh.status().counts);
}

#[test]
fn the_lobby_answers_newcomers() {
    let a = start(51, TCP);
    a.address();
    let lobby = a.mesh.status().lobby;
    let secret = [52; 32];
    let answer = ask_lobby(secret, &a.device, &lobby, b"let me in".to_vec()).unwrap();
    assert_eq!(
        String::from_utf8(answer).unwrap(),
        device_of(secret).to_string()
    );
    let refused = ask_lobby(secret, &a.device, &lobby, b"garbage".to_vec());
    assert!(
        matches!(refused, Err(MeshError::NoAnswer { .. })),
        "{refused:?}"
    );
    // Another device at this address is no lobby of that name.
    let wrong = ask_lobby(secret, &device_of([53; 32]), &lobby, b"let me in".to_vec());
    assert!(
        matches!(wrong, Err(MeshError::Unreachable { .. })),
        "{wrong:?}"
    );
    let huge = ask_lobby(secret, &a.device, &lobby, vec![0; 64 * 1024]);
    assert!(huge.is_err());
    ask_lobby(a.secret, &a.device, &lobby, b"let me in".to_vec())
        .expect_err("a device does not dial itself");
    ask_lobby([54; 32], &a.device, &lobby, b"let me in".to_vec()).unwrap();
}
