//! Content and records in and out of CAR files.

use crate::error::{Code, NodeError, Result};
use crate::node::Node;
use std::collections::{HashMap, HashSet};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use weft_model::content::{DAG_CBOR, DAG_PB, RAW};
use weft_model::limits::RECORD_BYTES;
use weft_model::{Cid, content};
use weft_release::car::{CarError, CarReader, CarWriter, Limits};
use weft_release::unixfs::{Found, Plan, UnixfsError, decode_node, walk};
use weft_store::content::{Draft, unpin};

/// Most bytes of inner nodes that an import holds: those of some 600 GiB.
const NODES_BYTES: usize = 32 << 20;
/// Most bytes of records that an import holds.
const RECORDS_BYTES: usize = 16 << 20;

/// What a CAR file held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// What it says it is about.
    pub roots: Vec<Cid>,
    /// Its records (DAG-CBOR) in the file's order, each once, compared with their CIDs. They are not stored.
    pub records: Vec<(Cid, Vec<u8>)>,
    /// The files that it held, now content: topmost nodes, and leaves that are part of none.
    pub files: Vec<Cid>,
}

/// Blocks as they came, each once.
struct Spool {
    draft: Draft,
    bytes: u64,
    /// Where a leaf lies in the draft: offset and length.
    leaves: HashMap<Cid, (u64, u64)>,
    order: Vec<Cid>,
    nodes: HashMap<Cid, Vec<u8>>,
    nodes_bytes: usize,
    records: Vec<(Cid, Vec<u8>)>,
    record_cids: HashSet<Cid>,
    records_bytes: usize,
}

impl Node {
    /// Writes a CAR file: `records` first, then every block of `files`, each block once. Each leaf is compared with its
    /// CID before it is written. Returns the bytes that were written.
    ///
    /// # Errors
    /// `not-found`, `damaged`, or what the stream says.
    pub fn export_car(
        &self,
        roots: &[Cid],
        records: &[(Cid, Vec<u8>)],
        files: &[Cid],
        out: impl Write,
    ) -> Result<u64> {
        let mut writer = CarWriter::new(out, roots).map_err(refused)?;
        let mut written = HashSet::new();
        for (cid, bytes) in records {
            if written.insert(*cid) {
                writer.block(cid, bytes).map_err(refused)?;
            }
        }
        for file in files {
            let mut reader = self.open_content(file)?;
            // Parents before children: a reader knows what is to come.
            for (cid, bytes) in self.content.nodes(file)?.iter().rev() {
                if !content::matches(cid, bytes) {
                    return Err(NodeError::new(
                        Code::Damaged,
                        format!("the inner node `{cid}` of `{file}` is damaged"),
                    )
                    .try_this("add the content again from its file with `weft content add FILE`"));
                }
                if written.insert(*cid) {
                    writer.block(cid, bytes).map_err(refused)?;
                }
            }
            while let Some((cid, bytes)) = reader.next_leaf()? {
                if written.insert(cid) {
                    writer.block(&cid, bytes).map_err(refused)?;
                }
            }
        }
        Ok(writer.finish().map_err(refused)?.1)
    }

    /// Reads a CAR file: its files become content, held by `holder` (else by nobody, and the caller pins them in the
    /// transaction that needs them); its records go to the caller. All trees are checked before the first is kept.
    ///
    /// # Errors
    /// `refused` when a block is not what its CID names, a tree is incomplete or unfolds beyond a limit, or the file is
    /// larger than `limits` say. Then nothing is kept.
    pub fn import_car(
        &self,
        input: impl Read,
        limits: Limits,
        holder: Option<&str>,
    ) -> Result<Imported> {
        let mut reader = CarReader::new(input, limits).map_err(refused)?;
        let mut spool = Spool {
            draft: self.content.begin()?,
            bytes: 0,
            leaves: HashMap::new(),
            order: Vec::new(),
            nodes: HashMap::new(),
            nodes_bytes: 0,
            records: Vec::new(),
            record_cids: HashSet::new(),
            records_bytes: 0,
        };
        while let Some((cid, bytes)) = reader.next_block().map_err(refused)? {
            if !spool.has(&cid) {
                spool.take(cid, bytes)?;
            }
        }
        let roots = reader.roots().to_vec();
        if let Some(missing) = roots.iter().find(|root| !spool.has(root)) {
            let e = UnixfsError::Missing { cid: *missing };
            return Err(NodeError::refused(e.to_string()));
        }
        let plans = spool.plans(&roots, limits.total_bytes)?;
        let files = plans.iter().map(|p| p.root).collect();
        let records = std::mem::take(&mut spool.records);
        let mut kept = Vec::new();
        if let Err(e) = self.keep_all(spool, &plans, holder, &mut kept) {
            for cid in kept {
                if let Some(holder) = holder {
                    self.store.write(|tx| unpin(tx, &cid.to_string(), holder))?;
                }
                self.content.remove_unheld(&cid)?;
            }
            return Err(e);
        }
        Ok(Imported {
            roots,
            records,
            files,
        })
    }

    fn keep_all(
        &self,
        spool: Spool,
        plans: &[Plan],
        holder: Option<&str>,
        kept: &mut Vec<Cid>,
    ) -> Result<()> {
        if let [plan] = plans
            && spool.is_exactly(plan)
        {
            self.keep_plan(spool.draft, plan, holder)?;
            return Ok(());
        }
        for plan in plans {
            let mut draft = self.content.begin()?;
            spool.copy(plan, &mut draft)?;
            if self.keep_plan(draft, plan, holder)? {
                kept.push(plan.root);
            }
        }
        Ok(())
    }
}

impl Spool {
    fn has(&self, cid: &Cid) -> bool {
        self.leaves.contains_key(cid)
            || self.nodes.contains_key(cid)
            || self.record_cids.contains(cid)
    }

    fn take(&mut self, cid: Cid, bytes: &[u8]) -> Result<()> {
        let too_many = |what: &str, max: usize| {
            NodeError::refused(format!(
                "the CAR file holds more than {max} bytes of {what}"
            ))
            .try_this("write several CAR files")
        };
        match cid.codec() {
            RAW => {
                let path = self.draft.path().to_owned();
                self.draft
                    .write_all(bytes)
                    .map_err(|e| NodeError::file(&path, &e))?;
                let len = bytes.len() as u64;
                self.leaves.insert(cid, (self.bytes, len));
                self.order.push(cid);
                self.bytes += len;
            }
            DAG_PB => {
                self.nodes_bytes += bytes.len();
                if self.nodes_bytes > NODES_BYTES {
                    return Err(too_many("inner nodes", NODES_BYTES));
                }
                self.nodes.insert(cid, bytes.to_vec());
                self.order.push(cid);
            }
            DAG_CBOR => {
                self.records_bytes += bytes.len();
                if bytes.len() > RECORD_BYTES || self.records_bytes > RECORDS_BYTES {
                    return Err(too_many("records", RECORDS_BYTES));
                }
                self.record_cids.insert(cid);
                self.records.push((cid, bytes.to_vec()));
            }
            codec => {
                return Err(NodeError::refused(
                    UnixfsError::WrongCodec { cid, codec }.to_string(),
                ));
            }
        }
        Ok(())
    }

    /// The files among the blocks: what no node links to, and what the CAR file names as a root. Together they have at
    /// most `max_bytes`, as often as their leaves occur.
    fn plans(&self, roots: &[Cid], max_bytes: u64) -> Result<Vec<Plan>> {
        let refused = |e: UnixfsError| NodeError::refused(e.to_string());
        let mut linked = HashSet::new();
        for bytes in self.nodes.values() {
            let node = decode_node(bytes).map_err(refused)?;
            linked.extend(node.links.into_iter().map(|l| l.cid));
        }
        let mut left = max_bytes;
        let mut plans = Vec::new();
        for cid in &self.order {
            if linked.contains(cid) && !roots.contains(cid) {
                continue;
            }
            let plan = walk(cid, left, |cid| {
                let node = self.nodes.get(cid).map(|b| Found::Node(b.clone()));
                node.or_else(|| self.leaves.get(cid).map(|(_, len)| Found::Leaf(*len)))
            })
            .map_err(refused)?;
            left -= plan.size;
            plans.push(plan);
        }
        Ok(plans)
    }

    /// Whether the draft is that one file already, byte for byte.
    fn is_exactly(&self, plan: &Plan) -> bool {
        self.bytes == plan.size
            && plan
                .leaves
                .iter()
                .all(|leaf| self.leaves.get(&leaf.cid) == Some(&(leaf.offset, leaf.len)))
    }

    /// Writes a file's leaves one after the other.
    fn copy(&self, plan: &Plan, into: &mut Draft) -> Result<()> {
        let mut bytes = Vec::new();
        for leaf in &plan.leaves {
            let (offset, len) = self.leaves[&leaf.cid];
            bytes.resize(usize::try_from(len).unwrap_or_default(), 0);
            self.draft
                .file()
                .read_exact_at(&mut bytes, offset)
                .map_err(|e| NodeError::file(self.draft.path(), &e))?;
            into.write_all(&bytes)
                .map_err(|e| NodeError::file(self.draft.path(), &e))?;
        }
        Ok(())
    }
}

fn refused(e: CarError) -> NodeError {
    match e {
        CarError::Io(e) => NodeError::file(std::path::Path::new("the CAR file"), &e),
        e => NodeError::refused(e.to_string()),
    }
}
