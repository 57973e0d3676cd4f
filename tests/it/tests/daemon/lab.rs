//! Homes at which tasks run at once, and files to move between them.

use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use weft_kit::{Device, wait};

/// Bytes in a MiB.
pub const MIB: usize = 1 << 20;

/// A device with clean energy, no rest between tasks, and a workload that loops until it is told to stop.
pub fn device() -> Device {
    let device = Device::new();
    let loops = weft_kit::guest("workload-loops").display().to_string();
    device.weft(["workload", "add", &loops]).ok();
    let energy = ["energy", "set", "--type", "solar", "--percent", "95"];
    device.weft(energy).ok();
    let rest = ["user", "set", "--idle-minutes", "0", "--timezone", "UTC"];
    device.weft(rest).ok();
    device
}

/// Two devices of one network, whose daemons run with these variables, and who see each other.
pub fn two(of_first: &[(&str, &str)], of_second: &[(&str, &str)]) -> [Device; 2] {
    let mut alice = device();
    alice.weft(["network", "create", "our-street"]).ok();
    alice.start_with(of_first);
    let mut bob = Device::new();
    let invite = alice.invite(&[]);
    bob.weft(["join", &invite, "--as", "bob@example.com"]).ok();
    bob.start_with(of_second);
    for device in [&alice, &bob] {
        wait("each sees the other", || {
            (device.connected() == 1).then_some(())
        });
    }
    [alice, bob]
}

/// Adds a line to the device's settings.
pub fn set(device: &Device, line: &str) {
    let path = device.home().join("weft.toml");
    let mut file = fs::OpenOptions::new().append(true).open(path);
    let file = file.as_mut().expect("the settings");
    writeln!(file, "{line}").expect("written");
}

/// Submits a task and returns it as it is then.
#[track_caller]
pub fn submit(device: &Device, name: &str, workload: &str) -> Value {
    device.json(["task", "submit", "--name", name, "--workload", workload])
}

/// Waits until a task has this status, and returns it.
#[track_caller]
pub fn becomes(device: &Device, task: &Value, status: &str) -> Value {
    let id = id(task);
    wait(&format!("task {id} becomes {status}"), || {
        let shown = device.json(["task", "show", id]);
        (shown["status"] == status).then_some(shown)
    })
}

pub fn id(task: &Value) -> &str {
    task["task"]
        .as_str()
        .unwrap_or_else(|| panic!("no id: {task}"))
}

/// A file of so many MiB that holds no block twice.
pub fn file(device: &Device, name: &str, mib: usize) -> PathBuf {
    let path = device.home().join(name);
    let salt = name.len() as u64;
    let mut bytes = Vec::with_capacity(mib * MIB);
    for n in 0..(mib * MIB / 8) as u64 {
        bytes.extend_from_slice(&(n ^ (salt << 40)).to_le_bytes());
    }
    fs::write(&path, bytes).expect("written");
    path
}

/// Adds a file and returns its CID.
#[track_caller]
pub fn add(device: &Device, name: &str, mib: usize) -> String {
    let path = file(device, name, mib).display().to_string();
    let added = device.json(["content", "add", &path]);
    added["cid"].as_str().expect("a CID").to_owned()
}
