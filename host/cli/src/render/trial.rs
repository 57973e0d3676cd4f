//! What a trial found.

use super::style::{DIM, HEAD, count, paint, short};
use super::table::{Rows, pairs, plain, styled};
use weft_api::report::TrialReport;

/// Examples that are shown; `--json` has all.
const SHOWN: usize = 10;

/// One trial.
pub fn report(trial: &TrialReport) -> String {
    let state = match (&trial.outcome, &trial.ended_at) {
        (Some(outcome), Some(at)) => format!("{outcome} at {at}"),
        _ => "goes on".to_owned(),
    };
    let mut text = format!(
        "{}  {} in `{}`\n",
        paint(HEAD, &trial.name),
        trial.mode,
        trial.slot
    );
    text.push_str(&pairs(&[
        ("release", trial.release.clone()),
        ("began", trial.started_at.clone()),
        ("state", state),
        ("decisions", trial.decisions.to_string()),
        ("agreed", trial.agreed.to_string()),
        ("differed", trial.differed.to_string()),
        ("failed", trial.failed.to_string()),
        ("refused", trial.refused.to_string()),
        ("report", trial.report.clone()),
        ("signed by", trial.signed_by.clone()),
    ]));
    if trial.examples.is_empty() {
        return text;
    }
    let mut rows = Rows::new(&["TASK", "SERVING", "ON TRIAL", "DECISION"]);
    for example in trial.examples.iter().take(SHOWN) {
        rows.push(vec![
            plain(&example.task),
            plain(&example.serving),
            plain(&example.trial),
            styled(DIM, short(&example.decision)),
        ]);
    }
    text.push_str(&rows.text());
    let shown = trial.examples.len().min(SHOWN);
    let note = format!(
        "the newest {}; --json has more, and the CIDs whole\n",
        count(shown, "difference")
    );
    text.push_str(&paint(DIM, &note));
    text
}
