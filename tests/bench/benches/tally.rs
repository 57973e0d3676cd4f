//! A tally of 1,000,000 ballots: the voting plugin weighs the voters in chunks, the ledger adds the weights.
//!
//! Voters and choices are made up as they are needed, as the ledger's fold would give them one after the other;
//! signatures are checked when a ballot arrives, not here. Memory is this process's, read while it counts.

#[path = "shared/policies.rs"]
mod shared;

use std::time::Instant;
use weft_bench::{Report, of_samples};
use weft_engine::{Policy, PolicyEngine};
use weft_kit::memory_kb;
use weft_ledger::Tally;
use weft_model::limits::ROWS_PER_CALL;
use weft_model::slots::votes::{self, Statistic, Weigh};
use weft_model::{Columns, SlotCall, SlotReply};
use weft_sdk::native::Slot;
use weft_sdk::voting::bindings::exports::weft::voting::policy as wit;

/// Ballots of a tally.
const BALLOTS: usize = 1_000_000;
/// Options of the poll.
const OPTIONS: u32 = 5;
/// Tallies that are timed.
const RUNS: usize = 5;
/// What one is to take at most, in milliseconds.
const TALLY_MS: f64 = 1_500.0;
/// What memory may grow by while it counts, in kB: four chunks of a voter's columns.
const GROWTH_KB: f64 = 1_024.0;
/// Largest value of a voter's feature.
const MOST: f64 = 100.0;

type Equal = weft_sdk::voting::Component<voting_equal::Equal>;
type Hybrid = weft_sdk::voting::Component<voting_hybrid::Hybrid>;

/// The voters of one chunk; some don't tell everything.
fn voters(first: usize, features: usize) -> Columns {
    Columns::build(ROWS_PER_CALL.min(BALLOTS - first), features, |f, r| {
        let x = shared::unit(f as u64, (first + r) as u64);
        (x > 0.02).then_some(x * MOST)
    })
}

fn statistics(features: usize) -> Vec<Statistic> {
    let one = Statistic {
        min: 0.0,
        max: MOST,
        sum: MOST / 2.0 * BALLOTS as f64,
        count: BALLOTS as u32,
    };
    vec![one; features]
}

fn choices(first: usize, rows: usize) -> Vec<u32> {
    (first..first + rows)
        .map(|i| (shared::unit(99, i as u64) * f64::from(OPTIONS)) as u32)
        .collect()
}

/// Counts all ballots; `watch` sees the number counted after each chunk.
fn count(
    features: usize,
    mut weigh: impl FnMut(Columns, Vec<Statistic>) -> Vec<f64>,
    mut watch: impl FnMut(usize),
) -> Vec<f64> {
    let mut tally = Tally::new(OPTIONS as usize);
    for first in (0..BALLOTS).step_by(ROWS_PER_CALL) {
        let voters = voters(first, features);
        let choices = choices(first, voters.rows as usize);
        let weights = weigh(voters, statistics(features));
        tally
            .add_batch(&choices, &weights)
            .unwrap_or_else(|e| panic!("from ballot {first} on: {e}"));
        watch(first + choices.len());
    }
    assert_eq!(tally.cast(), BALLOTS as u64);
    tally.totals().unwrap_or_else(|e| panic!("{e}"))
}

fn component(
    engine: &PolicyEngine,
    policy: &Policy,
    voters: Columns,
    statistics: Vec<Statistic>,
) -> Vec<f64> {
    let call = SlotCall::Weigh(Weigh { voters, statistics });
    match engine.call(policy, 0, &Vec::new(), &call).map(|c| c.reply) {
        Ok(SlotReply::Weigh(weights)) => weights,
        other => panic!("no weights: {other:?}"),
    }
}

fn native<G: wit::Guest>(voters: Columns, statistics: Vec<Statistic>) -> Vec<f64> {
    let voters = wit::Columns {
        rows: voters.rows,
        values: voters.values,
        present: voters.present,
    };
    let statistics = statistics
        .into_iter()
        .map(|s| wit::Statistic {
            min: s.min,
            max: s.max,
            sum: s.sum,
            count: s.count,
        })
        .collect();
    G::weigh(0, Vec::new(), voters, statistics).unwrap_or_else(|e| panic!("{e:?}"))
}

fn plugin<G: Slot + wit::Guest>(report: &mut Report, engine: &PolicyEngine, name: &str) {
    let policy = shared::policy(engine, name);
    let features = G::FEATURES.len();
    let own = std::process::id();
    let rss = || memory_kb(own, "VmRSS").unwrap_or(0) as f64;
    let mut totals = Vec::new();
    let mut times = Vec::new();
    let (mut low, mut high) = (f64::MAX, 0.0_f64);
    for _ in 0..RUNS {
        let started = Instant::now();
        totals = count(
            features,
            |voters, statistics| component(engine, &policy, voters, statistics),
            |counted| {
                // Not in every chunk: reading /proc takes time too.
                if counted % (64 * ROWS_PER_CALL) == 0 {
                    let now = rss();
                    low = low.min(now);
                    high = high.max(now);
                }
            },
        );
        times.push(started.elapsed().as_nanos() as u64);
    }
    let started = Instant::now();
    let same = count(features, native::<G>, |_| {});
    let native_ms = started.elapsed().as_secs_f64() * 1e3;
    assert_eq!(
        totals, same,
        "the component and native Rust count otherwise"
    );
    let figures = of_samples(times);
    let ms = figures.median_ns as f64 / 1e6;
    let what = format!("{name}, {BALLOTS} ballots");
    report
        .values(
            &what,
            &[
                ("median_ms", ms),
                ("min_ms", figures.min_ns as f64 / 1e6),
                ("max_ms", figures.max_ns as f64 / 1e6),
                ("native_ms", native_ms),
                ("ratio", ms / native_ms),
            ],
        )
        .reach("median_ms", TALLY_MS);
    report
        .values(
            "  memory while it counts",
            &[("growth_kb", high - low), ("rss_kb", high)],
        )
        .reach("growth_kb", GROWTH_KB);
    conclude(report, engine, &policy, totals);
}

fn conclude(report: &mut Report, engine: &PolicyEngine, policy: &Policy, totals: Vec<f64>) {
    let call = SlotCall::Conclude(vec![votes::Tally {
        totals,
        eligible: BALLOTS as u32,
        cast: BALLOTS as u32,
        closed: true,
    }]);
    let figures = weft_bench::measure(1_000, 1, || {
        let called = engine.call(policy, 0, &Vec::new(), &call);
        assert!(called.is_ok(), "{called:?}");
    });
    report.times("  conclude", figures);
}

fn main() {
    let engine = PolicyEngine::new().expect("this machine runs policies");
    let mut report = Report::new("tally");
    plugin::<Equal>(&mut report, &engine, "voting-equal");
    plugin::<Hybrid>(&mut report, &engine, "voting-hybrid");
    report.finish();
}
