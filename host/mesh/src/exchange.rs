//! Content exchange: this node's blocks for its peers, and their blocks for this node.
//!
//! Two protocols move blocks: Weft's own pipelined stream ([`wire::PROTOCOL`]), and Bitswap, which IPFS nodes speak.
//! [`Exchange::new`] gives a handle and the future that serves; [`Exchange::fetch`] gets blocks from several seeders at
//! once, from each by the stream, or by Bitswap where it speaks nothing else.
//!
//! Who owns what: the serving future owns all inbound streams and the Bitswap engine, each fetch owns its queue and its
//! seeders' links. They share counters and the turns at disk and processor.
//!
//! Invariants:
//! - A block is handed on only after its bytes were compared with its CID.
//! - Whether a peer may have a block is [`Blocks`]' answer alone, asked for each want; "no" reads like "not here".
//! - All reads and hashes of larger blocks run on threads for blocking work, boundedly many.
//! - Every queue, frame, stream, time is bounded by [`limits`]; every breach is counted by its name in [`Counters`].
//!
//! What it does not do: it keeps nothing, follows no links between blocks, and finds no seeders.

pub mod bitswap;
mod blocking;
mod counters;
mod error;
mod fetch;
pub mod limits;
mod link;
mod pace;
pub mod queue;
mod serve;
pub mod wire;

pub use counters::{Counters, Refused};
pub use error::FetchError;
pub use fetch::More;
pub use prost::bytes::Bytes;
pub use queue::{Dropped, Report, SeederReport, SeederState};

use bitswap::Swap;
use libp2p::{PeerId, StreamProtocol};
use libp2p_stream::{Control, IncomingStreams};
use pace::Pace;
use std::sync::Arc;
use tokio::sync::Semaphore;
use weft_model::Cid;

/// What this node serves. Called on threads for blocking work, at most [`limits::DISK_READS`] at a time.
pub trait Blocks: Send + Sync + 'static {
    /// A block's bytes. None: it is not here, or not for this peer; the peer can't tell which.
    fn block(&self, peer: &PeerId, cid: &Cid) -> Option<Vec<u8>>;
    /// A block's bytes' number. None when [`Blocks::block`] would give none.
    fn size(&self, peer: &PeerId, cid: &Cid) -> Option<u64>;
}

/// The handle of one swarm's content exchange. Clones are the same exchange.
#[derive(Clone)]
pub struct Exchange {
    shared: Arc<Shared>,
    control: Control,
    swap: Swap,
}

/// What inbound streams and fetches share.
pub(crate) struct Shared {
    blocks: Arc<dyn Blocks>,
    counters: Counters,
    /// The largest Bitswap message that is read, in bytes.
    message_bytes: usize,
    /// Turns at the disk; first come, first served.
    disk: Arc<Semaphore>,
    /// Turns at hashing.
    hashers: Arc<Semaphore>,
    /// How fast blocks go out, and come in.
    up: Pace,
    down: Pace,
}

/// Which protocols an exchange answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaks {
    /// The stream and Bitswap.
    All,
    /// Bitswap alone, with IPFS nodes.
    BitswapOnly,
    /// Bitswap alone, and only to give: a message has no room for blocks. What a listener for outsiders speaks.
    BitswapGiving,
}

impl Exchange {
    /// A swarm's exchange, and the future that serves its peers until it is dropped; without it no Bitswap moves.
    ///
    /// # Panics
    /// When the swarm of this control has an exchange already.
    pub fn new(
        control: Control,
        blocks: Arc<dyn Blocks>,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        Self::speaking(Speaks::All, control, blocks)
    }

    /// The same, answering only some protocols.
    ///
    /// # Panics
    /// When the swarm of this control has an exchange already.
    pub fn speaking(
        speaks: Speaks,
        mut control: Control,
        blocks: Arc<dyn Blocks>,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let streams = match speaks {
            Speaks::All => Some(accept(&mut control, wire::PROTOCOL)),
            Speaks::BitswapOnly | Speaks::BitswapGiving => None,
        };
        let message_bytes = match speaks {
            Speaks::All | Speaks::BitswapOnly => limits::BITSWAP_INBOUND_BYTES_MAX,
            Speaks::BitswapGiving => limits::BITSWAP_WANTS_BYTES_MAX,
        };
        let swaps = bitswap::PROTOCOLS.map(|protocol| accept(&mut control, protocol));
        let hashers = std::thread::available_parallelism().map_or(1, usize::from);
        let shared = Arc::new(Shared {
            blocks,
            counters: Counters::default(),
            message_bytes,
            disk: Arc::new(Semaphore::new(limits::DISK_READS)),
            hashers: Arc::new(Semaphore::new(hashers)),
            up: Pace::default(),
            down: Pace::default(),
        });
        let (swap, swapping) = bitswap::start(shared.clone(), control.clone(), swaps.into());
        let serving = {
            let shared = shared.clone();
            async move {
                if let Some(streams) = streams {
                    serve::serve(shared, streams).await;
                }
                std::future::pending::<()>().await;
            }
        };
        let exchange = Self {
            shared,
            control,
            swap,
        };
        let both = async move {
            tokio::join!(swapping, serving);
        };
        (exchange, both)
    }

    /// Caps how fast blocks go out, and as much how fast they come in, in bytes a second; none: no cap.
    pub fn cap(&self, bytes_per_s: Option<u64>) {
        self.shared.up.set(bytes_per_s);
        self.shared.down.set(bytes_per_s);
    }

    /// What was counted so far.
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }
}

fn accept(control: &mut Control, protocol: &'static str) -> IncomingStreams {
    let accepted = control.accept(StreamProtocol::new(protocol));
    accepted.expect("a swarm has one exchange, which accepts each protocol once")
}
