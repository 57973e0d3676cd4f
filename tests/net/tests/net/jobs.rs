//! A job between two members who reach each other through a relay alone.

use super::{agree, nat};
use serde_json::Value;
use std::fs;
use weft_kit::wait;
use weft_net::{Nat, Node, ready};

/// What Bob asks for: it needs the model, which Carol has.
const TEXTS: &str = "the sun is shining\na cloudy day\n";

/// Coal everywhere but where Carol is; anybody may run anything.
fn prepare(node: &Node, kind: &str, percent: &str, grid: &str) {
    node.json(["user", "set", "--idle-minutes", "0"]);
    node.json(["permit", "add", "--user", "*", "--task", "*"]);
    node.json([
        "energy",
        "set",
        "--type",
        kind,
        "--percent",
        percent,
        "--grid",
        grid,
    ]);
}

fn text(value: &Value, key: &str) -> String {
    let found = value[key].as_str();
    found
        .unwrap_or_else(|| panic!("no `{key}`: {value}"))
        .to_owned()
}

#[test]
fn embeddings_are_computed_behind_a_relay_and_both_ledgers_say_so() {
    if !ready() {
        return;
    }
    let nat::Three {
        alice, bob, carol, ..
    } = &nat::three(Nat::Symmetric);
    prepare(alice, "coal", "5", "820");
    prepare(bob, "coal", "5", "820");
    prepare(carol, "solar", "95", "45");
    wait("Bob knows that the sun shines at Carol's", || {
        let peers = bob.json(["peers"]);
        let mut peers = peers.as_array().expect("a list").iter();
        let row = peers.find(|p| p["peer"] == carol.did())?;
        (row["percent_clean"] == 95.0 && row["path"] == "relayed").then_some(())
    });

    let input = bob.home().join("texts.txt");
    fs::write(&input, TEXTS).expect("the texts");
    let input = input.display().to_string();
    let task = bob.json([
        "task",
        "submit",
        "--wait",
        "--name",
        "embeddings",
        "--input",
        &input,
        "--watts",
        "5000",
    ]);
    assert_eq!(
        (&task["status"], &task["peer"]),
        (&"done".into(), &carol.did().into()),
        "{task}"
    );
    assert_eq!(bob.path(carol), "relayed");
    let vectors = fs::read_to_string(text(&task, "output")).expect("the output");
    assert_eq!(vectors.lines().count(), 2, "{vectors}");

    // Bob has the model, too: he computes it again, and gets what Carol signed.
    let receipt = text(&task, "receipt");
    let shown = bob.json(["receipt", "show", &receipt]);
    assert_eq!(shown["worker"], carol.did(), "{shown}");
    let model = bob.json(["model", "show", "mini"]);
    assert_eq!(shown["models"], serde_json::json!([model["cid"]]));
    let verified = bob.json(["receipt", "verify", &receipt]);
    assert_eq!(verified["again"]["equal"], true, "{verified}");

    let id = text(&task, "task");
    wait("Carol knows that it arrived", || {
        (carol.json(["task", "show", &id])["status"] == "done").then_some(())
    });
    for ledger in [bob, carol].map(|node| node.json(["carbon", "report"])) {
        assert_eq!(ledger["tasks"], 1, "{ledger}");
        let line = &ledger["best"];
        assert_eq!(
            (&line["task"], &line["from"], &line["to"]),
            (&"embeddings".into(), &bob.did().into(), &carol.did().into()),
            "{ledger}"
        );
    }
    agree(&[alice, bob, carol]);
}
