//! Content from other members, or from IPFS nodes: its tree first, then its leaves from several of them at once, into a
//! file that outlives the process. What an earlier attempt wrote is compared with its CIDs and not fetched again.

use crate::error::{Code, NodeError, Result};
use crate::node::Node;
use crate::report::{FetchReport, SeederReport};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::os::unix::fs::FileExt;
use std::time::Instant;
use weft_mesh::{FetchError, Mesh, Outside, Report};
use weft_model::content::{DAG_PB, RAW};
use weft_model::{Cid, Did, content};
use weft_release::limits::LEAF_BYTES;
use weft_release::unixfs::{Found, Plan, decode_node, walk};
use weft_store::content::{Draft, pin};

/// Most bytes of inner nodes that are held: those of some 600 GiB.
const NODES_BYTES: usize = 32 << 20;
/// Largest file that is fetched, in bytes: 1 TiB.
const FILE_BYTES: u64 = 1 << 40;

/// Who is asked.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// These devices of the network.
    Members(&'a Mesh, &'a [Did]),
    /// IPFS nodes.
    Outside(&'a Outside),
}

impl Source<'_> {
    fn fetch(
        &self,
        wanted: Vec<Cid>,
        take: impl FnMut(Cid, &[u8]) -> bool,
        progress: impl FnMut(&Report),
    ) -> std::result::Result<Report, FetchError> {
        match self {
            Self::Members(mesh, seeders) => mesh.fetch(wanted, seeders, take, progress),
            Self::Outside(outside) => outside.fetch(wanted, take, progress),
        }
    }

    fn not_fetched(&self, cid: &Cid, e: &FetchError) -> NodeError {
        let code = match e {
            FetchError::NotFound { .. } => Code::NotFound,
            FetchError::NoSeeders { .. } | FetchError::GivenUp => Code::Unavailable,
            FetchError::TooManyBlocks { .. } | FetchError::OtherHash(_) => Code::Refused,
        };
        let remedy = match self {
            Self::Members(..) => {
                "see who has it: weft mesh status; then try again, what came is kept"
            }
            Self::Outside(_) => "name another node with --from; what came is kept",
        };
        NodeError::new(code, format!("`{cid}` could not be fetched: {e}")).try_this(remedy)
    }
}

impl Node {
    /// Brings a content here from IPFS nodes; none: it was here.
    ///
    /// # Errors
    /// As [`Self::fetch_content`]; also when no node can be reached.
    pub(super) fn fetch_from_outside(
        &self,
        cid: &Cid,
        nodes: &[String],
    ) -> Result<Option<FetchReport>> {
        if self.content.has(cid)? {
            return Ok(None);
        }
        let outside = Outside::dial(nodes, self.settings.cap_bandwidth_bytes())?;
        self.fetch_by(Source::Outside(&outside), cid, None, None)
            .map(Some)
    }

    /// Brings a content here that is not, where there is a mesh to get it from. None: it was here, or there is none.
    ///
    /// # Errors
    /// As [`Self::fetch_content`].
    pub(crate) fn fetch_if_needed(&self, cid: &Cid) -> Result<Option<FetchReport>> {
        let Some(peering) = self.peering() else {
            return Ok(None);
        };
        if self.content.has(cid)? {
            return Ok(None);
        }
        let mut seeders = self.holders(cid)?;
        seeders.extend(peering.mesh.providers(cid));
        seeders.sort_unstable();
        seeders.dedup();
        if seeders.is_empty() {
            return Err(
                NodeError::not_found(format!("no connected member has `{cid}`"))
                    .try_this("see who is connected: weft mesh status"),
            );
        }
        self.fetch_content(cid, &seeders, None).map(Some)
    }

    /// Brings a content here from other devices, held by `holder`; one that is here is only held.
    ///
    /// # Errors
    /// `not-found` when nobody has all of it, `refused` when its tree does not hold. What came stays for the next attempt.
    pub(crate) fn fetch_content(
        &self,
        cid: &Cid,
        seeders: &[Did],
        holder: Option<&str>,
    ) -> Result<FetchReport> {
        self.fetch_checked(cid, None, seeders, holder)
    }

    /// The same where the size was told before: another one is refused, as soon as the tree says it.
    ///
    /// # Errors
    /// As [`Self::fetch_content`].
    pub(crate) fn fetch_sized(
        &self,
        cid: &Cid,
        size: u64,
        seeders: &[Did],
        holder: Option<&str>,
    ) -> Result<FetchReport> {
        self.fetch_checked(cid, Some(size), seeders, holder)
    }

    fn fetch_checked(
        &self,
        cid: &Cid,
        size: Option<u64>,
        seeders: &[Did],
        holder: Option<&str>,
    ) -> Result<FetchReport> {
        if self.content.has(cid)? {
            if let Some(holder) = holder {
                let now = self.now();
                self.store
                    .write(|tx| pin(tx, &cid.to_string(), holder, now))?;
            }
            return Ok(FetchReport {
                bytes: 0,
                resumed: 0,
                ms: 0,
                seeders: Vec::new(),
            });
        }
        let peering = self.need_peering()?;
        self.fetch_by(Source::Members(&peering.mesh, seeders), cid, size, holder)
    }

    fn fetch_by(
        &self,
        source: Source<'_>,
        cid: &Cid,
        size: Option<u64>,
        holder: Option<&str>,
    ) -> Result<FetchReport> {
        let begun = Instant::now();
        match cid.codec() {
            RAW => {
                let mut blocks = BTreeMap::new();
                let report = get(source, vec![*cid], &mut blocks)?;
                let bytes = blocks.remove(cid).unwrap_or_default();
                check_size(cid, size, bytes.len() as u64)?;
                self.put_block(cid, &bytes, holder)?;
                Ok(report_of(&report, 0, begun))
            }
            DAG_PB => {
                let nodes = tree(source, cid)?;
                let plan = plan_of(cid, &nodes)?;
                check_size(cid, size, plan.size)?;
                self.fetch_leaves(source, &plan, holder, begun)
            }
            _ => Err(NodeError::invalid(format!(
                "`{cid}` names no file: files are raw blocks or UnixFS trees"
            ))),
        }
    }

    /// Keeps a file of one block, which other tools make up to twice as large as a leaf of ours.
    fn put_block(&self, cid: &Cid, bytes: &[u8], holder: Option<&str>) -> Result<()> {
        if bytes.len() <= LEAF_BYTES {
            return self.put_stream(bytes, holder).map(drop);
        }
        let size = bytes.len() as u64;
        self.check_content_room(size)?;
        let plan = walk(cid, FILE_BYTES, |_| Some(Found::Leaf(size)))
            .map_err(|e| NodeError::refused(e.to_string()))?;
        let draft = self.content.begin()?;
        let written = draft.file().write_all_at(bytes, 0);
        written.map_err(|e| NodeError::file(draft.path(), &e))?;
        self.keep_plan(draft, &plan, holder).map(drop)
    }

    fn fetch_leaves(
        &self,
        source: Source<'_>,
        plan: &Plan,
        holder: Option<&str>,
        begun: Instant,
    ) -> Result<FetchReport> {
        // Before anything comes that could not stay.
        self.check_content_room(plan.size)?;
        let draft = self.content.resume(&plan.root)?;
        let io = |e: std::io::Error| NodeError::file(draft.path(), &e);
        let before = draft.file().metadata().map_err(io)?.len();
        draft.file().set_len(plan.size).map_err(io)?;
        self.progress.begin(plan.size);
        let mut places: HashMap<Cid, Vec<(u64, u64)>> = HashMap::new();
        let mut resumed = 0;
        for leaf in &plan.leaves {
            if before > leaf.offset && is_there(&draft, leaf.cid, leaf.offset, leaf.len) {
                resumed += leaf.len;
                self.progress.add(leaf.len);
                continue;
            }
            let place = places.entry(leaf.cid).or_default();
            place.push((leaf.offset, leaf.len));
        }
        let mut wanted: Vec<Cid> = Vec::with_capacity(places.len());
        let mut named = HashSet::new();
        // In the file's order, so that what is cut off is a beginning.
        for leaf in plan.leaves.iter().filter(|l| places.contains_key(&l.cid)) {
            if named.insert(leaf.cid) {
                wanted.push(leaf.cid);
            }
        }
        let mut failed = None;
        let fetched_all = if wanted.is_empty() {
            Ok(Report::default())
        } else {
            let take = |cid: Cid, bytes: &[u8]| {
                for (offset, len) in places.get(&cid).into_iter().flatten() {
                    if *len != bytes.len() as u64 {
                        failed = Some(NodeError::refused(format!(
                            "the block `{cid}` has another length than its tree says"
                        )));
                        return false;
                    }
                    if let Err(e) = draft.file().write_all_at(bytes, *offset) {
                        failed = Some(NodeError::file(draft.path(), &e));
                        return false;
                    }
                    self.progress.add(*len);
                }
                true
            };
            source.fetch(wanted, take, |report| self.progress.asked(report))
        };
        self.progress.begin(0);
        if let Some(e) = failed {
            return Err(e);
        }
        let report = fetched_all.map_err(|e| source.not_fetched(&plan.root, &e))?;
        self.keep_plan(draft, plan, holder)?;
        Ok(report_of(&report, resumed, begun))
    }
}

fn check_size(cid: &Cid, told: Option<u64>, size: u64) -> Result<()> {
    match told {
        Some(told) if told != size => Err(NodeError::coded(
            "wrong-size",
            format!("`{cid}` has {size} bytes, {told} were told"),
        )),
        _ => Ok(()),
    }
}

/// The inner nodes of a file, level by level.
fn tree(source: Source<'_>, root: &Cid) -> Result<HashMap<Cid, Vec<u8>>> {
    let mut nodes: HashMap<Cid, Vec<u8>> = HashMap::new();
    let mut level = vec![*root];
    let mut bytes = 0;
    while !level.is_empty() {
        let mut blocks = BTreeMap::new();
        get(source, std::mem::take(&mut level), &mut blocks)?;
        for (cid, block) in blocks {
            bytes += block.len();
            if bytes > NODES_BYTES {
                return Err(NodeError::refused(format!(
                    "the tree of `{root}` has more than {NODES_BYTES} bytes"
                )));
            }
            let node = decode_node(&block).map_err(|e| NodeError::refused(e.to_string()))?;
            for link in &node.links {
                if link.cid.codec() == DAG_PB && !nodes.contains_key(&link.cid) {
                    level.push(link.cid);
                }
            }
            nodes.insert(cid, block);
        }
        level.sort_unstable();
        level.dedup();
        level.retain(|cid| !nodes.contains_key(cid));
    }
    Ok(nodes)
}

/// Leaves and their places; leaves are as long as their parents say, and compared with that when they come.
fn plan_of(root: &Cid, nodes: &HashMap<Cid, Vec<u8>>) -> Result<Plan> {
    let refused = |e: &dyn std::fmt::Display| NodeError::refused(e.to_string());
    let mut lengths: HashMap<Cid, u64> = HashMap::new();
    for block in nodes.values() {
        let node = decode_node(block).map_err(|e| refused(&e))?;
        for link in &node.links {
            if link.cid.codec() == RAW {
                lengths.insert(link.cid, link.file_bytes);
            }
        }
    }
    walk(root, FILE_BYTES, |cid| {
        let node = nodes.get(cid).map(|bytes| Found::Node(bytes.clone()));
        node.or_else(|| lengths.get(cid).map(|len| Found::Leaf(*len)))
    })
    .map_err(|e| refused(&e))
}

fn get(source: Source<'_>, wanted: Vec<Cid>, into: &mut BTreeMap<Cid, Vec<u8>>) -> Result<Report> {
    let first = wanted[0];
    let take = |cid: Cid, bytes: &[u8]| {
        into.insert(cid, bytes.to_vec());
        true
    };
    source
        .fetch(wanted, take, |_| {})
        .map_err(|e| source.not_fetched(&first, &e))
}

fn is_there(draft: &Draft, cid: Cid, offset: u64, len: u64) -> bool {
    let mut bytes = vec![0; usize::try_from(len).unwrap_or_default()];
    draft.file().read_exact_at(&mut bytes, offset).is_ok() && content::matches(&cid, &bytes)
}

fn report_of(report: &Report, resumed: u64, begun: Instant) -> FetchReport {
    FetchReport {
        bytes: report.bytes,
        resumed,
        ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        seeders: report
            .seeders
            .iter()
            .map(|s| SeederReport {
                peer_id: s.peer.to_string(),
                blocks: s.blocks,
                bytes: s.bytes,
                dropped: s.dropped().map(|d| d.name().to_owned()),
            })
            .collect(),
    }
}
