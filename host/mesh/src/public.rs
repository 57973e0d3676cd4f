//! What outsiders see: a second, small swarm with a peer id of its own, which speaks Identify, Ping and Bitswap, and
//! nothing else. And its mirror, [`Outside`]: a client of IPFS nodes, for content that no member has.
//!
//! Who owns what: each has a runtime of its own with one task that owns its swarm; members' mesh and this one share no
//! socket, no key and no table. What is served is [`Blocks`]' answer alone, which knows what is public.
//!
//! Invariants: anybody may come in, within limits for all, for one peer and for one host; whoever mostly asks for what
//! is not here is closed; a message of an outsider has room for wants and not for blocks; no address of this device is
//! told but those that its owner names.
//!
//! What it doesn't do: it finds nobody, announces nothing, and knows no member.

mod door;
mod outside;
mod swarm;

pub use outside::Outside;

use crate::error::MeshError;
use crate::exchange::{Blocks, Exchange, Speaks};
use crate::limits::{PUBLIC_LISTEN_PATIENCE, PUBLIC_STATUS_QUEUED, STREAMS};
use crate::{peer, threads};
use door::Door;
use futures::StreamExt;
use libp2p::Swarm;
use libp2p::swarm::SwarmEvent;
use std::collections::BTreeMap;
use std::sync::Arc;
use swarm::Behaviour;
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};

/// How the listener for outsiders is to be.
#[derive(Clone, Debug)]
pub struct PublicConfig {
    /// Its secret key, which is not the device's.
    pub secret: [u8; 32],
    /// Addresses to listen on.
    pub listen: Vec<String>,
    /// How fast blocks may go out, in bytes a second; none: as fast as it goes.
    pub bytes_per_s: Option<u64>,
}

/// The listener as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublicStatus {
    /// Its libp2p peer id.
    pub peer_id: String,
    /// Where it listens.
    pub listening: Vec<String>,
    /// Connections that are open.
    pub connected: u64,
    /// What was served and what was refused since the start, by name.
    pub counts: BTreeMap<String, u64>,
}

/// A running listener for outsiders. Dropped, it stops. Its methods block, and are not to be called from asynchronous
/// code.
pub struct Public {
    asks: mpsc::Sender<oneshot::Sender<PublicStatus>>,
    runtime: Option<Runtime>,
}

impl Public {
    /// Starts a listener and waits until it listens on each address.
    ///
    /// # Errors
    /// When an address is none or can't be listened on, or the system refuses threads.
    pub fn start(config: &PublicConfig, blocks: Arc<dyn Blocks>) -> Result<Self, MeshError> {
        let runtime = runtime("weft-public")?;
        let (asks, asked) = mpsc::channel(PUBLIC_STATUS_QUEUED);
        match runtime.block_on(open(config, blocks, asked)) {
            Ok(()) => Ok(Self {
                asks,
                runtime: Some(runtime),
            }),
            Err(e) => {
                threads::end(runtime);
                Err(e)
            }
        }
    }

    /// How it stands.
    pub fn status(&self) -> PublicStatus {
        let (reply, answer) = oneshot::channel();
        // A listener that stopped has nobody to ask; then the reply is gone.
        let _ = self.asks.blocking_send(reply);
        answer.blocking_recv().unwrap_or_default()
    }
}

impl Drop for Public {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            threads::end(runtime);
        }
    }
}

/// Threads for one swarm.
fn runtime(name: &str) -> Result<Runtime, MeshError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name(name)
        .enable_all()
        .build()
        .map_err(|e| MeshError::Start(e.to_string()))
}

async fn open(
    config: &PublicConfig,
    blocks: Arc<dyn Blocks>,
    asked: mpsc::Receiver<oneshot::Sender<PublicStatus>>,
) -> Result<(), MeshError> {
    let key = peer::keypair(config.secret)?;
    let mut swarm = swarm::build(&key, STREAMS)?;
    listen(&mut swarm, &config.listen).await?;
    let (door, excess) = Door::new(blocks);
    let control = swarm.behaviour().streams.new_control();
    let (exchange, serving) = Exchange::speaking(Speaks::BitswapGiving, control, door.blocks());
    exchange.cap(config.bytes_per_s);
    tokio::spawn(serving);
    tokio::spawn(door.keep(swarm, exchange, asked, excess));
    Ok(())
}

/// Listens on all of these, and waits until each has an address.
async fn listen(swarm: &mut Swarm<Behaviour>, addresses: &[String]) -> Result<(), MeshError> {
    let refused = |address: &str, why: String| MeshError::Listen {
        address: address.to_owned(),
        why,
    };
    for text in addresses {
        let address = peer::address(text)?;
        peer::free(&address).await?;
        let listener = swarm
            .listen_on(address)
            .map_err(|e| refused(text, e.to_string()))?;
        let listening = async {
            loop {
                match swarm.select_next_some().await {
                    SwarmEvent::NewListenAddr { listener_id, .. } if listener_id == listener => {
                        return Ok(());
                    }
                    SwarmEvent::ListenerClosed {
                        listener_id,
                        reason,
                        ..
                    } if listener_id == listener => {
                        let why = reason.err().map_or("closed".into(), |e| e.to_string());
                        return Err(refused(text, why));
                    }
                    _ => {}
                }
            }
        };
        tokio::time::timeout(PUBLIC_LISTEN_PATIENCE, listening)
            .await
            .unwrap_or_else(|_| Err(refused(text, "no interface has it".into())))?;
    }
    Ok(())
}
