//! Decision records, and running them again.

use super::style::{BAD, GOOD, WARN, count, paint};
use super::table::heading;
use serde_json::Value;
use weft_api::report::{DecisionReport, VerifyReport};

/// The record: its CID, then its fields as JSON.
pub fn record(decision: &DecisionReport) -> String {
    format!(
        "{}{}",
        decision.cid,
        heading("Record") + &json(&decision.record)
    )
}

/// What running it again gave.
pub fn verify(verify: &VerifyReport) -> String {
    let calls = count(verify.calls, "call");
    let mut text = if verify.equal {
        format!(
            "{}: {calls} made again, same answers, same decision, same CID\n",
            paint(GOOD, "equal")
        )
    } else if verify.differences.is_empty() {
        format!("{}: {calls} made again\n", paint(WARN, "can't be told"))
    } else {
        format!("{}: {calls} made again\n", paint(BAD, "differs"))
    };
    if let Some(why) = &verify.unreplayable {
        text.push_str(&format!("  can't be run again: {why}\n"));
    }
    for difference in &verify.differences {
        text.push_str(&format!("  {difference}\n"));
    }
    text.push_str(&format!("  {}\n", verify.cid));
    text
}

/// A value as indented JSON, ended.
pub fn json(value: &Value) -> String {
    format!("{value:#}\n")
}
