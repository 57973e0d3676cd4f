//! The rule of trials: the share of a canary, and when it goes back.

use proptest::prelude::*;
use weft_decide::trial::{Limits, Outcome, Recent, Return, forbidden, is_canary, refuses, words};
use weft_model::slots::economy::{Delay, QuotaVerdict};
use weft_model::slots::placement::{Exclusion, Score};
use weft_model::{Slot, SlotReply};

const LIMITS: Limits = Limits {
    failures: 2,
    refusals: 3,
    decisions: 5,
};

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(Outcome::Fine),
        Just(Outcome::Refused),
        Just(Outcome::Failed)
    ]
}

proptest! {
    #[test]
    fn a_trial_ends_exactly_when_its_last_decisions_say_so(
        outcomes in proptest::collection::vec(outcome(), 0..40),
        failures in 1_u32..5, refusals in 0_u32..5, decisions in 1_u32..9, canary: bool,
    ) {
        let limits = Limits { failures, refusals, decisions };
        let mut recent = Recent::default();
        for end in 1..=outcomes.len() {
            let ended = recent.step(outcomes[end - 1], limits, canary);
            let window = &outcomes[end.saturating_sub(decisions as usize)..end];
            let count = |o| window.iter().filter(|x| **x == o).count() as u32;
            let (failed, refused) = (count(Outcome::Failed), count(Outcome::Refused));
            let want = if failed >= failures {
                Some(Return::Failures(failed))
            } else if canary && refused > refusals {
                Some(Return::Refusals(refused))
            } else {
                None
            };
            prop_assert_eq!(ended, want);
            // What is kept between two decisions is its text.
            recent = Recent::parse(&recent.text());
        }
    }

    #[test]
    fn a_larger_share_holds_the_smaller_one(task in "[a-z0-9]{1,20}", a in 1_u8..=99, b in 1_u8..=99) {
        let (small, large) = (a.min(b), a.max(b));
        prop_assert!(!is_canary(Slot::Scorer, &task, small) || is_canary(Slot::Scorer, &task, large));
    }
}

#[test]
fn a_canary_gets_its_share_of_all_tasks() {
    const TASKS: usize = 20_000;
    for percent in [1_u8, 10, 50, 99] {
        for slot in [Slot::Sla, Slot::Scorer] {
            let share = (0..TASKS)
                .filter(|n| is_canary(slot, &format!("t{n:016x}"), percent))
                .count() as f64;
            let p = f64::from(percent) / 100.0;
            let (mean, deviation) = (TASKS as f64 * p, (TASKS as f64 * p * (1.0 - p)).sqrt());
            assert!(
                (share - mean).abs() <= 5.0 * deviation,
                "{slot} {percent} %: {share} of {TASKS}, {mean} +- {deviation} expected"
            );
        }
    }
}

#[test]
fn failures_end_any_trial_and_refusals_a_canary() {
    let mut shadow = Recent::default();
    for _ in 0..10 {
        assert_eq!(shadow.step(Outcome::Refused, LIMITS, false), None);
    }
    assert_eq!(shadow.step(Outcome::Failed, LIMITS, false), None);
    assert_eq!(
        shadow.step(Outcome::Failed, LIMITS, false),
        Some(Return::Failures(2))
    );
    let mut canary = Recent::parse("rrr");
    assert_eq!(
        canary.step(Outcome::Refused, LIMITS, true),
        Some(Return::Refusals(4))
    );
}

#[test]
fn what_can_be_on_trial() {
    for slot in Slot::ALL {
        let (shadow, canary) = (forbidden(slot, false), forbidden(slot, true));
        let shadows = [
            Slot::Override,
            Slot::Sla,
            Slot::Consent,
            Slot::Ethics,
            Slot::Quota,
            Slot::Scorer,
        ];
        assert_eq!(shadow.is_none(), shadows.contains(&slot), "{slot}");
        let canaries = [Slot::Sla, Slot::Scorer];
        assert_eq!(canary.is_none(), canaries.contains(&slot), "{slot}");
    }
}

#[test]
fn a_refusal_is_what_the_table_says() {
    let now = 1_000;
    let wait = QuotaVerdict::Wait(Delay {
        until: 2_000,
        reason: "over quota".into(),
    });
    let out = Score::Excluded(Exclusion::Offline);
    for (reply, refused, said) in [
        (SlotReply::Admit(vec![wait]), true, "wait until 2000 ms"),
        (
            SlotReply::Rank(vec![out, Score::Score(1.0)]),
            false,
            "Offline; 1.00",
        ),
        (SlotReply::Rank(vec![out]), true, "Offline"),
        (SlotReply::Rank(Vec::new()), false, ""),
        (SlotReply::Ethics(vec![Vec::new()]), false, "no violation"),
        (
            SlotReply::Tiers(vec!["fr\u{1b}ee".into()]),
            false,
            "fr\u{fffd}ee",
        ),
    ] {
        assert_eq!(refuses(&reply, now), refused, "{reply:?}");
        assert_eq!(words(&reply), said, "{reply:?}");
    }
}
