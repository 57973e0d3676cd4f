//! The log on stderr: quiet libraries, and lines for programs.

use crate::lab::{device, two};
use serde_json::Value;
use std::fs;

#[test]
fn log_lines_are_objects_where_that_is_wanted() {
    let mut device = device();
    device.start_with(&[
        ("WEFT_LOG_FORMAT", "json"),
        ("WEFT_LOG", "weft=debug"),
        ("MESH_HTTP_LISTEN", "127.0.0.1:0"),
    ]);
    device.stop();
    let log = fs::read_to_string(device.home().join("daemon.log")).expect("the log");
    let lines: Vec<Value> = log
        .lines()
        .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}")))
        .collect();
    let shown = lines.iter().find(|l| {
        let message = l["message"].as_str().unwrap_or_default();
        message.starts_with("figures are shown")
    });
    let shown = shown.unwrap_or_else(|| panic!("not in {log}"));
    assert_eq!(shown["level"], "INFO");
    assert_eq!(shown["target"], "weft::verbs::start");
    assert!(shown["timestamp"].is_string(), "{shown}");
}

#[test]
fn another_format_is_refused() {
    let device = device();
    let mut status = device.command(["status", "--json"]);
    let refused = status.env("WEFT_LOG_FORMAT", "yaml").output();
    let refused = refused.expect("it ends");
    let said: Value = serde_json::from_slice(&refused.stdout).expect("it is JSON");
    assert_eq!(said["error"]["code"], "invalid", "{said}");
    let message = said["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains("WEFT_LOG_FORMAT") && message.contains("yaml"));
}

#[test]
fn libraries_below_say_nothing_while_all_is_well() {
    let mut devices = two(&[], &[]);
    for device in &mut devices {
        device.stop();
        let log = fs::read_to_string(device.home().join("daemon.log")).expect("the log");
        assert!(!log.contains("libp2p"), "{log}");
    }
}
