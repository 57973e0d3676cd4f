//! The listener for outsiders against real swarms on loopback: what it gives, and what it refuses.

use futures::{AsyncWriteExt, StreamExt};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, StreamProtocol, SwarmBuilder, noise, tcp, yamux};
use libp2p_stream::{Control, OpenStreamError};
use prost::Message as _;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use weft_mesh::exchange::bitswap::PROTOCOLS;
use weft_mesh::exchange::bitswap::message::Message;
use weft_mesh::exchange::{limits, wire};
use weft_mesh::limits::{PUBLIC_CONNECTIONS_PER_HOST, PUBLIC_MISSES_PER_PERIOD};
use weft_mesh::{Blocks, FetchError, MeshError, Outside, Public, PublicConfig, PublicStatus};
use weft_model::{Cid, content};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(60);
const MIB: usize = 1 << 20;
/// Wants of one message, fewer than are queued for one peer.
const BATCH: u32 = 512;

/// Blocks that are public.
struct Shelf(HashMap<Cid, Vec<u8>>);

impl Blocks for Shelf {
    fn block(&self, _: &PeerId, cid: &Cid) -> Option<Vec<u8>> {
        self.0.get(cid).cloned()
    }

    fn size(&self, peer: &PeerId, cid: &Cid) -> Option<u64> {
        self.block(peer, cid).map(|bytes| bytes.len() as u64)
    }
}

fn blocks(count: usize) -> Vec<(Cid, Vec<u8>)> {
    let block = |n: usize| vec![n as u8; MIB];
    let named = |bytes: Vec<u8>| (content::raw_cid(&bytes), bytes);
    (0..count).map(block).map(named).collect()
}

/// A listener that gives these, on TCP and QUIC, and its addresses.
fn listener(public: &[(Cid, Vec<u8>)]) -> (Public, Vec<String>) {
    let listen = ["/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"];
    let config = PublicConfig {
        secret: [7; 32],
        listen: listen.map(str::to_owned).to_vec(),
        bytes_per_s: None,
    };
    let shelf = Arc::new(Shelf(public.iter().cloned().collect()));
    let listener = Public::start(&config, shelf).expect("it listens");
    let status = listener.status();
    assert_eq!(status.listening.len(), listen.len(), "{status:?}");
    let named = |at: &String| format!("{at}/p2p/{}", status.peer_id);
    let addresses = status.listening.iter().map(named).collect();
    (listener, addresses)
}

#[track_caller]
fn wait(listener: &Public, what: &str, is: impl Fn(&PublicStatus) -> bool) -> PublicStatus {
    let until = Instant::now() + PATIENCE;
    loop {
        let status = listener.status();
        if is(&status) {
            return status;
        }
        assert!(
            Instant::now() < until,
            "not in {PATIENCE:?}: {what}: {status:?}"
        );
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

fn counted(status: &PublicStatus, what: &str) -> u64 {
    status.counts.get(what).copied().unwrap_or_default()
}

#[test]
fn anybody_gets_what_is_public_over_tcp_and_quic_and_nothing_else() {
    let file = blocks(8);
    let (listener, addresses) = listener(&file);
    for address in &addresses {
        let outside = Outside::dial(std::slice::from_ref(address), None).expect("it is reached");
        let mut came = BTreeMap::new();
        let wanted = file.iter().map(|(cid, _)| *cid).collect();
        let take = |cid: Cid, bytes: &[u8]| {
            came.insert(cid, bytes.to_vec());
            true
        };
        outside.fetch(wanted, take, |_| {}).expect("all of it");
        assert!(file.iter().all(|(cid, bytes)| came[cid] == *bytes));
        let private = content::raw_cid(b"private");
        let refused = outside.fetch(vec![private], |_, _| true, |_| {});
        assert!(
            matches!(&refused, Err(FetchError::NotFound { cid, .. }) if *cid == private),
            "{refused:?}"
        );
    }
    let status = listener.status();
    assert_eq!(counted(&status, "blocks out"), 16);
    assert_eq!(counted(&status, "not here"), 2);
}

#[test]
fn an_address_says_who_is_meant_and_another_one_is_not_taken() {
    let (_listener, addresses) = listener(&[]);
    let (at, _) = addresses[0].rsplit_once("/p2p/").unwrap();
    let nameless = Outside::dial(&[at.to_owned()], None).err();
    assert!(
        matches!(nameless, Some(MeshError::Address { .. })),
        "{nameless:?}"
    );
    let other = format!("{at}/p2p/{}", PeerId::random());
    let wrong = Outside::dial(std::slice::from_ref(&other), None).err();
    assert!(
        matches!(wrong, Some(MeshError::Unreachable { .. })),
        "{wrong:?}"
    );
    let one_is_enough = Outside::dial(&[other, addresses[0].clone()], None);
    assert!(one_is_enough.is_ok());
}

#[test]
fn one_host_has_few_connections_and_gets_them_back() {
    let file = blocks(1);
    let (listener, addresses) = listener(&file);
    let dial = || Outside::dial(&addresses[..1], None);
    let mut open: Vec<Outside> = (0..PUBLIC_CONNECTIONS_PER_HOST)
        .map(|_| dial().expect("there is a place"))
        .collect();
    let full = PUBLIC_CONNECTIONS_PER_HOST as u64;
    wait(&listener, "all are in", |status| status.connected == full);
    // Closed after the handshake: whether dialling itself fails is a matter of who is faster.
    let _late = dial();
    let refused = "refused: too many connections of one host";
    let status = wait(&listener, "one is too many", |status| {
        counted(status, refused) == 1
    });
    assert_eq!(status.connected, full);
    open.pop();
    wait(&listener, "one has gone", |status| {
        status.connected == full - 1
    });
    let next = dial().expect("there is a place again");
    let came = next.fetch(vec![file[0].0], |_, _| true, |_| {});
    assert_eq!(came.expect("it is served").blocks, 1);
}

#[test]
fn members_protocols_are_not_spoken_and_what_is_too_much_is_refused() {
    let (listener, addresses) = listener(&[]);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // The listener tells of its addresses as they come up, in any order.
    let tcp = addresses.iter().find(|a| a.contains("/tcp/")).unwrap();
    let address: Multiaddr = tcp.parse().unwrap();
    let (node, mut control) = runtime.block_on(bare(address));
    let blocks = runtime.block_on(control.open_stream(node, StreamProtocol::new(wire::PROTOCOL)));
    assert!(matches!(
        blocks,
        Err(OpenStreamError::UnsupportedProtocol(_))
    ));

    let message = limits::BITSWAP_WANTS_BYTES_MAX + 1;
    let length =
        unsigned_varint::encode::usize(message, &mut unsigned_varint::encode::usize_buffer())
            .to_vec();
    runtime.block_on(write(&mut control, node, &length));
    wait(&listener, "a message for blocks is refused", |status| {
        counted(status, "refused: oversize") == 1
    });

    let answers = control.accept(StreamProtocol::new(PROTOCOLS[0])).unwrap();
    let closed = "closed: asked for too much that is not here";
    let missing = |n: u32| content::raw_cid(&n.to_le_bytes());
    for first in (0..PUBLIC_MISSES_PER_PERIOD).step_by(BATCH as usize) {
        wait(&listener, "what was asked before is answered", |status| {
            counted(status, "not here") >= u64::from(first)
        });
        let cids: Vec<Cid> = (first..first + BATCH).map(missing).collect();
        let wants = Message::wants(&cids).encode_length_delimited_to_vec();
        runtime.block_on(write(&mut control, node, &wants));
    }
    wait(&listener, "who asks for so much is closed", |status| {
        counted(status, closed) == 1 && status.connected == 0
    });
    drop(answers);
}

/// A swarm without an exchange, connected to this address.
async fn bare(address: Multiaddr) -> (PeerId, Control) {
    let mut swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(
            tcp::Config::default(),
            noise::Config::new,
            yamux::Config::default,
        )
        .unwrap()
        .with_behaviour(|_| libp2p_stream::Behaviour::new())
        .unwrap()
        .with_swarm_config(|c| c.with_idle_connection_timeout(PATIENCE))
        .build();
    let control = swarm.behaviour().new_control();
    swarm.dial(address).unwrap();
    let node = loop {
        match swarm.select_next_some().await {
            SwarmEvent::ConnectionEstablished { peer_id, .. } => break peer_id,
            SwarmEvent::OutgoingConnectionError { error, .. } => panic!("not reached: {error}"),
            _ => {}
        }
    };
    tokio::spawn(async move {
        loop {
            swarm.select_next_some().await;
        }
    });
    (node, control)
}

/// Writes this on a Bitswap stream of its own.
async fn write(control: &mut Control, node: PeerId, bytes: &[u8]) {
    let mut stream = control
        .open_stream(node, StreamProtocol::new(PROTOCOLS[0]))
        .await
        .expect("Bitswap is spoken");
    stream.write_all(bytes).await.unwrap();
    // The node may close the connection as soon as it has read this.
    let _ = stream.close().await;
}
