//! Brings a database to the newest schema, one numbered file at a time.
//!
//! A released migration is never edited; a change is a new file. Each runs in one transaction together with the new
//! version number, so it has happened or it hasn't. Before each the whole database is copied to
//! `<name>.before-<version>` while the transaction already keeps other writers out: the copy is exactly what the
//! migration began with. It does not go back: a newer database is refused.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::{Error, Result};

/// The migrations, in order: the first makes version 1.
const MIGRATIONS: &[&str] = &[
    include_str!("../migrations/0001_first.sql"),
    include_str!("../migrations/0002_releases.sql"),
    include_str!("../migrations/0003_mesh.sql"),
    include_str!("../migrations/0004_public.sql"),
    include_str!("../migrations/0005_models.sql"),
    include_str!("../migrations/0006_queue.sql"),
];

/// The schema that this build reads and writes.
pub const SCHEMA_VERSION: u32 = MIGRATIONS.len() as u32;

/// `PRAGMA application_id` of Weft's databases: `WEFT`.
const APPLICATION_ID: i32 = 0x5745_4654;

/// Pages copied between two looks at the source; all, because the source can't change meanwhile.
const PAGES_PER_STEP: i32 = i32::MAX;

/// Brings the database to [`SCHEMA_VERSION`].
pub(crate) fn migrate(conn: &mut Connection, path: &Path) -> Result<()> {
    migrate_with(conn, path, MIGRATIONS)
}

/// Refuses what is newer or someone else's, and writes nothing.
pub(crate) fn check_known(conn: &Connection, path: &Path) -> Result<()> {
    check(conn, path, SCHEMA_VERSION).map(drop)
}

fn migrate_with(conn: &mut Connection, path: &Path, migrations: &[&str]) -> Result<()> {
    let known = migrations.len() as u32;
    let mut made_here = false;
    loop {
        let version = check(conn, path, known)?;
        if version == known {
            return Ok(());
        }
        let next = version + 1;
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if user_version(&tx)? != version {
            continue; // another process was faster
        }
        made_here |= version == 0;
        // A database that is being made holds nothing that a copy could save.
        if !made_here {
            let copy = before(path, next);
            copy_to(path, &copy)?;
            tracing::info!(from = version, to = next, copy = %copy.display(), "migrating the database");
        }
        let failed = |source| Error::Migration {
            version: next,
            source,
        };
        tx.execute_batch(migrations[version as usize])
            .map_err(failed)?;
        tx.pragma_update(None, "user_version", next)
            .map_err(failed)?;
        tx.pragma_update(None, "application_id", APPLICATION_ID)
            .map_err(failed)?;
        tx.commit()?;
    }
}

/// The database's version; refuses what is newer or someone else's.
fn check(conn: &Connection, path: &Path, known: u32) -> Result<u32> {
    let path = || path.to_owned();
    let id: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let found = user_version(conn)?;
    if id != APPLICATION_ID {
        let objects: i64 =
            conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if id != 0 || found != 0 || objects != 0 {
            return Err(Error::Foreign { path: path() });
        }
    }
    if found > known {
        return Err(Error::Newer {
            path: path(),
            found,
            known,
        });
    }
    Ok(found)
}

fn user_version(conn: &Connection) -> Result<u32> {
    Ok(conn.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Where the copy before a migration goes.
fn before(path: &Path, version: u32) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".before-{version}"));
    name.into()
}

/// Copies the database at `from` to `to`, readable by its owner alone. `to` holds the whole copy or is not touched.
pub(crate) fn copy_to(from: &Path, to: &Path) -> Result<()> {
    let failed = |source| Error::Copy {
        path: to.to_owned(),
        source,
    };
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let copy = || -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        if partial.exists() {
            std::fs::remove_file(&partial)?;
        }
        create_private(&partial)?;
        let source = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut target = Connection::open(&partial)?;
        Backup::new(&source, &mut target)?.run_to_completion(
            PAGES_PER_STEP,
            Duration::ZERO,
            None,
        )?;
        // A copy is one file: no log beside it.
        target.pragma_update(None, "journal_mode", "DELETE")?;
        target.close().map_err(|(_, error)| error)?;
        std::fs::File::open(&partial)?.sync_all()?;
        std::fs::rename(&partial, to)?;
        if let Some(directory) = to
            .parent()
            .filter(|directory| !directory.as_os_str().is_empty())
        {
            std::fs::File::open(directory)?.sync_all()?;
        }
        Ok(())
    };
    copy().map_err(|source| {
        // The half copy is of no use; that it can't be removed changes nothing about the error.
        let _ = std::fs::remove_file(&partial);
        failed(source)
    })
}

/// Makes the file if it isn't there, for its owner alone. SQLite gives its log files the same mode.
pub(crate) fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: &str = "ALTER TABLE meta ADD COLUMN note TEXT; INSERT INTO meta (key, value) VALUES ('second', 'yes');";
    const BROKEN: &str = "CREATE TABLE half (a TEXT); SELECT * FROM nothing_like_it;";

    fn old_database() -> (tempfile::TempDir, PathBuf, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("weft.db");
        let mut conn = Connection::open(&path).unwrap();
        conn.pragma_update(None, "journal_mode", "WAL").unwrap();
        migrate_with(&mut conn, &path, &MIGRATIONS[..1]).unwrap();
        conn.execute("INSERT INTO meta (key, value) VALUES ('first', 'kept')", [])
            .unwrap();
        (dir, path, conn)
    }

    fn meta_keys(conn: &Connection) -> Vec<String> {
        let mut statement = conn.prepare("SELECT key FROM meta ORDER BY key").unwrap();
        statement
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect()
    }

    #[test]
    fn an_older_database_is_copied_then_migrated() {
        let (_dir, path, mut conn) = old_database();
        let two = [&MIGRATIONS[..1], &[SECOND]].concat();
        migrate_with(&mut conn, &path, &two).unwrap();
        assert_eq!(user_version(&conn).unwrap(), 2);
        assert_eq!(meta_keys(&conn), ["first", "second"]);

        let copy = Connection::open(before(&path, 2)).unwrap();
        assert_eq!(user_version(&copy).unwrap(), 1);
        assert_eq!(meta_keys(&copy), ["first"]);
        // Without anything to do there is no further copy.
        migrate_with(&mut conn, &path, &two).unwrap();
        assert!(!before(&path, 3).exists());
    }

    #[test]
    fn a_failed_migration_leaves_the_database_as_it_was() {
        let (_dir, path, mut conn) = old_database();
        let two = [&MIGRATIONS[..1], &[BROKEN]].concat();
        let error = migrate_with(&mut conn, &path, &two).unwrap_err();
        assert!(
            matches!(error, Error::Migration { version: 2, .. }),
            "{error}"
        );
        assert_eq!(user_version(&conn).unwrap(), 1);
        let half: i64 = conn
            .query_row(
                "SELECT count(*) FROM sqlite_schema WHERE name = 'half'",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(half, 0);
    }

    #[test]
    fn without_a_copy_there_is_no_migration() {
        let (_dir, path, mut conn) = old_database();
        std::fs::create_dir(before(&path, 2)).unwrap();
        let two = [&MIGRATIONS[..1], &[SECOND]].concat();
        let error = migrate_with(&mut conn, &path, &two).unwrap_err();
        assert!(matches!(error, Error::Copy { .. }), "{error}");
        assert_eq!(user_version(&conn).unwrap(), 1);
        assert_eq!(meta_keys(&conn), ["first"]);
    }

    #[test]
    fn a_newer_database_is_refused() {
        let (_dir, path, mut conn) = old_database();
        conn.pragma_update(None, "user_version", 99).unwrap();
        let error = migrate(&mut conn, &path).unwrap_err();
        assert!(
            matches!(
                error,
                Error::Newer {
                    found: 99,
                    known: SCHEMA_VERSION,
                    ..
                }
            ),
            "{error}"
        );
    }
}
