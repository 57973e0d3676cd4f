//! A disk that fills up: every command either does all of its work or says that the disk is full and does nothing, and
//! all goes on once there is room.
//!
//! The home lies on a small file system of its own. Mounting one takes a mount namespace, so the test runs itself again
//! under `unshare` (util-linux), as root of a user namespace where it is not root already.

#![cfg(target_os = "linux")]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use weft_kit::{Home, Ran};

/// Says that the test runs inside its namespace.
const INSIDE: &str = "WEFT_TEST_SMALL_DISK";
/// Size of the disk: a new home and some room, in MiB.
const DISK_MIB: u64 = 96;
/// What is left free, in bytes: from nothing to room for some of the writes, so that each command fails at different
/// places.
const LEFT: [u64; 6] = [0, 8 << 10, 40 << 10, 96 << 10, 300 << 10, 1 << 20];
/// What a file system gives at a time, in bytes.
const PAGE_BYTES: usize = 4096;

#[test]
fn a_full_disk_is_said_so_leaves_nothing_half_done_and_is_got_over() {
    if std::env::var_os(INSIDE).is_some() {
        return inside();
    }
    if !weft_kit::has_tool("unshare", &["--map-root-user", "--mount", "true"]) {
        return;
    }
    // Outside of the small disk, before the namespace: both are built by cargo.
    weft_kit::weft_bin();
    weft_kit::guest("good-v1");
    let test = std::env::current_exe().expect("this test's path");
    let ended = Command::new("unshare")
        .args(["--map-root-user", "--mount"])
        .arg(test)
        .args(["--exact", "--nocapture"])
        .arg("a_full_disk_is_said_so_leaves_nothing_half_done_and_is_got_over")
        .env(INSIDE, "1")
        .output()
        .expect("`unshare` of util-linux runs");
    let (out, err) = (
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr),
    );
    assert!(
        ended.status.success(),
        "the test failed in its namespace (this takes user namespaces, or root)\n{out}\n{err}"
    );
    assert!(out.contains("1 passed"), "{out}\n{err}");
}

fn inside() {
    let home = Home::new();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", &format!("size={DISK_MIB}m"), "tmpfs"])
        .arg(home.path())
        .status()
        .expect("`mount` runs");
    assert!(mounted.success(), "a small disk can be mounted");
    let weft = |args: &[&str]| home.weft(args);
    weft(&["init", "--user", "alice@example.com"]).ok();
    weft(&["energy", "set", "--type", "solar", "--percent", "95"]).ok();
    weft(&["user", "set", "--idle-minutes", "0", "--timezone", "UTC"]).ok();
    weft(&["member", "add", "bob@example.com"]).ok();

    let mut refused = 0;
    for (round, left) in LEFT.into_iter().enumerate() {
        let vote = format!("vote-{round}");
        weft(&["vote", "open", &vote]).ok();
        let guest = fresh_guest(round);
        let guest = guest.path().join("guest.wasm").display().to_string();
        let commands: [&[&str]; 3] = [
            &[
                "task",
                "submit",
                "--name",
                "digest",
                "--workload",
                "log-digest",
                "--wait",
                "--json",
            ],
            &["plugin", "add", &guest, "--json"],
            &["vote", "cast", &vote, "high", "--json"],
        ];
        for command in commands {
            let before = state(&home, &vote);
            let filler = fill(home.path(), left);
            let ran = weft(command);
            fs::remove_file(filler).expect("room again");
            if ran.code == 0 {
                continue;
            }
            refused += 1;
            is_clear(&ran, left);
            let after = state(&home, &vote);
            if command[0] == "task" {
                is_whole(&before, &after, &ran);
            } else {
                assert_eq!(after, before, "{left} left: {}", ran.line);
            }
        }
        for command in commands {
            let ran = weft(command);
            // What was done on the full disk after all can't be done twice.
            let done_before = command[0] == "plugin" && ran.stdout.contains("revision");
            assert!(ran.code == 0 || done_before, "{}\n{}", ran.line, ran.stdout);
        }
    }
    assert!(refused >= LEFT.len(), "only {refused} refusals");
    weft(&["doctor"]).ok();
}

/// A guest that this home has not seen: the same scorer with another custom section, under another path.
fn fresh_guest(round: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder on the large disk");
    let mut bytes = weft_kit::guest_bytes("good-v1");
    // Custom section `r`, one byte of content.
    bytes.extend([0, 3, 1, b'r', round as u8]);
    fs::write(folder.path().join("guest.wasm"), bytes).expect("a guest");
    folder
}

/// Takes all room but `left` bytes.
fn fill(folder: &Path, left: u64) -> PathBuf {
    let path = folder.join("filler");
    let page = [0; PAGE_BYTES];
    let mut file = fs::File::create(&path).expect("a file");
    while std::io::Write::write_all(&mut file, &page).is_ok() {}
    let full = file.metadata().expect("its size").len();
    file.set_len(full.saturating_sub(left)).expect("shorter");
    path
}

/// What a person sees of the home: tasks, releases, the vote, and the files but for caches and the database's own.
fn state(home: &Home, vote: &str) -> (Value, Value, Value, Vec<String>) {
    let ask = |args: &[&str]| home.weft(args).ok().json();
    // Asked first: what opens the home sweeps files that nothing names, such as one whose row found no room.
    let said = (
        ask(&["task", "list", "--limit", "1000", "--json"]),
        ask(&["plugin", "list", "--json"]),
        ask(&["vote", "show", vote, "--json"]),
    );
    let mut files = Vec::new();
    for folder in ["content", "outputs", "keys"] {
        for entry in fs::read_dir(home.join(folder)).expect("a folder") {
            files.push(entry.expect("an entry").path().display().to_string());
        }
    }
    files.sort();
    (said.0, said.1, said.2, files)
}

fn is_clear(ran: &Ran, left: u64) {
    let said = ran.json();
    let error = &said["error"];
    assert_eq!(
        error["code"], "disk-full",
        "{left} left: {}\n{said}",
        ran.line
    );
    for field in ["message", "remedy"] {
        let text = error[field].as_str().unwrap_or_default();
        assert!(!text.is_empty(), "{left} left, no {field}: {said}");
    }
}

type State = (Value, Value, Value, Vec<String>);

/// A task is not there at all, or it is there, ran, and waits to be run again.
fn is_whole(before: &State, after: &State, ran: &Ran) {
    assert_eq!((&before.1, &before.2), (&after.1, &after.2), "{}", ran.line);
    let (old, new) = (before.0.as_array(), after.0.as_array());
    let (old, new) = (old.expect("a list"), new.expect("a list"));
    match new.len() - old.len() {
        0 => assert_eq!(before.3, after.3, "{}\n{}", ran.line, ran.stdout),
        1 => assert_eq!(new[0]["status"], "queued", "{}", new[0]),
        more => panic!("{more} tasks of one"),
    }
}
