//! The arrows of DESIGN 3, read from `cargo metadata`: a dependency that is not listed here fails the test.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Room -> what it may depend on inside the workspace. Tests may depend on anything.
const ARROWS: &[(&str, &[&str])] = &[
    ("weft-model", &[]),
    ("weft-release", &["weft-model"]),
    ("weft-decide", &["weft-model"]),
    ("weft-ledger", &["weft-model"]),
    ("weft-scheduler", &["weft-model"]),
    ("weft-engine", &["weft-model"]),
    ("weft-store", &["weft-model"]),
    ("weft-mesh", &["weft-model"]),
    (
        "weft-node",
        &[
            "weft-model",
            "weft-release",
            "weft-decide",
            "weft-ledger",
            "weft-scheduler",
            "weft-engine",
            "weft-store",
            "weft-mesh",
        ],
    ),
    ("weft-api", &["weft-node", "weft-model"]),
    (
        "weft-cli",
        &["weft-api", "weft-model", "weft-bundle", "weft-build"],
    ),
    ("weft-bundle", &[]),
    ("weft-build", &[]),
    ("weft-sdk", &[]),
    ("weft-inference", &[]),
];

/// Crates that only one room may name.
const ONLY_IN: &[(&str, &str)] = &[
    ("wasmtime", "weft-engine"),
    ("wasmtime-wasi", "weft-engine"),
    ("wasmtime-wizer", "weft-engine"),
    ("rusqlite", "weft-store"),
    ("libp2p", "weft-mesh"),
    ("libp2p-stream", "weft-mesh"),
    ("axum", "weft-api"),
    ("wit-component", "weft-build"),
];

/// What the pure rooms may not name.
const PURE: &[&str] = &[
    "weft-model",
    "weft-release",
    "weft-decide",
    "weft-ledger",
    "weft-scheduler",
];
const IMPURE: &[&str] = &[
    "tokio",
    "rand",
    "getrandom",
    "reqwest",
    "tempfile",
    "fs4",
    "cap-std",
];

fn normal_dependencies() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(weft_kit::workspace())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    metadata["packages"]
        .as_array()
        .expect("a list of packages")
        .iter()
        .map(|package| {
            let text = |v: &Value| v.as_str().expect("a text").to_owned();
            let dependencies = package["dependencies"]
                .as_array()
                .expect("a list of dependencies")
                .iter()
                .filter(|d| d["kind"].is_null())
                .map(|d| text(&d["name"]))
                .collect();
            (
                text(&package["name"]),
                (text(&package["manifest_path"]), dependencies),
            )
        })
        .collect()
}

#[test]
fn every_arrow_is_one_of_the_design() {
    let packages = normal_dependencies();
    let names: BTreeSet<&String> = packages.keys().collect();
    let mut wrong = Vec::new();
    for (name, (manifest, dependencies)) in &packages {
        if manifest.contains("/tests/") {
            continue;
        }
        let guest = manifest.contains("/plugins/") && name != "weft-bundle"
            || manifest.contains("/workloads/");
        let allowed: &[&str] = if guest {
            &["weft-sdk", "weft-inference"]
        } else {
            match ARROWS.iter().find(|(n, _)| n == name) {
                Some((_, allowed)) => allowed,
                None => {
                    wrong.push(format!("`{name}` is in no room of the design"));
                    continue;
                }
            }
        };
        for dependency in dependencies.iter().filter(|d| names.contains(d)) {
            if !allowed.contains(&dependency.as_str()) {
                wrong.push(format!("{name} -> {dependency}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "arrows that the design does not have:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn each_engine_is_named_by_one_room_and_the_pure_rooms_stay_pure() {
    let mut wrong = Vec::new();
    for (name, (manifest, dependencies)) in normal_dependencies() {
        if manifest.contains("/tests/") {
            continue;
        }
        for (krate, room) in ONLY_IN {
            if dependencies.contains(*krate) && name != *room {
                wrong.push(format!("`{name}` names `{krate}`, which only `{room}` may"));
            }
        }
        if PURE.contains(&name.as_str()) {
            for krate in IMPURE.iter().filter(|k| dependencies.contains(**k)) {
                wrong.push(format!("the pure room `{name}` names `{krate}`"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_pure_rooms_read_no_clock_no_file_and_no_socket() {
    let forbidden = [
        "std::fs",
        "std::net",
        "SystemTime",
        "Instant::now",
        "Timestamp::now",
        "std::env",
        "std::process",
        "thread::",
    ];
    let mut wrong = Vec::new();
    for room in ["model", "release", "decide", "ledger", "scheduler"] {
        let mut folders = vec![weft_kit::workspace().join("host").join(room).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("a room has sources") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).expect("a source is text");
                for (number, line) in text.lines().enumerate() {
                    let code = line.split("//").next().unwrap_or_default();
                    for word in forbidden.iter().filter(|w| code.contains(**w)) {
                        wrong.push(format!("{}:{}: {word}", path.display(), number + 1));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn weft_is_the_only_binary() {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(weft_kit::workspace())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let binaries: Vec<&str> = metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .flat_map(|p| p["targets"].as_array().expect("targets"))
        .filter(|t| t["kind"][0] == "bin")
        .filter_map(|t| t["name"].as_str())
        .collect();
    assert_eq!(binaries, ["weft"]);
}
