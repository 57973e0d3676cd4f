//! Whatever a command refuses, it says in three parts: what, why, and what to do; and it has a stable code.

use rusqlite::Connection;
use weft_kit::Device;

/// What a person might type that can't be done, and the code that it gets.
const REFUSED: &[(&[&str], &str)] = &[
    (&["install", "nothing.car"], "not-found"),
    (&["install", "nothing"], "not-found"),
    (&["content", "add", "/nonexistent"], "not-found"),
    (&["content", "get", "nothing", "-o", "out"], "invalid"),
    (&["trust", "add", "junk"], "usage"),
    (&["trust", "test", "nothing"], "not-found"),
    (&["pin", "scorer", "nothing"], "not-found"),
    (&["unpin", "scorer"], "not-found"),
    (&["consent", "nothing"], "not-found"),
    (&["rollback", "scorer"], "not-found"),
    (&["history", "nothing"], "not-found"),
    (&["sync", "/nonexistent"], "not-found"),
    (&["quarantine", "lift", "scorer-latency"], "not-found"),
    (&["release", "inspect", "nothing"], "not-found"),
    (&["release", "verify", "nothing"], "not-found"),
    (&["release", "countersign", "nothing"], "not-found"),
    (
        &["release", "diff", "nothing", "scorer-latency"],
        "not-found",
    ),
    (&["plugin", "use", "scorer", "nothing"], "not-found"),
    (&["plugin", "use", "nothing", "scorer-latency"], "invalid"),
    (&["plugin", "rollback", "scorer"], "not-found"),
    (&["workload", "use", "x", "scorer-latency"], "invalid"),
    (&["receipt", "verify", "nothing"], "invalid"),
    (&["decision", "show", "nothing"], "invalid"),
    (&["vote", "show", "nothing"], "not-found"),
    (&["why", "nothing"], "not-found"),
    (&["task", "show", "nothing"], "not-found"),
    (&["model", "show", "nothing"], "not-found"),
];

#[test]
fn every_refusal_says_what_why_and_what_to_do() {
    let mut device = Device::new();
    device.start();
    let mut wrong = Vec::new();
    for (command, code) in REFUSED {
        let mut json = command.to_vec();
        json.push("--json");
        let refused = device.weft(json);
        let error = &refused.json()["error"];
        let text = |field: &str| error[field].as_str().unwrap_or_default();
        let leaks = ["{ ", "Err(", "Some("].map(|form| text("message").contains(form));
        if text("code") != *code
            || text("message").is_empty()
            || text("remedy").is_empty()
            || leaks.contains(&true)
        {
            wrong.push(format!("{command:?}: wanted {code}, got {error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // All that an install leaves behind is a note of it.
    let database = Connection::open(device.home().join("weft.db")).expect("the database");
    let noted: u32 = database
        .query_row(
            "SELECT count(*) FROM mesh_events WHERE kind = 'release.refused' AND severity = 'info'",
            [],
            |row| row.get(0),
        )
        .expect("a number");
    let installs = REFUSED.iter().filter(|(c, _)| c[0] == "install").count();
    assert_eq!(noted as usize, installs);
}
