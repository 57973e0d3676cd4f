//! `weft service print`: files that systemd and a reader of property lists take. Nothing is installed.

use crate::lab::{device, set};
use std::fs;
use std::process::{Command, Stdio};
use weft_kit::{Device, has_tool};

fn printed(device: &Device, manager: &str) -> String {
    device.weft(["service", "print", manager]).ok().stdout
}

#[test]
fn systemd_takes_the_unit_as_it_is() {
    let device = device();
    let granted = device.home().join("granted");
    fs::create_dir(&granted).expect("made");
    set(&device, &format!("grants = \"log={}\"", granted.display()));
    set(&device, "cap_cpu_cores = 2\ncap_memory_mb = 512");
    let unit = printed(&device, "systemd");
    let home = device.home().path().display();
    for line in [
        format!("--home \"{home}\" start"),
        format!("ReadWritePaths=\"{home}\""),
        format!("ReadWritePaths=-\"{}\"", granted.display()),
        "NoNewPrivileges=yes".into(),
        "ProtectSystem=strict".into(),
        "Restart=on-failure".into(),
        "CPUQuota=200%".into(),
        "MemoryMax=1536M".into(),
    ] {
        assert!(unit.contains(&line), "no `{line}` in\n{unit}");
    }
    // Few machines that build have systemd, so its absence fails nowhere.
    let version = Command::new("systemd-analyze")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if !version.is_ok_and(|status| status.success()) {
        eprintln!("not tested: `systemd-analyze` does not run here, so nobody verified the unit");
        return;
    }
    let path = device.home().join("weft.service");
    fs::write(&path, &unit).expect("written");
    let verified = Command::new("systemd-analyze")
        .args(["--man=no", "verify"])
        .arg(&path)
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(verified.status.success(), "{said}\n{unit}");
    assert!(
        !said.contains("weft.service"),
        "it has something to say: {said}\n{unit}"
    );
}

#[test]
fn the_property_list_reads_and_says_that_it_is_untested() {
    const READ: &str =
        "import json,plistlib,sys; print(json.dumps(plistlib.load(open(sys.argv[1],'rb'))))";
    let device = device();
    let list = printed(&device, "launchd");
    assert!(list.contains("UNTESTED"), "{list}");
    if !has_tool("python3", &["-c", "import plistlib"]) {
        return;
    }
    let path = device.home().join("weft.node.plist");
    fs::write(&path, &list).expect("written");
    let read = Command::new("python3")
        .args(["-c", READ])
        .arg(&path)
        .output();
    let read = read.expect("it runs");
    assert!(
        read.status.success(),
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );
    let read: serde_json::Value = serde_json::from_slice(&read.stdout).expect("it is JSON");
    let arguments = read["ProgramArguments"].as_array().expect("a list");
    let home = device.home().path().display().to_string();
    assert_eq!(arguments[1..], ["--home", &home, "start"], "{read}");
    assert_eq!(read["KeepAlive"]["SuccessfulExit"], false);
}

#[test]
fn without_a_home_there_is_nothing_to_start() {
    let home = weft_kit::Home::new();
    let none = home
        .weft(["service", "print", "systemd", "--json"])
        .code_is(3);
    assert_eq!(none.json()["error"]["code"], "not-found");
}
