//! A daemon in the middle of everything stops at once.

use crate::lab::{add, becomes, id, submit, two};
use serde_json::Value;
use std::process::Stdio;
use std::time::{Duration, Instant};
use weft_kit::wait;

/// The longest that a stop may take.
const STOP_LIMIT: Duration = Duration::from_secs(5);

#[test]
fn with_a_peer_a_job_and_a_transfer_it_stops_in_time() {
    let [mut alice, mut bob] = two(&[("MESH_CAP_BANDWIDTH_MBIT", "1")], &[]);
    let cid = add(&alice, "large", 16);
    let job = submit(&alice, "long", "workload-loops");
    becomes(&alice, &job, "running");
    let mut waits = alice
        .command([
            "task",
            "submit",
            "--name",
            "waits",
            "--workload",
            "workload-loops",
            "--wait",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("weft starts");
    let into = bob.home().join("got");
    let mut fetches = bob
        .command(["content", "get", &cid, "-o"])
        .arg(&into)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("weft starts");
    let partial = bob.home().join("content/partial").join(&cid);
    wait("the transfer is under way", || {
        partial.is_file().then_some(())
    });
    wait("the other job runs", || {
        let tasks = alice.json(["task", "list", "--status", "running"]);
        (tasks.as_array()?.len() == 2).then_some(())
    });
    // He who fetches first: his request is in flight, the other side still gives.
    for device in [&mut bob, &mut alice] {
        let begun = Instant::now();
        device.stop();
        let took = begun.elapsed();
        assert!(took < STOP_LIMIT, "it took {took:?}");
    }
    assert!(!fetches.wait().expect("it ends").success());
    waits.wait().expect("it ends");
    assert!(!into.exists(), "half a file is none");
    let queued = alice.json(["task", "show", id(&job)]);
    assert_eq!(queued["status"], "queued", "{queued}");

    // What was broken off goes on: the cap is gone, and what came is there.
    alice.start();
    let mesh = alice.json(["mesh", "status"]);
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let (at, peer) = (text(&mesh["listening"][0]), text(&mesh["peer_id"]));
    bob.start_with(&[("MESH_BOOTSTRAP", &format!("{at}/p2p/{peer}"))]);
    wait("they see each other again", || {
        (bob.connected() == 1 && alice.connected() == 1).then_some(())
    });
    bob.weft(["content", "get", &cid, "-o", &into.display().to_string()])
        .ok();
    becomes(&alice, &job, "running");
}
