//! What the exchange counted since it began. Anybody may read at any time; nothing here decides anything.

use super::queue::Dropped;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why an inbound stream or message was not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refused {
    /// A frame or message larger than its limit.
    Oversize,
    /// Bytes that are no frame or message of the protocol, or one that was cut off.
    Garbled,
    /// A peer's stream beyond what one peer may have.
    PeerStreams,
    /// A stream beyond what is served in all.
    AllStreams,
    /// A frame that was begun and not ended in time, or answers that the peer did not take.
    Stalled,
    /// Wants beyond what is queued for one peer.
    Wants,
    /// Blocks that nobody here asked for.
    Unasked,
}

impl Refused {
    const ALL: [Self; 7] = [
        Self::Oversize,
        Self::Garbled,
        Self::PeerStreams,
        Self::AllStreams,
        Self::Stalled,
        Self::Wants,
        Self::Unasked,
    ];

    /// The reason as metrics and logs name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Oversize => "oversize",
            Self::Garbled => "garbled",
            Self::PeerStreams => "too many streams of one peer",
            Self::AllStreams => "too many streams",
            Self::Stalled => "stalled",
            Self::Wants => "too many wants",
            Self::Unasked => "unasked block",
        }
    }
}

/// Counters of one exchange; they only grow.
#[derive(Debug, Default)]
pub struct Counters {
    /// Bytes of blocks that came, verified or not.
    pub bytes_in: AtomicU64,
    /// Bytes of blocks that were given out.
    pub bytes_out: AtomicU64,
    /// Blocks that came and were what their CID names.
    pub blocks_in: AtomicU64,
    /// Blocks that were given out.
    pub blocks_out: AtomicU64,
    /// Blocks that came and were not what their CID names.
    pub wrong_blocks: AtomicU64,
    /// Answers "not here" that were given, whatever the reason.
    pub not_here: AtomicU64,
    refused: [AtomicU64; Refused::ALL.len()],
    dropped: [AtomicU64; Dropped::ALL.len()],
}

impl Counters {
    /// How often something was refused for this reason.
    pub fn refused(&self, why: Refused) -> u64 {
        self.refused[why as usize].load(Ordering::Relaxed)
    }

    /// How many seeders were dropped for this reason.
    pub fn dropped(&self, why: Dropped) -> u64 {
        self.dropped[why as usize].load(Ordering::Relaxed)
    }

    /// Everything by name, for metrics: `refused: oversize`, `dropped: wrong block` and so on.
    pub fn all(&self) -> BTreeMap<String, u64> {
        let plain = [
            ("bytes in", &self.bytes_in),
            ("bytes out", &self.bytes_out),
            ("blocks in", &self.blocks_in),
            ("blocks out", &self.blocks_out),
            ("wrong blocks", &self.wrong_blocks),
            ("not here", &self.not_here),
        ];
        let plain = plain.map(|(name, n)| (name.to_owned(), n.load(Ordering::Relaxed)));
        let refused = Refused::ALL.map(|r| (format!("refused: {}", r.name()), self.refused(r)));
        let dropped = Dropped::ALL.map(|d| (format!("dropped: {}", d.name()), self.dropped(d)));
        plain.into_iter().chain(refused).chain(dropped).collect()
    }

    pub(super) fn refuse(&self, why: Refused) {
        add(&self.refused[why as usize], 1);
    }

    pub(super) fn drop_seeder(&self, why: Dropped) {
        add(&self.dropped[why as usize], 1);
    }

    pub(super) fn gave(&self, bytes: usize) {
        add(&self.blocks_out, 1);
        add(&self.bytes_out, bytes as u64);
    }

    pub(super) fn gave_nothing(&self) {
        add(&self.not_here, 1);
    }

    pub(super) fn received(&self, bytes: usize, right: bool) {
        add(&self.bytes_in, bytes as u64);
        let kind = if right {
            &self.blocks_in
        } else {
            &self.wrong_blocks
        };
        add(kind, 1);
    }
}

fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}
