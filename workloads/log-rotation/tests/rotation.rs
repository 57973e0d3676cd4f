//! Directories before and after, natively.

use flate2::read::MultiGzDecoder;
use log_rotation::{GRANTED, LogRotation, run_in};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use weft_sdk::workload::{JobError, Workload};

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    for (name, content) in files {
        fs::write(dir.path().join(name), content).expect("a file");
    }
    dir
}

fn run(dir: &Path, params: &str) -> (Result<String, JobError>, Value) {
    let mut output = Vec::new();
    let result = run_in(dir, params, &mut output);
    let report = if output.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&output).expect("JSON")
    };
    (result, report)
}

fn content(path: &Path) -> String {
    let mut text = String::new();
    let file = File::open(path).expect("it is there");
    let read = if path.extension().is_some_and(|e| e == "gz") {
        MultiGzDecoder::new(file).read_to_string(&mut text)
    } else {
        { file }.read_to_string(&mut text)
    };
    read.expect("it is readable");
    text
}

/// Every regular file by name, unpacked.
fn contents(dir: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(dir)
        .expect("a directory")
        .map(|e| e.expect("an entry"));
    entries
        .filter(|e| e.file_type().expect("a type").is_file())
        .map(|e| {
            (
                e.file_name().into_string().expect("text"),
                content(&e.path()),
            )
        })
        .collect()
}

fn expect(dir: &Path, files: &[(&str, &str)]) {
    let files: BTreeMap<_, _> = files
        .iter()
        .map(|&(n, c)| (n.to_owned(), c.to_owned()))
        .collect();
    assert_eq!(contents(dir), files);
}

#[test]
fn a_log_moves_into_its_first_archive_and_the_others_move_up() {
    let dir = folder(&[("a.log", "one\n"), ("other.txt", "x")]);
    let (result, report) = run(dir.path(), "");
    let size = fs::metadata(dir.path().join("a.log.1.gz"))
        .expect("an archive")
        .len();
    assert_eq!(
        report,
        json!({"files": [{
            "file": "a.log", "action": "rotated", "bytes_before": 4, "bytes_after": size, "why": "now in `a.log.1.gz`",
        }]})
    );
    assert_eq!(
        result,
        Ok(format!(
            "1 rotated (4 bytes into {size}), 0 skipped, 0 removed, 0 failed"
        ))
    );
    for line in ["two\n", "three\n"] {
        fs::write(dir.path().join("a.log"), line).expect("a log");
        assert!(run(dir.path(), "{\"keep\":2}").0.is_ok());
    }
    expect(
        dir.path(),
        &[
            ("a.log", ""),
            ("a.log.1.gz", "three\n"),
            ("a.log.2.gz", "two\n"),
            ("other.txt", "x"),
        ],
    );
}

#[test]
fn archives_of_both_kinds_share_the_slots() {
    let dir = folder(&[("a.log", "new"), ("a.log.1", "old"), ("a.log.3", "oldest")]);
    assert!(run(dir.path(), "{\"compress\":true}").0.is_ok());
    // Slot 2 was free, so slot 3 stays.
    expect(
        dir.path(),
        &[
            ("a.log", ""),
            ("a.log.1.gz", "new"),
            ("a.log.2", "old"),
            ("a.log.3", "oldest"),
        ],
    );
    fs::write(dir.path().join("a.log"), "newer").expect("a log");
    assert!(run(dir.path(), "{\"compress\":false,\"keep\":3}").0.is_ok());
    expect(
        dir.path(),
        &[
            ("a.log", ""),
            ("a.log.1", "newer"),
            ("a.log.2.gz", "new"),
            ("a.log.3", "old"),
        ],
    );
}

#[test]
fn small_and_empty_logs_are_left_but_their_surplus_archives_go() {
    let dir = folder(&[
        ("a.log", "12345"),
        ("b.log", ""),
        ("b.log.1", "x"),
        ("b.log.2", "y"),
    ]);
    let (result, report) = run(dir.path(), "{\"min_bytes\":6,\"keep\":1}");
    assert!(result.is_ok());
    let seen: Vec<_> = report["files"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|f| (&f["file"], &f["why"]))
        .collect();
    let expected = [
        ("a.log", "smaller than 6 bytes"),
        ("b.log", "empty"),
        ("b.log.2", "beyond the 1 kept"),
    ];
    assert_eq!(
        seen,
        expected
            .map(|(f, w)| (json!(f), json!(w)))
            .iter()
            .map(|(f, w)| (f, w))
            .collect::<Vec<_>>()
    );
    expect(
        dir.path(),
        &[("a.log", "12345"), ("b.log", ""), ("b.log.1", "x")],
    );
}

#[test]
fn old_archives_go_by_file_time() {
    let dir = folder(&[("a.log", ""), ("a.log.1", "young"), ("a.log.2", "old")]);
    let age = |name: &str, days: u64| {
        let file = File::options()
            .write(true)
            .open(dir.path().join(name))
            .expect("it is there");
        file.set_modified(SystemTime::now() - Duration::from_secs(days * 86_400))
            .expect("a time");
    };
    age("a.log.1", 9);
    age("a.log.2", 11);
    assert!(run(dir.path(), "{\"max_age_days\":10}").0.is_ok());
    expect(dir.path(), &[("a.log", ""), ("a.log.1", "young")]);
}

#[test]
fn links_and_folders_are_left_alone() {
    let outside = folder(&[("secret.log", "secret")]);
    let dir = folder(&[("real.log", "real")]);
    symlink(
        outside.path().join("secret.log"),
        dir.path().join("link.log"),
    )
    .expect("a link");
    fs::create_dir(dir.path().join("dir.log")).expect("a folder");
    fs::write(dir.path().join("dir.log/in.log"), "in").expect("a file");
    let (_, report) = run(dir.path(), "");
    let actions: Vec<_> = report["files"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|f| (&f["file"], &f["action"]))
        .collect();
    let expected = [
        ("dir.log", "skipped"),
        ("link.log", "skipped"),
        ("real.log", "rotated"),
    ];
    assert_eq!(
        actions,
        expected
            .map(|(f, a)| (json!(f), json!(a)))
            .iter()
            .map(|(f, a)| (f, a))
            .collect::<Vec<_>>()
    );
    expect(outside.path(), &[("secret.log", "secret")]);
    expect(&dir.path().join("dir.log"), &[("in.log", "in")]);
}

#[test]
fn an_archive_that_is_a_link_stops_the_rotation_and_loses_nothing() {
    let outside = folder(&[("target", "theirs")]);
    let dir = folder(&[("a.log", "mine")]);
    symlink(outside.path().join("target"), dir.path().join("a.log.1.gz")).expect("a link");
    let (result, report) = run(dir.path(), "");
    assert!(matches!(result, Err(JobError::Failed(_))), "{result:?}");
    assert_eq!(report["files"][0]["action"], "failed");
    let kept: Vec<_> = fs::read_dir(dir.path())
        .expect("a directory")
        .map(|e| e.expect("an entry").file_name())
        .collect();
    assert_eq!(kept.len(), 2, "no part is left: {kept:?}");
    assert_eq!(content(&dir.path().join("a.log")), "mine");
    expect(outside.path(), &[("target", "theirs")]);
}

#[test]
fn what_a_broken_run_left_is_cleaned_up() {
    let dir = folder(&[
        ("a.log", "all"),
        (".a.log.rotating", "hal"),
        (".b.txt.rotating", "not ours"),
    ]);
    let (_, report) = run(dir.path(), "");
    assert_eq!(
        report["files"][0]["why"],
        "left by a run that was broken off"
    );
    expect(
        dir.path(),
        &[
            ("a.log", ""),
            ("a.log.1.gz", "all"),
            (".b.txt.rotating", "not ours"),
        ],
    );
}

#[test]
fn archives_are_not_rotated_themselves() {
    let dir = folder(&[("a", "x"), ("a.1", "y")]);
    assert!(run(dir.path(), "{\"pattern\":\"*\"}").0.is_ok());
    expect(dir.path(), &[("a", ""), ("a.1.gz", "x"), ("a.2", "y")]);
}

#[test]
fn an_archive_is_as_private_as_its_log() {
    let dir = folder(&[("a.log", "x")]);
    let path = dir.path().join("a.log");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("permissions");
    assert!(run(dir.path(), "").0.is_ok());
    let mode = fs::metadata(dir.path().join("a.log.1.gz"))
        .expect("an archive")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_large_log_comes_back_whole() {
    let text: String = (0..200_000).map(|i| format!("line {i}\n")).collect();
    let dir = folder(&[("a.log", &text)]);
    let (_, report) = run(dir.path(), "");
    assert_eq!(report["files"][0]["bytes_before"], text.len());
    assert!(content(&dir.path().join("a.log.1.gz")) == text);
}

#[test]
fn without_a_directory_it_says_what_to_do() {
    let missing = tempfile::tempdir()
        .expect("a directory")
        .path()
        .join("gone");
    let (result, report) = run(&missing, "");
    assert_eq!(report, Value::Null);
    assert!(
        matches!(&result, Err(JobError::Missing(m)) if m.contains("grant the directory")),
        "{result:?}"
    );
    if !Path::new(GRANTED).exists() {
        let result = LogRotation::run("", &mut &b""[..], &mut Vec::new());
        assert!(
            matches!(&result, Err(JobError::Missing(m)) if m.contains(GRANTED)),
            "{result:?}"
        );
    }
}

#[test]
fn wrong_params_are_refused_by_name() {
    let dir = folder(&[("a.log", "x")]);
    let cases = [
        ("{\"patern\":\"*\"}", "`patern`"),
        ("{\"pattern\":\"../*.log\"}", "`pattern` has '/'"),
        ("{\"pattern\":\"[ab]\"}", "`pattern` has '['"),
        ("{\"pattern\":\"\"}", "`pattern` has 0 bytes"),
        ("{\"keep\":0}", "`keep` is 0, give 1 to 1000"),
        ("{\"max_age_days\":0}", "`max_age_days` is 0"),
        ("{\"min_bytes\":-1}", "invalid value"),
    ];
    for (params, part) in cases {
        match run(dir.path(), params).0 {
            Err(JobError::BadParams(text)) => assert!(text.contains(part), "{text}"),
            other => panic!("{params} gave {other:?}"),
        }
    }
    expect(dir.path(), &[("a.log", "x")]);
}

#[test]
fn the_schema_is_json_and_its_defaults_are_taken() {
    let schema: Value = serde_json::from_str(&LogRotation::describe().params_schema).expect("JSON");
    let properties = schema["properties"].as_object().expect("an object");
    let defaults: serde_json::Map<_, _> = properties
        .iter()
        .map(|(k, v)| (k.clone(), v["default"].clone()))
        .collect();
    let dir = folder(&[("a.log", "x")]);
    let (result, _) = run(dir.path(), &Value::Object(defaults).to_string());
    assert!(result.is_ok(), "{result:?}");
    expect(dir.path(), &[("a.log", ""), ("a.log.1.gz", "x")]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands in the slots, a run loses no content but what is beyond `keep`, and keeps the order.
    #[test]
    fn order_and_content_survive(
        slots in prop::collection::btree_set(1..8_u32, 0..6),
        packed in any::<bool>(),
        keep in 1..9_u32,
    ) {
        let dir = folder(&[("a.log", "new")]);
        for slot in &slots {
            fs::write(dir.path().join(format!("a.log.{slot}")), format!("{slot}")).expect("an archive");
        }
        let params = json!({"keep": keep, "compress": packed}).to_string();
        prop_assert!(run(dir.path(), &params).0.is_ok());
        let suffix = if packed { ".gz" } else { "" };
        let first = content(&dir.path().join(format!("a.log.1{suffix}")));
        prop_assert_eq!(first, "new");
        let free = (1..).find(|slot| !slots.contains(slot)).expect("a free slot");
        for &slot in &slots {
            let now = if slot < free { slot + 1 } else { slot };
            let path = dir.path().join(format!("a.log.{now}"));
            prop_assert_eq!(path.exists(), now <= keep, "slot {}", now);
            if now <= keep {
                prop_assert_eq!(content(&path), slot.to_string());
            }
        }
    }
}
