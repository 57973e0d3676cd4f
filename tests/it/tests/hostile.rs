//! Bad input: files that are no components or not the right ones are refused by name and leave nothing behind; guests
//! that misbehave in service are answered by their slot's rule while the node goes on.

mod world;

use rusqlite::types::Value as Cell;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use weft_api::report::{BestReport, TaskReport};
use weft_api::{PackageRequest, Request, Response};
use weft_model::task::TaskSpec;
use world::{HOUR, World, slot_use, task};

/// How long a test waits for what should come soon, before it fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// The scorer of a new home.
const DEFAULT_SCORER: &str = "scorer-clean-energy";

/// Rows by table, files of the home's components, releases.
type Stored = (BTreeMap<String, Vec<Vec<Cell>>>, Vec<String>, Vec<String>);

/// All that adding could change: rows by table, files of the home's components, releases.
fn stored(world: &World) -> Stored {
    let database = world.database();
    let tables = world.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
    let rows = tables.into_iter().map(|table| {
        let mut statement = database
            .prepare(&format!("SELECT * FROM \"{table}\" ORDER BY 1, 2"))
            .expect("a table");
        let width = statement.column_count();
        let rows = statement
            .query_map([], |row| (0..width).map(|i| row.get(i)).collect())
            .and_then(Iterator::collect)
            .unwrap_or_else(|e| panic!("{table}: {e}"));
        (table, rows)
    });
    let rows = rows.collect();
    let mut files: Vec<String> = std::fs::read_dir(world.home.path().join("home/content"))
        .expect("the folder of content")
        .map(|e| e.expect("an entry").file_name().display().to_string())
        .collect();
    files.sort();
    let releases = ["policy", "workload"]
        .iter()
        .flat_map(|kind| world.releases(kind))
        .map(|r| r.cid)
        .collect();
    (rows, files, releases)
}

#[test]
fn bad_files_are_refused_by_name_and_leave_nothing_behind() {
    const HUGE_FILE: u64 = 200 * 1024 * 1024;
    const HUGE_FUNCTION: usize = 512 * 1024;
    let world = World::new();
    let dir = world.home.path();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.join(name);
        std::fs::write(&path, bytes).expect("a file");
        path
    };
    let folder = dir.join("folder.wasm");
    std::fs::create_dir(&folder).expect("a folder");
    let pipe = dir.join("pipe.wasm");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    let guest = weft_kit::guest;
    let cases = [
        (guest("not-wasm"), "policy", "refused", "no WebAssembly"),
        (
            guest("core-module"),
            "policy",
            "refused",
            "core WebAssembly module",
        ),
        (
            guest("wrong-world"),
            "policy",
            "refused",
            "of `scorer` but exports `weft:consent/",
        ),
        (
            guest("other-version"),
            "policy",
            "refused",
            "weft:scorer/policy@0.2.0",
        ),
        (guest("made-up-import"), "policy", "refused", "imports `"),
        (guest("wasi-import"), "policy", "refused", "`wasi:random/"),
        (
            file("cut.wasm", &weft_kit::truncated()),
            "policy",
            "refused",
            "damaged",
        ),
        (file("empty.wasm", b""), "policy", "refused", "empty"),
        (
            weft_kit::big_file(dir, HUGE_FILE),
            "policy",
            "refused",
            "209715200 bytes",
        ),
        (
            file("function.wasm", &weft_kit::huge_function(HUGE_FUNCTION)),
            "policy",
            "refused",
            "a function of",
        ),
        (
            guest("workload-echo"),
            "policy",
            "refused",
            "is a workload, not a policy",
        ),
        (
            guest("good-v1"),
            "workload",
            "refused",
            "is a policy, not a workload",
        ),
        (
            dir.join("missing.wasm"),
            "policy",
            "not-found",
            "No such file",
        ),
        (folder, "policy", "refused", "no file"),
        (pipe, "policy", "refused", "no file"),
        ("/dev/zero".into(), "policy", "refused", "no file"),
        (
            file("elf.wasm", b"\x7fELF\x02\x01\x01\0"),
            "policy",
            "refused",
            "native code",
        ),
    ];
    let before = stored(&world);
    for (path, kind, code, found) in &cases {
        let error = world.refused(Request::ReleaseAdd {
            path: path.display().to_string(),
            kind: (*kind).into(),
            revision: None,
        });
        let case = format!("{}: {error:?}", path.display());
        assert_eq!(error.code, *code, "{case}");
        assert!(
            error.message.contains(&path.display().to_string()),
            "{case}"
        );
        assert!(error.message.contains(found), "{case}");
        assert!(!error.message.chars().any(char::is_control), "{case}");
        assert_eq!(stored(&world), before, "{case}");
    }
    world.add("good-v1");
}

/// A world in which one peer may run what Alice submits, and whose scorer is the guest.
fn served_by(guest: &str) -> (World, String) {
    let world = World::new();
    world.clean();
    world.peer("roof", 96.0);
    world.permit_all();
    let cid = world.add(guest);
    world.slot_use("scorer", &cid);
    (world, cid)
}

fn scorer_step(task: &TaskReport) -> (&str, &str) {
    let step = task.steps.iter().find(|s| s.slot == "scorer");
    let step = step.unwrap_or_else(|| panic!("no scorer was asked: {task:?}"));
    (step.plugin.as_deref().unwrap_or_default(), &step.verdict)
}

/// For each guest in turn: asks three times, and sees the guest put out of service by it.
fn are_quarantined(guests: &[&str]) {
    let (world, _) = served_by(guests[0]);
    for guest in guests {
        is_quarantined(&world, guest);
        // The quota counts anew.
        world.clock.advance(24 * HOUR);
    }
}

fn is_quarantined(world: &World, guest: &str) {
    let cid = world.add(guest);
    world.slot_use("scorer", &cid);
    for round in 1..=3 {
        let done = world.submit(task("photos"));
        assert_eq!(done.status, "delegated", "{guest}: {done:?}");
        assert_eq!(
            scorer_step(&done).0,
            DEFAULT_SCORER,
            "{guest}: the last good answers"
        );
        let alarms = world.rows(&format!(
            "SELECT message FROM mesh_events WHERE severity = 'alarm' AND subject = '{cid}'"
        ));
        assert_eq!(alarms.len(), usize::from(round == 3), "{guest}: {alarms:?}");
        assert!(alarms.iter().all(|a| a.contains(guest)), "{alarms:?}");
        let faults = world.rows(&format!(
            "SELECT slot || ' ' || message FROM faults WHERE release_cid = '{cid}'"
        ));
        assert_eq!(faults.len(), round, "{guest}: {faults:?}");
        assert!(faults.iter().all(|f| f.starts_with("scorer the plugin ")));
        let warnings = world.rows(&format!(
            "SELECT message FROM mesh_events WHERE kind = 'policy.failed' AND subject = '{cid}'"
        ));
        assert_eq!(warnings.len(), round.min(2), "{guest}: {warnings:?}");
    }
    let again = world.refused(slot_use("scorer", &cid));
    assert_eq!(again.code, "conflict", "{guest}: {again:?}");
    assert!(again.message.contains("out of service"), "{again:?}");
    let release = world.releases("policy").into_iter().find(|r| r.cid == cid);
    assert_eq!(release.expect("it is kept").state, "quarantined", "{guest}");
    assert_eq!(best(world).scorer, DEFAULT_SCORER, "{guest}");
    let after = world.submit(task("photos"));
    assert_eq!(
        (after.status.as_str(), scorer_step(&after).0),
        ("delegated", DEFAULT_SCORER)
    );
}

fn best(world: &World) -> BestReport {
    match world.ask(Request::PeerBest {
        any: true,
        spec: task("photos"),
    }) {
        Response::Best(best) => best,
        other => panic!("{other:?}"),
    }
}

#[test]
fn scorers_that_run_away_are_put_out_of_service() {
    are_quarantined(&["loops", "eats-memory", "recurses", "huge-text"]);
}

#[test]
fn scorers_that_trap_are_put_out_of_service() {
    are_quarantined(&["traps", "panics"]);
}

#[test]
fn scorers_that_answer_nonsense_are_put_out_of_service() {
    are_quarantined(&["nan-scores", "too-few", "too-many", "huge-list"]);
}

#[test]
fn without_a_last_good_scorer_the_first_that_fits_is_taken_and_said() {
    let (world, _) = served_by("traps");
    let panics = world.add("panics");
    world.slot_use("scorer", &panics);
    // What served before `panics` is `traps`: neither answers.
    let first = world.submit(task("photos"));
    assert_eq!(
        (first.status.as_str(), first.peer.as_deref()),
        ("delegated", Some("roof"))
    );
    let warning = first.warning.clone().unwrap_or_default();
    assert!(warning.contains("first fit, not best"), "{first:?}");
    for _ in 0..2 {
        assert_eq!(world.submit(task("photos")).status, "delegated");
    }
    let out = world.rows("SELECT subject FROM mesh_events WHERE kind = 'policy.quarantined'");
    assert_eq!(out.len(), 2, "both are out of service: {out:?}");
    assert_eq!(scorer_step(&world.submit(task("photos"))).0, DEFAULT_SCORER);
}

#[test]
fn failures_a_minute_apart_do_not_put_a_scorer_out_of_service() {
    let (world, cid) = served_by("traps");
    for _ in 0..4 {
        assert_eq!(world.submit(task("photos")).status, "delegated");
        world.clock.advance(30_000);
    }
    world.slot_use("scorer", &cid);
}

#[test]
fn a_scorer_that_says_why_it_cannot_judge_stays_in_service() {
    for (guest, said) in [
        ("returns-error", "not on a Sunday"),
        ("terminal-escapes", "all is well"),
    ] {
        let (world, cid) = served_by(guest);
        for _ in 0..4 {
            let done = world.submit(task("photos"));
            assert_eq!(done.status, "delegated", "{guest}: {done:?}");
            let warning = done.warning.clone().unwrap_or_default();
            assert!(
                warning.contains("first fit") && warning.contains(said),
                "{done:?}"
            );
            let why = world.ask(Request::Why { task: done.task });
            without_control(&serde_json::to_value(&why).expect("JSON"));
        }
        let tasks = world.ask(Request::TaskList {
            user: None,
            status: None,
            limit: 10,
        });
        without_control(&serde_json::to_value(&tasks).expect("JSON"));
        let run = world.refused(Request::PluginRun {
            target: cid.clone(),
            call: rank(1),
            config: None,
            at: None,
        });
        assert!(run.message.contains(said), "{run:?}");
        without_control(&serde_json::to_value(&run).expect("JSON"));
        assert!(
            world
                .rows("SELECT message FROM mesh_events WHERE severity = 'alarm'")
                .is_empty()
        );
        world.slot_use("scorer", &cid);
    }
}

/// No text of the JSON takes over a terminal or turns a line around.
fn without_control(value: &Value) {
    match value {
        Value::String(text) => {
            let bad = text
                .chars()
                .find(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(c));
            assert_eq!(bad, None, "{text:?}");
        }
        Value::Array(items) => items.iter().for_each(without_control),
        Value::Object(fields) => fields.values().for_each(without_control),
        _ => {}
    }
}

/// A call of a scorer with some candidates, as a golden vector has it.
fn rank(rows: u32) -> Value {
    json!({"rank": {
        "task": {"critical": false, "duration": 60_000, "cores": 1.0, "memory_mb": 100, "fee": 0},
        "candidates": {"rows": rows, "values": [], "present": []},
        "tie_seed": 1,
    }})
}

#[test]
fn what_a_plugin_says_is_cut_before_it_is_kept() {
    const SAID_BYTES: usize = 500_000;
    let world = World::new();
    let cid = world.add("huge-text");
    let error = world.refused(Request::PluginRun {
        target: cid,
        call: rank(1),
        config: Some(json!({"bytes": SAID_BYTES})),
        at: None,
    });
    assert!(error.message.contains("xxxx"), "{error:?}");
    assert!(error.message.len() < 2_048, "{} bytes", error.message.len());
}

#[test]
fn every_call_meets_a_fresh_instance() {
    let world = World::new();
    let cid = world.add("remembers");
    for call in 0..3 {
        let Response::Run(run) = world.ask(Request::PluginRun {
            target: cid.clone(),
            call: rank(3),
            config: None,
            at: None,
        }) else {
            panic!("a run");
        };
        let scores = json!([{"Score": 1.0}, {"Score": 2.0}, {"Score": 3.0}]);
        assert_eq!(run.reply["rank"], scores, "call {call}");
    }
}

#[test]
fn a_slow_scorer_is_ended_by_its_limit_and_one_in_time_is_not() {
    let world = World::new();
    let cid = world.add("slow");
    let run = |spins: u64| {
        world.client.call(Request::PluginRun {
            target: cid.clone(),
            call: rank(1),
            config: Some(json!({"spins": spins})),
            at: None,
        })
    };
    run(1_000).expect("a thousand rounds are no work");
    let began = Instant::now();
    let error = run(1_000_000_000_000).expect_err("it would take an hour");
    assert!(error.message.contains("limit"), "{error:?}");
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    run(1_000).expect("the node goes on");
}

#[test]
fn swaps_lose_no_call_and_no_later_call_meets_the_old_version() {
    const USUAL_SWAPS: usize = 50;
    const ASKING: usize = 2;
    let swaps = USUAL_SWAPS * weft_kit::budget() as usize;
    let (world, v1) = served_by("good-v1");
    let v2 = world.add("good-v2");
    let score = |n: usize| if n.is_multiple_of(2) { 1.0 } else { 2.0 };
    // How many swaps have begun, and how many are over. The first one puts v2 in place.
    let (begun, over, stop) = (
        AtomicUsize::new(0),
        AtomicUsize::new(0),
        AtomicBool::new(false),
    );
    let calls: usize = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..ASKING)
            .map(|n| {
                let (world, begun, over, stop) = (&world, &begun, &over, &stop);
                scope.spawn(move || {
                    let mut calls = 0;
                    while !stop.load(Ordering::SeqCst) {
                        let since = over.load(Ordering::SeqCst);
                        if (calls + n) % 2 == 0 {
                            let best = best(world);
                            let found = best.ranking[0].score.expect("a score");
                            assert!(found == 1.0 || found == 2.0, "{best:?}");
                            if begun.load(Ordering::SeqCst) == since {
                                assert_eq!(found, score(since), "after swap {since}: {best:?}");
                            }
                        } else {
                            let checked = world.check(task("photos"));
                            assert_eq!(checked.status, "delegated", "{checked:?}");
                            assert_eq!(checked.warning, None, "{checked:?}");
                            assert_eq!(scorer_step(&checked).0, "good");
                        }
                        calls += 1;
                    }
                    calls
                })
            })
            .collect();
        for swap in 1..=swaps {
            begun.store(swap, Ordering::SeqCst);
            world.slot_use("scorer", if swap % 2 == 0 { &v1 } else { &v2 });
            over.store(swap, Ordering::SeqCst);
            assert_eq!(
                best(&world).ranking[0].score,
                Some(score(swap)),
                "swap {swap}"
            );
        }
        stop.store(true, Ordering::SeqCst);
        asking
            .into_iter()
            .map(|t| t.join().expect("nothing fails"))
            .sum()
    });
    assert!(calls > swaps, "only {calls} calls were made meanwhile");
}

fn job(world: &World, guest: &str) -> TaskSpec {
    TaskSpec {
        workload: Some(world.add(guest)),
        ..task("job")
    }
}

#[test]
fn a_workload_gives_back_what_it_is_given() {
    let world = World::new();
    world.clean();
    let input = world.home.path().join("input");
    std::fs::write(&input, b"\0one\ntwo\xff").expect("an input");
    let done = world.submit(TaskSpec {
        input: Some(input.display().to_string()),
        params: Some(r#"{"a":1}"#.into()),
        ..job(&world, "workload-echo")
    });
    assert_eq!(done.status, "done", "{done:?}");
    assert_eq!(
        done.summary.as_deref(),
        Some(r#"9 bytes, params `{"a":1}`"#)
    );
    let output = done.output.expect("an output");
    assert_eq!(std::fs::read(output).expect("readable"), b"\0one\ntwo\xff");
}

/// Submits a job that does not end, takes it back once `begun`, and sees the node go on.
fn is_cancelled(guest: &str, begun: impl Fn(&Path) -> bool) {
    let world = World::new();
    world.clean();
    let spec = job(&world, guest);
    let outputs = world.home.path().join("home/outputs");
    let ended = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| world.submit(spec));
        let give_up = Instant::now() + PATIENCE;
        let id = loop {
            let running = world.rows("SELECT id FROM tasks WHERE status = 'running'");
            match running.into_iter().next() {
                Some(id) if begun(&outputs) => break id,
                _ => assert!(
                    Instant::now() < give_up && !waiting.is_finished(),
                    "it does not begin"
                ),
            }
            std::thread::yield_now();
        };
        let Response::Tasks(listed) = world.ask(Request::TaskList {
            user: None,
            status: Some("running".into()),
            limit: 10,
        }) else {
            panic!("tasks");
        };
        assert_eq!(listed.len(), 1, "it is listed while it runs: {listed:?}");
        let Response::Task(cancelled) = world.ask(Request::TaskCancel { task: id }) else {
            panic!("a task");
        };
        assert_eq!(cancelled.status, "cancelled");
        waiting.join().expect("an answer")
    });
    assert_eq!(ended.status, "cancelled", "{ended:?}");
    assert!(
        ended.output.is_none() && ended.receipt.is_none(),
        "{ended:?}"
    );
    assert_eq!(
        std::fs::read_dir(&outputs).expect("a folder").count(),
        0,
        "nothing is left of it"
    );
    world.clock.advance(HOUR);
    let next = world.submit(job(&world, "workload-echo"));
    assert_eq!(next.status, "done", "{next:?}");
}

#[test]
fn a_workload_that_loops_is_taken_back() {
    is_cancelled("workload-loops", |outputs| {
        std::fs::read_dir(outputs).expect("a folder").count() > 0
    });
}

#[test]
fn a_workload_that_floods_is_taken_back_though_it_ignores_the_stop() {
    is_cancelled("workload-floods", |outputs| {
        std::fs::read_dir(outputs)
            .expect("a folder")
            .any(|f| f.and_then(|f| f.metadata()).is_ok_and(|m| m.len() > 0))
    });
}

/// All Rust below a folder.
fn sources(folder: &Path) -> String {
    let entries = std::fs::read_dir(folder).expect("the tests");
    entries
        .map(|e| e.expect("an entry").path())
        .map(|path| match path.extension() {
            _ if path.is_dir() => sources(&path),
            Some(e) if e == "rs" => std::fs::read_to_string(path).expect("a source"),
            _ => String::new(),
        })
        .collect()
}

#[test]
fn every_guest_is_met_by_a_test() {
    let sources = sources(&weft_kit::workspace().join("tests/it/tests"));
    for guest in weft_kit::GUESTS {
        let quoted = format!("\"{}\"", guest.name);
        assert!(
            sources.contains(&quoted),
            "no test meets the guest `{}`",
            guest.name
        );
    }
}

#[test]
fn failures_count_over_restarts_and_begin_anew_when_a_person_lifts_the_quarantine() {
    let (mut world, cid) = served_by("traps");
    let out = "SELECT release_cid FROM quarantine WHERE lifted_at IS NULL";
    for round in 1..=3 {
        assert!(world.rows(out).is_empty(), "before round {round}");
        assert_eq!(world.submit(task("photos")).status, "delegated");
        world = world.reopened("");
    }
    assert_eq!(world.rows(out), [cid.as_str()]);
    let lift = Request::Package(PackageRequest::QuarantineLift {
        reference: cid.clone(),
    });
    world.ask(lift.clone());
    assert_eq!(world.refused(lift).code, "not-found");
    world.slot_use("scorer", &cid);
    for round in 1..=2 {
        assert_eq!(world.submit(task("photos")).status, "delegated");
        assert!(world.rows(out).is_empty(), "lifted, round {round}");
    }
    assert_eq!(world.submit(task("photos")).status, "delegated");
    assert_eq!(world.rows(out), [cid]);
}
