//! A release's life as people see it, each in a home of their own: built, vouched for, published, installed, pinned,
//! replaced, rolled back, and carried to another machine by its lock file.

use serde_json::Value;
use tempfile::TempDir;
use weft_kit::Home;

/// A home of its own, with the DID of its owner's key.
fn home(user: &str) -> (Home, String) {
    let home = Home::new();
    home.weft(["init", "--user", user]).ok();
    let key = home.weft(["key", "show", "owner", "--json"]).ok().json();
    let did = key["did"].as_str().expect("a DID").to_owned();
    (home, did)
}

fn json(home: &Home, args: &[&str]) -> Value {
    home.weft(args.iter().copied().chain(["--json"]))
        .ok()
        .json()
}

/// Builds and publishes a guest's release; returns its CID.
fn publish(publisher: &Home, guest: &str, shelf: &TempDir) -> String {
    let file = weft_kit::guest(guest).display().to_string();
    let built = json(publisher, &["release", "build", &file]);
    let cid = built["release"].as_str().expect("a CID").to_owned();
    let shelf = shelf.path().display().to_string();
    json(publisher, &["publish", &cid, "--to", &shelf]);
    cid
}

/// What serves the scorer's slot, as the home's lock file says.
fn serving(home: &Home) -> String {
    let lock = std::fs::read_to_string(home.path().join("weft.lock")).expect("the lock file");
    let lock: toml::Table = lock.parse().expect("TOML");
    let targets = lock["target"].as_array().expect("targets");
    let scorer = targets
        .iter()
        .find(|t| t["target"].as_str() == Some("scorer"));
    let cid = scorer.and_then(|t| t["release"].as_str());
    cid.expect("what serves the scorer's slot").to_owned()
}

#[test]
fn a_reviewers_signature_is_what_an_owner_can_ask_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (publisher, _) = home("p@example.com");
    let (reviewer, reviewer_did) = home("r@example.com");
    let (owner, _) = home("a@example.com");
    let cid = publish(&publisher, "good-v1", &folder);
    let (plain, vouched) = (file("plain.car"), file("vouched.car"));
    json(&publisher, &["export", &cid, "-o", &plain]);

    let rule = ["--name", "good", "--target", "scorer"];
    let rule = [&rule[..], &["--role", "validator", "--key", &reviewer_did]].concat();
    json(&owner, &[&["trust", "add"], &rule[..]].concat());
    let install = |car: &str| owner.weft(["install", car, "--as", "scorer", "--yes", "--json"]);
    let error = install(&plain).code_is(4).json()["error"].clone();
    assert_eq!(error["code"], "untrusted", "{error}");
    owner.weft(["release", "verify", &plain]).code_is(4);

    json(
        &reviewer,
        &["release", "countersign", &plain, "-o", &vouched],
    );
    owner.weft(["release", "verify", &vouched]).ok();
    let shown = json(&owner, &["release", "inspect", &vouched]);
    assert!(shown.to_string().contains(&reviewer_did), "{shown}");
    install(&vouched).ok();
    assert_eq!(serving(&owner), cid);
}

#[test]
fn a_slot_is_pinned_renewed_and_rolled_back_and_another_machine_made_like_it() {
    let shelf = tempfile::tempdir().expect("a folder");
    let from = shelf.path().display().to_string();
    let (publisher, did) = home("p@example.com");
    let first = publish(&publisher, "good-v1", &shelf);
    let trust = [
        "trust", "add", "--name", "good", "--target", "scorer", "--key", &did,
    ];
    let (owner, _) = home("a@example.com");
    json(&owner, &trust);
    let install = [
        "install", &first, "--from", &from, "--as", "scorer", "--yes",
    ];
    json(&owner, &install);
    json(&owner, &["pin", "scorer", &first]);
    let pins = json(&owner, &["pin", "--list"]);
    assert!(pins.to_string().contains(&first), "{pins}");

    let second = publish(&publisher, "good-v2", &shelf);
    let outdated = json(&owner, &["outdated", "--from", &from]);
    let line = outdated["targets"].as_array().expect("targets").iter();
    let line = line.clone().find(|t| t["target"] == "scorer").expect("it");
    assert_eq!(line["newest"], 2, "{line}");
    let update = ["install", "good", "--from", &from, "--yes", "--json"];
    json(&owner, &["unpin", "scorer"]);
    owner.weft(["unpin", "scorer"]).code_is(3);
    owner.weft(update).ok();
    assert_eq!(serving(&owner), second);
    json(&owner, &["rollback", "scorer"]);
    assert_eq!(serving(&owner), first);
    let history = json(&owner, &["history", "scorer"]);
    let served: Vec<&str> = history
        .as_array()
        .expect("changes")
        .iter()
        .filter_map(|change| change["action"].as_str())
        .collect();
    assert_eq!(served[0], "rollback", "newest first: {history}");
    let quarantined = json(&owner, &["quarantine", "list"]);
    assert_eq!(quarantined, Value::Array(Vec::new()));

    // Another machine, from the lock file and the folder alone; it trusts nothing by itself.
    let (other, _) = home("b@example.com");
    let lock = owner.path().join("weft.lock").display().to_string();
    let sync = ["sync", &lock, "--from", &from, "--yes"];
    other.weft(sync).code_is(4);
    assert_ne!(serving(&other), first);
    json(&other, &trust);
    // What a lock file says of a release is compared before anything of it serves.
    let whole = std::fs::read_to_string(&lock).expect("the lock file");
    let wrong = owner.path().join("wrong.lock");
    for (from_text, to) in [
        ("name = \"good\"", "name = \"evil\""),
        ("revision = 1", "revision = 4"),
    ] {
        assert!(whole.contains(from_text), "{whole}");
        std::fs::write(&wrong, whole.replace(from_text, to)).expect("a file");
        let wrong = wrong.display().to_string();
        other
            .weft(["sync", &wrong, "--from", &from, "--yes"])
            .code_is(4);
        assert_ne!(serving(&other), first);
    }
    other.weft(sync).ok();
    assert_eq!(serving(&other), serving(&owner));
}
