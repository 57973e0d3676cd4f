//! Power cuts in the middle: of the worker, for good and for a moment; of the submitter.

use super::lab::{DAEMON, becomes, did, history, leases, rows, submit, three, two};
use weft_kit::wait;

/// Some seconds of work.
const SOME: [&str; 4] = ["--name", "workload-slow", "--params", r#"{"rounds": 3000}"#];

#[test]
fn a_worker_that_dies_is_given_up_and_the_next_one_does_it() {
    let [alice, mut bob, carol] = three(&["workload-slow"]);
    let id = submit(&alice, &SOME);
    becomes(&bob, &id, "running");
    bob.kill();
    let task = becomes(&alice, &id, "done");
    assert_eq!(task["peer"], *did(&carol), "{task}");
    let done = [
        [
            did(&bob),
            "lost".to_owned(),
            "it was not heard of for too long".to_owned(),
        ],
        [did(&carol), "done".to_owned(), String::new()],
    ];
    assert_eq!(leases(&alice, &id), done);

    // He comes back, does it to its end, and brings it: it is taken from him and changes nothing.
    let before = (
        task,
        history(&alice, &id),
        rows::<1>(&alice, "SELECT count(*) FROM carbon_impact"),
    );
    bob.start_with(&DAEMON);
    wait("his result is off his hands", || {
        let sql = "SELECT task_id FROM leases WHERE delivered_at IS NOT NULL";
        (rows::<1>(&bob, sql) == [[id.clone()]]).then_some(())
    });
    let after = super::lab::show(&alice, &id).expect("it is there");
    let carbon = rows::<1>(&alice, "SELECT count(*) FROM carbon_impact");
    assert_eq!((after, history(&alice, &id), carbon), before);
    assert_eq!(leases(&alice, &id), done);
    let dropped = alice.json(["mesh", "status"])["dropped"].clone();
    assert_eq!(
        dropped["result-not-asked"],
        serde_json::Value::Null,
        "he was asked: {dropped}"
    );
}

#[test]
fn a_worker_that_is_back_in_time_does_it_again() {
    let [alice, mut bob] = two(&["workload-slow"]);
    let id = submit(&alice, &SOME);
    becomes(&bob, &id, "running");
    bob.kill();
    bob.start_with(&DAEMON);
    let task = becomes(&alice, &id, "done");
    assert_eq!(task["peer"], *did(&bob), "{task}");
    assert_eq!(
        leases(&alice, &id),
        [[did(&bob), "done".to_owned(), String::new()]]
    );
    let lines = history(&bob, &id);
    let again = lines
        .iter()
        .any(|l| l == "queued: the node stopped while it ran; it is tried again");
    assert!(again, "{lines:?}");
}

#[test]
fn a_submitter_that_dies_gets_its_result_when_it_is_back_once() {
    let [mut alice, bob] = two(&["workload-slow"]);
    let id = submit(&alice, &SOME);
    becomes(&bob, &id, "running");
    alice.kill();
    becomes(&bob, &id, "done");
    alice.start_with(&DAEMON);
    let task = becomes(&alice, &id, "done");
    assert_eq!(task["peer"], *did(&bob), "{task}");
    assert_eq!(
        leases(&alice, &id),
        [[did(&bob), "done".to_owned(), String::new()]]
    );
    let lines = history(&alice, &id);
    assert_eq!(
        lines.iter().filter(|l| l.starts_with("done")).count(),
        1,
        "{lines:?}"
    );
    for device in [&alice, &bob] {
        assert_eq!(
            rows::<1>(device, "SELECT count(*) FROM carbon_impact"),
            [["1"]]
        );
    }
}
