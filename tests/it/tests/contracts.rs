//! Released contracts are frozen, and known-bad versions of what runs them stay out.

use sha2::{Digest, Sha256};
use std::path::Path;
use weft_kit::workspace;

/// Renews `wit/wit.lock` instead of comparing: for new folders alone, before their first release.
const RENEW: &str = "WEFT_RENEW_WIT_LOCK";

fn digests() -> Vec<(String, String)> {
    let root = workspace().join("wit");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("wit is a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "wit") {
                let bytes = std::fs::read(&path).expect("a contract is readable");
                let hex: String = Sha256::digest(&bytes)
                    .iter()
                    .map(|b| format!("{b:02x}"))
                    .collect();
                let name = path
                    .strip_prefix(&root)
                    .expect("below wit")
                    .display()
                    .to_string();
                found.push((name, hex));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_released_contract_is_as_it_was_released() {
    let lock = workspace().join("wit/wit.lock");
    let now: String = digests()
        .iter()
        .map(|(name, hex)| format!("{hex}  {name}\n"))
        .collect();
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(&lock, &now).expect("the lock is written");
    }
    let locked = std::fs::read_to_string(&lock).expect("wit/wit.lock is there");
    assert_eq!(
        locked, now,
        "a contract in wit/ changed: make a new version folder instead; {RENEW}=1 renews the lock for folders \
         that were never released"
    );
}

#[test]
fn every_slot_has_a_contract_and_a_folder_of_its_package() {
    for slot in weft_model::Slot::ALL {
        let package = slot.package();
        let path = workspace().join(format!("wit/{package}/0.1.0/{package}.wit"));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        assert!(
            text.contains(&format!("package weft:{package}@0.1.0;")),
            "{}",
            path.display()
        );
        assert!(text.contains("export policy;"), "{}", path.display());
    }
}

/// Oldest versions without known holes: the pair of 2026-10 (CVSS 9.9) is mended from 48.0.8 on.
const FLOORS: [(&str, &str); 3] = [
    ("wasmtime", "48.0.8"),
    ("wasmtime-wasi", "48.0.8"),
    ("ed25519-dalek", "3.0.0"),
];

#[test]
fn no_known_bad_version_is_locked() {
    let lock =
        std::fs::read_to_string(workspace().join("Cargo.lock")).expect("Cargo.lock is committed");
    let lock: toml::Table = lock.parse().expect("Cargo.lock is TOML");
    let packages = lock["package"].as_array().expect("a list of packages");
    for (name, floor) in FLOORS {
        let floor: semver::Version = floor.parse().expect("a version");
        let found: Vec<semver::Version> = packages
            .iter()
            .filter(|p| p["name"].as_str() == Some(name))
            .map(|p| {
                p["version"]
                    .as_str()
                    .expect("a version")
                    .parse()
                    .expect("a version")
            })
            .collect();
        assert!(!found.is_empty(), "`{name}` is not in Cargo.lock");
        for version in found {
            assert!(
                version >= floor,
                "`{name}` {version} has known holes; {floor} or later is wanted"
            );
        }
    }
}

#[test]
fn nothing_that_is_committed_names_this_machine() {
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).ends_with("tests/it"));
    for name in [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ] {
        let text = std::fs::read_to_string(workspace().join(name)).expect("the page is there");
        for (number, line) in text.lines().enumerate() {
            assert!(
                !line.contains("/home/") && !line.contains("/root/"),
                "{name}:{}: {line}",
                number + 1
            );
        }
    }
}
