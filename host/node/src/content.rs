//! Content of this home: files in, files out, pins, and the checks. How a file is cut is `release`'s, where it lies is
//! `store`'s; here the two meet, with bounded memory whatever the file's size.
//!
//! A pin's holder is `owner` for what a person keeps, else the CID of the release that needs it.

mod add;
mod adopt;
mod car;
mod fetch;

pub use car::Imported;

use crate::clock::rfc3339;
use crate::error::{Code, NodeError, Result};
use crate::node::Node;
use crate::report::{
    ContentFinding, ContentGcReport, ContentGetReport, ContentProgress, ContentReport,
    ContentVerifyReport,
};
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use weft_model::Cid;
use weft_release::unixfs::{self, Found, Plan};
use weft_store::content::{ContentReader, Finding, Leaf, Stat, pin, unpin};

/// The holder of what a person keeps.
pub(crate) const OWNER: &str = "owner";
/// Permissions of a file that is got, before the umask.
const FILE_MODE: u32 = 0o666;

/// How far the long work of the moment is; two at a time share it.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    done: AtomicU64,
    total: AtomicU64,
    seeders: AtomicU64,
}

impl Progress {
    fn begin(&self, total: u64) {
        self.seeders.store(0, Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
    }

    fn add(&self, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    fn asked(&self, report: &weft_mesh::Report) {
        let asked = report.seeders.iter().filter(|s| s.dropped().is_none());
        self.seeders.store(asked.count() as u64, Ordering::Relaxed);
    }
}

impl Node {
    /// Adds a file, held by its owner unless `keep` is false. One that is here already is not stored twice.
    ///
    /// # Errors
    /// When it is no file, is over 1 TiB, or the disk is full. Then nothing is kept.
    pub fn content_add(&self, path: &Path, keep: bool) -> Result<ContentReport> {
        let (file, size) = open_file(path)?;
        self.progress.begin(size);
        let added = self.put_stream(file, keep.then_some(OWNER));
        self.progress.begin(0);
        let (cid, new) = added.map_err(|e| NodeError {
            message: format!("`{}`: {}", path.display(), e.message),
            ..e
        })?;
        let mut report = self.content_stat(&cid.to_string())?;
        report.new = Some(new);
        Ok(report)
    }

    /// Writes a content to a file that is not there yet, each leaf compared with its CID before.
    ///
    /// # Errors
    /// `not-found`, `damaged`, `conflict` when the file is there. Then no file is left.
    pub fn content_get(&self, cid: &str, path: &Path) -> Result<ContentGetReport> {
        self.content_get_from(cid, path, &[])
    }

    /// The same; what is not here is fetched from these IPFS nodes, or from members where none is named. Each node's
    /// address ends with `/p2p/…`. It needs no network.
    ///
    /// # Errors
    /// As [`Self::content_get`]; `unavailable` when no node can be reached.
    pub fn content_get_from(
        &self,
        cid: &str,
        path: &Path,
        nodes: &[String],
    ) -> Result<ContentGetReport> {
        let cid: Cid = cid.parse()?;
        let io = |e: std::io::Error| NodeError::file(path, &e);
        if fs::symlink_metadata(path).is_ok() {
            return Err(NodeError::new(
                Code::Conflict,
                format!("`{}` is there already", path.display()),
            )
            .try_this("choose another name with `-o FILE`"));
        }
        let fetched = if nodes.is_empty() {
            self.fetch_if_needed(&cid)?
        } else {
            self.fetch_from_outside(&cid, nodes)?
        };
        let mut reader = self.open_content(&cid)?;
        let bytes = reader.size();
        let folder = path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let mut draft = tempfile::Builder::new()
            .prefix(".weft-")
            .permissions(fs::Permissions::from_mode(FILE_MODE))
            .tempfile_in(folder)
            .map_err(io)?;
        self.progress.begin(bytes);
        while let Some((_, leaf)) = reader.next_leaf()? {
            draft.write_all(leaf).map_err(io)?;
            self.progress.add(leaf.len() as u64);
        }
        self.progress.begin(0);
        draft.as_file().sync_all().map_err(io)?;
        draft.persist_noclobber(path).map_err(|e| io(e.error))?;
        Ok(ContentGetReport {
            cid: cid.to_string(),
            path: path.display().to_string(),
            bytes,
            fetched,
        })
    }

    /// What is known of a content.
    ///
    /// # Errors
    /// `not-found`.
    pub fn content_stat(&self, cid: &str) -> Result<ContentReport> {
        Ok(report_of(self.content.stat(&cid.parse()?)?))
    }

    /// All contents, by CID.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn content_list(&self) -> Result<Vec<ContentReport>> {
        Ok(self.content.list()?.into_iter().map(report_of).collect())
    }

    /// Holds a content for the owner.
    ///
    /// # Errors
    /// `not-found`.
    pub fn content_pin(&self, cid: &str) -> Result<ContentReport> {
        let cid: Cid = cid.parse()?;
        let now = self.now();
        self.store
            .write(|tx| pin(tx, &cid.to_string(), OWNER, now))?;
        self.content_stat(&cid.to_string())
    }

    /// Lets go what the owner held.
    ///
    /// # Errors
    /// `not-found` when the owner does not hold it.
    pub fn content_unpin(&self, cid: &str) -> Result<ContentReport> {
        let cid: Cid = cid.parse()?;
        let report = self.content_stat(&cid.to_string())?;
        if !self.store.write(|tx| unpin(tx, &cid.to_string(), OWNER))? {
            let others = match report.pins.as_slice() {
                [] => "nobody does".to_owned(),
                pins => format!("{} does", pins.join(", ")),
            };
            return Err(
                NodeError::not_found(format!("the owner does not hold `{cid}`; {others}"))
                    .try_this("a release holds what it runs; `weft content list` shows all pins"),
            );
        }
        self.content_stat(&cid.to_string())
    }

    /// Removes what nobody holds.
    ///
    /// # Errors
    /// When a file can't be removed.
    pub fn content_gc(&self) -> Result<ContentGcReport> {
        let freed = self.content.gc()?;
        Ok(ContentGcReport {
            contents: freed.contents,
            leftovers: freed.leftovers,
            bytes: freed.bytes,
        })
    }

    /// Rehashes one content, or all, and notes what is damaged or missing.
    ///
    /// # Errors
    /// `not-found`; what is wrong with content is no error but the answer.
    pub fn content_verify(&self, cid: Option<&str>) -> Result<ContentVerifyReport> {
        let stats = match cid {
            Some(cid) => vec![self.content.stat(&cid.parse()?)?],
            None => self.content.list()?,
        };
        self.progress.begin(stats.iter().map(|s| s.size).sum());
        let contents: Result<Vec<_>> = stats.into_iter().map(|stat| self.rehash(stat)).collect();
        self.progress.begin(0);
        let contents = contents?;
        Ok(ContentVerifyReport {
            ok: contents.iter().all(|c| c.problem.is_none()),
            contents,
        })
    }

    /// How far the long work of the moment is.
    pub fn content_progress(&self) -> ContentProgress {
        ContentProgress {
            done: self.progress.done.load(Ordering::Relaxed),
            total: self.progress.total.load(Ordering::Relaxed),
            seeders: self.progress.seeders.load(Ordering::Relaxed),
        }
    }

    fn rehash(&self, stat: Stat) -> Result<ContentFinding> {
        let cid: Cid = stat.cid.parse()?;
        let hashed = |bytes| self.progress.add(bytes);
        let mut finding = self.content.verify(&cid, self.now(), &hashed)?;
        if finding == Finding::Whole
            && let Some(what) = self.misplaced(&cid, stat.size)?
        {
            self.content.mark(&cid, &what, self.now())?;
            finding = Finding::Damaged(what);
        }
        Ok(ContentFinding {
            cid: stat.cid,
            size: stat.size,
            state: match finding {
                Finding::Whole => "whole",
                Finding::Missing => "missing",
                Finding::Damaged(_) => "damaged",
            }
            .into(),
            problem: finding.problem(),
        })
    }

    /// Whether the leaves, each of which is whole, are those that the root names, in its order; says what is not.
    fn misplaced(&self, cid: &Cid, size: u64) -> Result<Option<String>> {
        let nodes: HashMap<Cid, Vec<u8>> = self.content.nodes(cid)?.into_iter().collect();
        let leaves = self.all_leaves(cid)?;
        let lengths: HashMap<Cid, u64> = leaves.iter().map(|l| (l.cid, l.len)).collect();
        let plan = unixfs::walk(cid, size, |cid| {
            let node = nodes.get(cid).map(|bytes| Found::Node(bytes.clone()));
            node.or_else(|| lengths.get(cid).map(|len| Found::Leaf(*len)))
        });
        Ok(match plan {
            Ok(plan) if rows_of(&plan) == leaves => None,
            Ok(_) => Some("its leaves are not in the order that its root names".to_owned()),
            Err(e) => Some(format!("its tree does not hold: {e}")),
        })
    }

    fn all_leaves(&self, cid: &Cid) -> Result<Vec<Leaf>> {
        let mut all: Vec<Leaf> = Vec::new();
        loop {
            let from = all.last().map_or(0, |l| l.offset + l.len.max(1));
            let page = self.content.leaves(cid, from)?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// A content's bytes, verified, if it has at most `max`.
    ///
    /// # Errors
    /// `not-found`, `damaged`, `refused` when it is larger.
    pub(crate) fn bytes_of(&self, cid: &Cid, max: u64) -> Result<Vec<u8>> {
        let mut reader = self.open_content(cid)?;
        let size = reader.size();
        if size > max {
            return Err(NodeError::refused(format!(
                "the content `{cid}` has {size} bytes, at most {max} are read at once"
            )));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        while let Some((_, leaf)) = reader.next_leaf()? {
            bytes.extend_from_slice(leaf);
        }
        Ok(bytes)
    }

    /// A reader over a content that compares each leaf before it gives bytes of it.
    ///
    /// # Errors
    /// `not-found`, `damaged`.
    pub(crate) fn open_content(&self, cid: &Cid) -> Result<ContentReader> {
        Ok(self.content.read(cid)?)
    }
}

/// A plan's leaves as the store keeps them.
fn rows_of(plan: &Plan) -> Vec<Leaf> {
    let row = |leaf: &unixfs::Leaf| Leaf {
        cid: leaf.cid,
        offset: leaf.offset,
        len: leaf.len,
    };
    plan.leaves.iter().map(row).collect()
}

/// Opens a regular file for reading. Returns its bytes, too.
pub(crate) fn open_file(path: &Path) -> Result<(File, u64)> {
    let io = |e: std::io::Error| NodeError::file(path, &e);
    // Looked at before it is opened: opening a pipe waits for its writer.
    let meta = fs::metadata(path).map_err(io)?;
    if !meta.is_file() {
        return Err(
            NodeError::refused(format!("`{}` is no file", path.display())).try_this("name a file"),
        );
    }
    Ok((File::open(path).map_err(io)?, meta.len()))
}

/// Reads until the buffer is full or the stream ends. Returns how much.
fn read_full(input: &mut impl Read, into: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match input.read(&mut into[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

fn report_of(stat: Stat) -> ContentReport {
    ContentReport {
        cid: stat.cid,
        size: stat.size,
        leaves: stat.leaves,
        nodes: stat.nodes,
        new: None,
        added_at: rfc3339(stat.added_at),
        verified_at: rfc3339(stat.verified_at),
        problem: stat.problem,
        pins: stat.pins,
        public: stat.public,
    }
}
