//! Small networks, and what is compared between their devices.

use serde_json::Value;
use std::collections::BTreeSet;
use weft_kit::{Device, wait};

pub use weft_kit::FOUNDER as ALICE;
pub const BOB: &str = "bob@example.com";
pub const CAROL: &str = "carol@example.com";

/// A device of Alice, whose network is open and whose daemon runs.
pub fn founder() -> Device {
    let mut device = Device::new();
    device.weft(["network", "create", "our-street"]).ok();
    device.start();
    device
}

/// A device that joined by an invite of another one with these options; its daemon does not run.
pub fn joined(inviter: &Device, user: &str, options: &[&str]) -> Device {
    let device = Device::new();
    let invite = inviter.invite(options);
    let joined = device.json(["join", &invite, "--as", user]);
    assert_eq!(joined["user"], user, "{joined}");
    device
}

/// Alice and one member, who are connected.
pub fn two() -> [Device; 2] {
    let alice = founder();
    let mut bob = joined(&alice, BOB, &[]);
    bob.start();
    meet(&[&alice, &bob]);
    [alice, bob]
}

/// Alice and two members, all connected.
pub fn three() -> [Device; 3] {
    let alice = founder();
    let mut bob = joined(&alice, BOB, &[]);
    bob.start();
    let mut carol = joined(&alice, CAROL, &[]);
    carol.start();
    meet(&[&alice, &bob, &carol]);
    [alice, bob, carol]
}

/// Waits until each is connected to all others, and all have the same log.
#[track_caller]
pub fn meet(devices: &[&Device]) {
    for device in devices {
        wait("each device is connected to all others", || {
            (device.connected() == devices.len() as u64 - 1).then_some(())
        });
    }
    agree(devices);
}

/// Waits until all devices have the same digest of the log, and returns it.
#[track_caller]
pub fn agree(devices: &[&Device]) -> String {
    wait("all devices have the same digest", || {
        let digests: BTreeSet<String> = devices.iter().map(|d| d.network("digest")).collect();
        let mut digests = digests.into_iter();
        digests.next().filter(|_| digests.next().is_none())
    })
}

/// Members by name, key and role, which are the same on all devices.
#[track_caller]
pub fn members(device: &Device) -> Vec<(String, String, String)> {
    let list = device.json(["members", "list"]);
    let mut all: Vec<_> = rows(&list)
        .iter()
        .map(|m| (text(m, "user"), text(m, "did"), text(m, "role")))
        .collect();
    all.sort();
    all
}

/// The role of a member, if there is one of that name.
#[track_caller]
pub fn role(device: &Device, user: &str) -> Option<String> {
    let all = members(device);
    all.into_iter().find(|m| m.0 == user).map(|m| m.2)
}

/// What must be as before when something was refused: the log and the members.
#[track_caller]
pub fn standing(device: &Device) -> (String, String, Vec<(String, String, String)>) {
    (
        device.network("network"),
        device.network("digest"),
        members(device),
    )
}

pub fn rows(list: &Value) -> &[Value] {
    list.as_array().unwrap_or_else(|| panic!("no list: {list}"))
}

pub fn text(row: &Value, field: &str) -> String {
    let text = row[field].as_str();
    text.unwrap_or_else(|| panic!("no `{field}`: {row}"))
        .to_owned()
}
