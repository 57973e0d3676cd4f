//! The content of a directory as one CID: equal directories have equal CIDs, wherever they lie and whenever they were
//! made. Names, kinds, file contents and the targets of links count; times, owners and modes don't.
//!
//! The record itself is not kept. What changes while it is read is seen as it is found.

use crate::error::{NodeError, Result};
use serde::Serialize;
use serde_bytes::ByteArray;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use weft_engine::wasi::frozen::LISTING_ENTRIES;
use weft_model::{Cid, cbor, content};

/// Most entries of a whole tree.
const TREE_ENTRIES: usize = LISTING_ENTRIES;
/// How much of a file is read at once, in bytes.
const PART_BYTES: usize = 256 * 1024;

/// One entry, under its path from the top with `/` between names.
#[derive(Serialize)]
enum Entry {
    Directory,
    File { size: u64, sha256: ByteArray<32> },
    Link { target: String },
}

/// The CID of a directory's content. Takes the time of reading every file.
///
/// # Errors
/// When something can't be read, has a name that is not UTF-8, is neither file, directory nor link, or there are more
/// than [`TREE_ENTRIES`] entries.
pub(crate) fn cid(top: &Path) -> Result<Cid> {
    let mut entries = Vec::new();
    let mut ahead = vec![(top.to_owned(), String::new())];
    while let Some((folder, under)) = ahead.pop() {
        let io = |e| NodeError::file(&folder, &e);
        for entry in std::fs::read_dir(&folder).map_err(io)? {
            let entry = entry.map_err(io)?;
            let path = entry.path();
            if entries.len() == TREE_ENTRIES {
                return Err(NodeError::invalid(format!(
                    "`{}` holds more than {TREE_ENTRIES} entries",
                    top.display()
                )));
            }
            let name = utf8(&path, entry.file_name())?;
            let name = if under.is_empty() {
                name
            } else {
                format!("{under}/{name}")
            };
            let io = |e| NodeError::file(&path, &e);
            let kind = entry.file_type().map_err(io)?;
            let found = if kind.is_dir() {
                ahead.push((path, name.clone()));
                Entry::Directory
            } else if kind.is_symlink() {
                let target = std::fs::read_link(&path).map_err(io)?;
                Entry::Link {
                    target: utf8(&path, target.into_os_string())?,
                }
            } else if kind.is_file() {
                let mut file = File::open(&path).map_err(io)?;
                let (size, sha256) = digest(&mut file).map_err(io)?;
                Entry::File {
                    size,
                    sha256: sha256.into(),
                }
            } else {
                return Err(NodeError::invalid(format!(
                    "`{}` is neither a file, a directory nor a link",
                    path.display()
                )));
            };
            entries.push((name, found));
        }
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(content::record_cid(&cbor::encode(&entries)?))
}

/// Length and sha2-256 of what is left of a file.
pub(crate) fn digest(file: &mut File) -> std::io::Result<(u64, [u8; 32])> {
    let mut hash = Sha256::new();
    let mut part = vec![0; PART_BYTES];
    let mut bytes = 0;
    loop {
        match file.read(&mut part) {
            Ok(0) => return Ok((bytes, hash.finalize().into())),
            Ok(n) => {
                hash.update(&part[..n]);
                bytes += n as u64;
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

fn utf8(path: &Path, text: std::ffi::OsString) -> Result<String> {
    text.into_string()
        .map_err(|_| NodeError::invalid(format!("the name of `{}` is not UTF-8", path.display())))
}
