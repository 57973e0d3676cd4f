//! What a fetch tells about its seeders.

use libp2p::PeerId;

/// Why a seeder is asked for nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dropped {
    /// It gave bytes that are not what their CID names. It does not return.
    WrongBlock,
    /// It was asked and gave no byte for long.
    Silent,
    /// It is far slower than the others.
    Slow,
    /// It can't be reached.
    Unreachable,
    /// It closed the stream, or its connection went away.
    Closed,
    /// It broke the protocol.
    Garbled,
    /// It speaks none of the protocols for blocks.
    Unsupported,
}

impl Dropped {
    pub(crate) const ALL: [Self; 7] = [
        Self::WrongBlock,
        Self::Silent,
        Self::Slow,
        Self::Unreachable,
        Self::Closed,
        Self::Garbled,
        Self::Unsupported,
    ];

    /// The reason as people, metrics and logs read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::WrongBlock => "wrong block",
            Self::Silent => "silent",
            Self::Slow => "far slower than the others",
            Self::Unreachable => "unreachable",
            Self::Closed => "closed the stream",
            Self::Garbled => "broke the protocol",
            Self::Unsupported => "speaks no protocol for blocks",
        }
    }
}

/// Where a seeder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeederState {
    /// A stream is being opened.
    Connecting,
    /// It can be asked.
    Ready,
    /// It is asked for nothing more.
    Dropped(Dropped),
}

/// What one seeder did in a fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeederReport {
    /// Who.
    pub peer: PeerId,
    /// Where it stands.
    pub state: SeederState,
    /// Blocks that it gave first.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of right blocks that another seeder had given before.
    pub spare_bytes: u64,
    /// How many blocks may be under way from it.
    pub window: usize,
}

impl SeederReport {
    /// Why it was dropped, if it was.
    pub fn dropped(&self) -> Option<Dropped> {
        match self.state {
            SeederState::Dropped(why) => Some(why),
            SeederState::Connecting | SeederState::Ready => None,
        }
    }
}

/// What a fetch did so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Blocks that are wanted, there or not.
    pub wanted: usize,
    /// Blocks that came.
    pub blocks: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of blocks that came twice.
    pub spare_bytes: u64,
    /// Each seeder, in the order in which they were named.
    pub seeders: Vec<SeederReport>,
}
