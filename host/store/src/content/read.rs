//! Reading content: a leaf's bytes are given out once they match its CID, and never before.

use super::{Leaf, public, rows};
use crate::{Error, Read as Tx, Result, Store};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use weft_model::{Cid, content};

/// Reads a content from beginning to end; holds one leaf in memory. What is removed meanwhile ends in an error.
pub struct ContentReader {
    store: Store,
    file: File,
    cid: String,
    size: u64,
    ahead: VecDeque<Leaf>,
    /// Where the next leaf begins.
    offset: u64,
    /// Whether a leaf was read.
    begun: bool,
    leaf: Vec<u8>,
    /// Bytes of `leaf` that [`Read`] gave out already.
    given: usize,
}

impl ContentReader {
    pub(super) fn open(store: &Store, path: &Path, cid: &Cid) -> Result<Self> {
        let key = cid.to_string();
        let Some((size, _)) = store.read(|tx| rows::known(tx, &key))? else {
            return Err(Error::Missing {
                what: "content",
                key,
            });
        };
        Ok(Self {
            store: store.clone(),
            file: open(path, &key)?,
            cid: key,
            size,
            ahead: VecDeque::new(),
            offset: 0,
            begun: false,
            leaf: Vec::new(),
            given: 0,
        })
    }

    /// The content's bytes in all.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The next leaf, compared with its CID. None: that was the last. Not to be mixed with [`Read`].
    ///
    /// # Errors
    /// [`Error::Damaged`]: it is not what its CID names, or is not all there.
    pub fn next_leaf(&mut self) -> Result<Option<(Cid, &[u8])>> {
        // An empty file has one leaf, too.
        if self.begun && self.offset >= self.size {
            return Ok(None);
        }
        if self.ahead.is_empty() {
            self.ahead = self
                .store
                .read(|tx| rows::leaves(tx, &self.cid, self.offset))?
                .into();
        }
        let leaf = self
            .ahead
            .pop_front()
            .filter(|leaf| leaf.offset == self.offset && leaf.len <= self.size - self.offset)
            .ok_or_else(|| damaged(&self.cid, format!("no leaf begins at byte {}", self.offset)))?;
        read_leaf(&self.file, &leaf, &mut self.leaf).map_err(|e| damaged(&self.cid, e))?;
        self.offset += leaf.len;
        self.begun = true;
        self.given = 0;
        Ok(Some((leaf.cid, &self.leaf)))
    }
}

impl Read for ContentReader {
    /// # Errors
    /// `InvalidData` with the store's error inside, where a leaf is damaged.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given == self.leaf.len() {
            let next = self.next_leaf();
            match next.map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))? {
                Some(_) => {}
                None => return Ok(0),
            }
        }
        let rest = &self.leaf[self.given..];
        let count = rest.len().min(into.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.given += count;
        Ok(count)
    }
}

/// Reads one leaf and compares it; says what is wrong with it.
pub(super) fn read_leaf(file: &File, leaf: &Leaf, into: &mut Vec<u8>) -> Result<(), String> {
    let Leaf { cid, offset, len } = leaf;
    into.resize(*len as usize, 0);
    let read = file.read_exact_at(into, *offset);
    let whole = read.is_ok() && content::matches(cid, into);
    if whole {
        return Ok(());
    }
    into.clear();
    Err(match read {
        Err(e) => format!("its leaf `{cid}` at byte {offset} can't be read: {e}"),
        Ok(()) => format!("its leaf `{cid}` at byte {offset} has other bytes"),
    })
}

/// One block from wherever it lies.
pub(super) fn block(
    store: &Store,
    cid: &Cid,
    path: &dyn Fn(&str) -> PathBuf,
) -> Result<Option<Vec<u8>>> {
    let key = cid.to_string();
    let (places, node) =
        store.read(|tx| Ok::<_, Error>((rows::places(tx, &key)?, rows::node(tx, &key)?)))?;
    whole(cid, places, node, path)
}

/// One block from wherever it lies in public.
pub(super) fn public_block(
    store: &Store,
    cid: &Cid,
    path: &dyn Fn(&str) -> PathBuf,
) -> Result<Option<Vec<u8>>> {
    let (places, bytes) = store.read(|tx| public_copies(tx, cid))?;
    whole(cid, places, bytes, path)
}

/// How many bytes a public block has.
pub(super) fn public_size(store: &Store, cid: &Cid) -> Result<Option<u64>> {
    let (places, bytes) = store.read(|tx| public_copies(tx, cid))?;
    let of_leaf = places.first().map(|(_, _, len)| *len);
    Ok(of_leaf.or_else(|| bytes.map(|bytes| bytes.len() as u64)))
}

/// Where a block lies: roots with the offset and length in each; or its bytes out of a table.
type Copies = (Vec<(String, u64, u64)>, Option<Vec<u8>>);

/// A CID says by its codec where its block can be, so one table is asked.
fn public_copies(tx: &Tx, cid: &Cid) -> Result<Copies> {
    let key = cid.to_string();
    Ok(match cid.codec() {
        content::RAW => (public::places(tx, &key)?, None),
        content::DAG_PB => (Vec::new(), public::node(tx, &key)?),
        _ => (Vec::new(), public::record(tx, &key)?),
    })
}

/// The first copy that is what the CID names.
fn whole(
    cid: &Cid,
    places: Vec<(String, u64, u64)>,
    node: Option<Vec<u8>>,
    path: &dyn Fn(&str) -> PathBuf,
) -> Result<Option<Vec<u8>>> {
    let mut problem = None;
    let mut bytes = Vec::new();
    for (root, offset, len) in places {
        let leaf = Leaf {
            cid: *cid,
            offset,
            len,
        };
        let read = open(&path(&root), &root)
            .and_then(|file| read_leaf(&file, &leaf, &mut bytes).map_err(|e| damaged(&root, e)));
        match read {
            Ok(()) => return Ok(Some(bytes)),
            Err(e) => problem = Some(e),
        }
    }
    match (node, problem) {
        (Some(bytes), _) if content::matches(cid, &bytes) => Ok(Some(bytes)),
        (Some(_), None) => Err(damaged(
            &cid.to_string(),
            "its inner node has other bytes".into(),
        )),
        (_, Some(problem)) => Err(problem),
        (None, None) => Ok(None),
    }
}

pub(super) fn open(path: &Path, cid: &str) -> Result<File> {
    File::open(path).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => damaged(cid, "its file is gone".into()),
        _ => Error::file(path, e),
    })
}

pub(super) fn damaged(cid: &str, what: String) -> Error {
    Error::Damaged {
        cid: cid.to_owned(),
        what,
    }
}
