//! The guests of `tests/guests`, built and encoded once.

use crate::{forged, workspace};
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;
use weft_build::{
    CORE_TARGET, Descriptor, Kind, POLICY_STACK_BYTES, WASI_TARGET, WORKLOAD_STACK_BYTES,
    clean_command, encode, ensure_target,
};

/// A guest: a file that `guest(name)` gives.
#[derive(Clone, Copy, Debug)]
pub struct Guest {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub does: &'static str,
}

const fn case(name: &'static str, does: &'static str) -> Guest {
    Guest { name, does }
}

/// All guests. Each is named by a test. The misbehaving scorers behave until they are given a candidate, so that their
/// golden vector (no candidates, no answers) passes.
pub const GUESTS: &[Guest] = &[
    case("good-v1", "release `good` 1.0.0: every candidate scores 1"),
    case("good-v2", "release `good` 2.0.0: every candidate scores 2"),
    case(
        "slow",
        "computes config.spins rounds (some nanoseconds each) per candidate, then scores 1",
    ),
    case(
        "remembers",
        "counts its rows in a static: 1, 2, … in a fresh instance",
    ),
    case("loops", "loops for ever"),
    case("eats-memory", "takes memory without end, and uses it"),
    case("recurses", "calls itself without end"),
    case("traps", "runs into `unreachable`"),
    case("panics", "panics"),
    case("nan-scores", "scores NaN"),
    case("too-few", "answers for one candidate less"),
    case("too-many", "answers for one candidate more"),
    case(
        "huge-text",
        "an error text of config.bytes bytes, 1 GiB unless told",
    ),
    case(
        "huge-list",
        "claims 2^27 outcomes that its memory does not hold",
    ),
    case("returns-error", "answers `unsupported`"),
    case("excludes", "excludes every candidate"),
    case(
        "terminal-escapes",
        "an error text with control characters and a second line",
    ),
    case(
        "made-up-import",
        "imports a function of a package that does not exist",
    ),
    case(
        "wasi-import",
        "imports wasi:random, which no policy may have",
    ),
    case("wrong-world", "exports consent, says that it is a scorer"),
    case("other-version", "exports and claims weft:scorer@0.2.0"),
    case(
        "voting-traps",
        "runs into `unreachable` when it weighs a voter",
    ),
    case(
        "carbon-traps",
        "runs into `unreachable` when it is given a job",
    ),
    case("workload-echo", "a workload that gives back its input"),
    case(
        "workload-floods",
        "a workload that writes for ever and ignores the stop",
    ),
    case("workload-loops", "a workload that loops for ever"),
    case(
        "workload-slow",
        "gives back its input after params.rounds million rounds, a word every million",
    ),
    case(
        "workload-lists",
        "a workload that says what it sees of its directory, and tries to write it and to leave it",
    ),
    case("core-module", "a core module, not a component"),
    case("not-wasm", "a text file"),
];

/// The guests that import WASI.
const WASI_GUESTS: [&str; 1] = ["workload-lists"];

/// Cargo's profile of the guests: quick to build, else as components are.
const PROFILE: [&str; 5] = [
    "profile.guest.inherits=\"release\"",
    "profile.guest.opt-level=1",
    "profile.guest.codegen-units=1",
    "profile.guest.panic=\"abort\"",
    "profile.guest.strip=true",
];

/// The file of a guest of [`GUESTS`]; the first call builds all of them.
///
/// # Panics
/// When there is no such guest, or they can't be built: with the one line that helps where the wasm target is missing
/// and can't be added.
pub fn guest(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    assert!(
        GUESTS.iter().any(|g| g.name == name),
        "there is no guest `{name}`; weft_kit::GUESTS lists them"
    );
    let dir = BUILT.get_or_init(|| build_guests(&workspace().join("target/guests")));
    file(dir, name)
}

/// The bytes of a guest.
///
/// # Panics
/// As [`guest`].
pub fn guest_bytes(name: &str) -> Vec<u8> {
    read(&guest(name))
}

/// The committed component of a default plugin or workload, such as `scorer-clean-energy`.
///
/// # Panics
/// When the bundle does not hold it.
pub fn plugin(name: &str) -> PathBuf {
    let path = file(&workspace().join("plugins/bundle/components"), name);
    assert!(path.is_file(), "the bundle holds no `{name}`");
    path
}

fn build_guests(target_dir: &Path) -> PathBuf {
    let components = target_dir.join("components");
    std::fs::create_dir_all(&components).expect("a folder for the guests");
    // Held until this function ends: one process at a time builds and writes.
    let lock = File::create(target_dir.join("kit.lock")).expect("a lock file for the guests");
    lock.lock().expect("the lock of the guests");

    let modules = compile(target_dir, CORE_TARGET, POLICY_STACK_BYTES, &["--examples"]);
    let wasi: Vec<&str> = WASI_GUESTS.iter().flat_map(|n| ["--example", n]).collect();
    let wasi_modules = compile(target_dir, WASI_TARGET, WORKLOAD_STACK_BYTES, &wasi);
    for guest in GUESTS {
        let bytes = match guest.name {
            "core-module" => read(&file(&modules, "good_v1")),
            "not-wasm" => b"no WebAssembly, just a line of text\n".to_vec(),
            "huge-list" => component(guest, &forged::huge_list()),
            name => {
                let modules = if WASI_GUESTS.contains(&name) {
                    &wasi_modules
                } else {
                    &modules
                };
                component(guest, &read(&file(modules, &name.replace('-', "_"))))
            }
        };
        write_once(&file(&components, guest.name), &bytes);
    }
    components
}

/// Compiles examples of `tests/guests` for a target, and gives the folder in which they then lie.
fn compile(target_dir: &Path, target: &str, stack_bytes: u32, examples: &[&str]) -> PathBuf {
    let crate_dir = workspace().join("tests/guests");
    ensure_target(&crate_dir, target, true).unwrap_or_else(|e| panic!("{e}"));
    let mut cargo = clean_command("cargo", &crate_dir);
    cargo.args(["build", "--package", "weft-guests", "--features", "guests"]);
    cargo.args(examples);
    cargo.args(["--target", target, "--profile", "guest", "--quiet"]);
    cargo.arg("--target-dir").arg(target_dir);
    for value in PROFILE {
        cargo.args(["--config", value]);
    }
    let flags = format!("-Clink-arg=-zstack-size={stack_bytes}");
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags);
    let output = cargo
        .stderr(Stdio::piped())
        .output()
        .unwrap_or_else(|e| panic!("can't run cargo: {e}"));
    assert!(
        output.status.success(),
        "the guests don't build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    target_dir.join(target).join("guest/examples")
}

fn component(guest: &Guest, module: &[u8]) -> Vec<u8> {
    encode(module, &descriptor(guest.name)).unwrap_or_else(|e| panic!("{}: {e}", guest.name))
}

/// What a guest's file says about itself.
pub(crate) fn descriptor(name: &str) -> Descriptor {
    let (release, version) = match name {
        "good-v1" => ("good", "1.0.0"),
        "good-v2" => ("good", "2.0.0"),
        other => (other, "1.0.0"),
    };
    let kind = if name.starts_with("workload-") {
        Kind::Workload {
            world: "workload".into(),
        }
    } else {
        Kind::Policy {
            slot: slot(name).into(),
        }
    };
    let mut descriptor = Descriptor::new(release, version, &kind);
    let guest = GUESTS.iter().find(|g| g.name == name);
    descriptor.description = guest.map_or_else(String::new, |g| g.does.into());
    descriptor.license = "MIT".into();
    if name == "other-version" {
        descriptor.world = "weft:scorer/scorer@0.2.0".into();
    }
    if descriptor.slot.is_some() {
        descriptor.config_schema = config_schema(name);
        descriptor.vectors = vectors(name);
    }
    descriptor
}

/// The slot that a policy is for.
fn slot(name: &str) -> &str {
    match name {
        "voting-traps" => "voting",
        "carbon-traps" => "carbon",
        _ => "scorer",
    }
}

fn config_schema(name: &str) -> Value {
    let properties = match name {
        "slow" => {
            json!({"spins": {"type": "integer", "minimum": 0, "maximum": 1_000_000_000_000_u64}})
        }
        "huge-text" => json!({"bytes": {"type": "integer", "minimum": 0, "maximum": i32::MAX}}),
        _ => json!({}),
    };
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

fn vectors(name: &str) -> Vec<Value> {
    let vector = |case: &str, rows: u32, output: Value| {
        json!({
            "case": case, "now": 0, "call": "rank", "config": {}, "output": output,
            "input": {
                "task": {"critical": false, "duration": 60_000, "cores": 1.0, "memory_mb": 100, "fee": 0},
                "candidates": {"rows": rows, "values": [], "present": []},
                "tie_seed": 1,
            },
        })
    };
    let empty = |call: &str, input: Value| {
        json!({
            "case": "nothing asked, nothing answered", "now": 0, "call": call, "config": {}, "input": input, "output": [],
        })
    };
    let none = vector("no candidates, no answers", 0, json!([]));
    match name {
        "good-v1" => vec![none, vector("one candidate", 1, json!([{"Score": 1.0}]))],
        "good-v2" => vec![none, vector("one candidate", 1, json!([{"Score": 2.0}]))],
        "voting-traps" => vec![empty(
            "weigh",
            json!({"voters": {"rows": 0, "values": [], "present": []}, "statistics": []}),
        )],
        "carbon-traps" => vec![empty("carbon", json!([]))],
        _ => vec![none],
    }
}

fn file(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.wasm"))
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("can't read `{}`: {e}", path.display()))
}

/// Writes a file whole or not at all, and not again when it is the same: another process may be reading it.
fn write_once(path: &Path, bytes: &[u8]) {
    if std::fs::read(path).is_ok_and(|there| there == bytes) {
        return;
    }
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, bytes)
        .and_then(|()| std::fs::rename(&fresh, path))
        .unwrap_or_else(|e| panic!("can't write `{}`: {e}", path.display()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Guests that no crate makes.
    const FORGED: [&str; 3] = ["huge-list", "core-module", "not-wasm"];

    #[test]
    fn the_list_is_what_there_is() {
        let examples = std::fs::read_dir(workspace().join("tests/guests/examples"));
        let made: BTreeSet<String> = examples
            .expect("the examples of tests/guests")
            .map(|entry| entry.expect("an entry").path())
            .map(|path| {
                path.file_stem()
                    .expect("a name")
                    .to_string_lossy()
                    .into_owned()
            })
            .chain(FORGED.map(Into::into))
            .collect();
        let listed: BTreeSet<String> = GUESTS.iter().map(|g| g.name.into()).collect();
        assert_eq!(made, listed);
    }

    #[test]
    fn every_guest_is_a_file_that_says_what_it_is() {
        for guest in GUESTS {
            let bytes = guest_bytes(guest.name);
            match guest.name {
                "core-module" | "not-wasm" => {
                    weft_build::read_descriptor(&bytes).expect_err("no component");
                }
                name => {
                    let read = weft_build::read_descriptor(&bytes)
                        .unwrap_or_else(|e| panic!("{name}: {e}"));
                    assert_eq!(read, Some(descriptor(name)), "{name}");
                }
            }
        }
    }
}
