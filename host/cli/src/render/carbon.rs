//! Energy and carbon.

use super::style::{HEAD, known, number, paint};
use super::table::pairs;
use weft_api::report::{CarbonLine, CarbonReport, EnergyReport};

/// The energy here.
pub fn energy(energy: &EnergyReport) -> String {
    let battery = energy
        .battery_percent
        .map(|p| format!("{} %", number(p, 1)));
    let mains = energy.plugged_in.map(|on| if on { "yes" } else { "no" });
    let source = match (energy.by_hand, energy.source.as_str()) {
        (true, "static") => "by hand".into(),
        (true, source) => format!("by hand; `weft energy clear` returns to {source}"),
        (false, "static") => "static: the settings `energy_type` and `energy_percent_clean`".into(),
        (false, source) => source.to_owned(),
    };
    format!("{} ({})\n", paint(HEAD, &energy.kind), energy.known)
        + &pairs(&[
            ("clean", format!("{} %", known(energy.percent_clean, 1))),
            ("grid", format!("{} g/kWh", known(energy.grid_g_per_kwh, 1))),
            ("battery", battery.unwrap_or_default()),
            ("mains", mains.unwrap_or_default().into()),
            ("since", energy.updated_at.clone().unwrap_or_default()),
            ("source", source),
            ("read", energy.read_at.clone().unwrap_or_default()),
            ("problem", energy.problem.clone().unwrap_or_default()),
        ])
}

/// Grams over a time, with their quality.
pub fn report(report: &CarbonReport) -> String {
    let when = report.month.as_deref().unwrap_or("all time");
    let quality: Vec<String> = report
        .quality
        .iter()
        .map(|(how, rows)| format!("{rows} {how}"))
        .collect();
    let mut text = format!("{}\n", paint(HEAD, &format!("Carbon, {when}")));
    text.push_str(&pairs(&[
        ("tasks", report.tasks.to_string()),
        ("emitted", format!("{} g", number(report.emitted_g, 3))),
        ("avoided", format!("{} g", number(report.saved_g, 3))),
        (
            "renewable",
            format!(
                "{} % on average",
                known(report.average_renewable_percent, 1)
            ),
        ),
        ("known", quality.join(", ")),
        ("best", report.best.as_ref().map(line).unwrap_or_default()),
        ("worst", report.worst.as_ref().map(line).unwrap_or_default()),
    ]));
    if !report.advice.is_empty() {
        text.push_str(&format!("\n{}\n", report.advice));
    }
    text
}

fn line(line: &CarbonLine) -> String {
    let CarbonLine {
        at,
        task,
        from,
        to,
        saved_g,
        emitted_g,
    } = line;
    let (saved, emitted) = (number(*saved_g, 3), number(*emitted_g, 3));
    format!("{task}, {from} to {to}: {saved} g avoided, {emitted} g emitted ({at})")
}
