//! A worker says no: signed, with its reason and its next window; and the next best is asked.

use super::lab::{ALICE, DAEMON, block, did, history, leases, run, text, three};
use serde_json::Value;
use weft_kit::Device;

/// Submits a task that Bob refuses and Carol does; Bob's reason.
#[track_caller]
fn refused_by_bob(all: [&Device; 3], name: &str, after: &str) -> String {
    let [alice, bob, carol] = all;
    let task = run(alice, &["--name", name]);
    assert_eq!(task["status"], "done", "{task}");
    assert_eq!(task["peer"], *did(carol), "{task}");
    let id = text(&task, "task");
    let [refused, done] = &leases(alice, &id)[..] else {
        panic!("{:?}", leases(alice, &id));
    };
    assert_eq!((&refused[0], refused[1].as_str()), (&did(bob), "refused"));
    assert_eq!((&done[0], done[1].as_str()), (&did(carol), "done"));
    let lines = history(alice, &id);
    let said = lines.iter().find(|l| l.starts_with("queued: "));
    let said = said.unwrap_or_else(|| panic!("{lines:?}"));
    let begin = format!(
        "queued: bob@example.com (did:key…{}) refused: {}",
        tail(bob),
        refused[2]
    );
    assert!(said.starts_with(&begin), "{said}\n{begin}");
    assert!(said.contains(after), "{said}");
    assert!(said.ends_with("; the next best is asked"), "{said}");
    // The peer that failed stands in the ranking as one that failed.
    let why = alice.json(["why", &id]);
    let ranking = why["ranking"].as_array().expect("candidates");
    let bobs = ranking.iter().find(|c| c["peer"] == *did(bob));
    assert_eq!(
        bobs.map(|c| &c["out"]),
        Some(&Value::from("failed-before")),
        "{why}"
    );
    let sql = format!(
        "SELECT receipt_cid FROM task_delegations WHERE task_id = '{id}' AND status = 'refused'"
    );
    let [[signed]] = &super::lab::rows::<1>(alice, &sql)[..] else {
        panic!("one refusal");
    };
    assert!(!block(alice, signed).is_empty(), "what was signed is kept");
    refused[2].clone()
}

fn tail(device: &Device) -> String {
    let did = did(device);
    did[did.len() - 6..].to_owned()
}

#[test]
fn a_worker_refuses_by_its_owners_rules_and_the_next_best_is_asked() {
    let [alice, bob, carol] = three(&[]);
    let all = [&alice, &bob, &carol];
    let any = ["--user", "*", "--task", "*"];
    bob.weft(["permit", "remove"].iter().chain(&any)).ok();
    let reason = refused_by_bob(all, "log-digest", "");
    assert_eq!(
        reason,
        "this device's owner did not permit that user this task"
    );
    bob.weft(["permit", "add", "--user", ALICE, "--task", "log-digest"])
        .ok();

    bob.weft([
        "user",
        "rules",
        "add",
        "--type",
        "task_type_blacklist",
        "--value",
        "digest",
        "--id",
        "no",
    ])
    .ok();
    let reason = refused_by_bob(all, "log-digest", "");
    assert_eq!(
        reason,
        "Hard violation: task_type_blacklist (this device's owner)"
    );
    bob.weft(["user", "rules", "remove", "no"]).ok();

    let hour = |ahead: u64| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let hours = now.expect("a clock").as_secs() / 3_600 + ahead;
        format!("{:02}:00", hours % 24)
    };
    let (from, until) = (hour(2), hour(3));
    bob.weft([
        "user", "hours", "add", "--from", &from, "--until", &until, "--id", "later",
    ])
    .ok();
    let reason = refused_by_bob(all, "log-digest", &format!("T{from}:00Z"));
    assert_eq!(reason, "Outside delegation hours");
    bob.weft(["user", "hours", "remove", "later"]).ok();

    // Now he takes it, and rests.
    bob.weft(["user", "set", "--idle-minutes", "5"]).ok();
    let task = run(&alice, &["--name", "log-digest"]);
    assert_eq!(
        (&task["status"], &task["peer"]),
        (&"done".into(), &did(&bob).into()),
        "{task}"
    );
    let reason = refused_by_bob(all, "log-digest", ", again from ");
    assert_eq!(
        reason,
        "System idle period active; System idle period: 5 minutes"
    );
}

#[test]
fn a_worker_refuses_what_it_does_not_have_or_does_not_take() {
    let [alice, mut bob, carol] = three(&["workload-echo"]);
    let all = [&alice, &bob, &carol];
    let release = {
        let list = bob.json(["workload", "list"]);
        let list = list.as_array().expect("a list").clone();
        let echo = list.into_iter().find(|r| r["name"] == "workload-echo");
        text(&echo.expect("it is there"), "cid")
    };
    let sql = format!("DELETE FROM releases WHERE cid = '{release}'");
    super::lab::database(&bob)
        .execute_batch(&sql)
        .expect("a hand in the database");
    let reason = refused_by_bob(all, "workload-echo", "");
    assert_eq!(reason, "that release is not installed on this device");

    bob.stop();
    let mut settings = DAEMON.to_vec();
    settings.push(("MESH_ALLOWED_TASKS", "ocr"));
    bob.start_with(&settings);
    super::lab::sees(&alice, &bob, 95.0);
    let reason = refused_by_bob([&alice, &bob, &carol], "log-digest", "");
    assert_eq!(
        reason,
        "this device's list of allowed tasks does not have it"
    );
}

#[test]
fn each_peer_is_asked_once_then_it_waits_for_the_off_peak_hours_here() {
    let [alice, bob, carol] = three(&[]);
    for device in [&bob, &carol] {
        device
            .weft(["permit", "remove", "--user", "*", "--task", "*"])
            .ok();
    }
    let task = run(&alice, &["--name", "log-digest"]);
    assert_eq!(task["status"], "deferred", "{task}");
    let id = text(&task, "task");
    let asked: Vec<[String; 2]> = leases(&alice, &id)
        .into_iter()
        .map(|[p, s, _]| [p, s])
        .collect();
    let refused = |device| [did(device), "refused".to_owned()];
    assert_eq!(asked, [refused(&bob), refused(&carol)]);
    let retry = text(&task, "retry_at");
    assert!(retry.ends_with("T02:00:00Z"), "{task}");
    let reason = text(&task, "reason");
    assert!(
        reason.ends_with("; peers failed at it, so it runs here off-peak at the latest"),
        "{task}"
    );
    // Another task makes the whole way; the first one is offered to nobody on the way.
    bob.weft(["permit", "add", "--user", "*", "--task", "*"])
        .ok();
    run(&alice, &["--name", "log-digest"]);
    assert_eq!(leases(&alice, &id).len(), 2, "nothing more was asked");
}
