//! Taken back by who submitted it, or by who runs it.

use super::lab::{becomes, did, history, leases, submit, three, two};
use weft_kit::wait;

const FOR_EVER: [&str; 4] = [
    "--name",
    "workload-slow",
    "--params",
    r#"{"rounds": 1000000}"#,
];

#[test]
fn a_task_that_is_taken_back_stops_where_it_runs() {
    let [alice, bob] = two(&["workload-slow"]);
    let id = submit(&alice, &FOR_EVER);
    becomes(&bob, &id, "running");
    alice.weft(["task", "cancel", &id]).ok();
    let here = becomes(&alice, &id, "cancelled");
    assert_eq!(here["reason"], "taken back by its submitter", "{here}");
    let there = becomes(&bob, &id, "cancelled");
    assert_eq!(there["reason"], "taken back by its submitter", "{there}");
    wait("the job has ended: what it had written is gone", || {
        let outputs = std::fs::read_dir(bob.home().join("outputs")).expect("a folder");
        (outputs.count() == 0).then_some(())
    });
    let [[peer, status, _]] = &leases(&alice, &id)[..] else {
        panic!("one lease");
    };
    assert_eq!((peer, status.as_str()), (&did(&bob), "cancelled"));
    // A lease that is over takes no room.
    let open = super::lab::rows::<1>(&bob, "SELECT count(*) FROM leases WHERE result IS NULL");
    assert_eq!(open, [["0"]]);
}

#[test]
fn a_worker_that_takes_it_back_is_a_peer_that_failed() {
    let [alice, bob, carol] = three(&["workload-slow"]);
    let id = submit(&alice, &FOR_EVER);
    becomes(&bob, &id, "running");
    bob.weft(["task", "cancel", &id]).ok();
    becomes(&carol, &id, "running");
    let lines = history(&alice, &id);
    assert!(
        lines
            .iter()
            .any(|l| l.starts_with("queued: bob@example.com (did:key…")
                && l.contains(" failed: taken back by its submitter; the next best is asked")),
        "{lines:?}"
    );
    alice.weft(["task", "cancel", &id]).ok();
    becomes(&carol, &id, "cancelled");
}
