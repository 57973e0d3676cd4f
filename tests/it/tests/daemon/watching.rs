//! `weft watch`: every change, once, in order.

use crate::lab::{device, id};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use weft_kit::{Device, PATIENCE};

/// Tasks that are submitted: as many as a member may in a day, with the one before.
const TASKS: usize = 9;

/// A follower that is killed when the test ends.
struct Follower(Child);

impl Drop for Follower {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Follows, and hears each line.
fn follow(device: &Device, options: &[&str]) -> (Follower, Receiver<String>) {
    let mut child = device
        .command(["watch"].iter().chain(options))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("weft starts");
    let out = BufReader::new(child.stdout.take().expect("piped"));
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        // The test may have ended.
        out.lines()
            .map_while(Result::ok)
            .all(|line| tell.send(line).is_ok())
    });
    (Follower(child), told)
}

#[test]
fn each_change_is_told_once_and_in_order() {
    let mut device = device();
    device.start();
    let submit = |name: &str| {
        let task = device.json([
            "task",
            "submit",
            "--name",
            name,
            "--workload",
            "log-digest",
            "--wait",
        ]);
        assert_eq!(task["status"], "done", "{task}");
        id(&task).to_owned()
    };
    let before = submit("before");
    let (_follower, told) = follow(&device, &["--json", "-n", "1"]);
    let mut lines = Vec::new();
    let mut hear = |until: &str| {
        while lines
            .last()
            .is_none_or(|l: &Value| l["subject"] != until || l["kind"] != "task.done")
        {
            let line = told.recv_timeout(PATIENCE).expect("a line comes");
            lines.push(serde_json::from_str(&line).expect("it is JSON"));
        }
    };
    hear(&before);
    let tasks: Vec<String> = (0..TASKS).map(|n| submit(&format!("task-{n}"))).collect();
    hear(tasks.last().expect("one"));
    let of_tasks: Vec<(String, String)> = lines
        .iter()
        .filter(|l| tasks.iter().any(|t| l["subject"] == **t))
        .map(|l| {
            let text = |field: &str| l[field].as_str().unwrap_or_default().to_owned();
            assert!(text("at").ends_with('Z'), "{l}");
            (text("subject"), text("kind"))
        })
        .collect();
    let both = |t: &String| ["task.running", "task.done"].map(|kind| (t.clone(), kind.to_owned()));
    let expected: Vec<_> = tasks.iter().flat_map(both).collect();
    assert_eq!(of_tasks, expected);
}

#[test]
fn a_person_reads_lines_and_without_a_daemon_is_told_so() {
    let mut device = device();
    let none = device.refused(["watch"]);
    assert_eq!(
        (none.exit, none.code.as_str()),
        (3, "not-found"),
        "{none:?}"
    );
    assert!(none.remedy.ends_with("start"), "{none:?}");
    device.start();
    device
        .weft([
            "task",
            "submit",
            "--name",
            "digest",
            "--workload",
            "log-digest",
            "--wait",
        ])
        .ok();
    let (mut follower, told) = follow(&device, &["-n", "500"]);
    let line = loop {
        let line = told.recv_timeout(PATIENCE).expect("a line comes");
        if line.contains("task.done") {
            break line;
        }
    };
    assert!(line.starts_with("20"), "the time comes first: {line}");
    device.stop();
    let ended = follower.0.wait().expect("it ends with the daemon");
    assert!(!ended.success());
}
