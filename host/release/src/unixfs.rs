//! Files as UnixFS: how bytes become leaves, inner nodes and one CID, and how a stranger's tree is read.
//!
//! A file of at most one leaf ([`LEAF_BYTES`]) is one raw block and its CID is that block's. A larger one is a balanced
//! tree: raw leaves below inner nodes of at most [`NODE_LINKS`] links, DAG-PB around a UnixFS message. The CIDs are
//! those of npm's `ipfs-car pack --no-wrap`.
//!
//! Invariants: a [`Plan`]'s leaves cover its file from 0 to its size without gap or overlap; a plan that [`walk`] made
//! is within every limit of [`crate::limits`], whatever the blocks held.
//!
//! What it does not do: it reads no file and keeps no bytes of leaves. Directories, symbolic links, metadata and data
//! inside inner nodes are refused: content is files, and a file's bytes are its raw leaves.
//!
//! [`LEAF_BYTES`]: crate::limits::LEAF_BYTES
//! [`NODE_LINKS`]: crate::limits::NODE_LINKS

mod build;
mod node;
mod walk;

pub use build::{Builder, file_cid};
pub use node::{Link, Node, decode_node, encode_node};
pub use walk::{Found, walk};

use crate::limits::{FILE_BYTES, FILE_LEAVES, FILE_NODES, NODE_BYTES, NODE_DEPTH, NODE_LINKS};
use weft_model::Cid;

/// How a file is cut and linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The file's CID: that of its only leaf, or of its topmost node.
    pub root: Cid,
    /// Its bytes.
    pub size: u64,
    /// Its leaves in the order of their offsets; an empty file has one empty leaf.
    pub leaves: Vec<Leaf>,
    /// Its inner nodes with their bytes, each once; children before parents, the root last. Empty for one leaf.
    pub nodes: Vec<(Cid, Vec<u8>)>,
}

/// A piece of a file: one raw block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The block's CID.
    pub cid: Cid,
    /// Where it begins in the file, in bytes.
    pub offset: u64,
    /// Its bytes.
    pub len: u64,
}

/// Blocks that make no file, or one that is too large.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnixfsError {
    /// More bytes than a file may have.
    #[error("a file of {found} bytes is over the limit of {max} bytes; split it")]
    TooLarge {
        /// Bytes found, or declared.
        found: u64,
        /// What is allowed here.
        max: u64,
    },
    /// A leaf of a wrong length was given to the builder.
    #[error("a leaf of {found} bytes can't stand there; every leaf but the last has {expected}")]
    LeafLength {
        /// Its bytes.
        found: usize,
        /// What was expected.
        expected: usize,
    },
    /// An inner node of too many bytes.
    #[error(
        "a node of {found} bytes is over the limit of {NODE_BYTES} bytes; make the tree with 1,024 links a node"
    )]
    NodeTooLarge {
        /// Its bytes.
        found: usize,
    },
    /// Not DAG-PB around a UnixFS message, or with fields that no file has.
    #[error("the node is no part of a file: {why}; add the file with raw leaves and CIDv1")]
    NotAFile {
        /// What is wrong with it.
        why: String,
    },
    /// Too many links.
    #[error(
        "a node with {found} links is over the limit of {NODE_LINKS}; make the tree with 1,024 links a node"
    )]
    TooManyLinks {
        /// How many.
        found: usize,
    },
    /// Sizes that contradict each other.
    #[error(
        "`{cid}` is declared with {declared} bytes and has {found}; fetch it from another source"
    )]
    SizeDiffers {
        /// The block.
        cid: Cid,
        /// What the node above, or the node itself, says.
        declared: u64,
        /// What it is.
        found: u64,
    },
    /// A tree that is too deep.
    #[error("the tree is deeper than {NODE_DEPTH} levels; a file of this host needs 2")]
    TooDeep,
    /// A tree that unfolds into too many blocks.
    #[error(
        "the tree unfolds into more than {FILE_LEAVES} leaves or {FILE_NODES} nodes; that is no file of at most {FILE_BYTES} bytes"
    )]
    TooManyBlocks,
    /// A block that is not there.
    #[error("the block `{cid}` is missing; fetch it, or take a whole CAR file")]
    Missing {
        /// Which.
        cid: Cid,
    },
    /// A link to something that is neither a raw leaf nor a node.
    #[error(
        "`{cid}` has codec {codec:#x}, a file has raw leaves and DAG-PB nodes; add the file with raw leaves and CIDv1"
    )]
    WrongCodec {
        /// Which.
        cid: Cid,
        /// Its multicodec.
        codec: u64,
    },
}
