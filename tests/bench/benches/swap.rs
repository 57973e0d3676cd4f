//! A slot swapped under load: nothing is lost, nothing is answered by the old version once the swap returned, and calls
//! take no longer.
//!
//! Two threads ask the scorer without pause, as decisions do: they take the table and ask its plugin. A third loads the
//! other scorer from native code and swaps it in, over and over, each time once both threads had so many answers by the one
//! before. Every table has a number, which its plugin's name carries into the answer; the number is published when the swap
//! returned. An answer from a table older than the number published before the question was asked is one by the old version.

#[path = "shared/policies.rs"]
mod shared;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use weft_bench::{Figures, Report, of_samples};
use weft_engine::policy::PolicyLimits;
use weft_engine::{Active, PolicyEngine, Slots, Table};
use weft_model::slots::placement::{Rank, ScorerTask};
use weft_model::{Columns, Slot, SlotCall};
use weft_sdk::native::Slot as _;

/// How long each half runs.
const RUN: Duration = Duration::from_secs(5);
/// Answers by a table that each thread has had before the next one is swapped in: some milliseconds of them.
const ANSWERS: u64 = 256;
/// Threads that ask.
const CALLERS: usize = 2;
/// Candidates of each call.
const CANDIDATES: usize = 32;
/// What swaps may add to the 99th percentile, in milliseconds.
const ADDED_MS: f64 = 1.0;

/// The two versions: component, features.
const VERSIONS: [(&str, &[&str]); 2] = [
    (
        "scorer-clean-energy",
        <weft_sdk::scorer::Component<scorer_clean_energy::CleanEnergy>>::FEATURES,
    ),
    (
        "scorer-latency",
        <weft_sdk::scorer::Component<scorer_latency::Latency>>::FEATURES,
    ),
];

/// What the callers of one run saw.
#[derive(Default)]
struct Seen {
    times: Vec<u64>,
    asked: u64,
    answered: u64,
    old: u64,
}

fn table(number: u64, engine: &PolicyEngine, code: &[Vec<u8>]) -> Table {
    let version = number as usize % VERSIONS.len();
    let (name, features) = VERSIONS[version];
    let policy = engine
        .load(Slot::Scorer, &code[version], PolicyLimits::default())
        .unwrap_or_else(|e| panic!("`{name}` does not load: {e}"));
    let active = shared::active(name, &number.to_string(), features, Arc::new(policy));
    Table {
        active: BTreeMap::from([(Slot::Scorer, vec![active])]),
        ..Table::default()
    }
}

/// Asks until then, and tells each table that gave [`ANSWERS`] answers.
fn ask(slots: &Slots, published: &AtomicU64, until: Instant, told: &Sender<u64>) -> Seen {
    let calls = VERSIONS.map(|(_, features)| {
        let rank = Rank {
            task: ScorerTask {
                critical: false,
                duration: 60_000,
                cores: 1.0,
                memory_mb: 512,
                fee: 0,
            },
            candidates: Columns::build(CANDIDATES, features.len(), |f, r| {
                shared::peer(features[f], r)
            }),
            tie_seed: 7,
        };
        SlotCall::Rank(rank)
    });
    let mut seen = Seen::default();
    let (mut last, mut by_last) = (0, 0);
    loop {
        let newest = published.load(Ordering::SeqCst);
        let started = Instant::now();
        if started >= until {
            return seen;
        }
        let table = slots.table();
        let active: &Active = &table.active[&Slot::Scorer][0];
        let of: u64 = active.name.parse().expect("a table's number");
        let call = &calls[of as usize % VERSIONS.len()];
        seen.asked += 1;
        let answer = slots.ask(&table, active, 0, call);
        seen.times.push(started.elapsed().as_nanos() as u64);
        let by: u64 = answer.name.parse().expect("a table's number");
        seen.answered += u64::from(answer.outcome.is_ok());
        seen.old += u64::from(by < newest);
        by_last = if by == last { by_last + 1 } else { 1 };
        last = by;
        if by_last == ANSWERS {
            // Nobody listens where nothing is swapped.
            let _ = told.send(by);
        }
    }
}

/// Waits until every caller had its answers by a table. False: the callers ended before.
fn answered(by: u64, told: &Receiver<u64>) -> bool {
    told.iter()
        .filter(|table| *table == by)
        .take(CALLERS)
        .count()
        == CALLERS
}

/// One run: what the callers saw, how many swaps there were, and how long each took.
fn run(engine: &Arc<PolicyEngine>, code: &[Vec<u8>], swapping: bool) -> (Seen, Vec<u64>) {
    let slots = Slots::new(Arc::clone(engine));
    slots.swap(table(0, engine, code));
    let published = AtomicU64::new(0);
    let until = Instant::now() + RUN;
    std::thread::scope(|scope| {
        let (tell, told) = channel();
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| {
                let tell = tell.clone();
                let (slots, published) = (&slots, &published);
                scope.spawn(move || ask(slots, published, until, &tell))
            })
            .collect();
        drop(tell);
        let mut swaps = Vec::new();
        let mut go_on = swapping;
        while go_on {
            let number = swaps.len() as u64 + 1;
            let begun = Instant::now();
            slots.swap(table(number, engine, code));
            published.store(number, Ordering::SeqCst);
            swaps.push(begun.elapsed().as_nanos() as u64);
            go_on = answered(number, &told);
        }
        let mut all = Seen::default();
        for caller in callers {
            let mut seen = caller.join().expect("a caller does not panic");
            all.times.append(&mut seen.times);
            all.asked += seen.asked;
            all.answered += seen.answered;
            all.old += seen.old;
        }
        (all, swaps)
    })
}

fn main() {
    let engine = Arc::new(PolicyEngine::new().expect("this machine runs policies"));
    let code: Vec<Vec<u8>> = VERSIONS
        .iter()
        .map(|(name, _)| {
            let compiled = engine.precompile(shared::component(name));
            compiled.unwrap_or_else(|e| panic!("`{name}`: {e}")).1
        })
        .collect();
    let mut report = Report::new("swap");
    let (quiet, _) = run(&engine, &code, false);
    let quiet: Figures = of_samples(quiet.times);
    report.times("calls, no swaps", quiet);
    let (seen, swaps) = run(&engine, &code, true);
    let swapped: Figures = of_samples(seen.times);
    let added_ms = (swapped.p99_ns as f64 - quiet.p99_ns as f64) / 1e6;
    report
        .times("calls, with swaps", swapped)
        .and("p99_added_ms", added_ms)
        .reach("p99_added_ms", ADDED_MS);
    report.times("swap, loading included", of_samples(swaps));
    report
        .values(
            "lost",
            &[
                ("calls", (seen.asked - seen.answered) as f64),
                ("asked", seen.asked as f64),
            ],
        )
        .reach("calls", 0.0);
    report
        .values("answered by the old version", &[("calls", seen.old as f64)])
        .reach("calls", 0.0);
    report.finish();
}
