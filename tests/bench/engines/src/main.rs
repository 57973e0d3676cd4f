//! The judgment of `ethics-rules` and `quota-tiers` in Rego, run by Regorus, and in Cedar; timed.
//!
//! Reads the scenario that the benchmark `engines` writes on standard input, answers every case in each of its ways and
//! writes answers and figures as JSON. Everything that can be done ahead is done ahead and not timed: rules are parsed,
//! policies compiled, inputs are values of the engine's own kind. What Cedar can't do itself it is given (`cedar`).

mod cedar;
mod rego;
mod scenario;

use scenario::{Answer, Scenario};
use serde_json::json;
use std::error::Error;
use weft_bench::Figures;

/// What one engine gave.
struct Judged {
    engine: &'static str,
    answers: Vec<Answer>,
    figures: Figures,
}

fn main() -> Result<(), Box<dyn Error>> {
    let scenario: Scenario = serde_json::from_reader(std::io::stdin().lock())?;
    let [ahead, whole] = cedar::all(&scenario)?;
    let judged = [
        rego::interpreted(&scenario)?,
        rego::compiled(&scenario)?,
        ahead,
        whole,
    ];
    let engines: Vec<_> = judged
        .iter()
        .map(|j| {
            json!({
                "engine": j.engine,
                "answers": j.answers,
                "samples": j.figures.samples,
                "min_ns": j.figures.min_ns,
                "median_ns": j.figures.median_ns,
                "p99_ns": j.figures.p99_ns,
                "max_ns": j.figures.max_ns,
            })
        })
        .collect();
    serde_json::to_writer(std::io::stdout().lock(), &engines)?;
    Ok(())
}
