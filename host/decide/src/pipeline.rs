//! The state machine: one slot call at a time, in the order of DESIGN 6.

use crate::outcome::{Decision, StepRecord, Verdict};
use crate::snapshot::Snapshot;
use crate::stages;
use serde::{Deserialize, Serialize};
use weft_model::slots::time::Plan;
use weft_model::task::{Importance, Urgency};
use weft_model::{Cid, Instant, Slot, SlotCall, SlotReply};

/// What one plugin answered to a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The release that answered, or failed.
    pub release: Cid,
    /// Its name.
    pub name: String,
    /// The CID of its config; none for the defaults.
    pub config: Option<Cid>,
    /// The answer, or why there is none.
    #[serde(with = "crate::packed::outcome")]
    pub outcome: Result<SlotReply, Failed>,
    /// The release that failed before this one answered in its place.
    pub instead_of: Option<Cid>,
}

/// Why a plugin gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// For a person.
    pub why: String,
    /// Whether running it again must end the same way.
    pub replayable: bool,
}

/// What the caller does next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Ask every plugin of the call's slot, in order, and [`Pipeline::resume`] with what they say. A slot that
    /// nothing serves gives no answers.
    Ask(SlotCall),
    /// The decision stands.
    Done(Box<Decision>),
}

/// Where the machine stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Override,
    Sla,
    Consent,
    /// The submitter's consent alone, after a plugin failed on both.
    SubmitterConsent,
    /// The device owner's consent alone, after that.
    ExecutorConsent,
    Ethics,
    ExecutorEthics,
    Tier,
    Quota,
    Scorer,
    /// Nothing more is asked.
    Done,
}

/// What is known so far.
pub(crate) struct Draft {
    pub critical: bool,
    pub override_word: Option<String>,
    pub importance: Importance,
    pub urgency: Urgency,
    pub sla: String,
    pub plan: Option<Plan>,
    pub next_window: Option<Instant>,
    pub open_poll: Option<Instant>,
    /// Why the device's owner keeps it off this device, and until when.
    pub here_refused: Option<(String, Option<Instant>)>,
    pub decision: Decision,
}

/// One decision in the making.
pub struct Pipeline<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) draft: Draft,
    stage: Stage,
}

/// What a stage leads to.
pub(crate) enum Next {
    Ask(Stage, SlotCall),
    Go(Stage),
    End(Verdict, String),
}

impl<'a> Pipeline<'a> {
    /// Begins a decision; the first step always asks the `override` slot.
    pub fn start(snapshot: &'a Snapshot) -> (Self, Step) {
        let importance = stages::proposed(&snapshot.spec);
        let draft = Draft {
            critical: false,
            override_word: None,
            importance,
            urgency: Urgency::Normal,
            sla: String::new(),
            plan: None,
            next_window: None,
            open_poll: None,
            here_refused: None,
            decision: Decision::unmade(),
        };
        let mut pipeline = Self {
            snapshot,
            draft,
            stage: Stage::Override,
        };
        let step = pipeline.enter(Stage::Override);
        (pipeline, step)
    }

    /// Goes on with the answers to the last call. The decision is handed out once: whoever resumes after
    /// [`Step::Done`] gets a failure that says so.
    pub fn resume(&mut self, answers: &[Answer]) -> Step {
        let next = match self.stage {
            Stage::Override => self.override_answered(answers),
            Stage::Sla => self.sla_answered(answers),
            Stage::Consent => self.consent_answered(answers),
            Stage::SubmitterConsent => self.submitter_consent_answered(answers),
            Stage::ExecutorConsent => self.executor_consent_answered(answers),
            Stage::Ethics => self.ethics_answered(answers),
            Stage::ExecutorEthics => self.executor_ethics_answered(answers),
            Stage::Tier => self.tier_answered(answers),
            Stage::Quota => self.quota_answered(answers),
            Stage::Scorer => self.scorer_answered(answers),
            Stage::Done => Next::End(Verdict::Fail, "the decision was already made".into()),
        };
        self.follow(next)
    }

    fn enter(&mut self, stage: Stage) -> Step {
        let next = match stage {
            Stage::Override => self.ask_override(),
            Stage::Sla => self.ask_sla(),
            Stage::Consent => self.ask_consent(),
            Stage::SubmitterConsent => self.ask_submitter_consent(),
            Stage::ExecutorConsent => self.ask_executor_consent(),
            Stage::Ethics => self.ask_ethics(),
            Stage::ExecutorEthics => self.ask_executor_ethics(),
            Stage::Tier => self.ask_tier(),
            Stage::Quota => self.ask_quota(),
            Stage::Scorer => self.ask_scorer(),
            Stage::Done => Next::End(Verdict::Fail, "the decision was already made".into()),
        };
        self.follow(next)
    }

    fn follow(&mut self, next: Next) -> Step {
        match next {
            Next::Ask(stage, call) => {
                self.stage = stage;
                Step::Ask(call)
            }
            Next::Go(stage) => self.enter(stage),
            Next::End(verdict, reason) => {
                self.stage = Stage::Done;
                let draft = &mut self.draft;
                let made = std::mem::replace(&mut draft.decision, Decision::unmade());
                Step::Done(Box::new(Decision {
                    verdict,
                    reason,
                    importance: draft.importance,
                    urgency: draft.urgency,
                    sla: std::mem::take(&mut draft.sla),
                    next_window: draft.next_window,
                    override_word: draft.override_word.take(),
                    open_poll: draft.open_poll,
                    ..made
                }))
            }
        }
    }

    /// Notes what a stage said, with the plugin that said it.
    pub(crate) fn note(
        &mut self,
        slot: Option<Slot>,
        answer: Option<&Answer>,
        verdict: impl Into<String>,
    ) {
        if let Some(answer) = answer
            && let Some(failed) = answer.instead_of
        {
            self.draft.decision.warnings.push(format!(
                "{} failed, {} answered in its place",
                weft_model::content::short(&failed.to_string()),
                answer.name
            ));
        }
        self.draft.decision.steps.push(StepRecord {
            slot,
            plugin: answer.map(|a| a.name.clone()),
            release: answer.map(|a| a.release),
            verdict: verdict.into(),
        });
    }

    /// The only answer of a slot that is no chain, or why there is none.
    pub(crate) fn single(
        slot: Slot,
        answers: &[Answer],
    ) -> Result<(&Answer, &SlotReply), (Option<&Answer>, String)> {
        match answers.first() {
            None => Err((None, format!("no plugin serves the `{slot}` slot"))),
            Some(answer) => match &answer.outcome {
                Ok(reply) => Ok((answer, reply)),
                Err(failed) => Err((Some(answer), failed.why.clone())),
            },
        }
    }
}
