//! Rehashing content, on several threads.

use super::read::{open, read_leaf};
use super::{Leaf, rows};
use crate::limits::VERIFY_THREADS_MAX;
use crate::{Error, Result, Store};
use std::fs::File;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use weft_model::{Cid, content};

/// What a rehash found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// All bytes are what the CIDs name.
    Whole,
    /// The file is gone.
    Missing,
    /// Bytes differ, or there are too few or too many.
    Damaged(String),
}

impl Finding {
    /// What is wrong; none: nothing.
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::Whole => None,
            Self::Missing => Some("its file is gone".to_owned()),
            Self::Damaged(what) => Some(what.clone()),
        }
    }
}

/// Rehashes every leaf and inner node. The rows are not changed.
pub(super) fn verify(
    store: &Store,
    path: &Path,
    cid: &Cid,
    hashed: &(dyn Fn(u64) + Sync),
) -> Result<Finding> {
    let key = cid.to_string();
    let Some((size, _)) = store.read(|tx| rows::known(tx, &key))? else {
        return Err(Error::Missing {
            what: "content",
            key,
        });
    };
    let file = match open(path, &key) {
        Ok(file) => file,
        Err(Error::Damaged { .. }) => return Ok(Finding::Missing),
        Err(e) => return Err(e),
    };
    let length = file.metadata().map_err(|e| Error::file(path, e))?.len();
    if length != size {
        return Ok(Finding::Damaged(format!(
            "its file has {length} bytes instead of {size}"
        )));
    }
    for (node, bytes) in store.read(|tx| rows::nodes(tx, &key))? {
        if !content::matches(&node, &bytes) {
            return Ok(Finding::Damaged(format!(
                "its inner node `{node}` has other bytes"
            )));
        }
    }
    let mut at = 0;
    loop {
        let page = store.read(|tx| rows::leaves(tx, &key, at))?;
        for leaf in &page {
            if leaf.offset != at {
                return Ok(Finding::Damaged(format!("no leaf begins at byte {at}")));
            }
            at += leaf.len;
        }
        if page.is_empty() {
            return Ok(Finding::Damaged(format!("no leaf begins at byte {at}")));
        }
        if let Some(what) = first_damaged(&file, &page, hashed) {
            return Ok(Finding::Damaged(what));
        }
        if at == size {
            return Ok(Finding::Whole);
        }
    }
}

/// What is wrong with the first leaf of a page that is not whole.
fn first_damaged(file: &File, page: &[Leaf], hashed: &(dyn Fn(u64) + Sync)) -> Option<String> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let found: Mutex<Option<(usize, String)>> = Mutex::new(None);
    let work = || {
        let mut bytes = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(leaf) = page.get(index) else { break };
            if let Err(what) = read_leaf(file, leaf, &mut bytes) {
                let mut found = found
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                if found.as_ref().is_none_or(|(first, _)| index < *first) {
                    *found = Some((index, what));
                }
                // Leaves are taken in order: whoever has an earlier one still finishes it.
                next.store(page.len(), Ordering::Relaxed);
            }
            hashed(leaf.len);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(VERIFY_THREADS_MAX).min(page.len()) {
            scope.spawn(work);
        }
        work();
    });
    let found = found
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    found.map(|(_, what)| what)
}
