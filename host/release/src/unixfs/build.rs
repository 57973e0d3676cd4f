//! From leaves to a tree, one leaf at a time.

use super::node::{Link, Node, encode_node, node_cid};
use super::{Leaf, Plan, UnixfsError};
use crate::limits::{FILE_BYTES, LEAF_BYTES, NODE_LINKS};
use weft_model::{Cid, content};

/// Takes a file's leaves in order. Holds their CIDs (some 120 bytes for each MiB), never their bytes.
#[derive(Debug, Default)]
pub struct Builder {
    leaves: Vec<Leaf>,
    size: u64,
}

impl Builder {
    /// A file without bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Hashes the next leaf and takes it. Returns its CID.
    ///
    /// # Errors
    /// As [`Builder::push_hashed`].
    pub fn push(&mut self, bytes: &[u8]) -> Result<Cid, UnixfsError> {
        let cid = content::raw_cid(bytes);
        self.push_hashed(cid, bytes.len())?;
        Ok(cid)
    }

    /// Takes the next leaf, of `len` bytes, whose CID the caller has computed from its bytes.
    ///
    /// # Errors
    /// When a leaf follows one that is not full, is empty or too long, or the file grows beyond [`FILE_BYTES`].
    pub fn push_hashed(&mut self, cid: Cid, len: usize) -> Result<(), UnixfsError> {
        let after_short = self
            .leaves
            .last()
            .is_some_and(|l| l.len != LEAF_BYTES as u64);
        let empty = len == 0 && !self.leaves.is_empty();
        if after_short || empty || len > LEAF_BYTES {
            return Err(UnixfsError::LeafLength {
                found: len,
                expected: LEAF_BYTES,
            });
        }
        let size = self.size + len as u64;
        if size > FILE_BYTES {
            return Err(UnixfsError::TooLarge {
                found: size,
                max: FILE_BYTES,
            });
        }
        self.leaves.push(Leaf {
            cid,
            offset: self.size,
            len: len as u64,
        });
        self.size = size;
        Ok(())
    }

    /// Bytes taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Builds the tree. Without any leaf it is that of the empty file.
    pub fn finish(mut self) -> Plan {
        if self.leaves.is_empty() {
            self.leaves.push(Leaf {
                cid: content::raw_cid(&[]),
                offset: 0,
                len: 0,
            });
        }
        let mut nodes = Vec::new();
        let mut row: Vec<Link> = self
            .leaves
            .iter()
            .map(|leaf| Link {
                cid: leaf.cid,
                file_bytes: leaf.len,
                dag_bytes: leaf.len,
            })
            .collect();
        while row.len() > 1 {
            row = row
                .chunks(NODE_LINKS)
                .map(|links| {
                    let node = Node {
                        links: links.to_vec(),
                    };
                    let bytes = encode_node(&node);
                    let below: u64 = links.iter().map(|l| l.dag_bytes).sum();
                    let link = Link {
                        cid: node_cid(&bytes),
                        file_bytes: node.size(),
                        dag_bytes: below + bytes.len() as u64,
                    };
                    nodes.push((link.cid, bytes));
                    link
                })
                .collect();
        }
        // Equal parts of a file have equal nodes.
        let mut seen = std::collections::HashSet::new();
        nodes.retain(|(cid, _)| seen.insert(*cid));
        Plan {
            root: row[0].cid,
            size: self.size,
            leaves: self.leaves,
            nodes,
        }
    }
}

/// The CID of a file that lies in memory.
///
/// # Errors
/// When it is over [`FILE_BYTES`].
pub fn file_cid(bytes: &[u8]) -> Result<Cid, UnixfsError> {
    let mut builder = Builder::new();
    for leaf in bytes.chunks(LEAF_BYTES) {
        builder.push(leaf)?;
    }
    Ok(builder.finish().root)
}
