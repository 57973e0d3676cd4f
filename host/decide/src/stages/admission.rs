//! Whether: `consent`, `ethics` and `quota`. An owner's broken rule means no.

use crate::Verdict;
use crate::outcome::Violation;
use crate::pipeline::{Answer, Next, Pipeline, Stage};
use crate::snapshot::OwnerRules;
use weft_model::slots::economy::{QuotaRequest, QuotaVerdict};
use weft_model::slots::ethics::{EthicsCall, EthicsTask, Known};
use weft_model::slots::time::{ConsentRequest, ConsentUrgency, ConsentVerdict, Deferral, Role};
use weft_model::task::Urgency;
use weft_model::{Instant, Slot, SlotCall, SlotReply};

/// How long a task waits when the quota plugin can't answer, in milliseconds.
const CLOSED_RETRY_MS: Instant = 5 * 60 * 1000;
/// Milliseconds in a second.
const SECOND_MS: u64 = 1_000;
/// Milliseconds in a minute.
const MINUTE_MS: u64 = 60_000;

impl Pipeline<'_> {
    /// Asks for the submitter and, where the device is somebody else's, for its owner.
    pub(crate) fn ask_consent(&mut self) -> Next {
        let submitter = match &self.snapshot.submitter {
            Ok(rules) => rules,
            Err(malformed) => {
                self.note(Some(Slot::Consent), None, format!("closed: {malformed}"));
                return Next::End(Verdict::Defer { until: None }, malformed.clone());
            }
        };
        let mut requests = vec![self.consent_request(Role::Submitter, submitter)];
        match &self.snapshot.executor {
            Some(Ok(rules)) => requests.push(self.consent_request(Role::Executor, rules)),
            Some(Err(malformed)) => self.draft.here_refused = Some((malformed.clone(), None)),
            None => {}
        }
        Next::Ask(Stage::Consent, SlotCall::Consent(requests))
    }

    fn consent_request(&self, role: Role, rules: &OwnerRules) -> ConsentRequest {
        // A submitter's own word passes their own hours, nobody else's.
        let own_word =
            role == Role::Submitter && self.snapshot.spec.urgency == Some(Urgency::Critical);
        ConsentRequest {
            role,
            hours_set: rules.hours_set,
            windows: rules.windows.clone(),
            last_run: rules.last_run,
            idle: rules.idle_ms,
            duration: self.snapshot.spec.duration_ms,
            urgency: match self.draft.urgency {
                _ if own_word => ConsentUrgency::Critical,
                Urgency::Critical => ConsentUrgency::Critical,
                Urgency::High => ConsentUrgency::High,
                Urgency::Normal => ConsentUrgency::Normal,
                Urgency::Low => ConsentUrgency::Low,
            },
            critical_any_hour: rules.critical_any_hour,
            critical_any_idle: rules.critical_any_idle,
        }
    }

    /// Where a plugin fails on two owners' rows at once, each owner is asked about alone: what is wrong with one row
    /// must not close the other's door.
    pub(crate) fn consent_answered(&mut self, answers: &[Answer]) -> Next {
        if answers.is_empty() {
            let why = "no plugin serves the `consent` slot".to_owned();
            self.note(Some(Slot::Consent), None, why.clone());
            return Next::End(Verdict::Defer { until: None }, why);
        }
        let both = matches!(self.snapshot.executor, Some(Ok(_)));
        if both && let Some(failed) = answers.iter().find(|a| a.outcome.is_err()) {
            let why = failed.outcome.as_ref().err().map(|f| f.why.as_str());
            let said = format!(
                "each owner is asked about alone: {}",
                why.unwrap_or_default()
            );
            self.note(Some(Slot::Consent), Some(failed), said);
            return Next::Go(Stage::SubmitterConsent);
        }
        let [submitter, executor] = self.strictest(answers);
        if let Some(deferral) = submitter {
            return self.deferred(deferral);
        }
        self.executor_defers(executor);
        Next::Go(Stage::Ethics)
    }

    pub(crate) fn ask_submitter_consent(&mut self) -> Next {
        match &self.snapshot.submitter {
            Ok(rules) => {
                let request = self.consent_request(Role::Submitter, rules);
                Next::Ask(Stage::SubmitterConsent, SlotCall::Consent(vec![request]))
            }
            Err(malformed) => Next::End(Verdict::Defer { until: None }, malformed.clone()),
        }
    }

    pub(crate) fn submitter_consent_answered(&mut self, answers: &[Answer]) -> Next {
        let [submitter, _] = self.strictest(answers);
        match submitter {
            Some(deferral) => self.deferred(deferral),
            None => Next::Go(Stage::ExecutorConsent),
        }
    }

    pub(crate) fn ask_executor_consent(&mut self) -> Next {
        match &self.snapshot.executor {
            Some(Ok(rules)) => {
                let request = self.consent_request(Role::Executor, rules);
                Next::Ask(Stage::ExecutorConsent, SlotCall::Consent(vec![request]))
            }
            _ => Next::Go(Stage::Ethics),
        }
    }

    pub(crate) fn executor_consent_answered(&mut self, answers: &[Answer]) -> Next {
        let [executor, _] = self.strictest(answers);
        self.executor_defers(executor);
        Next::Go(Stage::Ethics)
    }

    /// The device owner's deferral keeps the task off this device, not off others.
    fn executor_defers(&mut self, executor: Option<Deferral>) {
        if self.draft.here_refused.is_none() && self.snapshot.executor.is_some() {
            self.draft.here_refused = executor.map(|d| (with_rest(&d), d.until));
        }
    }

    fn deferred(&mut self, deferral: Deferral) -> Next {
        self.draft.next_window = deferral.until;
        let reason = match deferral.idle_left.div_ceil(MINUTE_MS) {
            0 => deferral.reason,
            minutes => format!("{}; System idle period: {minutes} minutes", deferral.reason),
        };
        let until = deferral.until;
        Next::End(Verdict::Defer { until }, reason)
    }

    /// Of each row asked, the longest deferral. Every plugin of the chain is heard; the strictest wins. One that fails
    /// means: not now.
    fn strictest(&mut self, answers: &[Answer]) -> [Option<Deferral>; 2] {
        let mut strictest: [Option<Deferral>; 2] = [None, None];
        if answers.is_empty() {
            return strictest.map(|_| Some(deferral("no plugin answered")));
        }
        for answer in answers {
            let rows = match &answer.outcome {
                Ok(SlotReply::Consent(rows)) => rows.clone(),
                Ok(_) => vec![closed("the consent plugin gave an answer of another slot"); 2],
                Err(failed) => vec![closed(&failed.why); 2],
            };
            let said = match rows.first() {
                Some(ConsentVerdict::Defer(d)) => d.reason.clone(),
                _ => "yes, now".into(),
            };
            self.note(Some(Slot::Consent), Some(answer), said);
            for (kept, row) in strictest.iter_mut().zip(rows) {
                if let ConsentVerdict::Defer(deferral) = row {
                    let stricter = kept.as_ref().is_none_or(|k| later(deferral.until, k.until));
                    if stricter {
                        *kept = Some(deferral);
                    }
                }
            }
        }
        strictest
    }

    pub(crate) fn ask_ethics(&mut self) -> Next {
        match &self.snapshot.submitter {
            Ok(rules) => Next::Ask(Stage::Ethics, self.ethics_call(rules)),
            Err(malformed) => Next::End(Verdict::Block, malformed.clone()),
        }
    }

    pub(crate) fn ask_executor_ethics(&mut self) -> Next {
        match &self.snapshot.executor {
            Some(Ok(rules)) => Next::Ask(Stage::ExecutorEthics, self.ethics_call(rules)),
            _ => Next::Go(Stage::Tier),
        }
    }

    fn ethics_call(&self, rules: &OwnerRules) -> SlotCall {
        let spec = &self.snapshot.spec;
        SlotCall::Ethics(EthicsCall {
            rules: rules.rules.clone(),
            tasks: vec![EthicsTask {
                name: spec.name.clone(),
                tags: spec.tags.clone(),
                watts: spec.watts.unwrap_or(0.0),
                watts_known: if spec.watts.is_some() {
                    Known::Declared
                } else {
                    Known::Unknown
                },
                duration: spec.duration_ms,
                memory_mb: spec.memory_mb,
            }],
        })
    }

    /// All violations of all plugins count; one that fails blocks.
    fn violations(&mut self, answers: &[Answer]) -> Result<Vec<Violation>, String> {
        if answers.is_empty() {
            return Err("no plugin serves the `ethics` slot".into());
        }
        let mut all: Vec<Violation> = Vec::new();
        let mut broken = None;
        for answer in answers {
            match &answer.outcome {
                Ok(SlotReply::Ethics(rows)) => {
                    let found = rows.first().map_or(&[][..], |row| &row[..]);
                    let hard = found.iter().filter(|v| v.hard).count();
                    let said = match (found.len(), hard) {
                        (0, _) => "no violation".to_owned(),
                        (n, 0) => format!("{n} warned"),
                        (_, hard) => format!("{hard} violated"),
                    };
                    self.note(Some(Slot::Ethics), Some(answer), said);
                    all.extend(found.iter().map(|v| Violation {
                        rule: v.rule.clone(),
                        kind: v.kind.clone(),
                        observed: v.observed.clone(),
                        limit: v.limit.clone(),
                        hard: v.hard,
                    }));
                }
                Ok(_) => {
                    broken = Some("the ethics plugin gave an answer of another slot".to_owned())
                }
                Err(failed) => {
                    self.note(Some(Slot::Ethics), Some(answer), failed.why.clone());
                    broken = Some(failed.why.clone());
                }
            }
        }
        broken.map_or(Ok(all), Err)
    }

    pub(crate) fn ethics_answered(&mut self, answers: &[Answer]) -> Next {
        let violations = match self.violations(answers) {
            Ok(violations) => violations,
            Err(why) => {
                // Where a plugin refuses to judge, it is one of these that it does not understand.
                let user = &self.snapshot.spec.user;
                let rules = format!("`ethical_rules` of `{user}` (`rule_type`, `rule_value`)");
                return Next::End(Verdict::Block, format!("ethics: {rules} not judged: {why}"));
            }
        };
        let hard: Vec<&str> = violations
            .iter()
            .filter(|v| v.hard)
            .map(|v| v.kind.as_str())
            .collect();
        let reason = (!hard.is_empty()).then(|| format!("Hard violation: {}", hard.join(", ")));
        for soft in violations.iter().filter(|v| !v.hard) {
            self.draft.decision.warnings.push(format!(
                "Soft violation: {} ({}, allowed is {})",
                soft.kind, soft.observed, soft.limit
            ));
        }
        self.draft.decision.violations = violations;
        match reason {
            Some(reason) => Next::End(Verdict::Block, reason),
            None => Next::Go(Stage::ExecutorEthics),
        }
    }

    /// The device owner's no keeps the task off this device, not off others.
    pub(crate) fn executor_ethics_answered(&mut self, answers: &[Answer]) -> Next {
        let refused = match self.violations(answers) {
            Ok(violations) => violations
                .iter()
                .find(|v| v.hard)
                .map(|v| format!("Hard violation: {} (this device's owner)", v.kind)),
            Err(why) => Some(format!("ethics of this device's owner: {why}")),
        };
        if let Some(why) = refused {
            self.draft.here_refused = Some((why, None));
        }
        Next::Go(Stage::Tier)
    }

    pub(crate) fn ask_tier(&mut self) -> Next {
        if self.draft.critical {
            self.note(Some(Slot::Quota), None, "skipped: critical");
            return Next::Go(Stage::Scorer);
        }
        if self.snapshot.guest {
            self.note(Some(Slot::Quota), None, "counted by the submitter's device");
            return Next::Go(Stage::Scorer);
        }
        let contribution = self.snapshot.quota.contribution.clone();
        Next::Ask(Stage::Tier, SlotCall::Tiers(vec![contribution]))
    }

    pub(crate) fn tier_answered(&mut self, answers: &[Answer]) -> Next {
        match Self::single(Slot::Quota, answers) {
            Ok((_, SlotReply::Tiers(tiers))) if !tiers.is_empty() => {
                self.draft.decision.tier = Some(tiers[0].clone());
                Next::Go(Stage::Quota)
            }
            Ok((answer, _)) => self.quota_closed(Some(answer), "no tier was given".into()),
            Err((answer, why)) => self.quota_closed(answer, why),
        }
    }

    pub(crate) fn ask_quota(&mut self) -> Next {
        let s = self.snapshot;
        let request = QuotaRequest {
            tier: self.draft.decision.tier.clone().unwrap_or_default(),
            used: s.quota.used,
            in_flight: s.quota.in_flight,
            duration: s.spec.duration_ms,
            memory_mb: s.spec.memory_mb,
            reset: s.quota.reset,
        };
        Next::Ask(Stage::Quota, SlotCall::Admit(vec![request]))
    }

    pub(crate) fn quota_answered(&mut self, answers: &[Answer]) -> Next {
        let (answer, verdict) = match Self::single(Slot::Quota, answers) {
            Ok((answer, SlotReply::Admit(rows))) if !rows.is_empty() => (answer, rows[0].clone()),
            Ok((answer, _)) => {
                return self.quota_closed(Some(answer), "no verdict was given".into());
            }
            Err((answer, why)) => return self.quota_closed(answer, why),
        };
        match verdict {
            QuotaVerdict::Admit(reservation) => {
                let tier = self.draft.decision.tier.clone().unwrap_or_default();
                let used = self.snapshot.quota.used;
                self.note(
                    Some(Slot::Quota),
                    Some(answer),
                    format!("admitted: {tier}, {used} used"),
                );
                self.draft.decision.reservation = Some(reservation);
                Next::Go(Stage::Scorer)
            }
            QuotaVerdict::Wait(delay) => {
                self.note(Some(Slot::Quota), Some(answer), delay.reason.clone());
                let until = delay.until.max(self.snapshot.now + 1);
                Next::End(Verdict::Queue { until }, delay.reason)
            }
            QuotaVerdict::Deny(reason) => {
                self.note(Some(Slot::Quota), Some(answer), reason.clone());
                Next::End(Verdict::Block, reason)
            }
        }
    }

    /// Closed: the task waits in the queue and is asked about again.
    fn quota_closed(&mut self, answer: Option<&Answer>, why: String) -> Next {
        self.note(Some(Slot::Quota), answer, why.clone());
        let until = self.snapshot.now + CLOSED_RETRY_MS;
        Next::End(Verdict::Queue { until }, format!("quota: {why}"))
    }
}

fn closed(why: &str) -> ConsentVerdict {
    ConsentVerdict::Defer(deferral(why))
}

fn deferral(why: &str) -> Deferral {
    Deferral {
        until: None,
        reason: format!("consent: {why}"),
        idle_left: 0,
    }
}

/// A deferral's reason, with the rest that is still due.
fn with_rest(deferral: &Deferral) -> String {
    // Tables keep whole seconds, so a rest may be a second longer than its minutes.
    match (deferral.idle_left + MINUTE_MS - SECOND_MS) / MINUTE_MS {
        0 => deferral.reason.clone(),
        minutes => format!("{}; System idle period: {minutes} minutes", deferral.reason),
    }
}

/// Whether waiting for `a` is waiting longer than for `b`; none is for ever.
fn later(a: Option<Instant>, b: Option<Instant>) -> bool {
    match (a, b) {
        (None, Some(_)) => true,
        (Some(a), Some(b)) => a > b,
        (_, None) => false,
    }
}
