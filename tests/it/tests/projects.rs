//! A project as `weft plugin new` makes it, through the command line: tested, in its own language and in the engine,
//! and refused where its vectors don't hold.
//!
//! It compiles for minutes the first time; cargo's work is kept in the target folder.

use std::fs;
use std::path::Path;
use weft_kit::Home;
use weft_model::Slot;

/// A home in which cargo keeps its work for the next run of these tests.
fn home() -> Home {
    let home = Home::new();
    let cargo = home.join(".cargo");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("projects");
    fs::create_dir(&cargo).expect("a folder");
    fs::write(
        cargo.join("config.toml"),
        format!("[build]\ntarget-dir = {:?}\n", target.display().to_string()),
    )
    .expect("where cargo works");
    home.weft(["init", "--user", "alice@example.com"]).ok();
    home
}

/// Slots of three kinds; with more budget all of them, which takes minutes.
fn slots() -> Vec<Slot> {
    match weft_kit::budget() {
        1 => vec![Slot::Scorer, Slot::Ethics, Slot::Carbon],
        _ => Slot::ALL.to_vec(),
    }
}

#[test]
fn what_is_made_for_a_slot_builds_tests_and_installs_as_it_stands() {
    let home = home();
    let slots = slots();
    for &slot in &slots {
        let name = format!("my-{}", slot.name());
        home.weft(["plugin", "new", "--slot", slot.name(), &name])
            .ok();
        let tested = home.weft(["plugin", "test", &name, "--json"]).ok();
        let vectors = tested.json()["vectors"].as_u64();
        assert!(vectors >= Some(1), "{slot:?}: {}", tested.stdout);
        let component = home.join(format!("{name}.wasm"));
        let component = component.display().to_string();
        home.weft(["plugin", "build", &name, "--out", &component])
            .ok();
        let added = home.weft(["plugin", "add", &component, "--json"]).ok();
        assert_eq!(added.json()["name"], *name, "{}", added.stdout);
        let mode: &[&str] = match slot.is_chain() {
            true => &["--add"],
            false => &[],
        };
        let mut used = vec!["plugin", "use", slot.name(), &name, "--json"];
        used.extend(mode);
        home.weft(used).ok();
    }
    let serving = home
        .weft(["plugin", "list", "--slots", "--json"])
        .ok()
        .stdout;
    for slot in slots {
        assert!(serving.contains(&format!("my-{}", slot.name())), "{slot:?}");
    }
}

#[test]
fn a_fresh_plugin_passes_its_tests_and_a_wrong_vector_fails_them() {
    let home = home();
    home.weft(["plugin", "new", "--slot", "scorer", "fresh-scorer"])
        .ok();

    let passed = home.weft(["plugin", "test", "fresh-scorer", "--json"]).ok();
    let vectors = &passed.json()["vectors"];
    assert_eq!(vectors, 2, "{}", passed.stdout);
    let listed = home.weft(["plugin", "list", "--json"]).ok().stdout;
    assert!(!listed.contains("fresh-scorer"), "a test adds nothing");

    let cases = home.join("fresh-scorer/vectors/cases.json");
    let text = fs::read_to_string(&cases).expect("vectors");
    let wrong = text.replacen("\"Score\": ", "\"Score\": 1", 1);
    assert_ne!(text, wrong, "there is a score to change");
    fs::write(&cases, wrong).expect("vectors");
    let failed = home.weft(["plugin", "test", "fresh-scorer", "--json"]);
    let error = &failed.code_is(4).json()["error"];
    let message = error["message"].as_str().unwrap_or_default();
    assert!(message.contains("vectors failed"), "{error}");
}
