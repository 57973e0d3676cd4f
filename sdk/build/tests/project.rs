//! What a person gets from `weft plugin new`: a project that builds and tests as it stands, outside of this repository.
//!
//! These compile for minutes the first time; cargo's work is kept in the target folder.

use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use weft_build::{
    BuildError, BuildOptions, Built, Descriptor, SECTION, build, new_plugin, new_workload,
    read_descriptor,
};

/// Cargo's folder for all projects here: what they depend on natively is compiled once.
fn options() -> BuildOptions {
    BuildOptions {
        target_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects")),
        add_target: true,
        quiet: true,
        ..BuildOptions::default()
    }
}

fn temporary() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn built(dir: &Path) -> (Built, Vec<u8>) {
    let options = BuildOptions {
        out: Some(dir.join("out.wasm")),
        ..options()
    };
    let built = build(dir, &options).unwrap_or_else(|e| panic!("{e}"));
    let bytes = fs::read(&built.path).expect("the component");
    assert_eq!(bytes.len() as u64, built.size);
    (built, bytes)
}

fn described(bytes: &[u8]) -> Descriptor {
    let read = read_descriptor(bytes).unwrap_or_else(|e| panic!("{e}"));
    read.unwrap_or_else(|| panic!("there is no `{SECTION}` section"))
}

#[test]
fn the_same_sources_give_the_same_bits_from_any_folder() {
    let (here, there) = (temporary(), temporary());
    let dirs: [PathBuf; 2] = [
        here.path().join("a"),
        there.path().join("much/deeper/in/another/place"),
    ];
    let [first, second] = dirs.map(|dir| {
        new_plugin(&dir, "scorer", "try-scorer").unwrap_or_else(|e| panic!("{e}"));
        weft_build::test(&dir, &options()).unwrap_or_else(|e| panic!("{e}"));
        let (_, bytes) = built(&dir);
        let text = String::from_utf8_lossy(&bytes);
        let path = dir.to_string_lossy();
        assert!(
            !text.contains(&*path),
            "the component holds the path `{path}`"
        );
        bytes
    });
    assert!(first == second, "two folders gave two components");

    let descriptor = described(&first);
    assert_eq!(descriptor.name, "try-scorer");
    assert_eq!(descriptor.world, "weft:scorer/scorer@0.1.0");
    assert_eq!(descriptor.slot.as_deref(), Some("scorer"));
    assert_eq!(descriptor.features[0], "peer.online");
    assert_eq!(descriptor.vectors.len(), 2);
    assert_eq!(
        descriptor.vectors[0]["now"], 1_780_315_200_000_i64,
        "instants are milliseconds"
    );
    assert_eq!(
        descriptor.vectors[0]["input"]["candidates"]["rows"], 4,
        "rows are columns"
    );
    let distance = &descriptor.config_schema["properties"]["distance"];
    assert_eq!(distance["maximum"], 100.0);
}

#[test]
fn a_consent_policy_builds_and_its_limits_and_mistakes_are_seen() {
    let home = temporary();
    let dir = home.path().join("mine");
    new_plugin(&dir, "consent", "try-consent").unwrap_or_else(|e| panic!("{e}"));
    weft_build::test(&dir, &options()).unwrap_or_else(|e| panic!("{e}"));
    let manifest = dir.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).expect("Cargo.toml");

    let limited = text.replace(
        "slot = \"consent\"",
        "slot = \"consent\"\nlimits = { fuel = 7 }",
    );
    fs::write(&manifest, &limited).expect("Cargo.toml");
    let (_, bytes) = built(&dir);
    let limits = described(&bytes).limits.expect("limits");
    assert_eq!((limits.fuel, limits.memory_bytes), (Some(7), None));

    fs::write(&manifest, text.replace("\"consent\"", "\"ethics\"")).expect("Cargo.toml");
    let wrong = build(&dir, &options()).expect_err("it exports no ethics policy");
    assert!(matches!(wrong, BuildError::Descriptor { .. }), "{wrong}");

    fs::write(&manifest, &text).expect("Cargo.toml");
    let vectors = dir.join("vectors/cases.json");
    let cases = fs::read_to_string(&vectors).expect("vectors");
    fs::write(
        &vectors,
        cases.replacen(
            "\"Allow\"",
            "{\"Defer\": {\"until\": null, \"reason\": \"\", \"idle_left\": 0}}",
            1,
        ),
    )
    .expect("vectors");
    let failed = weft_build::test(&dir, &options()).expect_err("a vector expects another answer");
    assert!(
        failed.to_string().contains("1 of 3 vectors failed"),
        "{failed}"
    );
    fs::write(&vectors, "[{}]").expect("vectors");
    let unread = build(&dir, &options()).expect_err("a vector does not read");
    assert!(
        unread.to_string().contains("missing field `case`"),
        "{unread}"
    );
}

#[test]
fn a_workload_builds() {
    let home = temporary();
    let dir = home.path().join("count");
    new_workload(&dir, "try-count").unwrap_or_else(|e| panic!("{e}"));
    weft_build::test(&dir, &options()).unwrap_or_else(|e| panic!("{e}"));
    let (built, bytes) = built(&dir);
    assert_eq!(described(&bytes), built.descriptor);
    assert_eq!(built.descriptor.world, "weft:workload/workload@0.1.0");
    assert_eq!(built.descriptor.slot, None);
}

#[test]
fn a_folder_that_is_no_crate_is_named_with_what_would_help() {
    let empty = temporary();
    let none = build(empty.path(), &options()).expect_err("there is nothing");
    assert!(none.to_string().contains("weft plugin new"), "{none}");

    let plain = "[package]\nname = \"plain\"\nedition = \"2024\"\n[workspace]\n";
    fs::write(empty.path().join("Cargo.toml"), plain).expect("Cargo.toml");
    fs::create_dir(empty.path().join("src")).expect("src");
    fs::write(empty.path().join("src/lib.rs"), "").expect("lib.rs");
    let untold = build(empty.path(), &options()).expect_err("it does not say what it is");
    assert!(
        untold.to_string().contains("[package.metadata.weft]"),
        "{untold}"
    );
}
