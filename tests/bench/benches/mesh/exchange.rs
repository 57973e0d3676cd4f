//! Content: every figure beside the same bytes over raw TCP and hashed, and over TCP with Noise, in the same run.

use libp2p::core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade, UpgradeInfo};
use libp2p::identity::Keypair;
use libp2p::{PeerId, noise};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_util::compat::TokioAsyncReadCompatExt;
use weft_bench::Report;
use weft_kit::memory_kb;
use weft_mesh::{Blocks, Change, Config, Heard, Host, Mesh, Protocol, Topic};
use weft_model::{Cid, Did, content};

/// Bytes of a block.
const BLOCK: usize = 1 << 20;
/// Blocks of a content: 64 MiB, or 1 GiB where `WEFT_BENCH_FULL` is set.
const BLOCKS: usize = 64;
const BLOCKS_FULL: usize = 1_024;
/// Runs of each; the fastest counts, since other work only ever slows one down.
const RUNS: usize = 5;
/// What is to be reached: raw TCP and a hash may be so many times faster than one seeder, and than three.
const ONE_SEEDER: f64 = 1.0 / 0.4;
const THREE_SEEDERS: f64 = 1.0 / 0.5;

/// Content in memory.
struct Held(HashMap<Cid, Vec<u8>>);

impl Blocks for Held {
    fn block(&self, _: &PeerId, cid: &Cid) -> Option<Vec<u8>> {
        self.0.get(cid).cloned()
    }

    fn size(&self, _: &PeerId, cid: &Cid) -> Option<u64> {
        self.0.get(cid).map(|b| b.len() as u64)
    }
}

/// A node that has nothing to say.
struct Quiet;

impl Host for Quiet {
    fn lobby_closed(&self, _: &'static str) {}

    fn now(&self) -> i64 {
        0
    }

    fn answer(&self, _: &Did, _: Protocol, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn heard(&self, _: &Did, _: &Did, _: Topic, _: &[u8]) -> Heard {
        Heard::Ignore
    }

    fn changed(&self, _: &Did, _: Change) {}

    fn lobby(&self, _: &Did, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

struct Node {
    mesh: Mesh,
    device: Did,
}

impl Node {
    fn start(n: u8, listen: &str, blocks: HashMap<Cid, Vec<u8>>) -> Self {
        let mut secret = [n; 32];
        let config = Config {
            secret,
            network: "bench".into(),
            listen: vec![listen.into()],
            external: Vec::new(),
            mdns: false,
            upnp: false,
            relay: false,
        };
        let mesh = Mesh::start(&config, Arc::new(Quiet), Arc::new(Held(blocks)));
        let key = Keypair::ed25519_from_bytes(&mut secret).expect("a key");
        Self {
            mesh: mesh.expect("a mesh"),
            device: weft_mesh::did(&key.public().to_peer_id()).expect("an Ed25519 key"),
        }
    }

    fn address(&self) -> String {
        until(|| self.mesh.status().listening.first().cloned())
    }
}

fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "the mesh does not come up"
        );
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Adds the figures.
pub fn run(report: &mut Report) {
    let full = std::env::var_os("WEFT_BENCH_FULL").is_some();
    let count = if full { BLOCKS_FULL } else { BLOCKS };
    let blocks: Vec<Vec<u8>> = (0..count).map(block).collect();
    let mb = (count * BLOCK) as f64 / 1e6;
    let raw = fastest(|| raw_tcp(&blocks));
    let noise = fastest(|| noise_tcp(&blocks));
    report.values("raw TCP and sha256", &[("mb", mb), ("mb_per_s", mb / raw)]);
    report.values(
        "TCP with Noise and sha256",
        &[("mb_per_s", mb / noise), ("times_raw", noise / raw)],
    );
    let by_cid: HashMap<Cid, Vec<u8>> = blocks
        .iter()
        .map(|b| (content::raw_cid(b), b.clone()))
        .collect();
    let wanted: Vec<Cid> = blocks.iter().map(|b| content::raw_cid(b)).collect();
    for (transport, listen) in [
        ("TCP", "/ip4/127.0.0.1/tcp/0"),
        ("QUIC", "/ip4/127.0.0.1/udp/0/quic-v1"),
    ] {
        for (seeders, at_most) in [(1, ONE_SEEDER), (3, THREE_SEEDERS)] {
            let (seconds, wire) = seeded(listen, seeders, &by_cid, &wanted);
            let row = report.values(
                &format!("stream over {transport}, seeders: {seeders}"),
                &[
                    ("mb_per_s", mb / seconds),
                    ("times_raw", seconds / raw),
                    ("times_noise", seconds / noise),
                    ("bytes_per_byte", wire / (count * BLOCK) as f64),
                ],
            );
            if transport == "TCP" {
                row.reach("times_raw", at_most);
            }
        }
    }
    let rss = memory_kb(std::process::id(), "VmHWM").unwrap_or_default();
    report.values(
        "peak of memory, with four nodes and all copies",
        &[("mb", rss as f64 * 1_024.0 / 1e6)],
    );
}

/// The seconds of the fastest run, and the bytes of blocks that came in it.
fn seeded(listen: &str, seeders: u8, blocks: &HashMap<Cid, Vec<u8>>, wanted: &[Cid]) -> (f64, f64) {
    let taker = Node::start(100, listen, HashMap::new());
    let givers: Vec<Node> = (0..seeders)
        .map(|n| Node::start(n + 1, listen, blocks.clone()))
        .collect();
    let members = |of: &[&Node]| -> BTreeMap<Did, Vec<String>> {
        of.iter().map(|n| (n.device, vec![n.address()])).collect()
    };
    for giver in &givers {
        giver.mesh.members(members(&[&taker]));
    }
    taker
        .mesh
        .members(members(&givers.iter().collect::<Vec<_>>()));
    until(|| {
        let up = taker
            .mesh
            .status()
            .peers
            .iter()
            .filter(|p| p.connected)
            .count();
        (up == givers.len()).then_some(())
    });
    let devices: Vec<Did> = givers.iter().map(|g| g.device).collect();
    let mut bytes = 0.0;
    let seconds = fastest(|| {
        let begun = Instant::now();
        let mut came = 0;
        let report = taker
            .mesh
            .fetch(
                wanted.to_vec(),
                &devices,
                |_, block| {
                    came += block.len();
                    true
                },
                |_| {},
            )
            .expect("all of it");
        assert_eq!(came, wanted.len() * BLOCK);
        bytes = (report.bytes + report.spare_bytes) as f64;
        begun.elapsed().as_secs_f64()
    });
    (seconds, bytes)
}

fn fastest(mut run: impl FnMut() -> f64) -> f64 {
    (0..RUNS).map(|_| run()).fold(f64::MAX, f64::min)
}

/// One thread writes, another one reads and hashes block by block.
fn raw_tcp(blocks: &[Vec<u8>]) -> f64 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().expect("a connection");
            for block in blocks {
                stream.write_all(block).expect("it is read");
            }
        });
        let begun = Instant::now();
        let mut stream = TcpStream::connect(address).expect("a connection");
        let mut buffer = vec![0; BLOCK];
        for _ in blocks {
            stream.read_exact(&mut buffer).expect("it is written");
            std::hint::black_box(Sha256::digest(&buffer));
        }
        begun.elapsed().as_secs_f64()
    })
}

/// The same through the handshake and ciphers that libp2p puts around TCP.
fn noise_tcp(blocks: &[Vec<u8>]) -> f64 {
    use futures::{AsyncReadExt, AsyncWriteExt};
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let to_send = blocks.to_vec();
        let writer = tokio::spawn(async move {
            let (socket, _) = listener.accept().await.expect("a connection");
            let config = noise::Config::new(&Keypair::generate_ed25519()).expect("a config");
            let info = config.protocol_info().next().expect("a protocol");
            let (_, mut stream) = config
                .upgrade_inbound(socket.compat(), info)
                .await
                .expect("a handshake");
            for block in &to_send {
                stream.write_all(block).await.expect("it is read");
            }
            stream.flush().await.expect("it is read");
            stream.close().await.expect("it is read");
        });
        let socket = tokio::net::TcpStream::connect(address)
            .await
            .expect("a connection");
        let config = noise::Config::new(&Keypair::generate_ed25519()).expect("a config");
        let info = config.protocol_info().next().expect("a protocol");
        let (_, mut stream) = config
            .upgrade_outbound(socket.compat(), info)
            .await
            .expect("a handshake");
        let begun = Instant::now();
        let mut buffer = vec![0; BLOCK];
        for _ in blocks {
            stream.read_exact(&mut buffer).await.expect("it is written");
            std::hint::black_box(Sha256::digest(&buffer));
        }
        let seconds = begun.elapsed().as_secs_f64();
        writer.await.expect("it ends");
        seconds
    })
}

/// Pseudo-random bytes: splitmix64 from the block's number.
fn block(n: usize) -> Vec<u8> {
    let mut state = n as u64;
    let mut bytes = vec![0; BLOCK];
    for word in bytes.chunks_exact_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes());
    }
    bytes
}
