//! What an owner caps is kept: jobs at a time, their memory, content, bandwidth; and the adverts say no more.

use crate::lab::{add, becomes, device, file, id, set, submit, two};
use serde_json::Value;
use std::time::{Duration, Instant};
use weft_kit::{Device, wait};

/// Bytes in a MB.
const MB: u64 = 1_000_000;
/// Memory that a guest's job may use where its release says nothing else, in MB, rounded up.
const LIMIT_MB: u64 = weft_model::limits::WORKLOAD_MEMORY_BYTES.div_ceil(MB);

#[track_caller]
fn reason(task: &Value) -> &str {
    task["reason"]
        .as_str()
        .unwrap_or_else(|| panic!("no reason: {task}"))
}

#[test]
fn no_more_jobs_run_than_there_are_cores_and_the_oldest_is_next() {
    let mut device = device();
    set(&device, "cap_cpu_cores = 1");
    device.start();
    let first = submit(&device, "first", "workload-loops");
    assert_eq!(first["status"], "running", "{first}");
    let second = submit(&device, "second", "workload-loops");
    assert_eq!(second["status"], "queued", "{second}");
    assert!(reason(&second).contains("1 of 1 jobs run (cap_cpu_cores)"));
    let third = submit(&device, "third", "log-digest");
    assert_eq!(third["status"], "queued", "{third}");
    #[cfg(target_os = "linux")]
    assert_eq!(niceness_of_jobs(&device), [(niceness("self") + 10).min(19)]);
    device.weft(["task", "cancel", id(&first)]).ok();
    becomes(&device, &second, "running");
    let waiting = device.json(["task", "show", id(&third)]);
    assert_eq!(waiting["status"], "queued", "{waiting}");
    let decided = waiting["attempt"].clone();
    device.weft(["task", "cancel", id(&second)]).ok();
    let done = becomes(&device, &third, "done");
    assert_eq!(
        (decided, done["attempt"].clone()),
        (1.into(), 2.into()),
        "it is decided again when there is a place, and not before"
    );
}

/// How nice a process or thread is, by its place under `/proc`; a daemon begins as nice as this process is.
#[cfg(target_os = "linux")]
fn niceness(place: &str) -> i64 {
    let stat = std::fs::read_to_string(format!("/proc/{place}/stat")).expect("a process");
    let (_, rest) = stat.rsplit_once(')').expect("a name");
    rest.split_whitespace()
        .nth(16)
        .and_then(|n| n.parse().ok())
        .expect("a number")
}

/// How nice the threads of jobs are, of the daemon that has this home.
#[cfg(target_os = "linux")]
fn niceness_of_jobs(device: &Device) -> Vec<i64> {
    let home = device.home().path().display().to_string();
    let folder = |path: &str| std::fs::read_dir(path).expect("a folder").flatten();
    let of_home = |pid: &std::path::Path| {
        let line = std::fs::read(pid.join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.contains(&home) && line.contains("start")
    };
    let daemon = folder("/proc").map(|e| e.path()).find(|pid| of_home(pid));
    let tasks = daemon.expect("the daemon runs").join("task");
    folder(&tasks.display().to_string())
        .filter_map(|e| std::fs::read_to_string(e.path().join("stat")).ok())
        .filter_map(|stat| {
            let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
            (name == "weft-job").then(|| rest.split_whitespace().nth(16)?.parse().ok())?
        })
        .collect()
}

#[test]
fn jobs_wait_for_memory_and_what_never_fits_is_blocked() {
    let mut device = device();
    // One fits, two don't.
    set(&device, &format!("cap_memory_mb = {}", LIMIT_MB * 3 / 2));
    device.start();
    let first = submit(&device, "first", "workload-loops");
    assert_eq!(first["status"], "running", "{first}");
    let second = submit(&device, "second", "workload-loops");
    assert_eq!(second["status"], "queued", "{second}");
    assert!(reason(&second).contains("(cap_memory_mb)"), "{second}");
    device.weft(["task", "cancel", id(&first)]).ok();
    becomes(&device, &second, "running");
    device.weft(["task", "cancel", id(&second)]).ok();
    device.stop();

    device.start_with(&[("MESH_CAP_MEMORY_MB", "1")]);
    let never = submit(&device, "never", "workload-loops");
    // The scorer looks at what a task says it needs; its release says more, and that is blocked.
    assert_eq!(never["status"], "blocked", "{never}");
    assert!(reason(&never).contains("all jobs together 1 MB (cap_memory_mb)"));
}

/// MB that content takes now, rounded up.
fn content_mb(device: &Device) -> u64 {
    let list = device.json(["content", "list"]);
    let sizes = list.as_array().expect("a list").iter();
    let bytes: u64 = sizes.map(|c| c["size"].as_u64().expect("a size")).sum();
    bytes.div_ceil(MB)
}

#[test]
fn content_ends_with_the_cap_and_a_collection_makes_room() {
    let device = device();
    set(
        &device,
        &format!("cap_disk_mb = {}", content_mb(&device) + 3),
    );
    let kept = add(&device, "two", 2);
    let path = file(&device, "another", 2).display().to_string();
    let refused = device.refused(["content", "add", &path]);
    assert_eq!(refused.code, "disk-full", "{refused:?}");
    assert!(refused.message.contains("cap_disk_mb"), "{refused:?}");
    assert!(refused.remedy.contains("weft content gc"), "{refused:?}");
    let drafts = std::fs::read_dir(device.home().join("content/tmp")).expect("the folder");
    assert_eq!(drafts.count(), 0, "nothing is left of it");
    device.weft(["content", "unpin", &kept]).ok();
    device.weft(["content", "gc"]).ok();
    device.weft(["content", "add", &path]).ok();
}

#[test]
fn nothing_is_fetched_beyond_the_cap() {
    let [alice, bob] = two(&[], &[]);
    let (small, large) = (add(&alice, "small", 1), add(&alice, "large-file", 8));
    let mut bob = bob;
    bob.stop();
    set(&bob, &format!("cap_disk_mb = {}", content_mb(&bob) + 3));
    bob.start();
    wait("they see each other again", || {
        (bob.connected() == 1).then_some(())
    });
    let into = bob.home().join("got").display().to_string();
    let refused = bob.refused(["content", "get", &large, "-o", &into]);
    assert_eq!(refused.code, "disk-full", "{refused:?}");
    let partial = std::fs::read_dir(bob.home().join("content/partial"));
    assert_eq!(partial.map_or(0, Iterator::count), 0, "no byte was kept");
    bob.weft(["content", "get", &small, "-o", &into]).ok();
}

#[test]
fn content_moves_no_faster_than_either_side_allows() {
    const CAPPED: (&str, &str) = ("MESH_CAP_BANDWIDTH_MBIT", "8");
    // 3 MiB at 1 MB/s, less what may move at once: a quarter of a second's worth.
    const AT_LEAST: Duration = Duration::from_millis(2_800);
    for (name, first, second) in [
        ("out", &[CAPPED][..], &[][..]),
        ("in", &[][..], &[CAPPED][..]),
    ] {
        let [alice, bob] = two(first, second);
        let cid = add(&alice, name, 3);
        let into = bob.home().join("got").display().to_string();
        let begun = Instant::now();
        let got = bob.json(["content", "get", &cid, "-o", &into]);
        let took = begun.elapsed();
        assert_eq!(got["fetched"]["bytes"].as_u64(), Some(3 << 20), "{got}");
        assert!(took >= AT_LEAST, "{name}: {took:?}");
    }
}

#[test]
fn adverts_offer_what_the_caps_leave() {
    const CAP_MB: u64 = LIMIT_MB + 100;
    let cap = CAP_MB.to_string();
    let capped = [("MESH_CAP_MEMORY_MB", &*cap), ("MESH_CAP_CPU_CORES", "1")];
    let [bob, alice] = two(&capped, &[]);
    let offered = |what: &str, most: u64| {
        wait("an advert that offers no more", || {
            let peers = alice.json(["peers"]);
            let row = peers.as_array()?.first()?.clone();
            (row[what].as_f64()? <= most as f64).then_some(row)
        })
    };
    let row = offered("memory_free_mb", CAP_MB);
    assert!(
        row["memory_free_mb"].as_f64().is_some_and(|mb| mb > 100.0),
        "{row}"
    );
    assert!(row["cpu_free"].as_f64().is_some_and(|c| c <= 1.0), "{row}");
    let task = submit(&bob, "long", "workload-loops");
    assert_eq!(task["status"], "running", "{task}");
    offered("cpu_free", 0);
    offered("memory_free_mb", 101);
}
