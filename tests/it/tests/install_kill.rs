//! `kill -9` at each step of an install, in real processes: the old version serves, and the next process of the home
//! ends what was cut off, with nothing left over.
//!
//! A debug build of `weft` kills itself at the point that `WEFT_FAULT` names; a point that no install passes fails the
//! tests. What was on the disk at that moment is read from the database itself, since any command that opens the home
//! takes the install up.

use rusqlite::Connection;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
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
/// From this point on the new version serves: the transaction that put it there is over.
const ACTIVATED: &str = "activated";
/// The point at which the bytes are here and nothing says yet that they are wanted.
const STAGED: &str = "staged";

/// What is installed.
struct Kind {
    /// The release's name.
    name: &'static str,
    /// What trust is given for.
    trusted: &'static str,
    /// Where it serves.
    target: &'static str,
    /// Says which release serves there.
    serving: &'static str,
    /// Points that its install does not pass.
    without: &'static [&'static str],
}

const POLICY: Kind = Kind {
    name: "good",
    trusted: "scorer",
    target: "scorer",
    serving: "SELECT release_cid FROM slots WHERE slot = 'scorer'",
    without: &[],
};
const WORKLOAD: Kind = Kind {
    name: "workload-echo",
    trusted: "workload",
    target: "workload-echo",
    serving: "SELECT release_cid FROM workloads WHERE name = 'workload-echo'",
    without: &[],
};
/// It has no code.
const SKILL: Kind = Kind {
    name: "polite",
    trusted: "skill",
    target: "polite",
    serving: "SELECT release_cid FROM skills WHERE name = 'polite'",
    without: &["cached"],
};

impl Kind {
    /// `weft release build` of revision 1 or 2 in the publisher's home.
    fn build(&self, revision: u8, publisher: &Home) -> Vec<String> {
        let mut args = vec!["--json".to_owned(), "release".into(), "build".into()];
        match self.trusted {
            "scorer" => args.push(text(&weft_kit::guest(&format!("good-v{revision}")))),
            "workload" => {
                let file = publisher.join(format!("echo-{revision}.wasm"));
                let mut bytes = weft_kit::guest_bytes(self.name);
                // A custom section more, of a name and one byte: other bytes that do the same.
                bytes.extend([0, 3, 1, b'r', revision]);
                std::fs::write(&file, bytes).expect("a file");
                args.push(text(&file));
            }
            _ => {
                let skill = ["smalltalk-devil", "smalltalk-jargon"][usize::from(revision - 1)];
                let file = format!("plugins/bundle/models/{skill}/adapter_model.safetensors");
                args.push(text(&weft_kit::workspace().join(file)));
                let base = publisher
                    .weft(["--json", "model", "show", "smalltalk"])
                    .ok();
                let version = format!("{revision}.0.0");
                let more = ["--skill", self.name, "--skill-version", &version];
                args.extend(more.map(Into::into));
                args.extend(["--base".to_owned(), word(&base.json()["cid"])]);
            }
        }
        args
    }

    /// The points that its install passes.
    fn points(&self) -> impl Iterator<Item = &'static str> {
        POINTS
            .into_iter()
            .filter(|point| !self.without.contains(point))
    }
}

/// A home where revision 1 of a stranger's release serves, and that stranger's folder with revisions 1 and 2.
struct Scene {
    kind: &'static Kind,
    folder: TempDir,
    home: Home,
    old: String,
    new: String,
}

/// The scene of a kind's tests: making it compiles every plugin twice. It goes with the last test that holds it.
fn scene(kind: &'static Kind) -> Arc<Scene> {
    static SCENES: Mutex<BTreeMap<&str, Weak<Scene>>> = Mutex::new(BTreeMap::new());
    let mut scenes = SCENES.lock().unwrap_or_else(PoisonError::into_inner);
    let scene = scenes.entry(kind.name).or_default();
    scene.upgrade().unwrap_or_else(|| {
        let made = Arc::new(Scene::new(kind));
        *scene = Arc::downgrade(&made);
        made
    })
}

impl Scene {
    fn new(kind: &'static Kind) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let to = text(folder.path());
        let publisher = Home::new();
        publisher.weft(["init", "--user", "p@example.com"]).ok();
        let [old, new] = [1, 2].map(|revision| {
            let built = publisher.weft(kind.build(revision, &publisher)).ok();
            let cid = word(&built.json()["release"]);
            publisher.weft(["publish", &cid, "--to", &to]).ok();
            cid
        });
        let keys = publisher.weft(["--json", "key", "show", "owner"]).ok();
        let did = word(&keys.json()["did"]);

        let home = Home::new();
        home.weft(["init", "--user", "a@example.com"]).ok();
        let rule = ["--name", kind.name, "--target", kind.trusted, "--key", &did];
        home.weft(["trust", "add"].into_iter().chain(rule)).ok();
        let first = ["install", &old, "--from", &to, "--as", kind.target, "--yes"];
        home.weft(first).ok();
        let scene = Self {
            kind,
            folder,
            home,
            old,
            new,
        };
        assert_eq!(scene.on_disk(&scene.home), scene.old);
        scene
    }

    /// The release that serves, as the database has it; no process has the home.
    fn on_disk(&self, home: &Home) -> String {
        rows(home, self.kind.serving).join(" ")
    }

    /// The same once a process has opened the home, and taken up what was cut off.
    fn serving(&self, home: &Home) -> String {
        home.weft(["status"]).ok();
        self.on_disk(home)
    }

    /// Content is whole, nothing is broken, and a scorer that serves is asked.
    #[track_caller]
    fn sound(&self, home: &Home) {
        home.weft(["--json", "content", "verify"]).ok();
        home.weft(["doctor"]).ok();
        if self.kind.trusted != "scorer" {
            return;
        }
        let task = ["--json", "task", "check", "--name", "log-digest"];
        let told: Ran = home.weft(task).ok();
        let steps = told.json()["steps"].clone();
        let good = steps
            .as_array()
            .expect("steps")
            .iter()
            .any(|step| step["plugin"] == self.kind.name);
        assert!(good, "the slot's release was not asked: {steps:#}");
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

fn killed_at_any_point_it_is_ended_by_the_next_process(kind: &'static Kind) {
    let scene = scene(kind);
    let whole = scene.copy();
    let done = whole.weft(scene.install()).ok().json();
    assert_eq!(done["state"], "done", "{done:#}");
    assert!(!difference(&whole, &scene.home).is_empty());

    let mut activated = false;
    let mut missed = Vec::new();
    for point in kind.points() {
        activated |= point == ACTIVATED;
        let Some(home) = scene.killed_at(point, &mut missed) else {
            continue;
        };
        let serves = if activated { &scene.new } else { &scene.old };
        assert_eq!(&scene.on_disk(&home), serves, "{point}");

        // Whatever opens the home next takes it up. What nobody wrote down is forgotten instead.
        let (serves, ended, wanted) = match point {
            STAGED => (&scene.old, &[][..], &scene.home),
            _ => (&scene.new, &["done"][..], &whole),
        };
        assert_eq!(&scene.serving(&home), serves, "{point}");
        assert_eq!(states(&home, &scene.new), ended, "{point}");
        scene.sound(&home);
        let differs = difference(&home, wanted);
        missed.extend(differs.iter().map(|d| format!("{point}, opened: {d}")));

        // The same command once more is no error, and ends where an undisturbed one does.
        let again = home.weft(scene.install()).ok().json();
        assert_eq!(again["state"], "done", "{point}: {again:#}");
        assert_eq!(scene.serving(&home), scene.new, "{point}");
        assert_eq!(left(&home), left(&whole), "{point}");
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    assert!(activated, "no point is named `{ACTIVATED}`");
}

fn killed_before_it_serves_it_is_refused_when_nobody_trusts_it_any_more(kind: &'static Kind) {
    let scene = scene(kind);
    let trust = std::fs::read_to_string(scene.home.join("trust.toml")).expect("the rules");
    let mut missed = Vec::new();
    for point in kind.points().take_while(|p| *p != ACTIVATED) {
        let Some(home) = scene.killed_at(point, &mut missed) else {
            continue;
        };
        // Without rules only what came with Weft is trusted, and what the owner signed.
        std::fs::remove_file(home.join("trust.toml")).expect("the rules");

        assert_eq!(scene.serving(&home), scene.old, "{point}");
        let ended: &[&str] = if point == STAGED { &[] } else { &["refused"] };
        assert_eq!(states(&home, &scene.new), ended, "{point}");
        scene.sound(&home);
        // Nothing is left of it but its row.
        let differs = difference(&home, &scene.home);
        missed.extend(differs.iter().map(|d| format!("{point}, refused: {d}")));

        // A refusal is no verdict for ever.
        std::fs::write(home.join("trust.toml"), &trust).expect("the rules");
        let again = home.weft(scene.install()).ok().json();
        assert_eq!(again["state"], "done", "{point}: {again:#}");
        assert_eq!(scene.serving(&home), scene.new, "{point}");
        scene.sound(&home);
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Both tests of each kind.
macro_rules! kinds {
    ($($module:ident: $kind:ident;)+) => {$(
        mod $module {
            #[test]
            #[cfg_attr(not(debug_assertions), ignore = "an optimised build has no fault points")]
            fn killed_at_any_point_it_is_ended_by_the_next_process() {
                super::killed_at_any_point_it_is_ended_by_the_next_process(&super::$kind);
            }

            #[test]
            #[cfg_attr(not(debug_assertions), ignore = "an optimised build has no fault points")]
            fn killed_before_it_serves_it_is_refused_when_nobody_trusts_it_any_more() {
                super::killed_before_it_serves_it_is_refused_when_nobody_trusts_it_any_more(&super::$kind);
            }
        }
    )+};
}

kinds! {
    policy: POLICY;
    workload: WORKLOAD;
    skill: SKILL;
}
