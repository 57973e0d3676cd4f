//! The story of a decision.

use super::style::{DIM, HEAD, known, of_status, paint, short};
use super::table::{Rows, heading, plain, styled};
use super::task::{headline, terms};
use weft_api::report::{StepReport, WhyReport};

/// The request, each step, the ranking, the history, and how to check it.
pub fn why(why: &WhyReport) -> String {
    let task = &why.task;
    let mut text = format!("{} by {}\n", paint(HEAD, &task.name), task.user);
    text.push_str(&headline(task));
    text.push_str(&format!("  submitted {}", task.submitted_at));
    if let Some(at) = &task.finished_at {
        text.push_str(&format!(", ended {at}"));
    }
    text.push('\n');
    let terms = terms(task);
    if !terms.is_empty() {
        text.push_str(&format!("  {terms}\n"));
    }
    if let Some(peer) = &task.peer {
        text.push_str(&format!("  runs at {peer}\n"));
    }
    if let Some(at) = task.next_window_at.as_ref().or(task.retry_at.as_ref()) {
        let local = task.next_window_start.as_ref().map(|w| format!("{w}, "));
        text.push_str(&format!("  next {}{at}\n", local.unwrap_or_default()));
    }
    text.push_str(&heading(&format!(
        "What was asked, attempt {}",
        task.attempt
    )));
    text.push_str(&steps(&task.steps));
    text.push_str(&violations(why));
    text.push_str(&ranking(why));
    text.push_str(&history(why));
    text.push_str(&proof(why));
    text
}

/// The stages of a decision: what each said, and below it who said so and what it took.
fn steps(steps: &[StepReport]) -> String {
    let mut rows = Rows::new(&["STEP", "SAID"]);
    for step in steps {
        let said = match by(step) {
            Some(by) => format!("{}\n  {by}", step.verdict),
            None => step.verdict.clone(),
        };
        rows.push(vec![plain(&step.slot), plain(said)]);
    }
    rows.text()
}

/// `ethics-rules bafyrei…y6zdhm, 45385 fuel, 98 us`
fn by(step: &StepReport) -> Option<String> {
    let mut text = step.plugin.clone()?;
    if let Some(release) = &step.release {
        text.push_str(&format!(" {}", short(release)));
    }
    if let Some(fuel) = step.fuel {
        text.push_str(&format!(", {fuel} fuel"));
    }
    if let Some(us) = step.us {
        text.push_str(&format!(", {us} us"));
    }
    Some(text)
}

fn violations(why: &WhyReport) -> String {
    if why.task.violations.is_empty() {
        return String::new();
    }
    let mut rows = Rows::new(&["RULE", "TYPE", "SEEN", "ALLOWED", "LEVEL"]);
    for v in &why.task.violations {
        let level = if v.hard { "strict" } else { "warn" };
        rows.push(vec![
            plain(&v.rule),
            plain(&v.kind),
            plain(&v.observed),
            plain(&v.limit),
            plain(level),
        ]);
    }
    heading("Against which rules") + &rows.text()
}

fn ranking(why: &WhyReport) -> String {
    if why.ranking.is_empty() {
        return String::new();
    }
    let mut rows = Rows::new(&[">#", "CANDIDATE", ">SCORE", "NOT PICKED BECAUSE IT"]);
    for (at, candidate) in why.ranking.iter().enumerate() {
        let out = candidate.out.map_or("", |out| out.words());
        rows.push(vec![
            plain(at + 1),
            plain(&candidate.peer),
            plain(
                candidate
                    .score
                    .map_or_else(|| "-".into(), |s| known(Some(s), 2)),
            ),
            styled(DIM, out),
        ]);
    }
    heading("Who could run it") + &rows.text()
}

fn history(why: &WhyReport) -> String {
    if why.history.is_empty() {
        return String::new();
    }
    let mut rows = Rows::new(&["WHEN", "STATUS", "WHY"]);
    for line in &why.history {
        rows.push(vec![
            plain(&line.at),
            styled(of_status(&line.status), &line.status),
            plain(line.reason.as_deref().unwrap_or_default()),
        ]);
    }
    heading("What happened") + &rows.text()
}

fn proof(why: &WhyReport) -> String {
    let mut text = String::new();
    if let Some(constitution) = &why.constitution {
        text.push_str(&format!("  constitution {}\n", short(constitution)));
    }
    if let Some(receipt) = &why.task.receipt {
        text.push_str(&format!("  receipt      {}\n", short(receipt)));
    }
    if let Some(decision) = &why.task.decision {
        text.push_str(&format!(
            "  run it again: weft decision verify {decision}\n"
        ));
    }
    if text.is_empty() {
        text
    } else {
        heading("How to check it") + &text
    }
}
