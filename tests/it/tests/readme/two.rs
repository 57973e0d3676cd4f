//! What two people type on two machines, line by line and in its order: here each has a home and a daemon.

use super::{PEOPLE, words};
use std::path::Path;
use weft_kit::{Device, Home, wait, workspace};

/// A person at a machine.
struct Person {
    name: &'static str,
    device: Device,
}

/// What earlier lines gave for the placeholders.
#[derive(Default)]
struct Given {
    invite: String,
    task: String,
    cid: String,
}

#[test]
fn what_two_people_type_works() {
    let readme = std::fs::read_to_string(workspace().join("README.md")).expect("the README");
    let mut people = PEOPLE.map(|name| Person {
        name,
        device: Device::of(Home::new()),
    });
    // The part before this one made alice's home.
    let alice = &people[0].device;
    alice.weft(["init", "--user", "alice@example.com"]).ok();
    alice
        .weft([
            "energy",
            "set",
            "--type",
            "coal",
            "--percent",
            "5",
            "--grid",
            "820",
        ])
        .ok();
    // A first vote would hold the task back for its five minutes.
    for person in &people {
        let settings = person.device.home().join("weft.toml");
        if settings.is_file() {
            std::fs::write(settings, "voting = false\n").expect("settings");
        }
    }
    let mut given = Given::default();
    let mut typed = 0;
    for line in readme.lines() {
        for n in 0..people.len() {
            let prompt = format!("{}$ ", people[n].name);
            if let Some(command) = line.strip_prefix(&prompt) {
                run(&mut people, n, command, &mut given);
                typed += 1;
            }
        }
    }
    assert!(typed > 15, "the part about two machines is gone");
}

fn run(people: &mut [Person; 2], n: usize, line: &str, given: &mut Given) {
    let mut words = words(line);
    assert_eq!(words.remove(0), "weft", "{line}");
    for word in &mut words {
        match word.as_str() {
            "INVITE" => word.clone_from(&given.invite),
            "TASK" => word.clone_from(&given.task),
            "CID" => word.clone_from(&given.cid),
            "/var/log/dpkg.log" if !Path::new("/var/log/dpkg.log").is_file() => {
                let log = people[0].device.home().join("dpkg.log");
                std::fs::write(
                    &log,
                    "2026-06-18 11:00:00 status installed a:amd64 1.0\n".repeat(9),
                )
                .expect("a log");
                *word = log.display().to_string();
            }
            file if file.ends_with(".log") && !file.starts_with('/') => {
                *word = people[n].device.home().join(file).display().to_string();
            }
            _ => {}
        }
    }
    // Ports and addresses are the test's.
    if words[0] == "start" {
        people[n].device.start_with(&[("MESH_VOTING", "false")]);
        return;
    }
    if words[0] == "peers" {
        wait("bob is heard", || {
            let peers = people[0].device.json(["peers"]);
            let up = |p: &serde_json::Value| p["online"] == true && p["percent_clean"] == 95.0;
            peers.as_array()?.iter().any(up).then_some(())
        });
    }
    let device = &people[n].device;
    let ran = device.weft(&words).ok();
    assert!(
        !ran.stdout.trim().is_empty(),
        "{line} says nothing: {ran:?}"
    );
    match (words[0].as_str(), words.get(1).map(String::as_str)) {
        ("invite", _) => {
            given.invite = ran
                .stdout
                .split_whitespace()
                .next()
                .expect("an invite")
                .to_owned();
        }
        ("task", Some("submit")) => {
            let task = device.json(["task", "list"])[0].clone();
            assert_eq!(task["status"], "done", "{task}");
            let worker = people[1].device.network("device");
            assert_eq!(task["peer"], worker.as_str(), "it ran elsewhere: {task}");
            given.task = task["task"].as_str().expect("an id").to_owned();
        }
        ("content", Some("add")) => {
            let list = device.json(["content", "list"]);
            let owned = |c: &&serde_json::Value| c["pins"][0] == "owner";
            let added = list.as_array().expect("a list").iter().find(owned);
            given.cid = added.expect("what was added")["cid"]
                .as_str()
                .expect("a CID")
                .to_owned();
        }
        _ => {}
    }
}
