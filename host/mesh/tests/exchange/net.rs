//! Real swarms on loopback for the tests: a peer with an exchange, shelves of blocks, and a proxy that counts bytes.

use futures::StreamExt;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, Swarm, SwarmBuilder, noise, tcp, yamux};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{RwLock, mpsc, watch};
use tokio::task::JoinSet;
use weft_mesh::exchange::{Blocks, Bytes, Exchange, FetchError, More, Report, Speaks};
use weft_model::{Cid, content};

/// How long a test waits for what must come.
pub const PATIENCE: Duration = Duration::from_secs(90);
/// How often a condition without a signal is looked at.
const LOOK: Duration = Duration::from_millis(5);
pub const MIB: usize = 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Over {
    Tcp,
    Quic,
}

/// A node of a test: its swarm and exchange run until it is dropped.
pub struct Node {
    pub id: PeerId,
    pub address: Multiaddr,
    pub exchange: Exchange,
    dials: mpsc::Sender<Multiaddr>,
    connected: watch::Receiver<HashSet<PeerId>>,
    tasks: JoinSet<()>,
}

impl Node {
    pub async fn start(over: Over, speaks: Speaks, blocks: Arc<dyn Blocks>) -> Self {
        let mut swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(
                tcp::Config::default().nodelay(true),
                noise::Config::new,
                yamux::Config::default,
            )
            .unwrap()
            .with_quic()
            .with_behaviour(|_| libp2p_stream::Behaviour::new())
            .unwrap()
            .with_swarm_config(|c| c.with_idle_connection_timeout(PATIENCE))
            .build();
        let listen = match over {
            Over::Tcp => "/ip4/127.0.0.1/tcp/0",
            Over::Quic => "/ip4/127.0.0.1/udp/0/quic-v1",
        };
        swarm.listen_on(listen.parse().unwrap()).unwrap();
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                break address;
            }
        };
        let (id, control) = (*swarm.local_peer_id(), swarm.behaviour().new_control());
        let (exchange, serving) = Exchange::speaking(speaks, control, blocks);
        let (dials, asked) = mpsc::channel(8);
        let (seen, connected) = watch::channel(HashSet::new());
        let mut tasks = JoinSet::new();
        tasks.spawn(serving);
        tasks.spawn(drive(swarm, asked, seen));
        Self {
            id,
            address,
            exchange,
            dials,
            connected,
            tasks,
        }
    }

    /// Connects to another node, at its own address or another one that leads there.
    pub async fn connect(&self, to: &Self, at: Option<Multiaddr>) {
        let address = at
            .unwrap_or_else(|| to.address.clone())
            .with(Protocol::P2p(to.id));
        self.dials.send(address).await.unwrap();
        self.until_connected(to.id).await;
        to.until_connected(self.id).await;
    }

    /// Waits until this node knows the other one's connection.
    pub async fn until_connected(&self, to: PeerId) {
        let mut connected = self.connected.clone();
        let done = connected.wait_for(|peers| peers.contains(&to));
        tokio::time::timeout(PATIENCE, done)
            .await
            .expect("connected in time")
            .unwrap();
    }

    /// Ends everything at once, as a crash does.
    pub fn kill(&mut self) {
        self.tasks.abort_all();
    }

    /// Fetches these, and returns what came. Whatever came is compared with its CID again.
    pub async fn fetch(
        &self,
        cids: &[Cid],
        seeders: &[&Self],
    ) -> (HashMap<Cid, Bytes>, Result<Report, FetchError>) {
        self.fetch_from(cids, seeders.iter().map(|node| node.id).collect())
            .await
    }

    /// The same, from peers that are no nodes.
    pub async fn fetch_from(
        &self,
        cids: &[Cid],
        seeders: Vec<PeerId>,
    ) -> (HashMap<Cid, Bytes>, Result<Report, FetchError>) {
        let (more, wants) = mpsc::channel(1);
        more.send(More::Blocks(cids.to_vec())).await.unwrap();
        drop(more);
        let (out, mut blocks) = mpsc::channel::<(Cid, Bytes)>(4);
        let progress = watch::channel(Report::default()).0;
        let mut came = HashMap::new();
        let taking = async {
            while let Some((cid, bytes)) = blocks.recv().await {
                assert!(came.insert(cid, bytes).is_none(), "given twice");
            }
        };
        let fetching =
            async { tokio::join!(self.exchange.fetch(wants, seeders, out, &progress), taking).0 };
        let begun = Instant::now();
        let result = tokio::time::timeout(PATIENCE, fetching)
            .await
            .expect("the fetch ended in time");
        let bytes: usize = came.values().map(Bytes::len).sum();
        println!(
            "{bytes} bytes, {:.0} MB/s",
            bytes as f64 / 1e6 / begun.elapsed().as_secs_f64()
        );
        assert!(came.iter().all(|(cid, bytes)| content::matches(cid, bytes)));
        (came, result)
    }

    pub fn bytes_out(&self) -> u64 {
        self.exchange.counters().bytes_out.load(Ordering::Relaxed)
    }

    pub fn counted(&self, name: &str) -> u64 {
        self.exchange.counters().all()[name]
    }

    /// Waits until a counter has reached this.
    pub async fn until_counted(&self, name: &str, at_least: u64) {
        let reached = async {
            let mut look = tokio::time::interval(LOOK);
            while self.counted(name) < at_least {
                look.tick().await;
            }
        };
        let counters = || self.exchange.counters().all();
        tokio::time::timeout(PATIENCE, reached)
            .await
            .unwrap_or_else(|_| panic!("{name}: {:?}", counters()));
    }
}

async fn drive(
    mut swarm: Swarm<libp2p_stream::Behaviour>,
    mut dials: mpsc::Receiver<Multiaddr>,
    seen: watch::Sender<HashSet<PeerId>>,
) {
    loop {
        tokio::select! {
            event = swarm.select_next_some() => match event {
                SwarmEvent::ConnectionEstablished { peer_id, .. } => { seen.send_modify(|peers| { peers.insert(peer_id); }); }
                SwarmEvent::ConnectionClosed { peer_id, .. } => { seen.send_modify(|peers| { peers.remove(&peer_id); }); }
                _ => {}
            },
            Some(address) = dials.recv() => swarm.dial(address).unwrap(),
        }
    }
}

/// Blocks for the tests.
#[derive(Default)]
pub struct Shelf {
    pub blocks: HashMap<Cid, Vec<u8>>,
    /// Gives every so manieth block with another byte in it; 0: none.
    pub lies: usize,
    /// Who is given nothing.
    pub banned: Mutex<HashSet<PeerId>>,
    /// While somebody writes this, no read ends.
    pub gate: Arc<RwLock<()>>,
    pub reads: AtomicUsize,
}

impl Blocks for Shelf {
    fn block(&self, peer: &PeerId, cid: &Cid) -> Option<Vec<u8>> {
        let read = self.reads.fetch_add(1, Ordering::Relaxed) + 1;
        drop(self.gate.blocking_read());
        if self.banned.lock().unwrap().contains(peer) {
            return None;
        }
        let mut block = self.blocks.get(cid)?.clone();
        if self.lies > 0 && read.is_multiple_of(self.lies) {
            block[0] ^= 1;
        }
        Some(block)
    }

    fn size(&self, peer: &PeerId, cid: &Cid) -> Option<u64> {
        self.block(peer, cid).map(|block| block.len() as u64)
    }
}

/// So many blocks of this size, in order, each other than the rest.
pub fn blocks(count: usize, bytes: usize) -> Vec<(Cid, Vec<u8>)> {
    let block = |n: usize| {
        let mut block: Vec<u8> = (0..bytes)
            .map(|i| (i * 31 + i / 251 + n * 7) as u8)
            .collect();
        let mark = n.to_le_bytes();
        let marked = mark.len().min(bytes);
        block[..marked].copy_from_slice(&mark[..marked]);
        (content::raw_cid(&block), block)
    };
    (0..count).map(block).collect()
}

pub fn cids(blocks: &[(Cid, Vec<u8>)]) -> Vec<Cid> {
    blocks.iter().map(|(cid, _)| *cid).collect()
}

pub fn shelf(blocks: &[(Cid, Vec<u8>)]) -> Shelf {
    let blocks = blocks.iter().cloned().collect();
    Shelf {
        blocks,
        ..Shelf::default()
    }
}

/// A TCP proxy that counts the bytes it carries, both ways.
pub struct Proxy {
    pub address: Multiaddr,
    pub carried: Arc<AtomicU64>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub async fn to(node: &Node) -> Self {
        let port = node.address.iter().find_map(|part| match part {
            Protocol::Tcp(port) => Some(port),
            _ => None,
        });
        let target = ("127.0.0.1", port.unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!(
            "/ip4/127.0.0.1/tcp/{}",
            listener.local_addr().unwrap().port()
        )
        .parse()
        .unwrap();
        let carried = Arc::<AtomicU64>::default();
        let mut tasks = JoinSet::new();
        let count = carried.clone();
        tasks.spawn(async move {
            let (inbound, _) = listener.accept().await.unwrap();
            let outbound = TcpStream::connect(target).await.unwrap();
            inbound.set_nodelay(true).unwrap();
            outbound.set_nodelay(true).unwrap();
            let (from, to) = (inbound.into_split(), outbound.into_split());
            tokio::join!(carry(from.0, to.1, &count), carry(to.0, from.1, &count));
        });
        Self {
            address,
            carried,
            _tasks: tasks,
        }
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    count: &AtomicU64,
) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer).await {
        count.fetch_add(n as u64, Ordering::Relaxed);
        if to.write_all(&buffer[..n]).await.is_err() {
            break;
        }
    }
}
