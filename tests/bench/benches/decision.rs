//! The whole decision with 10 to 10,000 peers: every stage, its plugins on fresh instances, the record and its CID.
//!
//! The snapshot is made in memory, so SQLite is not in it. Below each figure stands what of it is the record, what
//! the state machine alone takes when it is given the recorded answers, and what each plugin takes.

#[path = "shared/home.rs"]
mod home;
#[path = "shared/policies.rs"]
mod shared;

use home::node;
use serde_json::json;
use weft_bench::{Report, measure, measure_with};
use weft_decide::{
    Candidates, Energy, OwnerRules, Permission, QuotaState, Record, Snapshot, VoteState,
};
use weft_engine::{PolicyEngine, Table};
use weft_model::slots::economy::Contribution;
use weft_model::slots::ethics::{Level, Rule};
use weft_model::slots::time::{Interval, Source, Standing};
use weft_model::{Columns, Instant, Slot, content};
use weft_sdk::native::Slot as _;

/// Peers, how many decisions are timed, and what the median is to be at most, in microseconds.
const SIZES: [(usize, usize, Option<f64>); 4] = [
    (10, 5_000, None),
    (100, 5_000, Some(100.0)),
    (1_000, 1_000, None),
    (10_000, 50, None),
];
/// Decisions whose traces give the time of each plugin, which a trace has in whole microseconds, rounded down.
const TRACED: usize = 50;
/// 2026-11-21 12:00 UTC.
const NOW: Instant = 1_795_262_400_000;
/// An hour and a day, in milliseconds.
const HOUR_MS: Instant = 3_600_000;
/// A day, in milliseconds.
const DAY_MS: Instant = 24 * HOUR_MS;

type Scorer = weft_sdk::scorer::Component<scorer_clean_energy::CleanEnergy>;

/// The first component of every slot, as in the genesis constitution.
fn table(engine: &PolicyEngine) -> Table {
    let mut table = Table {
        constitution: Some(content::raw_cid(b"constitution")),
        ..Table::default()
    };
    for component in weft_bundle::COMPONENTS {
        let Some(slot) = component.slot.and_then(|s| s.parse::<Slot>().ok()) else {
            continue;
        };
        let features = if slot == Slot::Scorer {
            Scorer::FEATURES
        } else {
            &[]
        };
        table.active.entry(slot).or_insert_with(|| {
            let policy = shared::policy(engine, component.name);
            vec![shared::active(
                component.name,
                component.name,
                features,
                policy,
            )]
        });
    }
    table
}

fn owner(user: &str) -> OwnerRules {
    let rule = |id: u32, kind: &str, value: &str| Rule {
        id: id.to_string(),
        kind: kind.into(),
        value: value.into(),
        level: Level::Strict,
    };
    OwnerRules {
        user: user.to_owned(),
        hours_set: true,
        windows: (-1..9)
            .map(|day| Interval {
                from: NOW + day * DAY_MS - 4 * HOUR_MS,
                until: NOW + day * DAY_MS + 6 * HOUR_MS,
            })
            .collect(),
        last_run: Some(NOW - DAY_MS),
        idle_ms: 300_000,
        critical_any_hour: true,
        critical_any_idle: true,
        rules: vec![
            rule(1, "max_power_watts", "150"),
            rule(2, "task_type_blacklist", "crypto"),
            rule(3, "task_type_blacklist", "video,stream"),
            rule(4, "no_data_intensive", "true"),
        ],
        utc_offset_minutes: 60,
    }
}

fn snapshot(peers: usize) -> Snapshot {
    let spec = json!({
        "name": "log-digest", "user": "alice@example.com", "tags": ["nightly", "logs"],
        "watts": 40.0, "duration_ms": 300_000, "memory_mb": 64, "cores": 1.0,
    });
    let mut ids = vec!["self".to_owned()];
    // As long as a libp2p peer id.
    ids.extend((0..peers).map(|i| format!("12D3KooWBenchmarkBenchmarkBenchmarkBenchmark{i:08}")));
    let scored: Vec<String> = Scorer::FEATURES.iter().map(|f| (*f).to_owned()).collect();
    let features = Candidates::features_for(&scored);
    let columns = Columns::build(ids.len(), features.len(), |f, r| {
        if r == 0 && features[f] == "energy.percent_clean" {
            return Some(20.0);
        }
        shared::peer(&features[f], r)
    });
    Snapshot {
        task: "0198f3a0-1111-7222-8333-444455556666".into(),
        spec: serde_json::from_value(spec).expect("a task's fields"),
        attempt: 1,
        now: NOW,
        submitted: NOW - 1_000,
        standing: Standing::Member,
        overrides_used: 0,
        vote: VoteState::Off,
        energy: Energy {
            percent_clean: Some(20.0),
            source: Source::Gas,
            forecast: Vec::new(),
        },
        submitter: Ok(owner("alice@example.com")),
        executor: Some(Ok(owner("bob@example.com"))),
        quota: QuotaState {
            contribution: Contribution {
                tasks: 60,
                votes: 10,
                since: NOW - 100 * DAY_MS,
                donated: None,
                granted: None,
            },
            used: 3,
            in_flight: 1,
            reset: NOW + 12 * HOUR_MS,
        },
        candidates: Candidates {
            permissions: vec![Permission::Allowed; ids.len()],
            ids,
            scored: scored.len() as u32,
            features,
            table: columns,
        },
        workload_bound: true,
        off_peak: Some(NOW + 14 * HOUR_MS),
        guest: false,
        last_resort: false,
    }
}

fn main() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let node = node(&home.path().join("home"));
    let engine = PolicyEngine::new().expect("this machine runs policies");
    let table = table(&engine);
    let mut report = Report::new("decision");
    for (peers, samples, at_most) in SIZES {
        let snapshot = snapshot(peers);
        let decided = node
            .decide(&table, snapshot.clone())
            .unwrap_or_else(|e| panic!("{peers} peers: {e}"));
        assert!(
            decided
                .trace
                .iter()
                .any(|t| t.call == "rank" && t.error.is_none()),
            "it ended before the scorer: {:?}: {}",
            decided.decision.verdict,
            decided.decision.reason
        );
        let figures = measure_with(samples, 1, || snapshot.clone(), |s| node.decide(&table, s));
        report
            .times(&format!("decision, {peers} peers"), figures)
            .and("record_bytes", decided.record.len() as f64)
            .and("calls", decided.trace.len() as f64);
        if let Some(us) = at_most {
            report.reach("median_us", us);
        }
        let record =
            Record::decode(&decided.record).unwrap_or_else(|e| panic!("{peers} peers: {e}"));
        let encoding = measure(samples, 1, || {
            std::hint::black_box(record.encode().expect("it was encoded before"));
        });
        report.times("  of it: record and CID", encoding);
        let pipeline = measure(samples, 1, || {
            std::hint::black_box(record.rerun());
        });
        report.times("  of it: state machine", pipeline);
        let mut plugins: Vec<(String, u64)> = Vec::new();
        for _ in 0..TRACED {
            let decided = node.decide(&table, snapshot.clone());
            let trace = decided
                .unwrap_or_else(|e| panic!("{peers} peers: {e}"))
                .trace;
            for (i, line) in trace.iter().enumerate() {
                match plugins.get_mut(i) {
                    Some((_, us)) => *us += line.us,
                    None => plugins.push((line.call.clone(), line.us)),
                }
            }
        }
        for (call, us) in plugins {
            let mean = us as f64 / TRACED as f64;
            report.values(&format!("  of it: plugin, {call}"), &[("mean_us", mean)]);
        }
    }
    report.finish();
}
