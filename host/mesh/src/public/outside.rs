//! A client of IPFS nodes: dials them, asks them by Bitswap, and gives them nothing.

use super::runtime;
use super::swarm::{self, Behaviour};
use crate::error::MeshError;
use crate::exchange::{Blocks, Exchange, FetchError, Report, Speaks};
use crate::limits::{OUTSIDE_DIAL_PATIENCE, STREAMS};
use crate::{peer, threads};
use futures::StreamExt;
use libp2p::identity::Keypair;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, PeerId, Swarm};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::runtime::Runtime;
use weft_model::Cid;

/// Connections to IPFS nodes, under a peer id that was made for them and is gone with them. Its methods block, and are
/// not to be called from asynchronous code.
pub struct Outside {
    exchange: Exchange,
    peers: Vec<PeerId>,
    runtime: Option<Runtime>,
}

impl Outside {
    /// Connects to these nodes; each address ends with `/p2p/…`. One that can't be reached is left out while there is
    /// another one. `bytes_per_s`: how fast blocks may come; none: as fast as it goes.
    ///
    /// # Errors
    /// [`MeshError::Address`]; [`MeshError::Unreachable`] when none can be reached.
    pub fn dial(addresses: &[String], bytes_per_s: Option<u64>) -> Result<Self, MeshError> {
        let nodes = nodes(addresses)?;
        let runtime = runtime("weft-outside")?;
        match runtime.block_on(connect(nodes)) {
            Ok((exchange, peers)) => {
                exchange.cap(bytes_per_s);
                Ok(Self {
                    exchange,
                    peers,
                    runtime: Some(runtime),
                })
            }
            Err(e) => {
                threads::end(runtime);
                Err(e)
            }
        }
    }

    /// Fetches blocks from all of them at once, as [`crate::Mesh::fetch`] does from members.
    ///
    /// # Errors
    /// [`FetchError`]; what was taken before is right.
    pub fn fetch(
        &self,
        blocks: Vec<Cid>,
        take: impl FnMut(Cid, &[u8]) -> bool,
        progress: impl FnMut(&Report),
    ) -> Result<Report, FetchError> {
        let Some(runtime) = &self.runtime else {
            return Err(FetchError::GivenUp);
        };
        self.exchange
            .fetch_blocking(runtime, blocks, self.peers.clone(), take, progress)
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            threads::end(runtime);
        }
    }
}

/// It serves nothing.
struct Nothing;

impl Blocks for Nothing {
    fn block(&self, _: &PeerId, _: &Cid) -> Option<Vec<u8>> {
        None
    }

    fn size(&self, _: &PeerId, _: &Cid) -> Option<u64> {
        None
    }
}

/// The nodes that addresses name, and where each may be.
fn nodes(addresses: &[String]) -> Result<BTreeMap<PeerId, Vec<Multiaddr>>, MeshError> {
    let mut nodes: BTreeMap<PeerId, Vec<Multiaddr>> = BTreeMap::new();
    for text in addresses {
        let mut address = peer::address(text)?;
        let Some(Protocol::P2p(node)) = address.pop() else {
            return Err(MeshError::Address {
                text: text.clone(),
                why: "it does not end with /p2p/PEER_ID, so nobody could tell who answers there"
                    .into(),
            });
        };
        nodes.entry(node).or_default().push(address);
    }
    Ok(nodes)
}

async fn connect(
    nodes: BTreeMap<PeerId, Vec<Multiaddr>>,
) -> Result<(Exchange, Vec<PeerId>), MeshError> {
    // A connection whose streams may have more than the usual window gets frames over the largest that yamux reads.
    let mut swarm = swarm::build(&Keypair::generate_ed25519(), STREAMS)?;
    let control = swarm.behaviour().streams.new_control();
    let (exchange, serving) = Exchange::speaking(Speaks::BitswapOnly, control, Arc::new(Nothing));
    let mut waiting: BTreeSet<PeerId> = nodes.keys().copied().collect();
    let mut failed = BTreeMap::new();
    for (node, addresses) in nodes {
        let options = DialOpts::peer_id(node).addresses(addresses).build();
        if let Err(e) = swarm.dial(options) {
            waiting.remove(&node);
            failed.insert(node, e.to_string());
        }
    }
    let mut peers = Vec::new();
    let dialling = reach(&mut swarm, &mut waiting, &mut peers, &mut failed);
    if tokio::time::timeout(OUTSIDE_DIAL_PATIENCE, dialling)
        .await
        .is_err()
    {
        failed.extend(
            waiting
                .iter()
                .map(|node| (*node, "no answer in time".into())),
        );
    }
    for (node, why) in &failed {
        tracing::info!(%node, "not reached: {why}");
    }
    if peers.is_empty() {
        let (node, why) = failed.pop_first().unzip();
        return Err(MeshError::Unreachable {
            peer: node.map_or_else(String::new, |node| node.to_string()),
            why: why.unwrap_or_else(|| "no address was given".into()),
        });
    }
    tokio::spawn(serving);
    tokio::spawn(async move {
        loop {
            swarm.select_next_some().await;
        }
    });
    Ok((exchange, peers))
}

/// Waits until each node is connected or can't be.
async fn reach(
    swarm: &mut Swarm<Behaviour>,
    waiting: &mut BTreeSet<PeerId>,
    peers: &mut Vec<PeerId>,
    failed: &mut BTreeMap<PeerId, String>,
) {
    while !waiting.is_empty() {
        match swarm.select_next_some().await {
            SwarmEvent::ConnectionEstablished { peer_id, .. } if waiting.remove(&peer_id) => {
                peers.push(peer_id);
            }
            SwarmEvent::OutgoingConnectionError {
                peer_id: Some(node),
                error,
                ..
            } => {
                waiting.remove(&node);
                failed.insert(node, error.to_string());
            }
            _ => {}
        }
    }
}
