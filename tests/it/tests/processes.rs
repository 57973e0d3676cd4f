//! Real processes on one home: a daemon and commands through it, commands side by side, a database of tomorrow, and
//! a daemon that is killed again and again.

use rusqlite::Connection;
use serde_json::Value;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use weft_api::{Client, Request, Response};
use weft_kit::Home;
use weft_ledger::{Chain, SignedEvent};
use weft_model::task::TaskSpec;

/// How long a test waits for what should come soon, before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Names the seed of a run that is to be repeated.
const SEED_VARIABLE: &str = "WEFT_TEST_SEED";

/// A home with clean energy and no rest between tasks.
fn new_home() -> Home {
    let home = Home::new();
    home.weft(["init", "--user", "alice@example.com"]).ok();
    home.weft(["energy", "set", "--type", "solar", "--percent", "95"])
        .ok();
    home.weft(["user", "set", "--idle-minutes", "0", "--timezone", "UTC"])
        .ok();
    home
}

/// A daemon that is killed when the test ends.
struct Daemon(Child);

impl Daemon {
    /// One that may not listen yet; its first line comes on the channel when it does.
    fn spawn(home: &Home) -> (Self, mpsc::Receiver<String>) {
        let mut child = home
            .command(["start", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("weft starts");
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let mut line = String::new();
            // A daemon that was killed says nothing, and then nobody listens.
            if out.read_line(&mut line).is_ok_and(|n| n > 0) {
                let _ = tell.send(line);
            }
        });
        (Self(child), told)
    }

    /// One that listens.
    fn start(home: &Home) -> Self {
        let (daemon, told) = Self::spawn(home);
        let line = told.recv_timeout(PATIENCE).expect("the daemon listens");
        let ready: Value = serde_json::from_str(&line).expect("the line is JSON");
        assert_eq!(ready["pid"], daemon.0.id());
        daemon
    }

    fn kill(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}

fn database(home: &Home) -> Connection {
    Connection::open(home.join("weft.db")).expect("the database")
}

fn texts(database: &Connection, query: &str) -> Vec<String> {
    let mut statement = database
        .prepare(query)
        .unwrap_or_else(|e| panic!("{query}: {e}"));
    let rows = statement.query_map([], |row| row.get(0));
    rows.and_then(Iterator::collect)
        .unwrap_or_else(|e| panic!("{query}: {e}"))
}

#[test]
fn commands_go_through_the_daemon_and_a_second_one_is_refused() {
    let home = new_home();
    assert_eq!(home.weft(["status", "--json"]).ok().json()["daemon"], false);
    let daemon = Daemon::start(&home);
    assert_eq!(home.weft(["status", "--json"]).ok().json()["daemon"], true);
    let second = home.weft(["start", "--json"]).code_is(5).json();
    assert_eq!(second["error"]["code"], "busy", "{second}");
    let submit = [
        "task",
        "submit",
        "--name",
        "digest",
        "--workload",
        "log-digest",
        "--wait",
        "--json",
    ];
    let done = home.weft(submit).ok().json();
    assert_eq!(done["status"], "done", "{done}");
    let id = done["task"].as_str().expect("an id");
    home.weft(["why", id]).ok();
    drop(daemon);
    let shown = home.weft(["task", "show", id, "--json"]).ok().json();
    assert_eq!(
        shown["status"], "done",
        "a killed daemon's tasks are there: {shown}"
    );
}

#[test]
fn a_task_that_runs_when_the_daemon_stops_is_run_again_and_not_taken_back() {
    let home = new_home();
    let loops = weft_kit::guest("workload-loops").display().to_string();
    home.weft(["workload", "add", &loops]).ok();
    let mut daemon = Daemon::start(&home);
    let submit = [
        "task",
        "submit",
        "--name",
        "long",
        "--workload",
        "workload-loops",
        "--json",
    ];
    let running = home.weft(submit).ok().json();
    assert_eq!(running["status"], "running", "{running}");
    home.weft(["stop"]).ok();
    assert!(daemon.0.wait().expect("it ends").success());
    let id = running["task"].as_str().expect("an id");
    let waiting = home.weft(["task", "show", id, "--json"]).ok().json();
    assert_eq!(waiting["status"], "queued", "{waiting}");
    let taken = home.weft(["task", "cancel", id, "--json"]).ok().json();
    assert_eq!(taken["status"], "cancelled", "{taken}");
}

#[test]
fn two_commands_at_once_on_one_home_both_succeed() {
    let home = new_home();
    let spawn = |name: &str| {
        home.command([
            "task",
            "submit",
            "--name",
            name,
            "--workload",
            "log-digest",
            "--wait",
            "--json",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("weft starts")
    };
    for child in [spawn("one"), spawn("two")] {
        let output = child.wait_with_output().expect("it ends");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let task: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(task["status"], "done", "{task}");
    }
    let list = home.weft(["task", "list", "--json"]).ok().json();
    assert_eq!(list.as_array().map(Vec::len), Some(2), "{list}");
}

#[test]
fn a_database_of_a_newer_weft_is_refused_and_left_alone() {
    let home = new_home();
    let set = "PRAGMA user_version = 999";
    database(&home).execute_batch(set).expect("a version");
    for verb in [&["status", "--json"][..], &["start", "--json"]] {
        let error = home.weft(verb).code_is(1).json()["error"].clone();
        assert_eq!(error["code"], "newer-database", "{error}");
        let message = error["message"].as_str().unwrap_or_default();
        assert!(
            message.contains("999") && message.contains("upgrade"),
            "{error}"
        );
    }
    let version: i64 = database(&home)
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .expect("a version");
    assert_eq!(version, 999);
}

/// A small generator of numbers that a seed repeats.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Submits `count` tasks through the daemon, and tells the id of each that was acknowledged.
fn submit(home: &Home, round: usize, count: u64, acknowledged: &mpsc::Sender<String>) {
    let Some(client) = Client::of_daemon(home.path()) else {
        return;
    };
    for n in 0..count {
        let spec: TaskSpec = serde_json::from_value(serde_json::json!({
            "name": format!("task-{round}-{n}"), "user": "", "workload": "log-digest",
        }))
        .expect("a task");
        match client.call(Request::TaskSubmit { spec, wait: false }) {
            Ok(Response::Task(task)) => acknowledged.send(task.task).expect("the test listens"),
            Ok(other) => panic!("{other:?}"),
            // It was killed.
            Err(e) => {
                assert_eq!(e.code, "unavailable", "{e:?}");
                return;
            }
        }
    }
}

#[test]
fn what_a_killed_daemon_acknowledged_is_kept() {
    const ROUNDS: usize = 100;
    /// The rounds end early when the machine is slow.
    const LONGEST: Duration = Duration::from_secs(75);
    const FEWEST: usize = 10;
    /// At most 256 tasks may wait on a device.
    const TASKS_A_ROUND: u64 = 2;
    const UNTIL_KILL_US: u64 = 60_000;
    let seed = std::env::var(SEED_VARIABLE).map_or_else(
        |_| RandomState::new().hash_one(0) | 1,
        |seed| seed.parse().expect("a seed is a number above 0"),
    );
    println!("{SEED_VARIABLE}={seed}");
    let mut random = Random(seed);
    let home = new_home();
    let (acknowledge, acknowledged) = mpsc::channel();
    let mut kept = Vec::new();
    let began = Instant::now();
    let mut rounds = 0;
    while rounds < ROUNDS && (rounds < FEWEST || began.elapsed() < LONGEST * weft_kit::budget()) {
        let until = Duration::from_micros(random.below(UNTIL_KILL_US));
        let (mut daemon, listening) = Daemon::spawn(&home);
        // One in eight does not live to listen.
        if random.below(8) == 0 {
            let early = listening.recv_timeout(until);
            assert_ne!(
                early,
                Err(mpsc::RecvTimeoutError::Disconnected),
                "the daemon died by itself"
            );
            daemon.kill();
        } else {
            listening
                .recv_timeout(PATIENCE)
                .expect("the daemon listens");
            std::thread::scope(|scope| {
                let (home, acknowledge, round) = (&home, &acknowledge, rounds);
                scope.spawn(move || submit(home, round, TASKS_A_ROUND, acknowledge));
                // Nobody sends: the moment is the seed's, in the middle of a submission or of a job.
                let (_hold, never) = mpsc::channel::<()>();
                let _ = never.recv_timeout(until);
                daemon.kill();
            });
        }
        kept.extend(acknowledged.try_iter());
        rounds += 1;
    }
    let took = began.elapsed();
    println!(
        "{rounds} rounds, {} tasks acknowledged, {took:?}",
        kept.len()
    );
    assert!(
        !kept.is_empty(),
        "no task was acknowledged in {rounds} rounds"
    );

    let listed = home
        .weft(["task", "list", "--limit", "10000", "--json"])
        .ok()
        .json();
    let listed: Vec<&Value> = listed.as_array().expect("a list").iter().collect();
    assert!(
        listed.iter().all(|t| t["status"] != "running"),
        "{listed:?}"
    );
    let database = database(&home);
    assert_eq!(texts(&database, "PRAGMA integrity_check"), ["ok"]);
    for id in &kept {
        assert!(
            listed.iter().any(|t| t["task"] == **id),
            "`{id}` was acknowledged and is gone"
        );
        for table in ["decisions", "execution_history"] {
            let rows = texts(
                &database,
                &format!("SELECT task_id FROM {table} WHERE task_id = '{id}'"),
            );
            assert!(!rows.is_empty(), "`{id}` has no row in {table}");
        }
    }
    let lost = "SELECT cid FROM decisions WHERE cid NOT IN (SELECT cid FROM blocks)";
    assert_eq!(
        texts(&database, lost),
        [""; 0],
        "decisions without their record"
    );
    let unfinished = std::fs::read_dir(home.join("outputs"))
        .expect("the outputs")
        .map(|e| e.expect("an entry").file_name().display().to_string())
        .find(|name| !name.ends_with(".out"));
    assert_eq!(unfinished, None, "what a killed job wrote is left");
    verify_chain(&database);
    let doctor = home.weft(["doctor", "--json"]).json();
    assert_eq!(doctor["ok"], true, "{doctor}");
}

/// Every event of the log is signed, and follows the one before.
fn verify_chain(database: &Connection) {
    let network = texts(database, "SELECT value FROM meta WHERE key = 'network'");
    let authors = texts(database, "SELECT DISTINCT author FROM events");
    assert_eq!(authors.len(), 1, "{authors:?}");
    let mut statement = database
        .prepare("SELECT bytes FROM events ORDER BY seq")
        .expect("the log");
    let events: Vec<SignedEvent> = statement
        .query_map([], |row| row.get::<_, Vec<u8>>(0))
        .expect("the log")
        .map(|bytes| SignedEvent::decode(&bytes.expect("an event")).expect("it decodes"))
        .collect();
    let network = network[0].parse().expect("a CID");
    let author = authors[0].parse().expect("a DID");
    Chain::verify(network, author, &events).expect("the chain is whole");
}
