//! Asks the version that did not decide what it would have answered, and counts how the one on trial did.
//!
//! What is asked is collected in the decision's own transaction; the calls are made after it is kept, so that nothing
//! of them can reach the decision, and the counts are one small transaction after them. A process that dies in between
//! has one decision less in the count. Shadows are asked without the breaker: their failures count here alone.

use crate::deciding::{CanaryFailed, Decided};
use crate::error::Result;
use crate::gather::Wanted;
use crate::node::Node;
use std::sync::{Arc, PoisonError};
use weft_decide::trial::{Outcome, Recent, combined, decided_words, refuses, words};
use weft_decide::{Answer, Record};
use weft_engine::{Active, CallError, Table, TrialMode};
use weft_model::{Cid, Instant, Slot, SlotCall, SlotReply};
use weft_store::trials::{self, Difference};
use weft_store::{Read, Write};

/// One trial's part in one decision: what the other version is to be asked.
pub(crate) struct Part {
    trial: i64,
    /// Whether the one on trial decided; else it was the serving version.
    canary: bool,
    /// How the canary failed, if it did.
    failed: Option<CanaryFailed>,
    /// The version that did not decide.
    other: Arc<Active>,
    decision: Cid,
    task: String,
    now: Instant,
    /// The calls of the slot as the other version reads them, with the answers that were given.
    calls: Vec<(SlotCall, Vec<Answer>)>,
    /// The decision with the candidates as the other version reads them, and the place of the scorer's answers.
    replay: Option<(Record, usize)>,
}

/// What one side said.
enum Said {
    Answered(Vec<SlotReply>),
    Failed { why: String, counts: bool },
}

impl Node {
    /// The parts that trials have in a decision, with what they need of this transaction.
    pub(crate) fn trial_parts(
        &self,
        tx: &Read,
        table: &Table,
        wanted: &Wanted<'_>,
        decided: &Decided,
    ) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        if table.trials.is_empty() {
            return Ok(parts);
        }
        let record: Record = weft_model::cbor::decode(&decided.record)?;
        for (slot, on_trial) in &table.trials {
            let canary = table.canaries.contains(slot);
            let other = match on_trial.mode {
                TrialMode::Shadow => &on_trial.active,
                TrialMode::Canary(_) if !canary => continue,
                TrialMode::Canary(_) => match table.last_good.get(slot) {
                    Some(serving) => serving,
                    None => continue,
                },
            };
            let mut record = record.clone();
            if *slot == Slot::Scorer && !reads(&record, other) {
                let mut table = table.clone();
                table.active.insert(*slot, vec![Arc::clone(other)]);
                record.snapshot.candidates = self.candidates(tx, &table, wanted)?;
            }
            let (made, _) = record.rerun();
            let calls: Vec<(SlotCall, Vec<Answer>)> = made
                .into_iter()
                .zip(record.answers.iter().cloned())
                .filter(|(call, _)| call.slot() == *slot)
                .collect();
            if calls.is_empty() {
                // The decision came to its end before this slot.
                continue;
            }
            let replay = (*slot == Slot::Scorer).then(|| {
                let place = record.answers.len() - 1;
                (record, place)
            });
            parts.push(Part {
                trial: on_trial.id,
                canary,
                failed: decided
                    .canaries_failed
                    .iter()
                    .find(|f| f.slot == *slot)
                    .cloned(),
                other: Arc::clone(other),
                decision: decided.cid,
                task: wanted.spec.name.clone(),
                now: wanted.now,
                calls,
                replay,
            });
        }
        Ok(parts)
    }

    /// Asks the other versions and counts. A trial that is over by that goes back.
    ///
    /// # Errors
    /// When the counts can't be written. The decision stands in any case.
    pub(crate) fn count_trials(&self, parts: Vec<Part>) -> Result<()> {
        for part in parts {
            let (outcome, difference) = self.compare(&part);
            let turn = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            let over = self
                .store
                .write(|tx| self.count_trial(tx, &part, outcome, difference.as_ref()))?;
            drop(turn);
            if over {
                self.reload_slots()?;
                self.changed();
            }
        }
        Ok(())
    }

    fn count_trial(
        &self,
        tx: &Write,
        part: &Part,
        outcome: Outcome,
        difference: Option<&Difference>,
    ) -> Result<bool> {
        let Some(mut trial) = trials::get_open(tx, part.trial)? else {
            return Ok(false);
        };
        trial.decisions += 1;
        match outcome {
            Outcome::Fine => {}
            Outcome::Refused => trial.refused += 1,
            Outcome::Failed => trial.failed += 1,
        }
        if let Some(difference) = difference {
            trials::add_difference(tx, trial.id, difference)?;
            // A failure is shown with the differences, and counted as what it is.
            trial.differed += u64::from(outcome != Outcome::Failed);
        }
        let mut recent = Recent::parse(&trial.recent);
        let over = recent.step(outcome, self.settings.trial_limits(), part.canary);
        trial.recent = recent.text();
        trials::count(tx, &trial)?;
        if let Some(why) = over {
            self.return_in(tx, &trial, why)?;
        }
        Ok(over.is_some())
    }

    /// How the one on trial did, and in which words the two differ.
    fn compare(&self, part: &Part) -> (Outcome, Option<Difference>) {
        let decided = match &part.failed {
            Some(failed) => Said::Failed {
                why: failed.why.clone(),
                counts: failed.counts,
            },
            None => answered(part),
        };
        let other = self.ask_other(part);
        let (serving, tried) = if part.canary {
            (&other, &decided)
        } else {
            (&decided, &other)
        };
        let outcome = match tried {
            Said::Failed { counts: true, .. } => Outcome::Failed,
            Said::Failed { counts: false, .. } => Outcome::Refused,
            Said::Answered(_) if tried.refuses(part.now) && !serving.refuses(part.now) => {
                Outcome::Refused
            }
            Said::Answered(_) => Outcome::Fine,
        };
        let (of_serving, of_trial) = (
            part.words(serving, part.canary),
            part.words(tried, !part.canary),
        );
        let difference = (of_serving != of_trial).then(|| Difference {
            decision_cid: part.decision.to_string(),
            task: part.task.clone(),
            serving: of_serving,
            trial_answer: of_trial,
            at: part.now,
        });
        (outcome, difference)
    }

    fn ask_other(&self, part: &Part) -> Said {
        let replies: Result<Vec<SlotReply>, CallError> = part
            .calls
            .iter()
            .map(|(call, _)| {
                self.policies
                    .call(&part.other.policy, part.now, &part.other.config, call)
                    .map(|called| called.reply)
            })
            .collect();
        match replies {
            Ok(replies) => Said::Answered(replies),
            Err(e) => Said::Failed {
                why: e.to_string(),
                counts: e.counts(),
            },
        }
    }
}

/// Whether the candidates of a record are in the columns that a scorer reads.
fn reads(record: &Record, scorer: &Active) -> bool {
    let features = &record.snapshot.candidates.features;
    let scored = features
        .len()
        .saturating_sub(weft_decide::Candidates::HOST_FEATURES.len());
    features[..scored] == scorer.features[..]
}

/// What was answered in the decision itself.
fn answered(part: &Part) -> Said {
    let replies: Result<Vec<SlotReply>, String> = part
        .calls
        .iter()
        .map(|(_, answers)| combined(answers))
        .collect();
    match replies {
        Ok(replies) => Said::Answered(replies),
        Err(why) => Said::Failed { why, counts: true },
    }
}

impl Said {
    fn refuses(&self, now: Instant) -> bool {
        match self {
            Self::Answered(replies) => replies.iter().any(|reply| refuses(reply, now)),
            Self::Failed { .. } => true,
        }
    }
}

impl Part {
    /// A side in words. `instead`: it is the one that did not decide, so a scorer's answer is run through the decision.
    fn words(&self, said: &Said, instead: bool) -> String {
        let replies = match said {
            Said::Failed { why, .. } => return format!("no answer: {why}"),
            Said::Answered(replies) => replies,
        };
        match (&self.replay, replies.last()) {
            (Some((record, place)), Some(reply)) => {
                decided_words(record, *place, instead.then_some(reply))
            }
            _ => {
                let said: Vec<String> = replies.iter().map(words).collect();
                said.join(" / ")
            }
        }
    }
}
