//! What programs rely on: exit codes, JSON errors, streams.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn weft(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weft"));
    command
        .args(args)
        .env_remove("WEFT_HOME")
        .env_remove("WEFT_LOG")
        .env_remove("NO_COLOR");
    command.output().expect("weft runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

fn error(output: &Output) -> Value {
    let value: Value = serde_json::from_slice(&output.stdout).expect("JSON on stdout");
    let error = &value["error"];
    for field in ["code", "message", "remedy"] {
        assert!(error[field].is_string(), "{field} in {value}");
    }
    error.clone()
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

#[test]
fn without_a_home_every_verb_says_how_to_make_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("none");
    for verb in [
        &["status"][..],
        &["start"],
        &["why", "x"],
        &["plugin", "list"],
        &["energy", "show"],
    ] {
        let args = [&["--home", path(&home)], verb].concat();
        let told = weft(&args);
        assert_eq!(told.status.code(), Some(3), "{verb:?}");
        assert!(told.stdout.is_empty(), "{verb:?}");
        let remedy = format!("  try: weft --home {} init\n", home.display());
        assert!(text(&told.stderr).starts_with("error: "), "{verb:?}");
        assert!(
            text(&told.stderr).ends_with(&remedy),
            "{verb:?}: {}",
            text(&told.stderr)
        );
        let json = weft(&[&args[..], &["--json"]].concat());
        assert_eq!(json.status.code(), Some(3), "{verb:?}");
        assert_eq!(error(&json)["code"], "not-found", "{verb:?}");
        assert!(!home.exists(), "{verb:?} made a home");
    }
}

#[test]
fn usage_errors_are_json_where_asked() {
    let told = weft(&["task", "submit", "--watts", "NaN", "--name", "x", "--json"]);
    assert_eq!(told.status.code(), Some(2));
    let error = error(&told);
    assert_eq!(error["code"], "usage");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|m| m.contains("--watts")),
        "{error}"
    );
    let told = weft(&["task", "frobnicate"]);
    assert_eq!(told.status.code(), Some(2));
    assert!(told.stdout.is_empty());
}

#[test]
fn help_lists_the_exit_codes() {
    let told = weft(&["--help"]);
    assert!(told.status.success());
    let help = text(&told.stdout);
    for code in 0..=7 {
        assert!(
            help.contains(&format!("\n  {code}  ")),
            "exit code {code} in\n{help}"
        );
    }
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let told = weft(&["completions", shell]);
        assert!(told.status.success(), "{shell}");
        assert!(text(&told.stdout).contains("rollback"), "{shell}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_weft"))
        .args(["completions", "zsh"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("weft starts");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("a status");
    assert!(ended.status.success());
    assert!(ended.stderr.is_empty(), "{}", text(&ended.stderr));
}

#[test]
fn a_project_needs_a_slot_and_an_empty_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let bad = weft(&[
        "plugin",
        "new",
        "--slot",
        "nonsense",
        "x",
        "--path",
        path(&folder.path().join("x")),
        "--json",
    ]);
    assert_eq!(bad.status.code(), Some(4));
    assert_eq!(error(&bad)["code"], "invalid");
    std::fs::write(folder.path().join("mine"), "").expect("a file");
    let used = weft(&[
        "plugin",
        "new",
        "--slot",
        "scorer",
        "x",
        "--path",
        path(folder.path()),
        "--json",
    ]);
    assert_eq!(used.status.code(), Some(4));
    assert_eq!(error(&used)["code"], "conflict");
}
