//! Where: permission and `scorer`.

use crate::Verdict;
use crate::outcome::{Out, Ranked};
use crate::pipeline::{Answer, Next, Pipeline, Stage};
use crate::placement::{self, Needs};
use crate::snapshot::Permission;
use weft_model::slots::placement::{Rank, Score, ScorerTask};
use weft_model::slots::time::Plan;
use weft_model::{Instant, Slot, SlotCall, SlotReply};

/// Milliseconds in a minute.
const MINUTE_MS: i64 = 60_000;
/// Minutes in a day.
const DAY_MINUTES: i64 = 1_440;

impl Pipeline<'_> {
    /// Whether a candidate may run it at all, before anyone is scored.
    fn barred(&self, row: usize) -> Option<Out> {
        placement::forbidden(self.snapshot.candidates.permissions[row]).or_else(|| {
            if row > 0 {
                return None;
            }
            if !self.snapshot.workload_bound {
                Some(Out::NoWorkload)
            } else if self.draft.here_refused.is_some() {
                Some(Out::OwnerRules)
            } else {
                None
            }
        })
    }

    pub(crate) fn ask_scorer(&mut self) -> Next {
        let s = self.snapshot;
        let rows: Vec<usize> = (0..s.candidates.ids.len())
            .filter(|r| self.barred(*r).is_none())
            .collect();
        let all = s.candidates.ids.len();
        self.note(
            None,
            None,
            format!("{} of {all} candidates may run it", rows.len()),
        );
        if rows.is_empty() {
            return self.nobody();
        }
        let candidates = s
            .candidates
            .table
            .select(s.candidates.scored as usize, &rows);
        let rank = Rank {
            task: ScorerTask {
                critical: self.draft.critical,
                duration: s.spec.duration_ms,
                cores: s.spec.cores,
                memory_mb: s.spec.memory_mb,
                fee: s.spec.fee,
            },
            candidates,
            tie_seed: placement::tie_seed(&s.task),
        };
        Next::Ask(Stage::Scorer, SlotCall::Rank(rank))
    }

    /// Nobody is left to be scored: says why, most useful reason first.
    fn nobody(&mut self) -> Next {
        let s = self.snapshot;
        self.draft.decision.ranking = (0_u32..)
            .take(s.candidates.ids.len())
            .map(|row| Ranked {
                row,
                score: None,
                out: self.barred(row as usize),
            })
            .collect();
        if self.barred(0) == Some(Out::NoWorkload) {
            let name = &s.spec.name;
            return Next::End(
                Verdict::Fail,
                format!(
                    "no workload is bound to `{name}` and no peer may run it; bind one with \
                     `weft workload use {name} CID`, or register a peer and permit the task"
                ),
            );
        }
        if let Some((why, until)) = self.draft.here_refused.clone() {
            self.draft.next_window = until;
            return Next::End(Verdict::Defer { until }, why);
        }
        let why = match s.candidates.permissions.first() {
            Some(Permission::NotInAllowedTasks) => "this node's allowed tasks do not include it",
            Some(Permission::TooLong) => {
                "it is longer than this node's `max_task_duration_ms` allows"
            }
            _ => "no device is permitted to run it",
        };
        Next::End(Verdict::Block, format!("Permission: {why}"))
    }

    /// Hard filters first, then the score; without an answer, the first that fits.
    pub(crate) fn scorer_answered(&mut self, answers: &[Answer]) -> Next {
        let s = self.snapshot;
        let Some(plan) = self.draft.plan.clone() else {
            return Next::End(Verdict::Fail, "there is no SLA plan".into());
        };
        let barred: Vec<Option<Out>> = (0..s.candidates.ids.len())
            .map(|row| self.barred(row))
            .collect();
        let asked: Vec<usize> = (0..barred.len()).filter(|r| barred[*r].is_none()).collect();
        let mut scores: Vec<Option<Score>> = vec![None; s.candidates.ids.len()];
        match Self::single(Slot::Scorer, answers) {
            Ok((answer, SlotReply::Rank(rows))) if rows.len() == asked.len() => {
                for (row, score) in asked.iter().zip(rows) {
                    scores[*row] = Some(*score);
                }
                self.note(
                    Some(Slot::Scorer),
                    Some(answer),
                    format!("{} scored", rows.len()),
                );
            }
            other => {
                let (answer, why) = match other {
                    Ok((answer, _)) => (Some(answer), "wrong number of scores".to_owned()),
                    Err((answer, why)) => (answer, why),
                };
                for row in &asked {
                    scores[*row] = Some(Score::Score(0.0));
                }
                self.draft
                    .decision
                    .warnings
                    .push(format!("first fit, not best: {why}"));
                self.note(Some(Slot::Scorer), answer, format!("first fit: {why}"));
            }
        }
        let needs = Needs {
            plan: &plan,
            now: s.now,
            critical: self.draft.critical,
            here_anyway: s.guest || s.last_resort,
        };
        let ranking = placement::rank(&s.task, &needs, &s.candidates, &scores, &barred);
        let best = ranking.first().filter(|r| r.out.is_none()).map(|r| r.row);
        self.draft.decision.ranking = ranking;
        match best {
            Some(0) => Next::End(Verdict::RunHere, self.emergency_reason()),
            Some(row) => {
                let peer = s.candidates.ids[row as usize].clone();
                Next::End(Verdict::Delegate { peer }, self.emergency_reason())
            }
            None => self.wait(&plan),
        }
    }

    fn emergency_reason(&self) -> String {
        match &self.draft.override_word {
            Some(_) => self
                .draft
                .decision
                .steps
                .iter()
                .find(|step| step.slot == Some(Slot::Override))
                .map(|step| step.verdict.clone())
                .unwrap_or_default(),
            None => String::new(),
        }
    }

    /// Somebody may run it, but nobody qualifies now.
    fn wait(&mut self, plan: &Plan) -> Next {
        let s = self.snapshot;
        let energy_only = self.draft.decision.ranking.iter().any(|r| {
            matches!(
                r.out,
                Some(Out::NotCleanEnough | Out::OtherSource | Out::OffPeak)
            )
        });
        if !energy_only {
            let reasons: Vec<String> = self
                .draft
                .decision
                .ranking
                .iter()
                .take(3)
                .filter_map(|r| {
                    let peer = &s.candidates.ids[r.row as usize];
                    Some(format!("{peer} {}", r.out?.words()))
                })
                .collect();
            return Next::End(
                Verdict::Defer { until: s.off_peak },
                format!(
                    "No candidate fits ({}); tried again off-peak",
                    reasons.join(", ")
                ),
            );
        }
        // Where peers failed, the off-peak hours are the last resort, whatever the energy is then.
        let ranking = &self.draft.decision.ranking;
        let failed = ranking.iter().any(|r| r.out == Some(Out::FailedBefore));
        let last_resort = s.off_peak.filter(|_| failed && self.barred(0).is_none());
        let until = [plan.latest_start, self.next_clean(plan), last_resort]
            .into_iter()
            .flatten()
            .min();
        let host = s.candidates.host();
        let best = (0..s.candidates.ids.len())
            .filter(|row| self.barred(*row).is_none())
            .filter_map(|row| host.value(row, placement::CLEAN))
            .fold(None, |best: Option<f64>, x| {
                Some(best.map_or(x, |b| b.max(x)))
            });
        let best = best.map_or("unknown".to_owned(), |b| format!("{b:.0} %"));
        let wanted = match (plan.source, &plan.peak) {
            (Some(source), Some(_)) => format!("the {source:?} peak is waited for").to_lowercase(),
            (Some(source), None) => format!("{source:?} energy is wanted").to_lowercase(),
            _ => format!("{:.0} % wanted", plan.clean),
        };
        self.draft.next_window = until;
        let then = match last_resort {
            Some(_) => "; peers failed at it, so it runs here off-peak at the latest",
            None => "",
        };
        Next::End(
            Verdict::Defer { until },
            format!("Waiting for clean energy: the best candidate has {best}, {wanted}{then}"),
        )
    }

    /// When the energy here may qualify: the forecast's first clean stretch, or the next peak.
    fn next_clean(&self, plan: &Plan) -> Option<Instant> {
        let s = self.snapshot;
        let forecast = s
            .energy
            .forecast
            .iter()
            .find(|o| o.until > s.now && o.clean >= plan.clean)
            .map(|o| o.from.max(s.now + 1));
        let peak = plan.peak.as_ref().and_then(|peak| {
            let minute = s.candidates.host().value(0, placement::MINUTE)? as i64;
            let ahead = (i64::from(peak.from) - minute).rem_euclid(DAY_MINUTES);
            let start = s.now + ahead * MINUTE_MS;
            Some(if ahead == 0 {
                start + DAY_MINUTES * MINUTE_MS
            } else {
                start - start.rem_euclid(MINUTE_MS)
            })
        });
        if plan.peak.is_some() { peak } else { forecast }
    }
}
