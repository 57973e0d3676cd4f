//! From a root to its leaves, through nodes that a stranger made.
//!
//! A small tree can unfold into a huge file, since a node may link the same child a thousand times. So the tree is
//! measured first, each block once: how deep it is, and how many leaves, nodes and bytes it unfolds into, which each
//! node must declare truthfully. Only a tree within the limits is unfolded.

use super::node::{Node, decode_node};
use super::{Leaf, Plan, UnixfsError};
use crate::limits::{FILE_LEAVES, FILE_NODES, NODE_DEPTH};
use std::collections::HashMap;
use weft_model::Cid;
use weft_model::content::{DAG_PB, RAW};

/// A block that [`walk`] asked for; it has been compared with its CID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A raw leaf: its length, in bytes.
    Leaf(u64),
    /// An inner node: its bytes.
    Node(Vec<u8>),
}

/// Follows a file from its root. `block` looks a block up; it is asked once for each node and each leaf that occurs.
///
/// # Errors
/// When a block is missing or none of a file, sizes contradict each other, the file has more than `max_bytes`, or the
/// tree breaks a limit.
pub fn walk(
    root: &Cid,
    max_bytes: u64,
    mut block: impl FnMut(&Cid) -> Option<Found>,
) -> Result<Plan, UnixfsError> {
    let mut walk = Walk {
        block: &mut block,
        max_bytes,
        measured: HashMap::new(),
        nodes: HashMap::new(),
        order: Vec::new(),
    };
    let extent = walk.measure(root, 0)?;
    let mut leaves = Vec::with_capacity(extent.leaves);
    let mut at = 0;
    walk.unfold(root, extent.bytes, &mut at, &mut leaves);
    Ok(Plan {
        root: *root,
        size: extent.bytes,
        leaves,
        nodes: walk.order,
    })
}

/// What a block unfolds into, itself included.
#[derive(Clone, Copy)]
struct Extent {
    bytes: u64,
    leaves: usize,
    nodes: usize,
    levels: usize,
}

struct Walk<'b> {
    block: &'b mut dyn FnMut(&Cid) -> Option<Found>,
    max_bytes: u64,
    measured: HashMap<Cid, Extent>,
    nodes: HashMap<Cid, Node>,
    /// The nodes' bytes, children first.
    order: Vec<(Cid, Vec<u8>)>,
}

impl Walk<'_> {
    fn measure(&mut self, cid: &Cid, depth: usize) -> Result<Extent, UnixfsError> {
        let extent = match self.measured.get(cid) {
            Some(extent) => *extent,
            None => {
                let extent = match cid.codec() {
                    RAW => self.leaf(cid)?,
                    DAG_PB => self.node(cid, depth)?,
                    codec => return Err(UnixfsError::WrongCodec { cid: *cid, codec }),
                };
                self.measured.insert(*cid, extent);
                extent
            }
        };
        if depth + extent.levels > NODE_DEPTH {
            return Err(UnixfsError::TooDeep);
        }
        Ok(extent)
    }

    fn leaf(&mut self, cid: &Cid) -> Result<Extent, UnixfsError> {
        let Some(Found::Leaf(bytes)) = (self.block)(cid) else {
            return Err(UnixfsError::Missing { cid: *cid });
        };
        self.fits(bytes)?;
        Ok(Extent {
            bytes,
            leaves: 1,
            nodes: 0,
            levels: 0,
        })
    }

    fn node(&mut self, cid: &Cid, depth: usize) -> Result<Extent, UnixfsError> {
        if depth >= NODE_DEPTH {
            return Err(UnixfsError::TooDeep);
        }
        let Some(Found::Node(bytes)) = (self.block)(cid) else {
            return Err(UnixfsError::Missing { cid: *cid });
        };
        let node = decode_node(&bytes)?;
        self.fits(node.size())?;
        let mut extent = Extent {
            bytes: node.size(),
            leaves: 0,
            nodes: 1,
            levels: 1,
        };
        for link in &node.links {
            let below = self.measure(&link.cid, depth + 1)?;
            if below.bytes != link.file_bytes {
                return Err(UnixfsError::SizeDiffers {
                    cid: link.cid,
                    declared: link.file_bytes,
                    found: below.bytes,
                });
            }
            extent.leaves += below.leaves;
            extent.nodes += below.nodes;
            extent.levels = extent.levels.max(below.levels + 1);
            if extent.leaves > FILE_LEAVES || extent.nodes > FILE_NODES {
                return Err(UnixfsError::TooManyBlocks);
            }
        }
        self.nodes.insert(*cid, node);
        self.order.push((*cid, bytes));
        Ok(extent)
    }

    /// Whether a file of the allowed size can hold this; it is checked before anything below is read.
    fn fits(&self, bytes: u64) -> Result<(), UnixfsError> {
        if bytes > self.max_bytes {
            return Err(UnixfsError::TooLarge {
                found: bytes,
                max: self.max_bytes,
            });
        }
        Ok(())
    }

    /// Lists the leaves below a block that was measured: a node that is known, or else a leaf of `len` bytes.
    fn unfold(&self, cid: &Cid, len: u64, at: &mut u64, leaves: &mut Vec<Leaf>) {
        match (cid.codec() == DAG_PB)
            .then(|| self.nodes.get(cid))
            .flatten()
        {
            Some(node) => {
                for link in &node.links {
                    self.unfold(&link.cid, link.file_bytes, at, leaves);
                }
            }
            None => {
                leaves.push(Leaf {
                    cid: *cid,
                    offset: *at,
                    len,
                });
                *at += len;
            }
        }
    }
}
