//! A project as `weft plugin new` makes it, through the command line: tested, in its own language and in the engine,
//! and refused where its vectors don't hold.
//!
//! It compiles for minutes the first time; cargo's work is kept in the target folder.

use std::fs;
use std::path::Path;
use weft_kit::Home;

#[test]
fn a_fresh_plugin_passes_its_tests_and_a_wrong_vector_fails_them() {
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
