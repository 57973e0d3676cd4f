//! The ethics and quota judgment with 16 rules: as two calls of Weft's plugins, in native Rust, in Rego on
//! Regorus, and in Cedar. Same inputs; all must answer alike before a figure is shown.
//!
//! Rego and Cedar run in a program of its own (`engines/`, which this benchmark builds): its `Cargo.toml` says why. They are given
//! rules and inputs taken apart ahead, in their own values, and that is not timed but for one row of
//! Cedar. Weft's plugins get the
//! owner's rules as text and take them apart in every call, each on a fresh instance.

#[path = "shared/policies.rs"]
mod shared;

use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use weft_bench::{Figures, Report, measure, measure_with, target_dir};
use weft_engine::{Policy, PolicyEngine};
use weft_model::slots::economy::{QuotaRequest, QuotaVerdict};
use weft_model::slots::ethics::{EthicsCall, EthicsTask, Known, Level, Rule};
use weft_model::{SlotCall, SlotReply};
use weft_sdk::ethics::bindings::exports::weft::ethics::policy::Guest as _;
use weft_sdk::quota::bindings::exports::weft::quota::policy::Guest as _;

/// The owner's rules: kind, value, and the same taken apart for the other engines.
fn rules() -> Vec<(&'static str, &'static str, Value)> {
    let heavy = json!({"words": [["ml"], ["render", "analy"]]});
    let data = json!({"words": [[], ["backup", "sync", "transfer"]]});
    let never = |parts: &[&str]| json!({"never": parts});
    vec![
        ("max_power_watts", "60", json!({"watts": 60})),
        ("max_power_watts", "100", json!({"watts": 100})),
        ("max_power_watts", "150", json!({"watts": 150})),
        ("max_power_watts", "300", json!({"watts": 300})),
        (
            "task_type_blacklist",
            "crypto-mining",
            never(&["crypto-mining"]),
        ),
        (
            "task_type_blacklist",
            "Video, stream",
            never(&["video", "stream"]),
        ),
        ("task_type_blacklist", "ads", never(&["ads"])),
        ("task_type_blacklist", "torrent", never(&["torrent"])),
        (
            "task_type_blacklist",
            "surveillance,face",
            never(&["surveillance", "face"]),
        ),
        (
            "task_type_blacklist",
            "casino,betting",
            never(&["casino", "betting"]),
        ),
        (
            "task_type_whitelist",
            "log-digest, ocr-page, embed-text, train-ml-model, nightly-backup, render-scene",
            json!({"only": ["log-digest", "ocr-page", "embed-text", "train-ml-model", "nightly-backup", "render-scene"]}),
        ),
        (
            "task_type_whitelist",
            "log-digest,ocr-page,video-transcode,sync-photos",
            json!({"only": ["log-digest", "ocr-page", "video-transcode", "sync-photos"]}),
        ),
        ("no_heavy_computation", "true", heavy.clone()),
        ("no_heavy_computation", "", heavy),
        ("no_data_intensive", "true", data.clone()),
        ("no_data_intensive", "yes", data),
    ]
}

/// Names and tags that break some of the rules, or none.
const TASKS: [(&str, &[&str]); 8] = [
    ("log-digest", &["nightly", "logs"]),
    ("ocr-page", &["Books", "archive"]),
    ("train-ml-model", &["gpu", "research"]),
    ("nightly-backup", &["photos"]),
    ("video-transcode", &["Render Farm", "4k"]),
    ("crypto-mining-pool", &["hash"]),
    ("embed-text", &["analysis", "sync"]),
    ("surveillance-feed", &["FACE", "stream", "ads"]),
];
/// Power in watts; none: not declared.
const WATTS: [Option<i64>; 4] = [Some(40), Some(120), None, Some(400)];
/// Tier, tasks used, minutes, MB: admitted, over the day's tasks, too large.
const ASKS: [(&str, i64, i64, i64); 4] = [
    ("free", 3, 5, 64),
    ("free", 10, 5, 64),
    ("supporter", 12, 20, 900),
    ("contributor", 150, 45, 1500),
];
/// Tiers of quota-tiers' default config: tasks per day, minutes, MB.
const TIERS: [(&str, i64, i64, i64); 3] = [
    ("free", 10, 10, 100),
    ("supporter", 50, 30, 500),
    ("contributor", 200, 60, 2000),
];
/// Rounds over all cases that are timed.
const ROUNDS: usize = 200;
/// Minutes in milliseconds.
const MINUTE_MS: i64 = 60_000;

/// One case as the plugins take it.
struct Case {
    ethics: SlotCall,
    quota: SlotCall,
    /// The same for native Rust.
    native: Native,
    /// The same for the other engines.
    plain: Value,
}

#[derive(Clone)]
struct Native {
    rules: Vec<weft_sdk::ethics::Rule>,
    task: weft_sdk::ethics::Task,
    request: weft_sdk::quota::Request,
}

fn cases() -> Vec<Case> {
    let rules: Vec<Rule> = rules()
        .into_iter()
        .enumerate()
        .map(|(i, (kind, value, _))| Rule {
            id: format!("r{i:02}"),
            kind: kind.into(),
            value: value.into(),
            level: if i % 2 == 0 {
                Level::Strict
            } else {
                Level::Warn
            },
        })
        .collect();
    let mut cases = Vec::new();
    for (i, (name, tags)) in TASKS.iter().enumerate() {
        for watts in WATTS {
            let (tier, used, minutes, memory_mb) = ASKS[cases.len() % ASKS.len()];
            let tags: Vec<String> = tags.iter().map(|t| (*t).to_owned()).collect();
            let request = QuotaRequest {
                tier: tier.into(),
                used: used as u32 + u32::from(i % 3 == 0),
                in_flight: 0,
                duration: (minutes * MINUTE_MS) as u64,
                memory_mb: memory_mb as u64,
                reset: 1_000,
            };
            let task = EthicsTask {
                name: (*name).into(),
                tags: tags.clone(),
                watts: watts.unwrap_or(0) as f64,
                watts_known: watts.map_or(Known::Unknown, |_| Known::Declared),
                duration: request.duration,
                memory_mb: request.memory_mb,
            };
            cases.push(Case {
                native: Native {
                    rules: same(&rules),
                    task: same(&task),
                    request: same(&request),
                },
                plain: json!({
                    "name": name, "tags": tags, "watts_known": watts.is_some(), "watts": watts.unwrap_or(0),
                    "duration_ms": request.duration, "memory_mb": request.memory_mb, "tier": tier,
                    "used": request.used,
                }),
                ethics: SlotCall::Ethics(EthicsCall {
                    rules: rules.clone(),
                    tasks: vec![task],
                }),
                quota: SlotCall::Admit(vec![request]),
            });
        }
    }
    cases
}

/// A host's record as the SDK's of the same contract.
fn same<A: serde::Serialize, B: serde::de::DeserializeOwned>(record: &A) -> B {
    serde_json::to_value(record)
        .and_then(serde_json::from_value)
        .expect("both have the contract's fields")
}

struct Weft {
    engine: PolicyEngine,
    ethics: std::sync::Arc<Policy>,
    quota: std::sync::Arc<Policy>,
}

impl Weft {
    fn judge(&self, case: &Case) -> (SlotReply, SlotReply) {
        let call = |policy, call| {
            self.engine
                .call(policy, 0, &Vec::new(), call)
                .unwrap_or_else(|e| panic!("{call:?}: {e}"))
                .reply
        };
        (
            call(&self.ethics, &case.ethics),
            call(&self.quota, &case.quota),
        )
    }
}

fn answer(case: &Case, weft: &Weft) -> Value {
    let (SlotReply::Ethics(violations), SlotReply::Admit(verdicts)) = weft.judge(case) else {
        panic!("a reply of another slot");
    };
    let violations: Vec<&String> = violations[0].iter().map(|v| &v.rule).collect();
    let verdict = match &verdicts[0] {
        QuotaVerdict::Admit(_) => "admit",
        QuotaVerdict::Wait(_) => "wait",
        QuotaVerdict::Deny(_) => "deny",
    };
    json!({"violations": violations, "verdict": verdict})
}

/// Builds the program with Rego and Cedar, gives it the scenario and reads its figures.
fn others(cases: &[Case]) -> Vec<Value> {
    let rules: Vec<Value> = rules()
        .into_iter()
        .enumerate()
        .map(|(i, (_, _, says))| json!({"id": format!("r{i:02}"), "says": says}))
        .collect();
    let tiers = TIERS.map(|(name, tasks, minutes, mb)| {
        json!({"name": name, "tasks_per_day": tasks, "max_minutes": minutes, "max_memory_mb": mb})
    });
    let plain: Vec<&Value> = cases.iter().map(|c| &c.plain).collect();
    let scenario = json!({"rules": rules, "tiers": tiers, "cases": plain, "rounds": ROUNDS});
    let target = target_dir().join("bench-engines");
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--release", "--manifest-path"])
        .arg(weft_kit::workspace().join("tests/bench/engines/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .status()
        .expect("cargo runs");
    assert!(
        built.success(),
        "the program with Rego and Cedar does not build"
    );
    let mut child = Command::new(target.join("release/weft-bench-engines"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program was built");
    let mut stdin = child.stdin.take().expect("it was piped");
    // It reads all of its input before it writes.
    stdin
        .write_all(scenario.to_string().as_bytes())
        .expect("the program reads its scenario");
    drop(stdin);
    let output = child.wait_with_output().expect("the program ends");
    assert!(
        output.status.success(),
        "the program with Rego and Cedar failed"
    );
    serde_json::from_slice(&output.stdout).expect("it writes JSON")
}

fn main() {
    let engine = PolicyEngine::new().expect("this machine runs policies");
    let weft = Weft {
        ethics: shared::policy(&engine, "ethics-rules"),
        quota: shared::policy(&engine, "quota-tiers"),
        engine,
    };
    let cases = cases();
    let answers: Vec<Value> = cases.iter().map(|c| answer(c, &weft)).collect();
    for verdict in ["admit", "wait", "deny"] {
        assert!(
            answers.iter().any(|a| a["verdict"] == verdict),
            "no case is `{verdict}`"
        );
    }
    let mut next = cases.iter().cycle();
    let mut next = || next.next().expect("there are cases");
    let own = measure(cases.len() * ROUNDS, 1, || {
        std::hint::black_box(weft.judge(next()));
    });
    let native = measure_with(
        ROUNDS,
        cases.len(),
        || next().native.clone(),
        |n| {
            (
                Ethics::judge(0, Vec::new(), n.rules, vec![n.task]),
                Quota::admit(0, Vec::new(), vec![n.request]),
            )
        },
    );
    let mut report = Report::new("engines");
    report.times("Weft: ethics-rules and quota-tiers", own);
    report.times("the same, native Rust", native);
    for engine in others(&cases) {
        let name = engine["engine"].as_str().expect("an engine has a name");
        for ((case, ours), theirs) in cases
            .iter()
            .zip(&answers)
            .zip(engine["answers"].as_array().expect("a list"))
        {
            assert_eq!(ours, theirs, "{name} answers otherwise for {}", case.plain);
        }
        let ns = |field: &str| engine[field].as_u64().expect("a figure");
        let theirs = Figures {
            samples: ns("samples") as usize,
            min_ns: ns("min_ns"),
            median_ns: ns("median_ns"),
            p99_ns: ns("p99_ns"),
            max_ns: ns("max_ns"),
        };
        report.times(name, theirs).and(
            "weft_to_it_ratio",
            own.median_ns as f64 / theirs.median_ns as f64,
        );
        if name.starts_with("Regorus") {
            report.reach("weft_to_it_ratio", 1.0);
        }
    }
    report.finish();
}

type Ethics = weft_sdk::ethics::Component<ethics_rules::Rules>;
type Quota = weft_sdk::quota::Component<quota_tiers::Tiers>;
