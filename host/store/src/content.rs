//! Content by CID: each file once, whole, in a folder; its leaves are served out of it, its inner nodes out of a table.
//!
//! The caller cuts a file into leaves and computes the CIDs; here they are compared again whenever bytes are given out.
//!
//! What survives a crash, at any point: a file is written to `tmp/`, synced, renamed to its CID, the folder is synced,
//! and then one transaction adds its rows. Removal goes the other way: rows first, then the file. So a row's file is
//! there and whole; a file without rows is a leftover, swept when the store is opened and by [`ContentStore::gc`].
//!
//! Invariants:
//! - Bytes that do not match their CID are never given out; they are an [`Error::Damaged`] that names them.
//! - What somebody pins stays; `gc` and a pin exclude one another by the database's write lock.
//! - One process uses the folder at a time (the home's lock), any number of its threads.
//!
//! What it does not do: it knows no UnixFS, follows no link, and fetches nothing.

mod files;
mod public;
mod read;
mod rows;
#[cfg(test)]
mod tests;
mod verify;

pub use files::Draft;
pub use public::{public_for, public_of, publish, unpublish};
pub use read::ContentReader;
pub use rows::{held_by, pin, unpin, unpin_all};
pub use verify::Finding;

use crate::{Error, Result, Store};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use weft_model::Cid;

/// A leaf: one raw block of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The block's CID.
    pub cid: Cid,
    /// Where it begins in the file, in bytes.
    pub offset: u64,
    /// Its bytes.
    pub len: u64,
}

/// How a file is cut and linked, as the caller computed it.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// The file's CID.
    pub cid: &'a Cid,
    /// Its bytes.
    pub size: u64,
    /// Its leaves, in order and without a gap; at least one.
    pub leaves: &'a [Leaf],
    /// Its inner nodes with their bytes, each once.
    pub nodes: &'a [(Cid, Vec<u8>)],
}

/// What is known of one content. Instants are in ms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its CID.
    pub cid: String,
    /// Its bytes.
    pub size: u64,
    /// Its leaves.
    pub leaves: u64,
    /// Its inner nodes.
    pub nodes: u64,
    /// When it came here.
    pub added_at: i64,
    /// When all its bytes were last compared with the CID.
    pub verified_at: i64,
    /// What that comparison found wrong.
    pub problem: Option<String>,
    /// Who holds it: `owner`, or a release's CID. Nobody: the next `gc` removes it, unless it is public.
    pub pins: Vec<String>,
    /// For whose sake it is public: `owner`, or a release's CID. Nobody's: it is for members alone.
    pub public: Vec<String>,
}

/// What [`ContentStore::gc`] removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freed {
    /// Contents that nobody held.
    pub contents: u64,
    /// Files that a crash had left.
    pub leftovers: u64,
    /// Bytes of both.
    pub bytes: u64,
}

/// The content of one home.
pub struct ContentStore {
    folder: PathBuf,
    store: Store,
    /// Held where files and rows must change together.
    turn: Mutex<()>,
}

impl ContentStore {
    /// Opens the folder, makes it if there is none, and sweeps what a crash left.
    ///
    /// # Errors
    /// [`Error::File`], and those of reading the database.
    pub fn open(folder: &Path, store: Store) -> Result<Self> {
        files::make_folders(folder)?;
        let content = Self {
            folder: folder.to_owned(),
            store,
            turn: Mutex::default(),
        };
        files::empty(&content.tmp())?;
        content.sweep()?;
        Ok(content)
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A new file to write to; dropped without [`ContentStore::commit`] it is gone.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Full`].
    pub fn begin(&self) -> Result<Draft> {
        Draft::new(&self.tmp())
    }

    /// The draft of a content that is being fetched, with what an earlier attempt wrote. Dropped without
    /// [`ContentStore::commit`] it stays, until [`ContentStore::gc`].
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn resume(&self, cid: &Cid) -> Result<Draft> {
        Draft::resume(&self.folder.join(files::PARTIAL).join(cid.to_string()))
    }

    /// Makes a draft, which holds exactly the layout's bytes, durable under its CID, pinned by `holder` from the start.
    /// Returns whether it is new: what is there and without a known problem stays as it is.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Full`], and those of writing the database. Then nothing has happened.
    pub fn commit(
        &self,
        draft: Draft,
        layout: &Layout<'_>,
        holder: Option<&str>,
        now: i64,
    ) -> Result<bool> {
        // The long part before the turn, and only when it is needed.
        let synced = !self.sound(layout.cid)?;
        if synced {
            draft.sync(layout.size)?;
        }
        let _turn = self.turn();
        let is_new = !self.sound(layout.cid)?;
        if is_new {
            if !synced {
                draft.sync(layout.size)?;
            }
            self.place(draft, layout.cid)?;
        }
        self.record(layout, is_new, holder, now)?;
        Ok(is_new)
    }

    /// Whether the content is here, whole as far as is known.
    ///
    /// # Errors
    /// Those of reading the database.
    pub fn has(&self, cid: &Cid) -> Result<bool> {
        self.sound(cid)
    }

    /// A reader over the content that compares each leaf with its CID before it gives bytes of it.
    ///
    /// # Errors
    /// [`Error::Missing`]: no such content; [`Error::Damaged`]: its file is gone.
    pub fn read(&self, cid: &Cid) -> Result<ContentReader> {
        ContentReader::open(&self.store, &self.path(cid), cid)
    }

    /// The bytes of any leaf or inner node, compared with the CID. None: there is no such block.
    ///
    /// # Errors
    /// [`Error::Damaged`] when no copy of it is whole.
    pub fn block(&self, cid: &Cid) -> Result<Option<Vec<u8>>> {
        read::block(&self.store, cid, &|root| self.folder.join(root))
    }

    /// The bytes of a block that is public: a leaf or an inner node of a public content, or a public record; compared
    /// with the CID. None: there is no such block, or it is not public.
    ///
    /// # Errors
    /// [`Error::Damaged`] when no public copy of it is whole.
    pub fn public_block(&self, cid: &Cid) -> Result<Option<Vec<u8>>> {
        read::public_block(&self.store, cid, &|root| self.folder.join(root))
    }

    /// How many bytes a public block has, by its rows alone. None: there is no such block, or it is not public.
    ///
    /// # Errors
    /// Those of reading the database.
    pub fn public_size(&self, cid: &Cid) -> Result<Option<u64>> {
        read::public_size(&self.store, cid)
    }

    /// The inner nodes of a content with their bytes, as they were given.
    ///
    /// # Errors
    /// Those of reading the database.
    pub fn nodes(&self, cid: &Cid) -> Result<Vec<(Cid, Vec<u8>)>> {
        self.store.read(|tx| rows::nodes(tx, &cid.to_string()))
    }

    /// The leaves of a content from an offset on, at most [`crate::limits::LEAVES_PER_PAGE`].
    ///
    /// # Errors
    /// Those of reading the database.
    pub fn leaves(&self, cid: &Cid, from: u64) -> Result<Vec<Leaf>> {
        self.store
            .read(|tx| rows::leaves(tx, &cid.to_string(), from))
    }

    /// What is known of a content.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn stat(&self, cid: &Cid) -> Result<Stat> {
        let key = cid.to_string();
        self.store
            .read(|tx| rows::stat(tx, &key))?
            .ok_or(Error::Missing {
                what: "content",
                key,
            })
    }

    /// All contents, by CID.
    ///
    /// # Errors
    /// Those of reading the database.
    pub fn list(&self) -> Result<Vec<Stat>> {
        self.store.read(rows::list)
    }

    /// Bytes of all contents together.
    ///
    /// # Errors
    /// Those of reading the database.
    pub fn bytes(&self) -> Result<u64> {
        self.store.read(rows::bytes)
    }

    /// Removes what nobody holds and is not public, and what a crash left.
    ///
    /// # Errors
    /// Those of writing the database, [`Error::File`]; what is removed by then stays removed, and the rest is for the
    /// next time.
    pub fn gc(&self) -> Result<Freed> {
        let _turn = self.turn();
        let unheld = self.store.write(rows::remove_unheld)?;
        let mut freed = Freed {
            contents: unheld.len() as u64,
            ..Freed::default()
        };
        for cid in unheld {
            freed.bytes += files::remove(&self.folder.join(cid))?;
        }
        files::sync_folder(&self.folder)?;
        for name in files::names(&self.folder.join(files::PARTIAL))? {
            freed.bytes += files::remove(&self.folder.join(files::PARTIAL).join(name))?;
        }
        let (leftovers, bytes) = self.sweep_in_turn()?;
        freed.leftovers = leftovers;
        freed.bytes += bytes;
        Ok(freed)
    }

    /// Removes a content if nobody holds it, as when what needed it was refused. Returns whether it is gone now.
    ///
    /// # Errors
    /// Those of writing the database, [`Error::File`].
    pub fn remove_unheld(&self, cid: &Cid) -> Result<bool> {
        let _turn = self.turn();
        let key = cid.to_string();
        let gone = self.store.write(|tx| rows::remove_one_unheld(tx, &key))?;
        if gone {
            files::remove(&self.path(cid))?;
        }
        Ok(gone)
    }

    /// Removes a content whoever holds it, with its pins. Returns its bytes; none when it was not there.
    ///
    /// # Errors
    /// Those of writing the database, [`Error::File`].
    pub fn remove(&self, cid: &Cid) -> Result<Option<u64>> {
        let _turn = self.turn();
        let key = cid.to_string();
        if !self.store.write(|tx| rows::remove(tx, &key))? {
            return Ok(None);
        }
        files::remove(&self.path(cid)).map(Some)
    }

    /// Rehashes one content, notes what was found, and returns it. `hashed` is told each leaf's bytes when it is done.
    ///
    /// # Errors
    /// [`Error::Missing`], and those of the database; what is wrong with the content is no error but the answer.
    pub fn verify(&self, cid: &Cid, now: i64, hashed: &(dyn Fn(u64) + Sync)) -> Result<Finding> {
        let finding = verify::verify(&self.store, &self.path(cid), cid, hashed)?;
        let (key, problem) = (cid.to_string(), finding.problem());
        self.store
            .write(|tx| rows::verified(tx, &key, problem.as_deref(), now))?;
        Ok(finding)
    }

    /// Notes what the caller found wrong with a content whose blocks are whole.
    ///
    /// # Errors
    /// [`Error::Missing`].
    pub fn mark(&self, cid: &Cid, problem: &str, now: i64) -> Result<()> {
        let key = cid.to_string();
        self.store
            .write(|tx| rows::verified(tx, &key, Some(problem), now))
    }

    /// Where a content's file lies. It is for the caller that hands it to somebody who checks it again.
    pub fn path(&self, cid: &Cid) -> PathBuf {
        self.folder.join(cid.to_string())
    }

    fn tmp(&self) -> PathBuf {
        self.folder.join(files::TMP)
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        // It guards no value: after a panic files and rows are as after a crash, which every step allows.
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there are rows without a known problem, and a file of the right size.
    fn sound(&self, cid: &Cid) -> Result<bool> {
        let known = self.store.read(|tx| rows::known(tx, &cid.to_string()))?;
        let on_disk = std::fs::metadata(self.path(cid)).map(|m| m.len());
        Ok(known.is_some_and(|(size, problem)| {
            problem.is_none() && on_disk.is_ok_and(|length| length == size)
        }))
    }

    /// Gives a synced draft its name, durably.
    fn place(&self, draft: Draft, cid: &Cid) -> Result<()> {
        draft.rename(&self.path(cid))?;
        files::sync_folder(&self.folder)
    }

    /// Notes a file that has its name.
    fn record(
        &self,
        layout: &Layout<'_>,
        is_new: bool,
        holder: Option<&str>,
        now: i64,
    ) -> Result<()> {
        self.store.write(|tx| {
            if is_new {
                rows::add(tx, layout, now)?;
            }
            match holder {
                Some(holder) => pin(tx, &layout.cid.to_string(), holder, now),
                None => Ok(()),
            }
        })
    }

    fn sweep(&self) -> Result<(u64, u64)> {
        let _turn = self.turn();
        self.sweep_in_turn()
    }

    /// Removes files that no row names; the turn is the caller's. Files whose name is no CID are a person's and stay.
    fn sweep_in_turn(&self) -> Result<(u64, u64)> {
        let known: HashSet<String> = self.store.read(rows::cids)?;
        let (mut count, mut bytes) = (0, 0);
        for name in files::names(&self.folder)? {
            if !known.contains(&name) && name.parse::<Cid>().is_ok() {
                bytes += files::remove(&self.folder.join(&name))?;
                count += 1;
            }
        }
        Ok((count, bytes))
    }
}
