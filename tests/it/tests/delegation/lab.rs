//! A street with one house on coal and others on the sun.

use rusqlite::Connection;
use serde_json::Value;
use std::path::{Path, PathBuf};
use weft_kit::{Device, wait};

pub use weft_kit::FOUNDER as ALICE;
pub const BOB: &str = "bob@example.com";
pub const CAROL: &str = "carol@example.com";

/// Nobody votes, and a silent worker is given up soon.
pub const DAEMON: [(&str, &str); 2] = [
    ("MESH_VOTING", "false"),
    ("MESH_WORKER_PATIENCE_SECONDS", "6"),
];

/// A device of Alice whose home holds these guests, bound to their own names; it runs on coal. Nothing runs yet.
pub fn coal(guests: &[&str]) -> Device {
    let alice = Device::new();
    for guest in guests {
        let file = weft_kit::guest(guest).display().to_string();
        alice.weft(["workload", "add", &file]).ok();
        alice.weft(["workload", "use", guest, guest]).ok();
    }
    alice.weft(["user", "set", "--idle-minutes", "0"]).ok();
    alice
        .weft(["permit", "add", "--user", "*", "--task", "*"])
        .ok();
    energy(&alice, "coal", 5, 820);
    alice
}

/// Her network is open, and her daemon runs; here, and only here, she is more than a free user.
pub fn open(alice: &mut Device) {
    alice.weft(["network", "create", "our-street"]).ok();
    let mut variables = DAEMON.to_vec();
    variables.push(("MESH_USER_QUOTA_TIER", "contributor"));
    alice.start_with(&variables);
}

/// A member's device that holds what `like` held, and runs on the sun; its daemon runs.
pub fn sunny(alice: &Device, like: Device, user: &str, percent: u32) -> Device {
    let mut device = like;
    let invite = alice.invite(&[]);
    device.weft(["join", &invite, "--as", user]).ok();
    energy(&device, "solar", percent, 45);
    device.start_with(&DAEMON);
    device
}

/// Alice on coal and Bob on the sun, who see each other; both homes hold these guests.
pub fn two(guests: &[&str]) -> [Device; 2] {
    let mut alice = coal(guests);
    let like = alice.like();
    open(&mut alice);
    let bob = sunny(&alice, like, BOB, 95);
    sees(&alice, &bob, 95.0);
    [alice, bob]
}

/// The same with Carol, who has less sun than Bob.
pub fn three(guests: &[&str]) -> [Device; 3] {
    let mut alice = coal(guests);
    let likes = [alice.like(), alice.like()];
    open(&mut alice);
    let [for_bob, for_carol] = likes;
    let bob = sunny(&alice, for_bob, BOB, 95);
    let carol = sunny(&alice, for_carol, CAROL, 80);
    sees(&alice, &bob, 95.0);
    sees(&alice, &carol, 80.0);
    [alice, bob, carol]
}

pub fn energy(device: &Device, kind: &str, percent: u32, grid: u32) {
    let (percent, grid) = (percent.to_string(), grid.to_string());
    let set = [
        "energy",
        "set",
        "--type",
        kind,
        "--percent",
        &percent,
        "--grid",
        &grid,
    ];
    device.weft(set).ok();
}

/// A device's key, as the network calls it.
pub fn did(device: &Device) -> String {
    device.network("device")
}

/// Waits until a device knows another one as a peer that is there, with this share of clean energy.
#[track_caller]
pub fn sees(device: &Device, other: &Device, percent: f64) {
    let id = did(other);
    wait("the peer is there, with its energy", || {
        let peers = device.json(["peers"]);
        let there = peers
            .as_array()?
            .iter()
            .any(|p| p["peer"] == *id && p["online"] == true && p["percent_clean"] == percent);
        there.then_some(())
    });
}

/// Submits a task and waits for its end; the report, whatever became of it.
#[track_caller]
pub fn run(device: &Device, args: &[&str]) -> Value {
    let mut all = vec!["task", "submit", "--wait", "--json"];
    all.extend(args);
    device.weft(&all).json()
}

/// Submits a task; its id.
#[track_caller]
pub fn submit(device: &Device, args: &[&str]) -> String {
    let mut all = vec!["task", "submit"];
    all.extend(args);
    text(&device.json(&all), "task")
}

/// A task as a device knows it; none where it does not.
pub fn show(device: &Device, task: &str) -> Option<Value> {
    let ran = device.weft(["task", "show", task, "--json"]);
    (ran.code == 0).then(|| ran.json())
}

/// Waits until a device says that a task has this status.
#[track_caller]
pub fn becomes(device: &Device, task: &str, status: &str) -> Value {
    let mut last = Value::Null;
    weft_kit::wait_at_most(
        weft_kit::PATIENCE,
        &format!("task {task} is {status}"),
        || {
            last = show(device, task)?;
            (last["status"] == status).then(|| last.clone())
        },
    )
}

/// What a task's history says, line by line: status and reason.
#[track_caller]
pub fn history(device: &Device, task: &str) -> Vec<String> {
    let why = device.json(["why", task]);
    let lines = why["history"].as_array().expect("a history");
    lines
        .iter()
        .map(|l| {
            let reason = l["reason"].as_str().unwrap_or_default();
            format!("{}: {reason}", text(l, "status"))
        })
        .collect()
}

/// Leases of a task at its submitter: peer, status and reason.
pub fn leases(device: &Device, task: &str) -> Vec<[String; 3]> {
    let sql = format!(
        "SELECT to_device, status, coalesce(reason, '') FROM task_delegations WHERE task_id = '{task}' ORDER BY attempt"
    );
    rows(device, &sql)
}

/// All rows of a query on a device's database.
#[track_caller]
pub fn rows<const N: usize>(device: &Device, sql: &str) -> Vec<[String; N]> {
    let database = database(device);
    let mut statement = database
        .prepare(sql)
        .unwrap_or_else(|e| panic!("{sql}: {e}"));
    let cell = |row: &rusqlite::Row<'_>, i| -> rusqlite::Result<String> {
        Ok(match row.get::<_, rusqlite::types::Value>(i)? {
            rusqlite::types::Value::Null => String::new(),
            rusqlite::types::Value::Integer(n) => n.to_string(),
            rusqlite::types::Value::Real(x) => x.to_string(),
            rusqlite::types::Value::Text(t) => t,
            rusqlite::types::Value::Blob(b) => format!("{} bytes", b.len()),
        })
    };
    let read = statement.query_map([], |row| {
        let mut cells: [String; N] = std::array::from_fn(|_| String::new());
        for (i, out) in cells.iter_mut().enumerate() {
            *out = cell(row, i)?;
        }
        Ok(cells)
    });
    read.and_then(Iterator::collect)
        .unwrap_or_else(|e| panic!("{sql}: {e}"))
}

pub fn database(device: &Device) -> Connection {
    let database = Connection::open(device.home().join("weft.db")).expect("the database");
    let patience = std::time::Duration::from_secs(10);
    database.busy_timeout(patience).expect("a time-out");
    database
}

/// The bytes of a record in a device's block table.
#[track_caller]
pub fn block(device: &Device, cid: &str) -> Vec<u8> {
    let database = database(device);
    database
        .query_row("SELECT bytes FROM blocks WHERE cid = ?1", [cid], |row| {
            row.get(0)
        })
        .unwrap_or_else(|e| panic!("{cid}: {e}"))
}

/// How many contents a device keeps for leases and for tasks that it gave away.
pub fn held(device: &Device) -> usize {
    let sql = "SELECT holder FROM content_pins WHERE holder LIKE 'lease:%' OR holder LIKE 'task:%'";
    rows::<1>(device, sql).len()
}

/// Writes a log of so many bytes, whose lines all differ.
pub fn log_file(folder: &Path, name: &str, bytes: usize) -> PathBuf {
    let mut text = String::with_capacity(bytes + 100);
    let mut n = 0_u64;
    while text.len() < bytes {
        n += 1;
        let ip = n % 251;
        text.push_str(&format!(
            "Nov 21 20:00:{:02} host app[{n}]: request {n} from 10.0.0.{ip} took {} ms\n",
            n % 60,
            n * 7 % 1_000
        ));
    }
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a log");
    path
}

pub fn text(value: &Value, field: &str) -> String {
    let text = value[field].as_str();
    text.unwrap_or_else(|| panic!("no `{field}`: {value}"))
        .to_owned()
}
