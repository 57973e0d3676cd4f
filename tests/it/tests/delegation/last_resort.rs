//! When every peer failed, the off-peak hours: the task is done here, whatever the energy is.

use super::lab::{BOB, DAEMON, becomes, coal, did, energy, leases, open, run, sees, text};
use weft_api::{Client, Request};
use weft_kit::{Device, wait};

/// Milliseconds in a day.
const DAY: u128 = 24 * 3_600_000;
/// From noon until two in the night and a minute, in milliseconds.
const UNTIL_TWO: i64 = 14 * 3_600_000 + 60_000;

/// Noon in UTC, two days from now: later than all that the log holds, and the same for both.
fn noon() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let days = now.expect("a clock").as_millis() / DAY + 2;
    (days * DAY + DAY / 2).to_string()
}

fn start(device: &mut Device, noon: &str) {
    let mut variables = DAEMON.to_vec();
    variables.push((weft_api::CLOCK, noon));
    device.start_with(&variables);
}

#[test]
fn what_no_peer_does_is_done_here_in_the_night() {
    let mut alice = coal(&[]);
    let mut bob = alice.like();
    open(&mut alice);
    bob.weft(["join", &alice.invite(&[]), "--as", BOB]).ok();
    energy(&bob, "solar", 95, 45);
    let any = ["--user", "*", "--task", "*"];
    bob.weft(["permit", "remove"].iter().chain(&any)).ok();
    let noon = noon();
    start(&mut bob, &noon);
    // So that she knows where he is when she comes back.
    sees(&alice, &bob, 95.0);
    alice.stop();
    start(&mut alice, &noon);
    sees(&alice, &bob, 95.0);

    let task = run(&alice, &["--name", "log-digest"]);
    assert_eq!(task["status"], "deferred", "{task}");
    assert!(text(&task, "retry_at").ends_with("T02:00:00Z"), "{task}");
    let id = text(&task, "task");
    let client = Client::of_daemon(alice.home().path()).expect("her daemon");
    // One minute before, nothing has changed.
    let forward = |ms| client.call(Request::ClockForward { ms }).map(drop);
    forward(UNTIL_TWO - 120_000).expect("her clock can be moved");
    wait("it waits still", || {
        let shown = super::lab::show(&alice, &id)?;
        (shown["status"] == "deferred").then_some(())
    });
    forward(120_000).expect("her clock can be moved");
    let done = becomes(&alice, &id, "done");
    assert_eq!(done["peer"], "self", "{done}");
    let [[peer, status, _]] = &leases(&alice, &id)[..] else {
        panic!("asked once: {:?}", leases(&alice, &id));
    };
    assert_eq!((peer, status.as_str()), (&did(&bob), "refused"));
}
