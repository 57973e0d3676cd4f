//! A workload made of two: the index that one keeps, by vectors that the other computes. Both stand in the receipt, another
//! run gives the same, and what is not there or not allowed is said by name.

use serde_json::{Value, json};
use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use weft_engine::workload::Embedder;
use weft_engine::{
    CallError, Dir, Finished, Job, JobFailure, JobLimits, Limit, READ, Workload, WorkloadEngine,
};
use weft_kit::{Home, workspace};

fn write(folder: &Path, notes: &[(&str, &str)]) {
    for (name, text) in notes {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(path, text).expect("a note");
    }
}

const NOTES: [(&str, &str); 3] = [
    (
        "kitchen/bread.md",
        "# Bread\nMix flour, water and yeast, and bake it.\n",
    ),
    ("garage.txt", "The car needs new tyres and an oil change.\n"),
    ("money.txt", "Pay the electricity bill before Friday.\n"),
];

/// A home whose tasks `text-index` may read a folder of notes.
fn home() -> Home {
    let home = Home::new();
    home.weft(["init"]).ok();
    let notes = home.join("notes");
    write(&notes, &NOTES);
    let setting = format!("reads = \"text-index={}\"\n", notes.display());
    fs::write(home.join("weft.toml"), setting).expect("settings");
    home
}

fn run(home: &Home, args: &[&str]) -> Value {
    let index = home.join("notes.index").display().to_string();
    let all = [&["run", "text-index", "--json", "--index", &index], args].concat();
    home.weft(all).ok().json()
}

fn text(value: &Value, key: &str) -> String {
    let found = value[key].as_str();
    found
        .unwrap_or_else(|| panic!("no `{key}`: {value}"))
        .to_owned()
}

fn json_of(home: &Home, args: &[&str]) -> Value {
    home.weft([args, &["--json"]].concat()).ok().json()
}

#[test]
fn a_folder_is_searched_by_meaning_and_the_receipt_names_both_workloads() {
    let home = home();
    let first = run(&home, &[]);
    assert_eq!(
        first["summary"],
        "3 files, 3 passages: 3 embedded, 0 as they were"
    );
    assert_eq!(first["hits"], Value::Null);
    let found = run(&home, &["--query", "vehicle repair", "--top", "2"]);
    let hits = found["hits"].as_array().expect("hits");
    assert_eq!(hits.len(), 2, "{found}");
    assert_eq!(hits[0]["path"], "garage.txt", "{found}");
    assert_eq!(hits[0]["line"], 1);
    assert!(
        hits[0]["score"].as_f64() > hits[1]["score"].as_f64(),
        "{found}"
    );

    // What another needs to compute the same: the model, who embeds, and the folder's content.
    let receipt = text(&first, "receipt");
    let shown = json_of(&home, &["receipt", "show", &receipt]);
    let model = text(&json_of(&home, &["model", "show", "mini"]), "cid");
    let embeds = text(
        &json_of(&home, &["release", "inspect", "embeddings"]),
        "release",
    );
    let models = shown["models"].as_array().expect("models");
    assert_eq!(models[..2], [json!(model), json!(embeds)], "{shown}");
    assert_eq!(models.len(), 3, "{shown}");
    let again = json_of(&home, &["receipt", "verify", &receipt]);
    assert_eq!(again["again"]["equal"], true, "{again:#}");

    // Only what changed is embedded, and the index is the same as one from nothing.
    write(
        &home.join("notes"),
        &[("money.txt", "The rent is due on Monday.\n")],
    );
    let later = run(&home, &[]);
    assert_eq!(
        later["summary"],
        "3 files, 3 passages: 1 embedded, 2 as they were"
    );
    let kept = fs::read(home.join("notes.index")).expect("the index");
    assert!(kept.starts_with(b"{\"text_index\":1,"));
    fs::remove_file(home.join("notes.index")).expect("the index");
    run(&home, &[]);
    assert!(fs::read(home.join("notes.index")).expect("the index") == kept);
    let again = home.weft(["receipt", "verify", &receipt, "--json"]);
    assert_eq!(again.code, 7, "{again:?}");
    assert_eq!(
        again.json()["again"]["equal"],
        false,
        "the folder is another one"
    );

    // A search needs the index alone, and its receipt no folder.
    fs::remove_dir_all(home.join("notes")).expect("the notes");
    let found = run(&home, &["--query", "when do I pay the rent"]);
    assert_eq!(found["hits"][0]["path"], "money.txt", "{found}");
    let receipt = text(&found, "receipt");
    let again = json_of(&home, &["receipt", "verify", &receipt]);
    assert_eq!(again["again"]["equal"], true, "{again:#}");
    assert_eq!(again["models"], json!([model, embeds]));
}

#[test]
fn what_is_not_there_or_not_granted_is_said_and_leaves_the_index_as_it_was() {
    let home = home();
    let index = home.join("notes.index").display().to_string();
    let run_with =
        |args: &[&str]| home.weft([&["run", "text-index", "--index", &index], args].concat());
    let said = |args: &[&str], code: i32, expected: &str| {
        let ran = run_with(args);
        assert_eq!(ran.code, code, "{expected}: {ran:?}");
        assert!(ran.stderr.contains(expected), "{expected}: {ran:?}");
    };
    said(&["--query", "bread"], 3, "there is no index");
    said(&["--model", "gone"], 3, "gone");
    run_with(&[]).ok();
    let kept = fs::read(&index).expect("the index");
    said(&["--query", "bread", "--top", "0"], 6, "`top` is 0");
    said(&["--query", " "], 6, "`query` is empty");

    // Somebody's letter is no index, and is not written over.
    fs::write(&index, "Dear Ada,\n").expect("a letter");
    said(&[], 6, "not an index that text-index wrote: line 1");
    assert_eq!(
        fs::read_to_string(&index).expect("the letter"),
        "Dear Ada,\n"
    );
    fs::write(&index, &kept).expect("the index");

    // What is bound to `embeddings` must embed.
    home.weft(["workload", "use", "embeddings", "log-digest"])
        .ok();
    said(&[], 4, "turns no texts into vectors");
    home.weft(["workload", "use", "embeddings", "embeddings"])
        .ok();

    // Another binary under the name does not inherit the folder.
    fs::write(home.join("weft.toml"), "").expect("settings");
    said(
        &[],
        6,
        "grant the directory that holds the texts, for reading",
    );
    assert!(fs::read(&index).expect("the index") == kept);
}

/// The two workloads without a node.
struct Pair {
    engine: Arc<WorkloadEngine>,
    embeds: Arc<Workload>,
    index: Workload,
}

impl Pair {
    fn new() -> Self {
        let engine = Arc::new(WorkloadEngine::new().expect("an engine"));
        let bytes = |name: &str| weft_bundle::component(name).expect("it is bundled").bytes;
        let mini = workspace().join("plugins/bundle/models/mini");
        let memory = JobLimits::default().memory_bytes;
        let code = engine.load_model(bytes("embeddings"), &mini, memory);
        let embeds = engine.load(&code.expect("a model")).expect("its own code");
        let (_, code) = engine.precompile_here(bytes("text-index")).expect("code");
        let index = || engine.load(&code).expect("its own code");
        assert!(Embedder::new(&engine, Arc::new(index()), memory).is_none());
        Self {
            embeds: Arc::new(embeds),
            index: index(),
            engine,
        }
    }

    /// A job of either; with the folder it is the index's.
    fn run(
        &self,
        folder: Option<&Path>,
        change: impl FnOnce(&mut Job),
    ) -> Result<Finished, CallError> {
        let limits = JobLimits::default();
        let mut job = Job::bare(limits, Arc::default());
        if let Some(folder) = folder {
            job.dirs.push(Dir {
                host: folder.to_owned(),
                guest: READ.into(),
                writable: false,
            });
            let embeds = Arc::clone(&self.embeds);
            job.embedder = Embedder::new(&self.engine, embeds, limits.memory_bytes);
        }
        change(&mut job);
        let workload = folder.map_or(&*self.embeds, |_| &self.index);
        self.engine.run(workload, job)
    }
}

#[test]
fn what_the_linked_workload_uses_is_the_jobs() {
    let pair = Pair::new();
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &NOTES);
    let path = Some(folder.path());
    let all = pair.run(path, |_| {}).expect("an end");
    assert!(all.result.is_ok(), "{all:?}");
    let same = pair.run(path, |_| {}).expect("an end");
    assert_eq!(
        (all.fuel, all.output_digest),
        (same.fuel, same.output_digest)
    );

    // The same texts as a job of their own: the same call, of the same fuel.
    let lines: String = NOTES
        .map(|(_, text)| format!("{}\n", json!(text.trim_end())))
        .concat();
    let texts = pair.run(None, |job| {
        job.params = r#"{"input":"json"}"#.into();
        job.input = Box::new(Cursor::new(lines));
    });
    let texts = texts.expect("an end");
    assert!(all.fuel > texts.fuel, "{} and {}", all.fuel, texts.fuel);
    let short = pair.run(path, |job| job.limits.fuel = texts.fuel);
    assert_eq!(short, Err(CallError::Limit(Limit::Fuel)));
    assert!(all.peak_memory_bytes > texts.peak_memory_bytes);

    let stopped = pair.run(path, |job| job.cancel = Arc::new(AtomicBool::new(true)));
    assert_eq!(stopped.expect("an end").result, Err(JobFailure::Cancelled));
    // Enough to be at work when the clock is looked at.
    let many: String = (0..20_000).map(|n| format!("# Note {n}\n")).collect();
    write(folder.path(), &[("many.md", &many)]);
    let late = pair.run(path, |job| job.limits.deadline_ms = 1);
    assert_eq!(late, Err(CallError::Limit(Limit::Deadline)));
    let alone = pair.run(path, |job| job.embedder = None).expect("an end");
    let missing = "no workload that turns texts into vectors is linked in";
    assert_eq!(alone.result, Err(JobFailure::Missing(missing.into())));
}
