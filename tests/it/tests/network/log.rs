//! The log as people see it, which is the same on all devices.

use super::lab::{ALICE, BOB, CAROL, agree, rows, text, three};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn the_log_of_a_network_is_shown_checked_counted_and_written_out() {
    let [alice, bob, carol] = three();
    bob.weft(["vote", "open", "ocr", "--minutes", "30"]).ok();
    let digest = agree(&[&alice, &bob, &carol]);

    let stats = alice.json(["log", "stats"]);
    assert_eq!(stats["digest"], *digest);
    assert_eq!(stats["events"], 6, "{stats}");
    assert_eq!(
        (&stats["void"], &stats["devices"]),
        (&Value::from(0), &Value::from(2))
    );
    assert_eq!(stats["frozen"], serde_json::json!([]));
    let kinds = serde_json::json!({
        "network-named": 1, "member-added": 2, "device-certified": 2, "poll-opened": 1,
    });
    assert_eq!(stats["kinds"], kinds);
    for device in [&bob, &carol] {
        assert_eq!(device.json(["log", "stats"]), stats);
    }

    let events = |list: &Value| -> BTreeSet<String> {
        rows(list).iter().map(|e| text(e, "event")).collect()
    };
    let tail = alice.json(["log", "tail"]);
    assert_eq!(rows(&tail).len(), 6, "{tail}");
    assert_eq!(events(&carol.json(["log", "tail"])), events(&tail));
    let last = alice.json(["log", "tail", "-n", "1"]);
    let last = &rows(&last)[0];
    assert_eq!(last["kind"], "poll-opened", "{last}");
    assert_eq!(
        (text(last, "user"), &last["seq"]),
        (BOB.to_owned(), &Value::from(1))
    );
    let shown = carol.json(["log", "show", &text(last, "event")]);
    assert_eq!(shown["body"]["poll-opened"]["task_name"], "ocr", "{shown}");
    assert_eq!(shown["author"], last["author"]);
    let none = carol.refused(["log", "show", "bafkreia"]);
    assert_eq!((none.exit, none.code.as_str()), (3, "not-found"));
    assert_eq!(none.message, "there is no event `bafkreia`");
    assert_eq!(none.remedy, "weft log tail");

    for device in [&alice, &bob, &carol] {
        let verified = device.json(["log", "verify"]);
        assert_eq!(verified["ok"], true, "{verified}");
        assert_eq!(verified["problems"], serde_json::json!([]));
        assert_eq!(
            (&verified["events"], &verified["digest"]),
            (&Value::from(6), &stats["digest"])
        );
    }

    bob.weft(["log", "export", "events.jsonl"]).ok();
    let path = bob.home().join("events.jsonl");
    let lines = std::fs::read_to_string(path).expect("the export");
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let list = Value::from(lines);
    assert_eq!(events(&list), events(&tail));
    assert!(rows(&list).iter().all(|e| e["body"].is_object()), "{list}");
    let users: BTreeSet<String> = rows(&list).iter().map(|e| text(e, "user")).collect();
    assert_eq!(users, BTreeSet::from([ALICE.to_owned(), BOB.to_owned()]));
    let again = bob.refused(["log", "export", "events.jsonl"]);
    assert_eq!((again.exit, again.code.as_str()), (4, "conflict"));
    assert_eq!(again.remedy, "choose another name");
    assert!(!users.contains(CAROL), "she has said nothing");
}

#[test]
fn a_log_that_was_tampered_with_is_told() {
    let [mut alice, bob, _carol] = three();
    alice.stop();
    let database = rusqlite::Connection::open(alice.home().join("weft.db")).expect("the database");
    let sql = "UPDATE events SET bytes = (SELECT bytes FROM events WHERE kind = 'network-named')
        WHERE id = (SELECT max(id) FROM events)";
    assert_eq!(database.execute(sql, []).expect("a change"), 1);
    drop(database);
    let ran = alice.weft(["log", "verify", "--json"]);
    assert_ne!(ran.code, 0, "{}", ran.stdout);
    assert_eq!(bob.json(["log", "verify"])["ok"], true);
}
