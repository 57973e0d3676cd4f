//! Releases on trial, in a real node under seeded traffic: a shadow changes nothing, a canary decides its share and
//! goes back by itself, and no task is lost on the way.

mod world;

use std::collections::{BTreeMap, BTreeSet};
use weft_api::report::{SlotReport, TrialReport};
use weft_api::{ApiError, Request, Response, TrialRequest};
use weft_decide::{Record, trial};
use weft_model::Slot;
use weft_model::task::TaskSpec;
use world::{ALICE, HOUR, World, slot_use, task};

/// Room for much traffic in one day.
const SETTINGS: &str = "user_quota_tier = \"contributor\"\nvoting = false\n";
/// The scorer of a new home.
const DEFAULT_SCORER: &str = "scorer-clean-energy";
/// Seed of the traffic; every test prints it.
const SEED: u64 = 0x5EED_0005;

/// Traffic that is the same in every run: a xorshift over names of tasks and pauses.
struct Traffic(u64);

impl Traffic {
    fn new() -> Self {
        println!("seed {SEED:#x}");
        Self(SEED)
    }

    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    fn task(&mut self) -> TaskSpec {
        let names = ["photos", "scans", "index", "thumbnails"];
        TaskSpec {
            duration_ms: 1_000 + self.next(60_000),
            ..task(names[self.next(names.len() as u64) as usize])
        }
    }
}

/// Clean energy here, two peers that may run what Alice submits, room in her quota.
fn served(settings: &str) -> World {
    let world = World::new().reopened(&format!("{SETTINGS}{settings}"));
    world.clean();
    world.peer("roof", 96.0);
    world.peer("barn", 94.0);
    world.permit_all();
    world
}

fn trial_use(slot: &str, target: &str, mode: &str) -> Request {
    Request::Trial(TrialRequest::Use {
        slot: slot.into(),
        target: target.into(),
        config: None,
        mode: mode.into(),
        add: false,
    })
}

fn mode(slot: &str, mode: &str) -> Request {
    Request::Trial(TrialRequest::Mode {
        slot: slot.into(),
        mode: mode.into(),
    })
}

/// What a daemon does in an hour: it looks, and looks again when what changed has settled.
fn look(world: &World) {
    for _ in 0..6 {
        world.client.step().expect("a look");
        world.clock.advance(HOUR / 6);
    }
}

#[track_caller]
fn report(world: &World, slot: &str) -> TrialReport {
    let slot = slot.into();
    match world.ask(Request::Trial(TrialRequest::Report { slot })) {
        Response::Trial(report) => *report,
        other => panic!("{other:?}"),
    }
}

/// Name and mode of what is in a slot, in order.
fn bound(world: &World, slot: &str) -> Vec<(String, String)> {
    let Response::Slots(slots) = world.ask(Request::SlotList) else {
        panic!("slots")
    };
    let found: Option<SlotReport> = slots.into_iter().find(|s| s.slot == slot);
    found
        .expect("the slot")
        .plugins
        .into_iter()
        .map(|p| (p.name, p.mode))
        .collect()
}

fn one(name: &str, mode: &str) -> (String, String) {
    (name.to_owned(), mode.to_owned())
}

/// The decision records of a home, in their order.
fn records(world: &World) -> Vec<(String, Record)> {
    let database = world.database();
    let mut statement = database
        .prepare("SELECT d.cid, b.bytes FROM decisions d JOIN blocks b ON b.cid = d.cid ORDER BY d.rowid")
        .expect("the decisions");
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))
        .and_then(Iterator::collect::<Result<Vec<(String, Vec<u8>)>, _>>)
        .expect("rows");
    rows.into_iter()
        .map(|(cid, bytes)| (cid, weft_model::cbor::decode(&bytes).expect("a record")))
        .collect()
}

/// Who answered for a slot in a record.
fn answered(record: &Record, slot: Slot) -> Option<String> {
    let (calls, _) = record.rerun();
    let place = calls.iter().position(|call| call.slot() == slot)?;
    record.answers[place].first().map(|a| a.name.clone())
}

/// Every decision of the home runs again to the same bits; returns how many there are.
#[track_caller]
fn all_verify(world: &World) -> usize {
    let records = records(world);
    for (cid, _) in &records {
        let Response::Verify(verified) = world.ask(Request::DecisionVerify { cid: cid.clone() })
        else {
            panic!("a verification")
        };
        assert!(verified.equal, "{verified:?}");
    }
    records.len()
}

fn alarms(world: &World, cid: &str) -> Vec<String> {
    world.rows(&format!(
        "SELECT kind FROM mesh_events WHERE severity = 'alarm' AND subject = '{cid}' ORDER BY id"
    ))
}

#[track_caller]
fn refused_as(error: &ApiError, code: &str, said: &str) {
    assert_eq!(error.code, code, "{error:?}");
    assert!(error.message.contains(said), "{error:?}");
}

#[test]
fn a_shadow_changes_nothing_bit_for_bit() {
    let mut traffic = Traffic::new();
    for guest in ["excludes", "traps", "good-v1", "scorer-latency"] {
        // More failures than there are decisions: the shadow stays to the end.
        let world = served("canary_failures = 100\n");
        let cid = match guest {
            "scorer-latency" => guest.to_owned(),
            guest => world.add(guest),
        };
        world.ask(trial_use("scorer", &cid, "shadow"));
        let specs: Vec<TaskSpec> = (0..12).map(|_| traffic.task()).collect();
        for spec in &specs {
            let done = world.submit(spec.clone());
            assert_eq!(done.status, "delegated", "{guest}: {done:?}");
            assert_eq!(done.warning, None, "{guest}: {done:?}");
        }
        assert_eq!(all_verify(&world), specs.len());
        let found = report(&world, "scorer");
        assert_eq!(found.decisions, specs.len() as u64, "{guest}: {found:?}");
        assert_eq!(found.outcome, None, "{guest}: {found:?}");
        match guest {
            "excludes" => {
                assert_eq!((found.differed, found.refused), (12, 12), "{found:?}");
                let example = &found.examples[0];
                assert!(example.serving.starts_with("runs"), "{example:?}");
                assert!(example.trial.starts_with("waits"), "{example:?}");
            }
            "traps" => assert_eq!((found.failed, found.differed), (12, 0), "{found:?}"),
            _ => assert_eq!(found.failed, 0, "{found:?}"),
        }

        // Decided again without a shadow, from the same snapshots: the same bytes.
        let with = records(&world);
        world.ask(slot_use("scorer", DEFAULT_SCORER));
        assert_eq!(bound(&world, "scorer"), [one(DEFAULT_SCORER, "enforce")]);
        let ended = report(&world, "scorer");
        assert_eq!(ended.outcome.as_deref(), Some("replaced"));
        let node = world.client.into_node().expect("it is hosted here");
        let table = node.table();
        assert!(table.trials.is_empty());
        for (cid, record) in with {
            let again = node
                .decide(&table, record.snapshot.clone())
                .expect("a decision");
            let mut again: Record = weft_model::cbor::decode(&again.record).expect("a record");
            // The constitution names the shadow; it is the one thing that may differ.
            again.constitution = record.constitution;
            assert_eq!(again.encode().expect("bytes").0.to_string(), cid, "{guest}");
        }
    }
}

/// Traffic until the trial is over; every task is decided, by the canary or by the default scorer.
fn until_it_is_over(world: &World, traffic: &mut Traffic, most: usize) -> usize {
    for sent in 1..=most {
        let done = world.submit(traffic.task());
        assert!(
            matches!(done.status.as_str(), "delegated" | "running" | "deferred"),
            "{done:?}"
        );
        assert!(done.decision.is_some(), "{done:?}");
        if report(world, "scorer").outcome.is_some() {
            return sent;
        }
    }
    panic!(
        "the trial goes on after {most} tasks: {:?}",
        report(world, "scorer")
    );
}

#[test]
fn a_canary_that_fails_goes_back_by_itself() {
    let mut traffic = Traffic::new();
    for guest in ["traps", "loops", "too-few"] {
        let world = served("");
        let cid = world.add(guest);
        world.ask(trial_use("scorer", &cid, "canary 50%"));
        assert_eq!(
            bound(&world, "scorer"),
            [one(DEFAULT_SCORER, "enforce"), one(guest, "canary 50%")]
        );
        let sent = until_it_is_over(&world, &mut traffic, 60);
        let found = report(&world, "scorer");
        assert_eq!(found.outcome.as_deref(), Some("quarantined"), "{found:?}");
        assert_eq!((found.failed, found.decisions), (3, 3), "{found:?}");
        assert_eq!(bound(&world, "scorer"), [one(DEFAULT_SCORER, "enforce")]);
        assert_eq!(alarms(&world, &cid), ["policy.quarantined"]);
        let constitutions =
            world.rows("SELECT cid FROM events WHERE kind = 'constitution-activated'");
        assert_eq!(constitutions.len(), 2, "it came, and it went");

        // Nothing lost, nothing decided by what failed, and it runs no more.
        assert_eq!(
            world
                .rows("SELECT id FROM tasks WHERE status = 'delegated'")
                .len(),
            sent
        );
        for (_, record) in records(&world) {
            assert_eq!(
                answered(&record, Slot::Scorer).as_deref(),
                Some(DEFAULT_SCORER)
            );
        }
        let after = world.submit(traffic.task());
        assert_eq!(after.warning, None, "{after:?}");
        assert_eq!(all_verify(&world), sent + 1);
        assert_eq!(report(&world, "scorer").decisions, 3);
        refused_as(
            &world.refused(trial_use("scorer", &cid, "canary 50%")),
            "conflict",
            "out of service",
        );
        // What the constitution in force says is what serves.
        let world = world.reopened(SETTINGS);
        assert_eq!(bound(&world, "scorer"), [one(DEFAULT_SCORER, "enforce")]);
        assert_eq!(report(&world, "scorer").outcome, found.outcome);
    }
}

#[test]
fn a_canary_that_refuses_too_often_goes_back_and_may_come_again() {
    let mut traffic = Traffic::new();
    for guest in ["excludes", "returns-error"] {
        let world = served("canary_refusals = 4\ncanary_decisions = 10\n");
        let cid = world.add(guest);
        world.ask(trial_use("scorer", &cid, "canary 60"));
        // A daemon has looked before.
        look(&world);
        let sent = until_it_is_over(&world, &mut traffic, 60);
        let found = report(&world, "scorer");
        assert_eq!(found.outcome.as_deref(), Some("returned"), "{found:?}");
        assert_eq!((found.refused, found.failed), (5, 0), "{found:?}");
        assert_eq!(alarms(&world, &cid), ["policy.returned"]);
        assert_eq!(bound(&world, "scorer"), [one(DEFAULT_SCORER, "enforce")]);

        // Tasks that the canary left waiting are decided again, by what serves now.
        look(&world);
        let delegated = world.rows("SELECT id FROM tasks WHERE status = 'delegated'");
        assert_eq!(delegated.len(), sent, "{guest}");
        all_verify(&world);
        // It works, so it is not put out of service.
        world.ask(trial_use("scorer", &cid, "shadow"));
    }
}

#[test]
fn a_canary_decides_its_share_and_a_task_stays_on_its_side() {
    const PERCENT: u8 = 30;
    const TASKS: usize = 120;
    let mut traffic = Traffic::new();
    let mut world = served("");
    let cid = world.add("good-v1");
    world.ask(trial_use("scorer", &cid, &format!("canary {PERCENT} %")));
    for n in 0..TASKS {
        // Two of three wait for clean energy at first, so that they are decided again and again.
        if n == TASKS / 3 {
            world.peer("roof", 1.0);
            world.peer("barn", 1.0);
            world.ask(Request::EnergySet {
                kind: "coal".into(),
                percent: 1.0,
                grid: None,
            });
        }
        world.submit(traffic.task());
    }
    let statuses = world.rows("SELECT DISTINCT status FROM tasks ORDER BY status");
    assert_eq!(statuses, ["deferred", "delegated"]);
    for restart in [false, true] {
        if restart {
            world = world.reopened(SETTINGS);
        }
        // The first look sees the world as it is, the second one that something changed.
        for percent in [2.0, 3.0] {
            world.peer("roof", percent);
            look(&world);
        }
    }
    let mut sides: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut attempts = 0;
    for (_, record) in records(&world) {
        let by = answered(&record, Slot::Scorer).expect("the scorer was asked");
        let wanted = if trial::is_canary(Slot::Scorer, &record.snapshot.task, PERCENT) {
            "good"
        } else {
            DEFAULT_SCORER
        };
        assert_eq!(by, wanted, "{}", record.snapshot.task);
        attempts = attempts.max(record.snapshot.attempt);
        sides.entry(record.snapshot.task).or_default().insert(by);
    }
    assert!(attempts > 1, "no task was decided twice");
    assert_eq!(sides.len(), TASKS);
    assert!(sides.values().all(|by| by.len() == 1), "{sides:?}");
    let share = sides.values().filter(|by| by.contains("good")).count() as f64;
    let (n, p) = (TASKS as f64, f64::from(PERCENT) / 100.0);
    let bound = 5.0 * (n * p * (1.0 - p)).sqrt();
    assert!((share - n * p).abs() <= bound, "{share} of {n}");
    all_verify(&world);

    let counted = report(&world, "scorer");
    let by_canary = records(&world)
        .iter()
        .filter(|(_, r)| answered(r, Slot::Scorer).as_deref() == Some("good"))
        .count();
    assert_eq!(counted.decisions, by_canary as u64, "{counted:?}");
    assert_eq!(counted.agreed + counted.differed, counted.decisions);
}

#[test]
fn a_scorer_that_reads_other_features_is_tried_on_a_snapshot_of_its_own() {
    let mut traffic = Traffic::new();
    let world = served("");
    let fast = weft_api::PeerRow {
        peer: "barn".into(),
        rtt_ms: Some(1.0),
        ..weft_api::PeerRow::default()
    };
    let slow = weft_api::PeerRow {
        peer: "roof".into(),
        rtt_ms: Some(900.0),
        ..weft_api::PeerRow::default()
    };
    for peer in [fast, slow] {
        world.ask(Request::PeerAdd { peer });
    }
    world.ask(trial_use("scorer", "scorer-latency", "canary 50%"));
    for _ in 0..20 {
        world.submit(traffic.task());
    }
    let by: BTreeSet<String> = records(&world)
        .iter()
        .filter_map(|(_, r)| answered(r, Slot::Scorer))
        .collect();
    assert_eq!(by.len(), 2, "{by:?}");
    all_verify(&world);
    let found = report(&world, "scorer");
    assert_eq!(found.failed, 0, "{found:?}");
    assert!(found.decisions > 0, "{found:?}");
    assert_eq!(found.agreed + found.differed, found.decisions);
}

#[test]
fn modes_change_by_hand_and_are_refused_with_the_reason() {
    let world = served("");
    let (v1, v2) = (world.add("good-v1"), world.add("good-v2"));
    refused_as(
        &world.refused(mode("scorer", "shadow")),
        "conflict",
        "no earlier version",
    );
    refused_as(
        &world.refused(mode("scorer", "enforce")),
        "conflict",
        "nothing is on trial",
    );
    for bad in ["canary", "canary 0%", "canary 100%", "canary x", "off", ""] {
        refused_as(&world.refused(mode("scorer", bad)), "invalid", "no mode");
    }
    for shared in ["quota", "override"] {
        let error = world.refused(mode(shared, "canary 10%"));
        refused_as(&error, "refused", "all members must get one answer");
    }
    let error = world.refused(mode("ethics", "canary 10%"));
    refused_as(&error, "refused", "strictest wins");
    let error = world.refused(mode("carbon", "shadow"));
    refused_as(&error, "refused", "no decision about a task asks");
    let error = world.refused(trial_use("scorer", DEFAULT_SCORER, "shadow"));
    refused_as(&error, "conflict", "already");
    assert_eq!(bound(&world, "scorer"), [one(DEFAULT_SCORER, "enforce")]);

    // The newest goes on trial, the one before decides again.
    world.slot_use("scorer", &v1);
    world.ask(mode("scorer", "shadow"));
    let tried = [one(DEFAULT_SCORER, "enforce"), one("good", "shadow")];
    assert_eq!(bound(&world, "scorer"), tried);
    world.submit(task("photos"));
    assert_eq!(report(&world, "scorer").decisions, 1);
    world.ask(mode("scorer", "canary 99%"));
    let tried = [one(DEFAULT_SCORER, "enforce"), one("good", "canary 99%")];
    assert_eq!(bound(&world, "scorer"), tried);
    assert_eq!(report(&world, "scorer").decisions, 0, "a trial of its own");
    let world = world.reopened(SETTINGS);
    assert_eq!(bound(&world, "scorer"), tried);
    world.ask(mode("scorer", "enforce"));
    assert_eq!(bound(&world, "scorer"), [one("good", "enforce")]);
    let ended = report(&world, "scorer");
    assert_eq!(ended.outcome.as_deref(), Some("enforced"));
    assert_eq!(ended.release, v1);

    // Another one takes the place of what is on trial, and an edit by hand is a trial, too.
    world.ask(trial_use("scorer", &v2, "shadow"));
    world.ask(trial_use("scorer", "scorer-latency", "canary 5%"));
    let tried = [one("good", "enforce"), one("scorer-latency", "canary 5%")];
    assert_eq!(bound(&world, "scorer"), tried);
    world.sql("UPDATE slots SET mode = 'shadow' WHERE slot = 'scorer' AND mode <> 'enforce'");
    let world = world.reopened(SETTINGS);
    world.submit(task("photos"));
    let by_hand = report(&world, "scorer");
    assert_eq!((by_hand.mode.as_str(), by_hand.decisions), ("shadow", 1));
}

#[test]
fn in_a_chain_the_one_on_trial_is_beside_it() {
    let world = served("");
    let strict = serde_json::json!({});
    let Response::Releases(releases) = world.ask(Request::ReleaseList {
        kind: Some("policy".into()),
    }) else {
        panic!("releases")
    };
    let ethics = releases.iter().find(|r| r.name == "ethics-rules");
    let cid = ethics.expect("the default").cid.clone();
    // The same release once more, told its defaults: its bindings differ by their config.
    let config = ethics
        .and_then(|r| r.config_schema.as_ref())
        .and_then(|s| s["properties"].as_object())
        .and_then(|p| {
            p.iter()
                .find_map(|(k, v)| Some((k.clone(), v.get("default")?.clone())))
        });
    let config = config.map_or(strict, |(k, v)| serde_json::json!({ k: v }));
    world.ask(Request::Trial(TrialRequest::Use {
        slot: "ethics".into(),
        target: cid,
        config: Some(config),
        mode: "shadow".into(),
        add: false,
    }));
    world.sql(
        "INSERT INTO ethical_rules (id, user_id, rule_type, rule_value, enforcement_level, is_active)
         VALUES ('r', 'a@example.com', 'task_type_blacklist', 'video', 'strict', 1)",
    );
    assert_eq!(world.submit(task("video")).status, "blocked");
    assert_eq!(world.submit(task("photos")).status, "delegated");
    let found = report(&world, "ethics");
    assert_eq!((found.decisions, found.agreed, found.refused), (2, 2, 0));
    all_verify(&world);
    world.ask(mode("ethics", "enforce"));
    assert_eq!(
        bound(&world, "ethics"),
        [
            one("ethics-rules", "enforce"),
            one("ethics-rules", "enforce")
        ]
    );
    assert_eq!(world.submit(task("video")).status, "blocked");
}

#[test]
fn a_report_is_signed_kept_and_checked() {
    let world = served("");
    let cid = world.add("excludes");
    world.ask(trial_use("scorer", &cid, "shadow"));
    world.submit(task("photos"));
    let made = report(&world, "scorer");
    assert_eq!(made.release, cid);
    assert_eq!(
        made,
        report(&world, "scorer"),
        "the same counts, the same bytes"
    );
    let verify = |target: &str| {
        let target = target.into();
        Request::Trial(TrialRequest::Verify { target })
    };
    let Response::Trial(checked) = world.ask(verify(&made.report)) else {
        panic!("a report")
    };
    assert_eq!(*checked, made);
    let device = world.rows("SELECT device_did FROM members WHERE user_id = 'a@example.com'");
    assert_eq!(device, [made.signed_by.as_str()]);
    let bytes: Vec<u8> = world
        .database()
        .query_row(
            "SELECT bytes FROM blocks WHERE cid = ?1",
            [&made.report],
            |row| row.get(0),
        )
        .expect("a block");
    let file = world.home.path().join("report");
    std::fs::write(&file, &bytes).expect("a file");
    world.ask(verify(&file.display().to_string()));
    let mut changed = bytes;
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(&file, &changed).expect("a file");
    let error = world.refused(verify(&file.display().to_string()));
    assert_eq!(error.code, "refused", "{error:?}");
    assert_eq!(
        world.refused(verify(ALICE)).code,
        "not-found",
        "neither a CID nor a file"
    );
}
