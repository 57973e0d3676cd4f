//! `weft doctor` on what is around the node.

use crate::lab::{device, set, two};
use serde_json::Value;
use std::net::TcpListener;
use std::time::{SystemTime, UNIX_EPOCH};
use weft_kit::{Device, wait};

/// Milliseconds that a clock is ahead by.
const AHEAD_MS: u128 = 30 * 60 * 1_000;

/// One check of the doctor's.
fn check(device: &Device, name: &str) -> Value {
    let mut command = device.command(["doctor", "--json"]);
    let doctor = command.output().expect("weft runs");
    let report: Value = serde_json::from_slice(&doctor.stdout).expect("it is JSON");
    let checks = report["checks"].as_array().expect("checks");
    let found = checks.iter().find(|c| c["check"] == name);
    found
        .unwrap_or_else(|| panic!("no `{name}`: {report}"))
        .clone()
}

/// Waits until a check says so.
fn says(device: &Device, name: &str, result: &str, words: &str) -> Value {
    wait(&format!("`{name}` is {result} with `{words}`"), || {
        let check = check(device, name);
        let found = check["found"].as_str()?;
        (check["result"] == result && found.contains(words)).then_some(check)
    })
}

#[test]
fn a_port_that_is_taken_is_named_before_the_daemon_fails() {
    let device = device();
    assert_eq!(check(&device, "ports")["result"], "ok", "no mesh, no port");
    device.weft(["network", "create", "our-street"]).ok();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let address = format!("/ip4/127.0.0.1/tcp/{port}");
    let mut doctor = device.command(["doctor", "--json"]);
    let doctor = doctor.env("MESH_LISTEN", &address).output();
    let doctor = doctor.expect("weft runs");
    assert_eq!(doctor.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&doctor.stdout).expect("it is JSON");
    let text = report.to_string();
    assert!(
        text.contains(&address) && text.contains("setting listen"),
        "{text}"
    );
}

#[test]
fn peers_that_are_missed_and_clocks_that_differ_are_named() {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a time");
    let ahead = (now.as_millis() + AHEAD_MS).to_string();
    let [alice, mut bob] = two(&[], &[("WEFT_CLOCK", &ahead)]);
    says(&alice, "ports", "ok", "listens on /ip4/127.0.0.1/tcp/");
    says(&alice, "peers", "ok", "1 of 1 other devices connected");
    assert_eq!(check(&alice, "way in")["result"], "ok");
    let submit = [
        "task",
        "submit",
        "--name",
        "digest",
        "--workload",
        "log-digest",
    ];
    bob.weft(submit).ok();
    let clock = says(&alice, "clock", "warning", "ahead of this clock");
    assert!(clock["remedy"].as_str().is_some_and(|r| r.contains("NTP")));
    assert_eq!(
        check(&bob, "clock")["result"],
        "ok",
        "his own is right to him"
    );
    bob.stop();
    let peers = says(&alice, "peers", "warning", "bob@example.com");
    assert!(
        peers["remedy"]
            .as_str()
            .is_some_and(|r| r.contains("weft mesh status"))
    );
}

#[test]
fn content_that_nearly_fills_its_cap_is_told() {
    let device = device();
    let list = device.json(["content", "list"]);
    let sizes = list.as_array().expect("a list").iter();
    let bytes: u64 = sizes.map(|c| c["size"].as_u64().expect("a size")).sum();
    set(&device, &format!("cap_disk_mb = {}", bytes / 1_000_000));
    let disk = check(&device, "disk");
    assert_eq!(disk["result"], "warning", "{disk}");
    let found = disk["found"].as_str().expect("a text");
    assert!(found.contains("(cap_disk_mb)"), "{disk}");
    set_off(&device);
    let found = check(&device, "disk");
    assert!(!found.to_string().contains("content takes"), "{found}");
}

fn set_off(device: &Device) {
    let path = device.home().join("weft.toml");
    let text = std::fs::read_to_string(&path).expect("the settings");
    let kept: Vec<&str> = text
        .lines()
        .filter(|l| !l.starts_with("cap_disk_mb"))
        .collect();
    std::fs::write(&path, kept.join("\n")).expect("written");
}
