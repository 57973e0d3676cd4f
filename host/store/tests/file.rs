//! The file itself: new, newer, foreign, damaged, full, copied, seen by others.

use rusqlite::Connection;
use weft_store::tasks::{self, Task};
use weft_store::{Error, Result, SCHEMA_VERSION, Store, blocks, limits, meta};

fn dir() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("weft.db");
    (dir, path)
}

#[test]
fn a_new_database_is_made_without_a_copy_and_opens_again() {
    let (dir, path) = dir();
    let store = Store::open(&path).unwrap();
    store.write(|tx| meta::set(tx, "network", "home")).unwrap();
    drop(store);
    let store = Store::open(&path).unwrap();
    assert_eq!(
        store
            .read(|tx| meta::get(tx, "network"))
            .unwrap()
            .as_deref(),
        Some("home")
    );
    drop(store);
    let names: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(
        names,
        ["weft.db"],
        "no copy, and the log is folded in at the end"
    );
}

#[cfg(unix)]
#[test]
fn the_files_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (dir, path) = dir();
    let store = Store::open(&path).unwrap();
    store.write(|tx| meta::set(tx, "a", "b")).unwrap();
    store.backup_to(dir.path().join("copy.db")).unwrap();
    let mut seen = 0;
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{:?}",
            entry.file_name()
        );
        seen += 1;
    }
    assert_eq!(seen, 4, "database, its log, its index, the copy");
}

#[test]
fn a_newer_database_is_refused_and_untouched() {
    let (_dir, path) = dir();
    drop(Store::open(&path).unwrap());
    let conn = Connection::open(&path).unwrap();
    conn.pragma_update(None, "user_version", SCHEMA_VERSION + 3)
        .unwrap();
    drop(conn);
    let before = std::fs::read(&path).unwrap();
    let error = Store::open(&path).map(drop).unwrap_err();
    assert!(
        matches!(error, Error::Newer { found, known: SCHEMA_VERSION, .. } if found == SCHEMA_VERSION + 3)
    );
    assert!(error.to_string().contains("upgrade Weft"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn another_programs_database_is_refused_and_untouched() {
    let (_dir, path) = dir();
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE tasks (id)")
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(Store::open(&path), Err(Error::Foreign { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn what_is_no_database_is_refused() {
    let (_dir, path) = dir();
    std::fs::write(
        &path,
        "not a database, but long enough to have a header of a hundred bytes".repeat(9),
    )
    .unwrap();
    assert!(matches!(Store::open(&path), Err(Error::Corrupt { .. })));
}

#[test]
fn a_home_that_is_not_there_is_named() {
    let (dir, _) = dir();
    let error = Store::open(dir.path().join("nowhere/weft.db"))
        .map(drop)
        .unwrap_err();
    assert!(matches!(error, Error::Open { .. }));
    assert!(error.to_string().contains("nowhere"), "{error}");
}

#[test]
fn a_full_disk_is_said_and_nothing_of_the_write_stays() {
    let (_dir, path) = dir();
    let store = Store::open(&path).unwrap();
    store
        .limit_bytes(std::fs::metadata(&path).unwrap().len() + 1_000_000)
        .unwrap();
    let mut accepted = 0;
    let error = loop {
        let written = store.write(|tx| {
            tasks::insert(tx, &Task::new(format!("t{accepted}"), "u", "x", 0))?;
            blocks::put(tx, &format!("cid{accepted}"), &[7; 100_000], 0)
        });
        match written {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
        assert!(accepted < 1_000, "never full");
    };
    assert!(matches!(error, Error::Full), "{error}");
    assert!(error.to_string().contains("free some space"));
    let kept = store
        .read(|tx| Ok::<_, Error>((tasks::count(tx, tasks::QUEUED)?, tasks::get(tx, "t0")?)))
        .unwrap();
    assert_eq!(kept.0, accepted);
    assert!(kept.1.is_some());
    // With room again it goes on.
    store.limit_bytes(1 << 40).unwrap();
    store
        .write(|tx| tasks::insert(tx, &Task::new("after", "u", "x", 0)))
        .unwrap();
    assert_eq!(store.integrity().unwrap(), Vec::<String>::new());
}

#[test]
fn a_block_beyond_the_limit_is_refused() {
    let (_dir, path) = dir();
    let store = Store::open(&path).unwrap();
    let large = vec![0; limits::BLOCK_BYTES_MAX + 1];
    let error = store
        .write(|tx| blocks::put(tx, "cid", &large, 0))
        .unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }));
    assert!(
        store
            .write(|tx| blocks::put(tx, "cid", &large[1..], 0))
            .unwrap()
    );
}

#[test]
fn a_backup_is_whole_while_others_write() {
    let (dir, path) = dir();
    let store = Store::open(&path).unwrap();
    store.write(|tx| meta::set(tx, "a", "1")).unwrap();
    let copy = dir.path().join("copy.db");
    // Within a write: the copy has what was finished before.
    store
        .write(|tx| {
            meta::set(tx, "a", "2")?;
            store.backup_to(&copy)
        })
        .unwrap();
    let other = Store::open(&copy).unwrap();
    assert_eq!(
        other.read(|tx| meta::get(tx, "a")).unwrap().as_deref(),
        Some("1")
    );
    assert_eq!(
        store.read(|tx| meta::get(tx, "a")).unwrap().as_deref(),
        Some("2")
    );
}

#[test]
fn an_error_in_a_write_undoes_it() {
    let (_dir, path) = dir();
    let store = Store::open(&path).unwrap();
    let error = store
        .write(|tx| -> Result<()> {
            meta::set(tx, "half", "1")?;
            tasks::update(tx, &Task::new("nobody", "u", "x", 0))
        })
        .unwrap_err();
    assert!(
        matches!(error, Error::Missing { what: "tasks", .. }),
        "{error}"
    );
    assert_eq!(store.read(|tx| meta::get(tx, "half")).unwrap(), None);
}

#[test]
fn writers_of_one_process_follow_one_another() {
    const THREADS: i64 = 4;
    const EACH: i64 = 25;
    let (_dir, path) = dir();
    let store = Store::open(&path).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..EACH {
                    let add = |value: Option<String>| {
                        value.map_or(0, |value| value.parse::<i64>().unwrap()) + 1
                    };
                    store
                        .write(|tx| {
                            let next = add(meta::get(tx, "n")?);
                            meta::set(tx, "n", &next.to_string())
                        })
                        .unwrap();
                }
            });
        }
    });
    let total = store.read(|tx| meta::get(tx, "n")).unwrap();
    assert_eq!(total, Some((THREADS * EACH).to_string()));
}
