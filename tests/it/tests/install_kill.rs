//! `kill -9` at each step of an install, in real processes: the old version serves, and the next process of the home
//! ends what was cut off, with nothing left over.
//!
//! A debug build of `weft` kills itself at the point that `WEFT_FAULT` names; a point that no install passes fails the
//! tests. What was on the disk at that moment is read from the database itself, since any command that opens the home
//! takes the install up.

use rusqlite::Connection;
use serde_json::Value;
use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tempfile::TempDir;
use weft_kit::{Home, Ran};
use weft_node::install::faults::POINTS;

/// What `kill -9` ends a process with.
const SIGKILL: i32 = 9;
/// The variable that names the point.
const FAULT: &str = "WEFT_FAULT";
/// The slot that is served.
const SLOT: &str = "scorer";
/// From this point on the new version serves: the transaction that put it there is over.
const ACTIVATED: &str = "activated";
/// The point at which the bytes are here and nothing says yet that they are wanted.
const STAGED: &str = "staged";

/// A home whose scorer is revision 1 of a stranger's release, and that stranger's folder with revisions 1 and 2.
struct Scene {
    folder: TempDir,
    home: Home,
    old: String,
    new: String,
}

/// The scene of all tests here: making it compiles every plugin twice. It goes with the last test that holds it.
fn scene() -> Arc<Scene> {
    static SCENE: Mutex<Weak<Scene>> = Mutex::new(Weak::new());
    let mut scene = SCENE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(made) = scene.upgrade() {
        return made;
    }
    let made = Arc::new(Scene::new());
    *scene = Arc::downgrade(&made);
    made
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let to = text(folder.path());
        let publisher = Home::new();
        publisher.weft(["init", "--user", "p@example.com"]).ok();
        let [old, new] = ["good-v1", "good-v2"].map(|guest| {
            let file = text(&weft_kit::guest(guest));
            let built = publisher.weft(["--json", "release", "build", &file]).ok();
            let cid = word(&built.json()["release"]);
            publisher.weft(["publish", &cid, "--to", &to]).ok();
            cid
        });
        let keys = publisher.weft(["--json", "key", "show", "owner"]).ok();
        let did = word(&keys.json()["did"]);

        let home = Home::new();
        home.weft(["init", "--user", "a@example.com"]).ok();
        let rule = ["--name", "good", "--target", SLOT, "--key", &did];
        home.weft(["trust", "add"].into_iter().chain(rule)).ok();
        let first = ["install", &old, "--from", &to, "--as", SLOT, "--yes"];
        home.weft(first).ok();
        let scene = Self {
            folder,
            home,
            old,
            new,
        };
        assert_eq!(on_disk(&scene.home), scene.old);
        scene
    }

    /// The home, once more.
    fn copy(&self) -> Home {
        let home = Home::new();
        copy(self.home.path(), home.path());
        home
    }

    fn install(&self) -> [String; 5] {
        let from = text(self.folder.path());
        ["--json", "install", &self.new, "--from", &from].map(Into::into)
    }

    /// A copy of the home in which the install of revision 2 was killed at a point; none when it was not.
    fn killed_at(&self, point: &str, missed: &mut Vec<String>) -> Option<Home> {
        let home = self.copy();
        let mut command = home.command(self.install());
        let output = command.env(FAULT, point).output().expect("weft starts");
        if output.status.signal() == Some(SIGKILL) {
            return Some(home);
        }
        missed.push(format!("`{point}` was not reached: {output:?}"));
        None
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

#[track_caller]
fn word(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Copies what is in a folder, with its permissions.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().expect("a type").is_dir() {
            std::fs::create_dir(&to).expect("a folder");
            copy(&from, &to);
            let permissions = std::fs::metadata(&from).expect("a folder").permissions();
            std::fs::set_permissions(&to, permissions).expect("its permissions");
        } else {
            std::fs::copy(&from, &to).expect("a copy");
        }
    }
}

/// The first column of all rows of a query.
fn rows(home: &Home, query: &str) -> Vec<String> {
    let database = Connection::open(home.join("weft.db")).expect("the database");
    let mut statement = database.prepare(query).expect("a query");
    let found = statement.query_map([], |row| row.get(0));
    found.and_then(Iterator::collect).expect("rows")
}

/// The release that serves the slot, as the database has it; no process has the home.
fn on_disk(home: &Home) -> String {
    rows(home, "SELECT release_cid FROM slots WHERE slot = 'scorer'").join(" ")
}

/// The release that serves the slot, as the node says.
fn serving(home: &Home) -> String {
    let slots = home.weft(["--json", "plugin", "list", "--slots"]).ok();
    let slots = slots.json();
    let slots = slots.as_array().expect("a list");
    let slot = slots.iter().find(|s| s["slot"] == SLOT).expect("the slot");
    let plugins = slot["plugins"].as_array().expect("a list");
    plugins
        .iter()
        .map(|p| word(&p["cid"]))
        .collect::<Vec<_>>()
        .join(" ")
}

fn names(folder: PathBuf) -> Vec<String> {
    std::fs::read_dir(&folder)
        .unwrap_or_else(|e| panic!("`{}`: {e}", folder.display()))
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

/// All that an install may leave somewhere, a line each.
fn left(home: &Home) -> BTreeSet<String> {
    let lock = std::fs::read_to_string(home.join("weft.lock")).expect("the lock file");
    let holders = "SELECT cid || ' ' || holder FROM content_pins";
    let parts: [(&str, Vec<String>); 7] = [
        ("content", names(home.join("content"))),
        ("draft", names(home.join("content/tmp"))),
        ("code", names(home.join("cache"))),
        ("holder", rows(home, holders)),
        ("release", rows(home, "SELECT cid FROM releases")),
        (
            "known code",
            rows(home, "SELECT component_cid FROM native_cache"),
        ),
        ("lock", lock.lines().map(Into::into).collect()),
    ];
    let lines = parts.into_iter().flat_map(|(what, lines)| {
        let line = move |line| format!("{what}: {line}");
        lines.into_iter().map(line)
    });
    lines.collect()
}

/// How many records there are: constitutions, whose CIDs hold times, and golden vectors.
fn records(home: &Home) -> usize {
    rows(home, "SELECT cid FROM blocks").len()
}

/// What is there and should not be, and the other way round.
fn difference(found: &Home, wanted: &Home) -> Vec<String> {
    let (few, many) = (records(wanted), records(found));
    let (wanted, found) = (left(wanted), left(found));
    let over = found.difference(&wanted).map(|l| format!("has {l}"));
    let lacks = wanted.difference(&found).map(|l| format!("lacks {l}"));
    let count = (many != few).then(|| format!("has {many} records instead of {few}"));
    over.chain(lacks).chain(count).collect()
}

/// States of installs of the new release, in their order.
fn states(home: &Home, cid: &str) -> Vec<String> {
    rows(
        home,
        &format!("SELECT state FROM installs WHERE release_cid = '{cid}' ORDER BY id"),
    )
}

/// A decision is made, content is whole, and nothing is broken.
#[track_caller]
fn sound(home: &Home) {
    home.weft(["--json", "content", "verify"]).ok();
    home.weft(["doctor"]).ok();
    let task = ["--json", "task", "check", "--name", "log-digest"];
    let told: Ran = home.weft(task).ok();
    let steps = told.json()["steps"].clone();
    let good = steps
        .as_array()
        .expect("steps")
        .iter()
        .any(|step| step["plugin"] == "good");
    assert!(good, "the slot's release was not asked: {steps:#}");
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "an optimised build has no fault points"
)]
fn killed_at_any_point_it_is_ended_by_the_next_process() {
    let scene = scene();
    let whole = scene.copy();
    let done = whole.weft(scene.install()).ok().json();
    assert_eq!(done["state"], "done", "{done:#}");
    assert!(!difference(&whole, &scene.home).is_empty());

    let mut activated = false;
    let mut missed = Vec::new();
    for point in POINTS {
        activated |= point == ACTIVATED;
        let Some(home) = scene.killed_at(point, &mut missed) else {
            continue;
        };
        let serves = if activated { &scene.new } else { &scene.old };
        assert_eq!(&on_disk(&home), serves, "{point}");

        // Whatever opens the home next takes it up. What nobody wrote down is forgotten instead.
        let (serves, ended, wanted) = match point {
            STAGED => (&scene.old, &[][..], &scene.home),
            _ => (&scene.new, &["done"][..], &whole),
        };
        assert_eq!(&serving(&home), serves, "{point}");
        assert_eq!(states(&home, &scene.new), ended, "{point}");
        sound(&home);
        let differs = difference(&home, wanted);
        missed.extend(differs.iter().map(|d| format!("{point}, opened: {d}")));

        // The same command once more is no error, and ends where an undisturbed one does.
        let again = home.weft(scene.install()).ok().json();
        assert_eq!(again["state"], "done", "{point}: {again:#}");
        assert_eq!(serving(&home), scene.new, "{point}");
        assert_eq!(left(&home), left(&whole), "{point}");
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    assert!(activated, "no point is named `{ACTIVATED}`");
}

#[test]
#[cfg_attr(
    not(debug_assertions),
    ignore = "an optimised build has no fault points"
)]
fn killed_before_it_serves_it_is_refused_when_nobody_trusts_it_any_more() {
    let scene = scene();
    let trust = std::fs::read_to_string(scene.home.join("trust.toml")).expect("the rules");
    let mut missed = Vec::new();
    for point in POINTS.into_iter().take_while(|p| *p != ACTIVATED) {
        let Some(home) = scene.killed_at(point, &mut missed) else {
            continue;
        };
        // Without rules only what came with Weft is trusted, and what the owner signed.
        std::fs::remove_file(home.join("trust.toml")).expect("the rules");

        assert_eq!(serving(&home), scene.old, "{point}");
        let ended: &[&str] = if point == STAGED { &[] } else { &["refused"] };
        assert_eq!(states(&home, &scene.new), ended, "{point}");
        sound(&home);
        // Nothing is left of it but its row.
        let differs = difference(&home, &scene.home);
        missed.extend(differs.iter().map(|d| format!("{point}, refused: {d}")));

        // A refusal is no verdict for ever.
        std::fs::write(home.join("trust.toml"), &trust).expect("the rules");
        let again = home.weft(scene.install()).ok().json();
        assert_eq!(again["state"], "done", "{point}: {again:#}");
        assert_eq!(serving(&home), scene.new, "{point}");
        sound(&home);
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
