//! The task goes to where the sun is, and comes back with a receipt.

use super::lab::{
    becomes, block, did, energy, history, leases, log_file, rows, run, submit, text, two,
};
use weft_kit::{Device, wait};
use weft_node::receipt::Receipt;

#[test]
fn a_task_of_a_house_on_coal_runs_where_the_sun_is() {
    let [alice, bob] = two(&[]);
    let log = log_file(alice.home().path(), "in.log", 200_000);
    let input = log.display().to_string();
    let what = [
        "--name",
        "log-digest",
        "--input",
        &input,
        "--watts",
        "5000",
        "--duration-ms",
        "60000",
    ];
    let task = run(&alice, &what);
    assert_eq!(task["status"], "done", "{task}");
    assert_eq!(task["peer"], *did(&bob), "{task}");
    let id = text(&task, "task");
    let at_bob = becomes(&bob, &id, "done");
    assert_eq!(at_bob["user"], *super::lab::ALICE, "{at_bob}");

    // The same bytes as where it never left the house.
    let home = Device::new();
    energy(&home, "solar", 95, 45);
    home.weft(["permit", "add", "--user", "*", "--task", "*"])
        .ok();
    let local = run(&home, &what);
    assert_eq!(
        (&local["status"], &local["peer"]),
        (&"done".into(), &"self".into()),
        "{local}"
    );
    let bytes = |task| std::fs::read(text(task, "output")).expect("an output");
    assert_eq!(bytes(&task), bytes(&local));
    assert_eq!(task["summary"], local["summary"]);

    let cid = text(&task, "receipt");
    let receipt = Receipt::open(&block(&alice, &cid)).expect("it is signed");
    assert_eq!(receipt.account.worker.to_string(), did(&bob));
    assert_eq!(receipt.account.task, id);
    let own = text(&local, "receipt");
    let own = Receipt::open(&block(&home, &own)).expect("it is signed");
    assert_eq!(receipt.claim, own.claim, "who computed it does not matter");

    // Both name both devices; what was avoided is the submitter's to count.
    let sql = "SELECT from_device, to_device, energy_wh, emitted_mg, avoided_mg FROM carbon_impact";
    let [[from, to, wh, emitted, avoided]] = &rows::<5>(&alice, sql)[..] else {
        panic!("one task, one row");
    };
    assert_eq!((from, to), (&did(&alice), &did(&bob)));
    let [wh, emitted, avoided] =
        [wh, emitted, avoided].map(|n| n.parse::<f64>().expect("a number"));
    let close = |found: f64, expected: f64| (found - expected).abs() <= 1.0;
    assert!(avoided > 0.0, "{avoided}");
    assert!(close(emitted, wh * 45.0), "{emitted} mg of {wh} Wh");
    assert!(
        close(avoided, wh * (820.0 - 45.0)),
        "{avoided} mg of {wh} Wh"
    );
    let [[from, to, _, _, _]] = &rows::<5>(&bob, sql)[..] else {
        panic!("one task, one row");
    };
    assert_eq!((from, to), (&did(&alice), &did(&bob)));

    let why = alice.json(["why", &id]);
    let ranking = why["ranking"].as_array().expect("candidates");
    let places: Vec<(String, &serde_json::Value)> = ranking
        .iter()
        .map(|c| (text(c, "peer"), &c["out"]))
        .collect();
    assert_eq!(places[0], (did(&bob), &serde_json::Value::Null), "{why}");
    assert_eq!(
        places[1],
        ("self".to_owned(), &"not-clean-enough".into()),
        "{why}"
    );
    let lines = history(&alice, &id);
    assert_eq!(
        lines,
        ["delegated: ", "delegated: the peer accepted it", "done: "]
    );
    assert_eq!(
        leases(&alice, &id),
        [[did(&bob), "done".to_owned(), String::new()]]
    );
}

#[test]
fn nothing_of_a_strangers_task_stays_where_it_ran() {
    let [alice, bob] = two(&[]);
    let log = log_file(alice.home().path(), "in.log", 400_000);
    let task = run(
        &alice,
        &[
            "--name",
            "log-digest",
            "--input",
            &log.display().to_string(),
        ],
    );
    assert_eq!(task["status"], "done", "{task}");
    let id = text(&task, "task");
    wait("both let go of what travelled", || {
        (super::lab::held(&alice) == 0 && super::lab::held(&bob) == 0).then_some(())
    });
    let at_bob = becomes(&bob, &id, "done");
    assert_eq!(at_bob["output"], serde_json::Value::Null, "{at_bob}");
    assert!(!bob.home().join(format!("outputs/{id}.out")).exists());
    let sql = "SELECT length(offer), length(result) FROM leases";
    assert_eq!(rows::<2>(&bob, sql), [["0", "0"]]);
}

#[test]
fn how_far_it_is_there_is_seen_here() {
    let [alice, bob] = two(&["workload-slow"]);
    let id = submit(
        &alice,
        &[
            "--name",
            "workload-slow",
            "--params",
            r#"{"rounds": 100000}"#,
        ],
    );
    let shown = wait("the peer says how much it has written", || {
        let shown = super::lab::show(&alice, &id)?;
        (shown["with_peer"]["written"].as_u64() > Some(0)).then_some(shown)
    });
    assert_eq!(shown["status"], "delegated", "{shown}");
    assert_eq!(shown["with_peer"]["running"], true, "{shown}");
    let said = alice.weft(["task", "show", &id]).ok().stdout;
    let first = said.lines().next().unwrap_or_default();
    assert!(
        first.starts_with("running on bob@example.com (did:key…"),
        "{said}"
    );
    assert!(first.contains("of output so far"), "{said}");
    alice.weft(["task", "cancel", &id]).ok();
    becomes(&bob, &id, "cancelled");
}
