//! How urgent: `override`, `voting` and `sla`.

use super::proposed;
use crate::Verdict;
use crate::pipeline::{Answer, Next, Pipeline, Stage};
use crate::snapshot::VoteState;
use weft_model::slots::time::{OverrideRequest, Plan, SlaRequest};
use weft_model::task::{Importance, Urgency};
use weft_model::{Slot, SlotCall, SlotReply};

impl Pipeline<'_> {
    pub(crate) fn ask_override(&mut self) -> Next {
        let s = self.snapshot;
        Next::Ask(
            Stage::Override,
            SlotCall::Override(vec![OverrideRequest {
                name: s.spec.name.clone(),
                tags: s.spec.tags.clone(),
                standing: s.standing,
                used: s.overrides_used,
            }]),
        )
    }

    /// A failure means no override, and an alarm.
    pub(crate) fn override_answered(&mut self, answers: &[Answer]) -> Next {
        let mut said = "no emergency".to_owned();
        let mut by = answers.first();
        match Self::single(Slot::Override, answers) {
            Ok((answer, SlotReply::Override(rows))) => {
                by = Some(answer);
                if let Some(verdict) = rows.first().filter(|v| v.emergency) {
                    self.draft.critical = true;
                    self.draft.override_word = verdict.word.clone();
                    said = verdict.reason.clone();
                    let until = verdict.until;
                    if until.is_some_and(|until| until <= self.snapshot.now) {
                        self.draft.critical = false;
                        said = "the emergency is over".into();
                    }
                } else if let Some(verdict) = rows.first().filter(|v| !v.reason.is_empty()) {
                    said = verdict.reason.clone();
                }
            }
            Ok((_, other)) => {
                said = format!("no override: unexpected answer of {} rows", other.rows())
            }
            Err((_, why)) => {
                said = format!("no override: {why}");
                self.draft.decision.warnings.push(said.clone());
            }
        }
        self.note(Some(Slot::Override), by, said);
        self.settle_importance();
        Next::Go(Stage::Sla)
    }

    /// What a recorded vote, or its absence, makes of the proposed importance.
    fn settle_importance(&mut self) {
        let asked = proposed(&self.snapshot.spec);
        let draft = &mut self.draft;
        let said = if draft.critical {
            draft.importance = Importance::Critical;
            "skipped: an override is in force".to_owned()
        } else {
            match &self.snapshot.vote {
                VoteState::Off => {
                    // Only an override or a consensus makes a task critical.
                    draft.importance = asked.max(Importance::High);
                    format!("off: {} as proposed", draft.importance)
                }
                VoteState::Decided(consensus) => {
                    draft.importance = consensus.importance;
                    draft.critical = consensus.importance == Importance::Critical;
                    let share = consensus.confidence * 100.0;
                    format!("{} by {share:.0} % of the weight", consensus.importance)
                }
                VoteState::Undecided => {
                    draft.importance = asked.max(Importance::Low);
                    "undecided: treated as eco".into()
                }
                VoteState::Open(_) => {
                    draft.importance = asked.max(Importance::Low);
                    format!("a vote is open, {asked} is proposed: treated as eco until it closes")
                }
                VoteState::Needed(closes) => {
                    draft.importance = asked.max(Importance::Low);
                    draft.open_poll = Some(*closes);
                    format!("a vote opens, {asked} is proposed: treated as eco until it closes")
                }
            }
        };
        draft.urgency = match draft.importance {
            Importance::Critical => Urgency::Critical,
            Importance::High => Urgency::High,
            Importance::Normal => Urgency::Normal,
            Importance::Low | Importance::NonCritical => Urgency::Low,
        };
        self.note(Some(Slot::Voting), None, said);
    }

    /// Asks for the class of the importance and, beside it, for the one that the submitter wants.
    pub(crate) fn ask_sla(&mut self) -> Next {
        let s = self.snapshot;
        let base = class_of(self.draft.importance);
        let asked = s.spec.sla.as_deref().filter(|class| *class != base);
        let requests = [Some(base), asked]
            .into_iter()
            .flatten()
            .map(|class| SlaRequest {
                class: class.to_owned(),
                submitted: s.submitted,
                deadline: s.spec.deadline,
                duration: s.spec.duration_ms,
                grid: s.energy.percent_clean,
                forecast: s.energy.forecast.clone(),
            })
            .collect();
        Next::Ask(Stage::Sla, SlotCall::Sla(requests))
    }

    /// A submitter may ask for more patience, never for less.
    pub(crate) fn sla_answered(&mut self, answers: &[Answer]) -> Next {
        let base = class_of(self.draft.importance);
        let (answer, plans) = match Self::single(Slot::Sla, answers) {
            Ok((answer, SlotReply::Sla(plans))) => (answer, plans),
            Ok((answer, _)) => {
                self.note(Some(Slot::Sla), Some(answer), "an answer of another slot");
                return Next::End(
                    Verdict::Fail,
                    "the sla plugin gave an answer of another slot".into(),
                );
            }
            Err((answer, why)) => {
                self.note(Some(Slot::Sla), answer, why.clone());
                return Next::End(Verdict::Fail, format!("SLA: {why}"));
            }
        };
        let (class, plan) = match (&plans[..], self.snapshot.spec.sla.as_deref()) {
            ([of_base, of_asked], Some(asked)) if is_more_patient(of_asked, of_base) => {
                (asked, of_asked)
            }
            ([of_base, _], Some(asked)) => {
                self.draft.decision.warnings.push(format!(
                    "SLA `{asked}` is less patient than `{base}`, which the task's importance gives; `{base}` counts"
                ));
                (base, of_base)
            }
            ([of_base, ..], _) => (base, of_base),
            ([], _) => return Next::End(Verdict::Fail, "SLA: the plugin answered nothing".into()),
        };
        self.draft.sla = class.to_owned();
        self.draft.plan = Some(plan.clone());
        let said = if plan.reason.is_empty() {
            class.to_owned()
        } else {
            plan.reason.clone()
        };
        self.note(Some(Slot::Sla), Some(answer), said);
        Next::Go(Stage::Consent)
    }
}

/// The class that an importance gives.
fn class_of(importance: Importance) -> &'static str {
    match importance {
        Importance::Critical => "urgent",
        Importance::High => "high",
        Importance::Normal => "normal",
        Importance::Low | Importance::NonCritical => "eco",
    }
}

/// Whether `a` lets the task start as late as `b` or later.
fn is_more_patient(a: &Plan, b: &Plan) -> bool {
    match (a.latest_start, b.latest_start) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(a), Some(b)) => a >= b,
    }
}
