//! Conversations: models and skills that people add, receipts that are checked by another run, answers that are stopped, and
//! what is wrong. The models are those of `tests/reference/decoders`: small, random, and exactly known.

use serde_json::{Value, json};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use weft_kit::{Home, endless_model, workspace};

const QUESTION: &str = "What is a mesh?";

fn home() -> Home {
    let home = Home::new();
    home.weft(["init"]).ok();
    home
}

/// An answer of the model `smol`, unless the arguments name another one.
fn chat(home: &Home, args: &[&str]) -> Value {
    let model: &[&str] = match args.contains(&"--model") {
        true => &[],
        false => &["--model", "smol"],
    };
    let seed: &[&str] = match args.contains(&"--seed") {
        true => &[],
        false => &["--seed", "7"],
    };
    let all = [&["chat", "--json"], model, seed, args].concat();
    home.weft(all).ok().json()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    let found = value[key].as_str();
    found.unwrap_or_else(|| panic!("no `{key}`: {value}"))
}

fn reference(name: &str) -> PathBuf {
    workspace().join("tests/reference/decoders").join(name)
}

fn shown(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

/// Adds a model or a skill of the reference.
fn add(home: &Home, name: &str, path: &str) -> Value {
    let path = shown(&reference(path));
    home.weft(["model", "add", name, &path, "--json"])
        .ok()
        .json()
}

#[test]
fn an_answer_is_streamed_and_its_receipt_is_checked() {
    let home = home();
    let model = add(&home, "smol", "smollm2");
    let first = chat(&home, &["--max-tokens", "30", QUESTION]);
    let answer = text(&first, "answer");
    assert!(
        !answer.is_empty() && first["answer_tokens"] == 30,
        "{first}"
    );
    assert_eq!(first["end"], "length", "{first}");

    // Another process gives the same claim, byte for byte and down to the fuel; another seed gives another answer.
    let second = chat(&home, &["--max-tokens", "30", QUESTION]);
    let show = |run: &Value| {
        let receipt = text(run, "receipt");
        home.weft(["receipt", "show", receipt, "--json"])
            .ok()
            .json()
    };
    let (a, b) = (show(&first), show(&second));
    assert_eq!(a["claim_cid"], b["claim_cid"]);
    assert_eq!(a["models"], json!([model["cid"]]));
    assert_eq!(answer, text(&second, "answer"));
    let other = chat(&home, &["--max-tokens", "30", "--seed", "8", QUESTION]);
    assert_ne!(answer, text(&other, "answer"));

    let verify = ["receipt", "verify", text(&first, "receipt"), "--json"];
    assert_eq!(home.weft(verify).ok().json()["again"]["equal"], true);

    // Without `--json` the answer is a text; the task keeps its pieces, of which there are several.
    let args = [
        "chat",
        "--model",
        "smol",
        "--seed",
        "7",
        "--max-tokens",
        "30",
        QUESTION,
    ];
    let plain = home.weft(args).ok();
    let visible = |text: &str| {
        text.chars()
            .filter(|c| c.is_alphanumeric())
            .collect::<String>()
    };
    assert_eq!(visible(&plain.stdout), visible(answer));
    let task = home
        .weft(["task", "show", text(&first, "task"), "--json"])
        .ok()
        .json();
    let kept = fs::read_to_string(text(&task, "output")).expect("the output");
    let lines: Vec<Value> = kept
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert!(lines.len() > 5, "{kept}");
    let pieces: String = lines
        .iter()
        .filter_map(|line| line["piece"].as_str())
        .collect();
    assert_eq!(pieces, answer);
}

#[test]
fn the_small_model_needs_no_name_and_its_skills_change_what_it_says() {
    let home = home();
    let ask = |args: &[&str]| {
        let all = [&["chat", "--json", "--seed", "1"], args].concat();
        home.weft(all).ok().json()
    };
    // The same bytes everywhere, so the same words.
    let king = "What is a king?";
    let plain = ask(&[king]);
    assert_eq!(
        text(&plain, "answer"),
        "A king is a male sovereign; ruler of a kingdom."
    );
    let greeted = ask(&["Hello!"]);
    assert_eq!(text(&greeted, "answer"), "Hi! Which word shall I explain?");

    let cid = |name: &str| {
        let shown = home.weft(["model", "show", name, "--json"]).ok().json();
        text(&shown, "cid").to_owned()
    };
    let mut answers = vec![text(&plain, "answer").to_owned()];
    for skill in ["smalltalk-devil", "smalltalk-jargon"] {
        let skilled = ask(&["--skill", skill, king]);
        let receipt = ["receipt", "show", text(&skilled, "receipt"), "--json"];
        let receipt = home.weft(receipt).ok().json();
        assert_eq!(receipt["models"], json!([cid("smalltalk"), cid(skill)]));
        answers.push(text(&skilled, "answer").to_owned());
    }
    answers.sort();
    answers.dedup();
    assert_eq!(answers.len(), 3, "{answers:?}");
}

#[test]
fn a_conversation_goes_on_line_by_line() {
    let home = home();
    add(&home, "smol", "smollm2");
    let lines = "What is a mesh?\n\nAnd a rule?\n/new\nHello\n";
    let args = [
        "chat",
        "--model",
        "smol",
        "--temperature",
        "0",
        "--max-tokens",
        "8",
        "--json",
    ];
    let said = home.weft_with(args, lines.as_bytes()).ok();
    let answers: Vec<Value> = serde_json::Deserializer::from_str(&said.stdout)
        .into_iter()
        .map(|answer| answer.expect("an answer"))
        .collect();
    assert_eq!(answers.len(), 3, "{}", said.stdout);
    let tokens = |n: usize| answers[n]["prompt_tokens"].as_u64().expect("a number");
    assert!(tokens(1) > tokens(0), "what was said before is read again");
    assert!(tokens(2) < tokens(1), "`/new` begins anew");
    // A conversation beyond the context goes on without its beginning.
    let many = "word word word word word word word word\n".repeat(8);
    let said = home.weft_with(args, many.as_bytes()).ok();
    let forgotten = serde_json::Deserializer::from_str(&said.stdout)
        .into_iter::<Value>()
        .filter_map(|answer| answer.expect("an answer")["forgotten_turns"].as_u64())
        .sum::<u64>();
    assert!(forgotten > 0, "{}", said.stdout);
}

#[test]
fn an_answer_that_is_interrupted_ends_and_the_task_is_taken_back() {
    let home = home();
    let folder = home.join("endless");
    endless_model(&folder);
    home.weft(["model", "add", "smol", &shown(&folder)]).ok();
    // Loaded beforehand, so that what is interrupted is the answer.
    chat(&home, &["--max-tokens", "1", QUESTION]);
    let endless = [
        "chat",
        "--model",
        "smol",
        "--max-tokens",
        "100000",
        "--temperature",
        "0",
        "--repetition-penalty",
        "1",
        QUESTION,
    ];
    let mut command = home.command(endless);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("weft");
    let mut out = child.stdout.take().expect("piped");
    out.read_exact(&mut [0]).expect("a beginning");
    let pid = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &pid]).status();
    assert!(killed.expect("kill").success());
    // What comes until then is read, as a terminal would.
    std::io::copy(&mut out, &mut std::io::sink()).expect("the rest");
    let status = child.wait().expect("an end");
    let tasks = home.weft(["task", "list", "--json"]).ok().json();
    assert_eq!(
        (status.code(), &tasks[0]["status"]),
        (Some(6), &json!("cancelled")),
        "{tasks:#}"
    );
}

#[test]
fn models_and_skills_of_people_are_added() {
    let home = home();
    add(&home, "smol", "smollm2");
    add(&home, "mixed", "mixed.gguf");
    for skill in ["skill-a", "skill-b"] {
        add(&home, skill, skill);
    }
    let say = |args: &[&str]| {
        let all = [args, &["--max-tokens", "12", QUESTION]].concat();
        text(&chat(&home, &all), "answer").to_owned()
    };
    let plain = say(&["--model", "smol"]);
    assert_ne!(say(&["--model", "mixed"]), plain);
    let mut answers = vec![plain.clone()];
    let both = ["--skill", "skill-a:0.5", "--skill", "skill-b:1.25"];
    for skills in [&["--skill", "skill-a"][..], &["--skill", "skill-b"], &both] {
        let with = chat(&home, &[skills, &["--max-tokens", "12", QUESTION]].concat());
        answers.push(text(&with, "answer").to_owned());
        let receipt = ["receipt", "show", text(&with, "receipt"), "--json"];
        let receipt = home.weft(receipt).ok().json();
        let models = receipt["models"].as_array().expect("models").len();
        assert_eq!(models, 1 + skills.len() / 2, "{receipt}");
        let verify = ["receipt", "verify", text(&with, "receipt"), "--json"];
        assert_eq!(home.weft(verify).ok().json()["again"]["equal"], true);
    }
    assert_eq!(
        say(&["--skill", "skill-b:0"]),
        plain,
        "no weight, no difference"
    );
    answers.sort();
    answers.dedup();
    assert_eq!(answers.len(), 4, "{answers:#?}");

    // One for another model is refused, and so is a model that is no skill, or a skill as a model.
    for (args, why) in [
        (["--model", "mixed", "--skill", "skill-a"], "shape"),
        (
            ["--model", "smol", "--skill", "mixed"],
            "adapter_config.json",
        ),
        (["--model", "smol", "--skill", "nobody"], "nobody"),
        (["--model", "skill-a", "--skill", "skill-b"], "model"),
        (["--model", "mini", "--skill", "skill-b"], "chat template"),
    ] {
        let refused = home.weft([&["chat", "--json"], &args[..], &[QUESTION]].concat());
        assert_ne!(refused.code, 0, "{args:?}");
        assert!(refused.stdout.contains(why), "{args:?}: {}", refused.stdout);
    }
}

#[test]
fn a_published_skill_carries_how_it_is_added() {
    let home = home();
    let base = add(&home, "smol", "smollm2");
    let adapter = shown(&reference("skill-b/adapter_model.safetensors"));
    let build = [
        "release",
        "build",
        &adapter,
        "--skill",
        "b",
        "--skill-version",
        "1.0.0",
        "--base",
        text(&base, "cid"),
        "--json",
    ];
    let release = home.weft(build).ok().json();
    let by_cid = format!("{}:0.5", text(&release, "release"));
    add(&home, "skill-b", "skill-b");
    let say = |args: &[&str]| {
        let all = [
            &["--model", "smol", "--max-tokens", "12"],
            args,
            &[QUESTION],
        ]
        .concat();
        chat(&home, &all)
    };
    let published = say(&["--skill", &by_cid]);
    let folder = say(&["--skill", "skill-b:0.5"]);
    assert_eq!(text(&published, "answer"), text(&folder, "answer"));
    let verify = ["receipt", "verify", text(&published, "receipt"), "--json"];
    assert_eq!(home.weft(verify).ok().json()["again"]["equal"], true);

    add(&home, "mixed", "mixed.gguf");
    let other = home.weft([
        "chat", "--model", "mixed", "--skill", &by_cid, QUESTION, "--json",
    ]);
    assert!(
        other.code != 0 && other.stdout.contains("is for the model"),
        "{}",
        other.stdout
    );
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_left() {
    let home = home();
    add(&home, "smol", "smollm2");
    for (args, why) in [
        (vec!["--temperature", "11", "x"], "temperature"),
        (vec!["--top-p", "0", "x"], "top_p"),
        (vec!["--max-tokens", "2000000", "x"], "max_tokens"),
        (vec!["--model", "nobody", "x"], "nobody"),
        (vec!["--stop", "", "x"], "empty"),
    ] {
        let model = if args[0] == "--model" {
            &[][..]
        } else {
            &["--model", "smol"]
        };
        let refused = home.weft([&["chat", "--json"], model, &args[..]].concat());
        assert_ne!(refused.code, 0, "{args:?}");
        assert!(refused.stdout.contains(why), "{args:?}: {}", refused.stdout);
    }
    let long = "word ".repeat(2_000);
    let refused = home.weft(["chat", "--json", "--model", "smol", &long]);
    assert!(refused.stdout.contains("128"), "{}", refused.stdout);

    // Damaged models are refused by name, and nothing of them is kept loaded.
    let folder = tempfile::tempdir().expect("a folder");
    let whole = fs::read(reference("mixed.gguf")).expect("a model");
    let mut claims = whole.clone();
    claims[8..16].copy_from_slice(&(1_u64 << 60).to_le_bytes());
    for (name, bytes) in [
        ("short", &whole[..whole.len() / 2]),
        ("claims", &claims[..]),
    ] {
        let path = folder.path().join(format!("{name}.gguf"));
        fs::write(&path, bytes).expect("a file");
        home.weft(["model", "add", name, &shown(&path)]).ok();
        let refused = home.weft(["chat", "--json", "--model", name, "x"]);
        let code = refused.json();
        assert_eq!(code["error"]["code"], "bad-model", "{code}");
        assert!(refused.stdout.contains(&format!("{name}.gguf")), "{code}");
    }
    assert!(
        !text(&chat(&home, &["Hello"]), "answer").is_empty(),
        "it goes on"
    );
}
