//! Every slot's call on a fresh instance, beside the same function in native Rust.
//!
//! The native side is the plugin's own crate through the adapter that its component exports: same config decoding, same
//! rows, no sandbox. It is given its arguments by value, made ahead; the component's are lowered into it, and lifted
//! out, in the time measured. Both answers must be equal before anything is timed.

#[path = "shared/policies.rs"]
mod shared;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use weft_bench::{Figures, Report, measure_with};
use weft_engine::{Policy, PolicyEngine};
use weft_model::slots::placement::{Rank, ScorerTask};
use weft_model::{Columns, Instant, SlotCall};
use weft_sdk::PolicyError;
use weft_sdk::native::{self, Slot};

/// Passes over all golden vectors of a call.
const PASSES: usize = 2_000;
/// Calls with 32 candidates.
const CALLS: usize = 20_000;
/// Candidates of the call that has a target.
const CANDIDATES: usize = 32;
/// Most that its median is to be, in microseconds.
const CALL_US: f64 = 10.0;
/// Calls of native Rust in one sample: one is too short for the clock.
const NATIVE_BATCH: usize = 64;

/// One golden vector, for both sides.
struct Case<A> {
    now: Instant,
    config: Vec<u8>,
    call: SlotCall,
    args: A,
}

/// The vectors of one call of a plugin that have an answer.
fn cases<S: Slot, A: DeserializeOwned>(plugin: &str, call: &str) -> Vec<Case<A>> {
    let folder = weft_kit::workspace().join("plugins").join(plugin);
    let vectors = native::vectors(&folder, S::FEATURES).unwrap_or_else(|e| panic!("{e}"));
    let fits = |e: serde_json::Error| -> ! { panic!("a vector of `{plugin}` does not fit: {e}") };
    vectors
        .into_iter()
        .filter(|v| v.output.is_some())
        .filter(|v| v.call == call || v.call.is_empty())
        .map(|v| {
            let tagged = BTreeMap::from([(call, v.input.clone())]);
            Case {
                now: v.now,
                config: config::<S>(&v.config),
                call: serde_json::from_value(json!(tagged)).unwrap_or_else(|e| fits(e)),
                args: serde_json::from_value(v.input).unwrap_or_else(|e| fits(e)),
            }
        })
        .collect()
}

/// A vector's config as the bytes that the host passes: every field, each in its type.
fn config<S: Slot>(fields: &serde_json::Map<String, Value>) -> Vec<u8> {
    if fields.is_empty() {
        return Vec::new();
    }
    let typed: S::Config = serde_json::from_value(Value::Object(fields.clone()))
        .expect("a vector with an answer has a config that fits");
    match serde_json::to_value(&typed).expect("a config has a JSON form") {
        Value::Object(all) => {
            native::config_bytes(&all.into_iter().filter(|f| !f.1.is_null()).collect())
        }
        other => panic!("a config is an object, not {other}"),
    }
}

/// Both sides of one call.
struct Pair<'a> {
    engine: &'a PolicyEngine,
    policy: &'a Policy,
    passes: usize,
    /// Whether a sample is one call, so that its percentiles are those of calls.
    single: bool,
}

impl Pair<'_> {
    fn measure<A: Clone, R: Serialize>(
        &self,
        cases: &[Case<A>],
        native: impl Fn(Instant, Vec<u8>, A) -> Result<R, PolicyError>,
    ) -> (Figures, Figures) {
        for case in cases {
            let component = self.component(case);
            let native = native(case.now, case.config.clone(), case.args.clone());
            let native = serde_json::to_value(native.expect("the vector has an answer"));
            assert_eq!(
                component,
                native.expect("an answer has a JSON form"),
                "{:?}",
                case.call
            );
        }
        let mut next = cases.iter().cycle();
        let mut next = || next.next().expect("a plugin has vectors");
        let batch = if self.single { 1 } else { cases.len() };
        let component = measure_with(self.passes, batch, &mut next, |case| {
            self.engine
                .call(self.policy, case.now, &case.config, &case.call)
        });
        let copied = || {
            let case = next();
            (case.now, case.config.clone(), case.args.clone())
        };
        let batch = cases.len().max(NATIVE_BATCH);
        let native = measure_with(self.passes, batch, copied, |(now, config, args)| {
            native(now, config, args)
        });
        (component, native)
    }

    /// The component's answer as JSON, without its tag.
    fn component<A>(&self, case: &Case<A>) -> Value {
        let called = self
            .engine
            .call(self.policy, case.now, &case.config, &case.call)
            .unwrap_or_else(|e| panic!("{:?}: {e}", case.call));
        match serde_json::to_value(&called.reply) {
            Ok(Value::Object(tagged)) => tagged.into_iter().next().expect("a reply is tagged").1,
            other => panic!("a reply is an object, not {other:?}"),
        }
    }
}

/// Measures one call of one plugin: `(report, engine) plugin, Type, slot module, wit package, call, arguments => native`.
macro_rules! slot {
    ($to:expr, $plugin:literal, $policy:ty, $slot:ident, $call:literal, $args:ty, |$now:ident, $config:ident, $a:ident| $native:expr) => {{
        type Adapter = weft_sdk::$slot::Component<$policy>;
        let (report, engine): (&mut Report, &PolicyEngine) = $to;
        let policy = shared::policy(engine, $plugin);
        let cases: Vec<Case<$args>> = cases::<Adapter, _>($plugin, $call);
        let pair = Pair {
            engine,
            policy: &policy,
            passes: PASSES,
            single: false,
        };
        let what = format!("{} {} ({} vectors)", $plugin, $call, cases.len());
        let figures = pair.measure(&cases, |$now, $config, $a: $args| $native);
        row(report, &what, figures);
    }};
}

fn row(report: &mut Report, what: &str, (component, native): (Figures, Figures)) {
    report
        .times(what, component)
        .and("native_us", native.median_ns as f64 / 1e3)
        .and(
            "ratio",
            component.median_ns as f64 / native.median_ns.max(1) as f64,
        );
}

#[derive(Clone, serde::Deserialize)]
struct EthicsArgs {
    rules: Vec<weft_sdk::ethics::Rule>,
    tasks: Vec<weft_sdk::ethics::Task>,
}

#[derive(Clone, serde::Deserialize)]
struct WeighArgs {
    voters: weft_sdk::voting::bindings::exports::weft::voting::policy::Columns,
    statistics: Vec<weft_sdk::voting::Statistic>,
}

#[derive(Clone, serde::Deserialize)]
struct RankArgs {
    task: weft_sdk::scorer::Task,
    candidates: weft_sdk::scorer::bindings::exports::weft::scorer::policy::Columns,
    tie_seed: u64,
}

fn rank(
    now: Instant,
    config: Vec<u8>,
    a: RankArgs,
) -> Result<Vec<weft_sdk::scorer::Outcome>, PolicyError> {
    use weft_sdk::scorer::bindings::exports::weft::scorer::policy::Guest;
    Scorer::rank(now, config, a.task, a.candidates, a.tie_seed)
}

type Scorer = weft_sdk::scorer::Component<scorer_clean_energy::CleanEnergy>;

/// One call with 32 candidates, each known in every feature that a peer tells.
fn scorer(report: &mut Report, engine: &PolicyEngine) {
    let features = <Scorer as Slot>::FEATURES;
    let rank_call = Rank {
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
    let args = serde_json::to_value(&rank_call)
        .and_then(serde_json::from_value)
        .expect("both sides have the contract's fields");
    let cases = [Case {
        now: 0,
        config: Vec::new(),
        call: SlotCall::Rank(rank_call),
        args,
    }];
    let policy = shared::policy(engine, "scorer-clean-energy");
    let pair = Pair {
        engine,
        policy: &policy,
        passes: CALLS,
        single: true,
    };
    let figures = pair.measure(&cases, rank);
    row(report, "scorer-clean-energy rank, 32 candidates", figures);
    report.reach("median_us", CALL_US);
}

fn main() {
    let engine = PolicyEngine::new().expect("this machine runs policies");
    let mut report = Report::new("policies");
    scorer(&mut report, &engine);
    slots_of_time(&mut report, &engine);
    slots_of_shares(&mut report, &engine);
    report.finish();
}

fn slots_of_time(report: &mut Report, engine: &PolicyEngine) {
    use weft_sdk::{consent, emergency, ethics, sla};
    slot!(
        (&mut *report, engine),
        "health-override",
        health_override::HealthOverride,
        emergency,
        "override",
        Vec<emergency::Request>,
        |now, config, rows| {
            use emergency::bindings::exports::weft::emergency::policy::Guest;
            Adapter::judge(now, config, rows)
        }
    );
    slot!(
        (&mut *report, engine),
        "sla-patience",
        sla_patience::Patience,
        sla,
        "sla",
        Vec<sla::Request>,
        |now, config, rows| {
            use sla::bindings::exports::weft::sla::policy::Guest;
            Adapter::judge(now, config, rows)
        }
    );
    slot!(
        (&mut *report, engine),
        "consent-hours",
        consent_hours::Hours,
        consent,
        "consent",
        Vec<consent::Request>,
        |now, config, rows| {
            use consent::bindings::exports::weft::consent::policy::Guest;
            Adapter::judge(now, config, rows)
        }
    );
    slot!(
        (&mut *report, engine),
        "ethics-rules",
        ethics_rules::Rules,
        ethics,
        "ethics",
        EthicsArgs,
        |now, config, a| {
            use ethics::bindings::exports::weft::ethics::policy::Guest;
            Adapter::judge(now, config, a.rules, a.tasks)
        }
    );
}

fn slots_of_shares(report: &mut Report, engine: &PolicyEngine) {
    use weft_sdk::{carbon, demand, quota, reputation, reward, voting};
    slot!(
        (&mut *report, engine),
        "quota-tiers",
        quota_tiers::Tiers,
        quota,
        "tiers",
        Vec<quota::Contribution>,
        |now, config, rows| {
            use quota::bindings::exports::weft::quota::policy::Guest;
            Adapter::tiers(now, config, rows)
        }
    );
    slot!(
        (&mut *report, engine),
        "quota-tiers",
        quota_tiers::Tiers,
        quota,
        "admit",
        Vec<quota::Request>,
        |now, config, rows| {
            use quota::bindings::exports::weft::quota::policy::Guest;
            Adapter::admit(now, config, rows)
        }
    );
    slot!(
        (&mut *report, engine),
        "scorer-clean-energy",
        scorer_clean_energy::CleanEnergy,
        scorer,
        "rank",
        RankArgs,
        |now, config, a| rank(now, config, a)
    );
    slot!(
        (&mut *report, engine),
        "voting-hybrid",
        voting_hybrid::Hybrid,
        voting,
        "weigh",
        WeighArgs,
        |now, config, a| {
            use voting::bindings::exports::weft::voting::policy::Guest;
            Adapter::weigh(now, config, a.voters, a.statistics)
        }
    );
    slot!(
        (&mut *report, engine),
        "voting-hybrid",
        voting_hybrid::Hybrid,
        voting,
        "conclude",
        Vec<voting::Tally>,
        |now, config, rows| {
            use voting::bindings::exports::weft::voting::policy::Guest;
            Adapter::conclude(now, config, rows)
        }
    );
    slot!(
        (&mut *report, engine),
        "reward-split",
        reward_split::Split,
        reward,
        "reward",
        Vec<reward::Settlement>,
        |now, config, rows| {
            use reward::bindings::exports::weft::reward::policy::Guest;
            Adapter::judge(now, config, rows)
        }
    );
    slot!(
        (&mut *report, engine),
        "reputation-decay",
        reputation_decay::Decay,
        reputation,
        "reputation",
        Vec<reputation::Subject>,
        |now, config, rows| {
            use reputation::bindings::exports::weft::reputation::policy::Guest;
            Adapter::judge(now, config, rows)
        }
    );
    slot!(
        (&mut *report, engine),
        "carbon-grams",
        carbon_grams::Grams,
        carbon,
        "carbon",
        Vec<carbon::Job>,
        |now, config, rows| {
            use carbon::bindings::exports::weft::carbon::policy::Guest;
            Adapter::judge(now, config, rows)
        }
    );
    slot!(
        (&mut *report, engine),
        "demand-halflife",
        demand_halflife::HalfLife,
        demand,
        "demand",
        Vec<demand::Item>,
        |now, config, rows| {
            use demand::bindings::exports::weft::demand::policy::Guest;
            Adapter::judge(now, config, rows)
        }
    );
}
