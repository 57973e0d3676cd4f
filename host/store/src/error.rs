//! What can go wrong, and what a person can do about it.

use std::path::PathBuf;

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::limits::BUSY_TIMEOUT_MS;

/// The result of the store's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the store could not do what was asked. Every message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database was written by a newer Weft.
    #[error(
        "`{}` has schema {found}, this Weft knows {known}; upgrade Weft, or restore a copy such as \
         `weft.db.before-{}`", path.display(), known + 1
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The newest one that this build knows.
        known: u32,
    },
    /// The file is a database, but not one of Weft's.
    #[error("`{}` is a database of another program; move it away, or choose another home", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another program holds the lock.
    #[error(
        "another program has held the database's lock for {} s; finish the transaction in the open `sqlite3` \
         session or stop the other Weft on this home, then try again", BUSY_TIMEOUT_MS / 1000
    )]
    Busy,
    /// The disk, or the limit on the database's size, is full. Nothing of the write was kept.
    #[error(
        "the disk is full, nothing of this write was kept; free some space where the home is, then try again"
    )]
    Full,
    /// The database can't be written.
    #[error(
        "the database or its directory is read-only; check who owns the home and how it is mounted"
    )]
    ReadOnly,
    /// The file is damaged.
    #[error(
        "the database is damaged ({message}); stop the node and restore a backup with `weft restore`"
    )]
    Corrupt {
        /// What SQLite found.
        message: String,
    },
    /// The file can't be opened.
    #[error("can't open `{}`: {source}; check that the home exists and is yours", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The copy before a migration, or a backup, could not be made.
    #[error("can't copy the database to `{}`: {source}; free some space there, then try again", path.display())]
    Copy {
        /// Where it was to go.
        path: PathBuf,
        /// What went wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A migration failed; the database is as it was.
    #[error(
        "can't migrate the database to schema {version}, it is as it was: {source}; report this with the log"
    )]
    Migration {
        /// The version it was to have.
        version: u32,
        /// What went wrong.
        source: rusqlite::Error,
    },
    /// A row can't be read.
    #[error(transparent)]
    Malformed(Box<Malformed>),
    /// A row with this key is there already.
    #[error(
        "this {what} is there already ({message}); choose another id, or change the one that is there"
    )]
    Exists {
        /// The table.
        what: &'static str,
        /// Which key collided.
        message: String,
    },
    /// There is no such row.
    #[error("there is no {what} `{key}`; list what there is and try again")]
    Missing {
        /// What was looked for.
        what: &'static str,
        /// Its key.
        key: String,
    },
    /// An event does not continue its author's chain.
    #[error(
        "event `{cid}` of `{author}` has number {seq}, next is {next}; fetch what lies between first"
    )]
    Gap {
        /// The event.
        cid: String,
        /// Its author.
        author: String,
        /// The number it has.
        seq: u64,
        /// The number that comes next.
        next: u64,
    },
    /// An event contradicts one that is there: another event with its number, or another predecessor.
    #[error(
        "event `{cid}` of `{author}` contradicts `{other}`, which is in the log; keep both, they prove that the \
         device signed two histories"
    )]
    Fork {
        /// The event that was refused.
        cid: String,
        /// Its author.
        author: String,
        /// The event that is there.
        other: String,
    },
    /// A file of the content store can't be used.
    #[error("can't use `{}`: {source}; check that the home is yours and its disk in order", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Content whose bytes are not what its CID names. Nothing of them was given out.
    #[error(
        "the content `{cid}` is damaged ({what}); add it again from its file with `weft content add FILE`, or fetch it \
         again"
    )]
    Damaged {
        /// The content.
        cid: String,
        /// What is wrong, naming the leaf.
        what: String,
    },
    /// A value is larger than the store takes.
    #[error("this {what} has {bytes} bytes, at most {max} are stored; keep it as content instead")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Anything else that SQLite reports.
    #[error("database: {0}; if it stays, run `weft doctor`")]
    Sqlite(rusqlite::Error),
}

impl Error {
    /// What a failed use of a file is.
    pub(crate) fn file(path: &std::path::Path, source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::File {
                path: path.to_owned(),
                source,
            },
        }
    }

    /// The malformed row, if that is what it is.
    pub fn malformed(&self) -> Option<&Malformed> {
        match self {
            Self::Malformed(malformed) => Some(malformed),
            _ => None,
        }
    }
}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(Box::new(malformed))
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let (failure, message) = match &error {
            rusqlite::Error::SqliteFailure(failure, message) => (*failure, message.clone()),
            rusqlite::Error::SqlInputError { error, msg, .. } => (*error, Some(msg.clone())),
            _ => return Self::Sqlite(error),
        };
        match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy,
            ErrorCode::DiskFull => Self::Full,
            // The shared-memory file next to the database could not grow: that, too, is a full disk.
            ErrorCode::SystemIoFailure if failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
                Self::Full
            }
            ErrorCode::ReadOnly => Self::ReadOnly,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Self::Corrupt {
                message: message.unwrap_or_else(|| failure.to_string()),
            },
            _ => Self::Sqlite(error),
        }
    }
}

/// A row that can't be read: hand-written, or damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error(
    "`{table}` row `{row}`: `{column}` is `{value}`, allowed: {allowed}; correct it with `sqlite3`, or remove the row"
)]
pub struct Malformed {
    /// The table.
    pub table: String,
    /// The row's key; several columns are joined by `/`.
    pub row: String,
    /// The column.
    pub column: String,
    /// What stands there, cut to [`crate::limits::VALUE_SHOWN_CHARS`].
    pub value: String,
    /// What may stand there.
    pub allowed: String,
}
