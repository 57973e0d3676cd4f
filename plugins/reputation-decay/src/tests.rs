//! Properties of the score, over random histories.

use super::*;
use proptest::prelude::*;

/// Room for rounding in sums of another order.
const ROUNDING: f64 = 1e-9;

fn receipt() -> impl Strategy<Value = Receipt> {
    let role = prop_oneof![Just(Role::Execution), Just(Role::Verification)];
    let value = prop_oneof![Just(0), 0..1000_u64, any::<u64>()];
    (role, any::<bool>(), value, 0..6_u32).prop_map(|(role, correct, value, counterparty)| {
        Receipt {
            role,
            correct,
            value,
            counterparty,
        }
    })
}

fn subject() -> impl Strategy<Value = Subject> {
    let score =
        (0.0..=1.0, 0.0..=1.0).prop_map(|(value, uncertainty)| Score { value, uncertainty });
    let receipts = prop::collection::vec(receipt(), 0..30);
    (prop::option::of(score), 0..100 * DAY_MS, receipts).prop_map(|(prior, elapsed, receipts)| {
        Subject {
            prior,
            elapsed,
            receipts,
        }
    })
}

fn judge(subject: &Subject) -> Score {
    Decay::judge(0, &Config::default(), subject).expect("a well-formed subject is judged")
}

fn work(correct: bool, counterparty: u32) -> Receipt {
    Receipt {
        role: Role::Execution,
        correct,
        value: 100,
        counterparty,
    }
}

fn newcomer(receipts: Vec<Receipt>) -> Subject {
    Subject {
        prior: None,
        elapsed: 0,
        receipts,
    }
}

proptest! {
    #[test]
    fn scores_stay_between_0_and_1(subject in subject()) {
        let score = judge(&subject);
        prop_assert!((0.0..=1.0).contains(&score.value) && (0.0..=1.0).contains(&score.uncertainty));
    }

    #[test]
    fn the_order_of_the_receipts_is_nothing(subject in subject()) {
        let mut other = subject.clone();
        other.receipts.reverse();
        let (a, b) = (judge(&subject), judge(&other));
        prop_assert!((a.value - b.value).abs() < ROUNDING && (a.uncertainty - b.uncertainty).abs() < ROUNDING);
    }

    #[test]
    fn waiting_draws_towards_the_unknown(subject in subject(), more in 0..1000 * DAY_MS) {
        let subject = Subject { receipts: vec![], ..subject };
        let later = Subject { elapsed: subject.elapsed + more, ..subject.clone() };
        let (a, b) = (judge(&subject), judge(&later));
        prop_assert!((b.value - 0.5).abs() <= (a.value - 0.5).abs() + ROUNDING);
        prop_assert!(b.uncertainty + ROUNDING >= a.uncertainty);
    }

    #[test]
    fn waiting_in_two_steps_is_waiting_in_one(value in 0.3..0.7, uncertainty in 0.0..0.4, a in 0..20 * DAY_MS, b in 0..20 * DAY_MS) {
        let prior = Some(Score { value, uncertainty });
        let once = judge(&Subject { prior, elapsed: a + b, receipts: vec![] });
        let first = judge(&Subject { prior, elapsed: a, receipts: vec![] });
        let twice = judge(&Subject { prior: Some(first), elapsed: b, receipts: vec![] });
        prop_assert!((once.value - twice.value).abs() < 1e-7, "{} {}", once.value, twice.value);
    }

    #[test]
    fn one_counterparty_is_bounded(count in 1..2000_usize, value in any::<u64>()) {
        let receipt = Receipt { value, ..work(true, 1) };
        let score = judge(&newcomer(vec![receipt; count]));
        // Two pieces of twenty are a tenth of the way from 0.5 to 1.
        prop_assert!(score.value <= 0.55 + ROUNDING, "{}", score.value);
        prop_assert!(score.uncertainty + ROUNDING >= 0.9);
    }

    #[test]
    fn wrong_is_never_better_than_right(subject in subject(), which in any::<prop::sample::Index>()) {
        prop_assume!(!subject.receipts.is_empty());
        let i = which.index(subject.receipts.len());
        // A counterparty of its own, so that the two differ in nothing else.
        let mut right = subject;
        right.receipts[i].counterparty = 99;
        right.receipts[i].correct = true;
        let mut wrong = right.clone();
        wrong.receipts[i].correct = false;
        prop_assert!(judge(&wrong).value <= judge(&right).value + ROUNDING);
    }

    #[test]
    fn evidence_never_adds_uncertainty(subject in subject(), more in receipt()) {
        let mut other = subject.clone();
        other.receipts.push(more);
        prop_assert!(judge(&other).uncertainty <= judge(&subject).uncertainty + ROUNDING);
    }
}

#[test]
fn flawless_work_for_many_reaches_one() {
    let score = judge(&newcomer(
        (0..25)
            .map(|counterparty| work(true, counterparty))
            .collect(),
    ));
    assert_eq!(
        score,
        Score {
            value: 1.0,
            uncertainty: 0.0
        }
    );
}

#[test]
fn wrong_work_for_many_reaches_zero() {
    let score = judge(&newcomer(
        (0..25)
            .map(|counterparty| work(false, counterparty))
            .collect(),
    ));
    assert_eq!(
        score,
        Score {
            value: 0.0,
            uncertainty: 0.0
        }
    );
}
