//! Answers in words, so that two of them can be compared as judgments and shown to a person, and whether one refuses.

use crate::outcome::Verdict;
use crate::pipeline::Answer;
use crate::record::Record;
use weft_model::slots::economy::QuotaVerdict;
use weft_model::slots::placement::Score;
use weft_model::slots::time::{ConsentVerdict, Plan};
use weft_model::{Instant, SlotReply, text};

/// Longest answer that is kept in words, in bytes.
const WORDS_BYTES: usize = 400;

/// What an answer says, without its reasons: two plugins that judge alike say the same.
///
/// A scorer's scores mean nothing beside another one's; here they are its order of the rows, and the caller compares
/// who would have run the task.
pub fn words(reply: &SlotReply) -> String {
    let said: Vec<String> = match reply {
        SlotReply::Override(rows) => rows
            .iter()
            .map(|v| match (v.emergency, &v.word) {
                (true, Some(word)) => format!("an emergency by `{word}`{}", until(v.until)),
                (true, None) => format!("an emergency{}", until(v.until)),
                (false, _) => "no emergency".to_owned(),
            })
            .collect(),
        SlotReply::Sla(plans) => plans.iter().map(plan).collect(),
        SlotReply::Consent(rows) => rows
            .iter()
            .map(|v| match v {
                ConsentVerdict::Allow => "yes, now".to_owned(),
                ConsentVerdict::Defer(d) => match d.until {
                    Some(at) => format!("not before {at} ms"),
                    None => "not now".to_owned(),
                },
            })
            .collect(),
        SlotReply::Ethics(rows) => rows
            .iter()
            .map(|row| {
                let mut found: Vec<String> = row
                    .iter()
                    .map(|v| format!("{}: {}", if v.hard { "blocked" } else { "warned" }, v.kind))
                    .collect();
                found.sort();
                found.dedup();
                if found.is_empty() {
                    "no violation".to_owned()
                } else {
                    found.join(", ")
                }
            })
            .collect(),
        SlotReply::Tiers(tiers) => tiers.clone(),
        SlotReply::Admit(rows) => rows
            .iter()
            .map(|v| match v {
                QuotaVerdict::Admit(_) => "admitted".to_owned(),
                QuotaVerdict::Wait(delay) => format!("wait until {} ms", delay.until),
                QuotaVerdict::Deny(_) => "denied".to_owned(),
            })
            .collect(),
        SlotReply::Rank(scores) => scores
            .iter()
            .map(|s| match s {
                Score::Score(score) => format!("{score:.2}"),
                Score::Excluded(why) => format!("{why:?}"),
            })
            .collect(),
        other => vec![format!("{other:?}")],
    };
    text::printable(&said.join("; "), WORDS_BYTES)
}

/// What all plugins of a slot said as one: in a chain the strictest wins, row by row.
///
/// # Errors
/// Why one of them gave no answer; nobody answered where the slot is empty.
pub fn combined(answers: &[Answer]) -> Result<SlotReply, String> {
    let mut all: Option<SlotReply> = None;
    for answer in answers {
        let reply = match &answer.outcome {
            Ok(reply) => reply.clone(),
            Err(failed) => return Err(failed.why.clone()),
        };
        all = Some(match (all, reply) {
            (Some(SlotReply::Consent(a)), SlotReply::Consent(b)) => {
                SlotReply::Consent(a.into_iter().zip(b).map(stricter).collect())
            }
            (Some(SlotReply::Ethics(mut rows)), SlotReply::Ethics(more)) => {
                for (row, more) in rows.iter_mut().zip(more) {
                    row.extend(more);
                }
                SlotReply::Ethics(rows)
            }
            (_, reply) => reply,
        });
    }
    all.ok_or_else(|| "nothing serves the slot".to_owned())
}

/// The later of two moments; never is the latest.
fn stricter((a, b): (ConsentVerdict, ConsentVerdict)) -> ConsentVerdict {
    match (a, b) {
        (ConsentVerdict::Defer(a), ConsentVerdict::Defer(b)) => {
            let b_is_later = a.until.is_some() && b.until.is_none_or(|t| a.until < Some(t));
            ConsentVerdict::Defer(if b_is_later { b } else { a })
        }
        (ConsentVerdict::Allow, b) => b,
        (a, ConsentVerdict::Allow) => a,
    }
}

/// What a record's decision does with the task, in words; with `instead` in place of the answers at `place`, what it
/// would have done.
pub fn decided_words(record: &Record, place: usize, instead: Option<&SlotReply>) -> String {
    let decision = match instead {
        None => Some(record.decision.clone()),
        Some(reply) => {
            let mut record = record.clone();
            if let Some(answer) = record.answers.get_mut(place).and_then(|a| a.first_mut()) {
                answer.outcome = Ok(reply.clone());
            }
            record.rerun().1
        }
    };
    let said = match decision.map(|d| d.verdict) {
        None => "asks for more than was asked".to_owned(),
        Some(Verdict::RunHere) => "runs here".to_owned(),
        Some(Verdict::Delegate { peer }) => format!("runs on `{peer}`"),
        Some(Verdict::Defer { until: Some(at) }) => format!("waits until {at} ms"),
        Some(Verdict::Defer { until: None }) => "waits".to_owned(),
        Some(Verdict::Queue { until }) => format!("is queued until {until} ms"),
        Some(Verdict::Block) => "is blocked".to_owned(),
        Some(Verdict::Fail) => "fails".to_owned(),
    };
    text::printable(&said, WORDS_BYTES)
}

fn until(at: Option<Instant>) -> String {
    at.map_or_else(String::new, |at| format!(" until {at} ms"))
}

fn plan(plan: &Plan) -> String {
    let mut said = match plan.latest_start {
        Some(at) => format!("start by {at} ms"),
        None => "no latest start".to_owned(),
    };
    said.push_str(&format!(", {:.0} % clean", plan.clean));
    if let Some(source) = plan.source {
        said.push_str(&format!(", {source:?}"));
    }
    if let Some(peak) = &plan.peak {
        said.push_str(&format!(
            ", minutes {} to {} of the day",
            peak.from, peak.until
        ));
    }
    if !plan.delegate {
        said.push_str(", not elsewhere");
    }
    if plan.interrupt {
        said.push_str(", may be interrupted");
    }
    said
}

/// Whether an answer refuses, as the table of [`crate::trial`] says.
pub fn refuses(reply: &SlotReply, now: Instant) -> bool {
    match reply {
        SlotReply::Sla(plans) => plans
            .iter()
            .any(|p| p.latest_start.is_some_and(|at| at < now)),
        SlotReply::Consent(rows) => rows.iter().any(|v| matches!(v, ConsentVerdict::Defer(_))),
        SlotReply::Ethics(rows) => rows.iter().flatten().any(|v| v.hard),
        SlotReply::Admit(rows) => rows.iter().any(|v| !matches!(v, QuotaVerdict::Admit(_))),
        SlotReply::Rank(scores) => {
            !scores.is_empty() && scores.iter().all(|s| matches!(s, Score::Excluded(_)))
        }
        _ => false,
    }
}
