//! Releases, and calls of them.

use super::decision::json;
use super::style::{DIM, GOOD, HEAD, bytes, count, lines_of, number, of_status, paint};
use super::table::pairs;
use weft_api::report::{BenchReport, ReleaseReport, RunReport};

/// Columns that a list of features may take.
const LIST_WIDTH: usize = 64;

/// One release with all that it declares.
pub fn full(release: &ReleaseReport) -> String {
    let mut text = one(release);
    if let Some(schema) = release.config_schema.as_ref().filter(|s| !s.is_null()) {
        text.push_str(&format!("  config\n{}", indent(&json(schema))));
    }
    text
}

/// One release, without the schema of its config.
pub fn one(release: &ReleaseReport) -> String {
    let mut text = title(release);
    if !release.description.is_empty() {
        text.push_str(&format!("  {}\n", release.description));
    }
    let vectors = release
        .vectors
        .map(|n| format!("{} passed", count(n, "golden vector")));
    let list = |items: &[String]| lines_of(items, LIST_WIDTH).join("\n");
    text.push_str(&pairs(&[
        ("release", release.cid.clone()),
        (
            "component",
            format!("{} ({})", release.component, bytes(release.size)),
        ),
        ("world", release.world.clone()),
        ("publisher", release.publisher.clone()),
        (
            "imports",
            if release.imports.is_empty() {
                "none".into()
            } else {
                list(&release.imports)
            },
        ),
        ("features", list(&release.features)),
        ("checked", vectors.unwrap_or_default()),
    ]));
    text
}

/// What running the golden vectors gave.
pub fn tested(release: &ReleaseReport) -> String {
    let vectors = count(release.vectors.unwrap_or(0), "golden vector");
    format!(
        "{}: {} {} gives {vectors} as recorded\n",
        paint(GOOD, "ok"),
        release.name,
        release.version
    )
}

/// Many releases: two lines each, since a CID is there to be copied.
pub fn list(releases: &[ReleaseReport]) -> String {
    if releases.is_empty() {
        return "none\n".into();
    }
    let line = |r: &ReleaseReport| format!("{}  {}\n", title(r), paint(DIM, &r.cid));
    releases.iter().map(line).collect()
}

/// `name version (revision 3), scorer: active, serves scorer`.
fn title(release: &ReleaseReport) -> String {
    let name = paint(HEAD, &release.name);
    let what = release.slot.as_deref().unwrap_or(&release.kind);
    let state = paint(of_status(&release.state), &release.state);
    let revision = if release.revision > 1 {
        format!(" (revision {})", release.revision)
    } else {
        String::new()
    };
    let serves = if release.serves.is_empty() {
        String::new()
    } else {
        format!(", serves {}", release.serves.join(", "))
    };
    format!(
        "{name} {}{revision}  {what}, {state}{serves}\n",
        release.version
    )
}

/// One call by hand.
pub fn run(run: &RunReport) -> String {
    let note = format!("{} used {} fuel, took {} us", run.name, run.fuel, run.us);
    format!("{}{}\n", json(&run.reply), paint(DIM, &note))
}

/// Timings.
pub fn bench(bench: &BenchReport) -> String {
    let us = |value: f64| format!("{} us", number(value, 1));
    let calls = format!(
        "{} in turn over {}",
        bench.calls,
        count(bench.cases, "golden vector")
    );
    format!("{}\n", paint(HEAD, &bench.name))
        + &pairs(&[
            ("calls", calls),
            ("least", us(bench.min_us)),
            ("median", us(bench.median_us)),
            ("99 %", us(bench.p99_us)),
            ("fuel", format!("{} (median)", bench.median_fuel)),
            ("release", bench.cid.clone()),
        ])
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}
