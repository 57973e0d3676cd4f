//! Opening the database, and who may do what with it: any number of [`Reader`]s, one [`Writer`].
//!
//! The file is in WAL mode: readers never wait for the writer and see the last finished write, be it the node's or
//! a person's. The writer takes the write lock at the start of each transaction (`BEGIN IMMEDIATE`) and returns
//! only when the change is on the disk (`synchronous = FULL`).

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::limits::{
    BUSY_TIMEOUT_MS, PAGES_KEPT_KIB, READERS_KEPT, STATEMENTS_KEPT, WAL_BYTES_KEPT,
};
use crate::{Error, Read, Result, Write, migrate};

/// An open database. Clones share it.
#[derive(Clone)]
pub struct Store {
    path: Arc<Path>,
    // Dropped before the writer: the last connection folds the log into the file, which a reader can't.
    readers: Arc<Mutex<Vec<Reader>>>,
    writer: Writer,
}

/// The one connection that writes. Clones share it; their writes follow one another.
#[derive(Clone)]
pub struct Writer {
    conn: Arc<Mutex<Connection>>,
}

/// A connection that only reads.
pub struct Reader {
    conn: Connection,
}

impl Store {
    /// Opens the database at `path`, makes it if there is none, and migrates it; before each migration of an
    /// existing database a copy `<path>.before-<version>` is made.
    ///
    /// # Errors
    /// [`Error::Newer`] and [`Error::Foreign`] leave the file untouched. [`Error::Open`], [`Error::Busy`],
    /// [`Error::Full`], [`Error::ReadOnly`], [`Error::Corrupt`], [`Error::Copy`], [`Error::Migration`]: as they say.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        migrate::create_private(path).map_err(|source| Error::Open {
            path: path.to_owned(),
            source: source.into(),
        })?;
        let mut conn = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        // Before anything is written, WAL mode included.
        migrate::check_known(&conn, path)?;
        conn.pragma_update(None, "journal_mode", "WAL")?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update(None, "journal_size_limit", WAL_BYTES_KEPT)?;
        migrate::migrate(&mut conn, path)?;
        Ok(Self {
            path: path.into(),
            writer: Writer {
                conn: Arc::new(Mutex::new(conn)),
            },
            readers: Arc::default(),
        })
    }

    /// The database's path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A connection of one's own for reading.
    pub fn reader(&self) -> Result<Reader> {
        let conn = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        Ok(Reader { conn })
    }

    /// The writer.
    pub fn writer(&self) -> Writer {
        self.writer.clone()
    }

    /// Reads in one transaction, with a kept connection. See [`Reader::snapshot`].
    pub fn read<T, E: From<Error>>(&self, f: impl FnOnce(&Read) -> Result<T, E>) -> Result<T, E> {
        let kept = locked(&self.readers).pop();
        let mut reader = match kept {
            Some(reader) => reader,
            None => self.reader()?,
        };
        let result = reader.snapshot(f);
        let mut readers = locked(&self.readers);
        if readers.len() < READERS_KEPT {
            readers.push(reader);
        }
        result
    }

    /// Writes in one transaction. See [`Writer::write`].
    pub fn write<T, E: From<Error>>(&self, f: impl FnOnce(&Write) -> Result<T, E>) -> Result<T, E> {
        self.writer.write(f)
    }

    /// Copies the database as it is now to `to`, replacing what is there; others may go on reading and writing.
    ///
    /// # Errors
    /// [`Error::Copy`]: `to` is as it was.
    pub fn backup_to(&self, to: impl AsRef<Path>) -> Result<()> {
        migrate::copy_to(&self.path, to.as_ref())
    }

    /// What SQLite's own check finds wrong with the file; empty: nothing. Reads the whole file.
    pub fn integrity(&self) -> Result<Vec<String>> {
        let reader = self.reader()?;
        let mut statement = reader.conn.prepare("PRAGMA integrity_check")?;
        let found = statement
            .query_map([], |row| row.get::<_, String>(0))?
            .collect::<Result<Vec<_>, _>>()?;
        Ok(found.into_iter().filter(|line| line != "ok").collect())
    }

    /// Limits the database to this many bytes (rounded down to pages); a write beyond it is [`Error::Full`].
    pub fn limit_bytes(&self, bytes: u64) -> Result<()> {
        let conn = locked(&self.writer.conn);
        let page: i64 = conn.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = (i64::try_from(bytes).unwrap_or(i64::MAX) / page).max(1);
        // The pragma answers with the limit in force, which is never below what is there.
        conn.pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, i64>(0))?;
        Ok(())
    }
}

impl Writer {
    /// Runs `f` in a transaction that holds the write lock, and makes its changes durable if it returns `Ok`;
    /// otherwise, and if it panics, nothing has happened. Waits for other writers of this process, and up to
    /// [`BUSY_TIMEOUT_MS`] for other programs. Not to be called within itself.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Full`], [`Error::ReadOnly`], and whatever `f` returns.
    pub fn write<T, E: From<Error>>(&self, f: impl FnOnce(&Write) -> Result<T, E>) -> Result<T, E> {
        let mut conn = locked(&self.conn);
        let tx = conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(Error::from)?;
        let value = f(&Write::new(&tx))?;
        tx.commit().map_err(Error::from)?;
        Ok(value)
    }
}

impl Reader {
    /// Runs `f` over one moment: what others write meanwhile is not seen.
    ///
    /// # Errors
    /// Whatever `f` returns; a file that can't be read.
    pub fn snapshot<T, E: From<Error>>(
        &mut self,
        f: impl FnOnce(&Read) -> Result<T, E>,
    ) -> Result<T, E> {
        let tx = self.conn.transaction().map_err(Error::from)?;
        f(&Read::new(&tx))
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let opened = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let conn = opened.map_err(|source| Error::Open {
        path: PathBuf::from(path),
        source: source.into(),
    })?;
    conn.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))?;
    conn.pragma_update(None, "foreign_keys", false)?;
    // A schema may have been edited by others: it gets no functions with side effects.
    conn.pragma_update(None, "trusted_schema", false)?;
    // Sorting needs no files: they would cost more than the rows, and fail on a full disk.
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    // Negative: in KiB, not in pages.
    conn.pragma_update(None, "cache_size", -PAGES_KEPT_KIB)?;
    conn.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    Ok(conn)
}

/// A panic while the lock was held has rolled its transaction back; what it guards is sound.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta;

    fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path().join("weft.db")).unwrap();
        (dir, store)
    }

    fn other(store: &Store) -> Connection {
        Connection::open(store.path()).unwrap()
    }

    #[test]
    fn the_writer_is_durable_and_everyone_in_wal() {
        let (_dir, store) = store();
        let conn = locked(&store.writer.conn);
        let pragma = |name| {
            conn.pragma_query_value(None, name, |row| row.get::<_, i64>(0))
                .unwrap()
        };
        assert_eq!(pragma("synchronous"), 2, "FULL");
        assert_eq!(pragma("foreign_keys"), 0);
        assert_eq!(pragma("busy_timeout"), BUSY_TIMEOUT_MS as i64);
        let mode: String = conn
            .pragma_query_value(None, "journal_mode", |row| row.get(0))
            .unwrap();
        assert_eq!(mode, "wal");
    }

    #[test]
    fn a_reader_cannot_write() {
        let (_dir, store) = store();
        let reader = store.reader().unwrap();
        let error = reader.conn.execute("DELETE FROM meta", []).unwrap_err();
        assert!(matches!(Error::from(error), Error::ReadOnly));
    }

    #[test]
    fn a_lock_held_by_another_program_is_busy_and_nothing_is_lost() {
        let (_dir, store) = store();
        locked(&store.writer.conn)
            .busy_timeout(Duration::ZERO)
            .unwrap();
        let hand = other(&store);
        hand.execute_batch("BEGIN IMMEDIATE; INSERT INTO meta VALUES ('hand', '1')")
            .unwrap();
        let error = store.write(|tx| meta::set(tx, "node", "1")).unwrap_err();
        assert!(matches!(error, Error::Busy), "{error}");
        hand.execute_batch("COMMIT").unwrap();
        store.write(|tx| meta::set(tx, "node", "1")).unwrap();
        store
            .read(|tx| {
                assert_eq!(meta::get(tx, "hand")?.as_deref(), Some("1"));
                assert_eq!(meta::get(tx, "node")?.as_deref(), Some("1"));
                Ok::<_, Error>(())
            })
            .unwrap();
    }

    #[test]
    fn a_panic_in_a_write_rolls_back_and_the_writer_goes_on() {
        let (_dir, store) = store();
        let clone = store.clone();
        let thread = std::thread::spawn(move || {
            clone.write(|tx| -> Result<()> {
                meta::set(tx, "half", "1")?;
                panic!("on purpose");
            })
        });
        assert!(thread.join().is_err());
        store.write(|tx| meta::set(tx, "whole", "1")).unwrap();
        assert_eq!(store.read(|tx| meta::get(tx, "half")).unwrap(), None);
        assert_eq!(
            store.read(|tx| meta::get(tx, "whole")).unwrap().as_deref(),
            Some("1")
        );
    }

    #[test]
    fn read_connections_are_kept_up_to_the_limit() {
        let (_dir, store) = store();
        fn nested(store: &Store, depth: usize) {
            if depth > 0 {
                store
                    .read(|_| {
                        nested(store, depth - 1);
                        Ok::<_, Error>(())
                    })
                    .unwrap();
            }
        }
        nested(&store, READERS_KEPT + 2);
        assert_eq!(locked(&store.readers).len(), READERS_KEPT);
    }
}
