//! One inner node: DAG-PB links around a UnixFS message of type `File`.

use super::UnixfsError;
use crate::limits::{FILE_BYTES, NODE_BYTES, NODE_LINKS};
use ipld_dagpb::{PbLink, PbNode};
use prost::Message;
use weft_model::content::DAG_PB;
use weft_model::{Cid, content};

/// UnixFS' type of a file.
const TYPE_FILE: i32 = 2;

/// UnixFS' message, as its specification has it; of its fields a file of this host has these three.
#[derive(Clone, PartialEq, Message)]
struct Data {
    #[prost(int32, required, tag = "1")]
    kind: i32,
    #[prost(bytes = "vec", optional, tag = "2")]
    data: Option<Vec<u8>>,
    #[prost(uint64, optional, tag = "3")]
    filesize: Option<u64>,
    #[prost(uint64, repeated, packed = "false", tag = "4")]
    blocksizes: Vec<u64>,
}

/// An inner node of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its parts in the file's order; at least one.
    pub links: Vec<Link>,
}

/// A part of a file below a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The leaf or node.
    pub cid: Cid,
    /// The file's bytes below it.
    pub file_bytes: u64,
    /// Bytes of all blocks below it and of itself (`Tsize`); informative, and not checked.
    pub dag_bytes: u64,
}

impl Node {
    /// The file's bytes below it.
    pub fn size(&self) -> u64 {
        self.links.iter().map(|l| l.file_bytes).sum()
    }
}

/// The CID of a node's bytes.
pub(super) fn node_cid(bytes: &[u8]) -> Cid {
    content::block_cid(DAG_PB, bytes)
}

/// The bytes of a node.
pub fn encode_node(node: &Node) -> Vec<u8> {
    let data = Data {
        kind: TYPE_FILE,
        data: None,
        filesize: Some(node.size()),
        blocksizes: node.links.iter().map(|l| l.file_bytes).collect(),
    };
    let link = |l: &Link| PbLink {
        cid: l.cid,
        name: Some(String::new()),
        size: Some(l.dag_bytes),
    };
    let node = PbNode {
        links: node.links.iter().map(link).collect(),
        data: Some(data.encode_to_vec().into()),
    };
    node.into_bytes()
}

/// Reads a stranger's node. Its bytes must have been compared with its CID.
///
/// # Errors
/// When it is too large, no node of a file, or its sizes do not add up.
pub fn decode_node(bytes: &[u8]) -> Result<Node, UnixfsError> {
    if bytes.len() > NODE_BYTES {
        return Err(UnixfsError::NodeTooLarge { found: bytes.len() });
    }
    let not_a_file = |why: String| UnixfsError::NotAFile { why };
    let pb = PbNode::from_bytes(bytes.to_vec().into())
        .map_err(|e| not_a_file(format!("it is no DAG-PB ({e})")))?;
    let data = pb
        .data
        .ok_or_else(|| not_a_file("it has no UnixFS message".into()))?;
    let data = Data::decode(data)
        .map_err(|e| not_a_file(format!("its UnixFS message does not read ({e})")))?;
    if data.kind != TYPE_FILE {
        return Err(not_a_file(format!(
            "its UnixFS type is {}, a file's is {TYPE_FILE}",
            data.kind
        )));
    }
    if data.data.is_some_and(|d| !d.is_empty()) {
        return Err(not_a_file("it holds bytes of the file itself".into()));
    }
    let (links, sizes) = (pb.links, data.blocksizes);
    if links.len() > NODE_LINKS {
        return Err(UnixfsError::TooManyLinks { found: links.len() });
    }
    if links.is_empty() || links.len() != sizes.len() {
        return Err(not_a_file(format!(
            "it has {} links and {} sizes",
            links.len(),
            sizes.len()
        )));
    }
    if links
        .iter()
        .any(|l| l.name.as_deref().is_some_and(|n| !n.is_empty()))
    {
        return Err(not_a_file("its links have names".into()));
    }
    if sizes.contains(&0) {
        return Err(not_a_file("a part of it is empty".into()));
    }
    let sum = sizes
        .iter()
        .try_fold(0_u64, |sum, size| sum.checked_add(*size))
        .filter(|sum| *sum <= FILE_BYTES)
        .ok_or(UnixfsError::TooLarge {
            found: u64::MAX,
            max: FILE_BYTES,
        })?;
    let declared = data.filesize.unwrap_or(0);
    if declared != sum {
        return Err(UnixfsError::SizeDiffers {
            cid: node_cid(bytes),
            declared,
            found: sum,
        });
    }
    let links = links
        .into_iter()
        .zip(sizes)
        .map(|(link, file_bytes)| Link {
            cid: link.cid,
            file_bytes,
            dag_bytes: link.size.unwrap_or(0),
        })
        .collect();
    Ok(Node { links })
}
