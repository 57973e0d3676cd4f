//! Properties of the split, over random settlements and configs.

use super::*;
use proptest::prelude::*;

fn verifier() -> impl Strategy<Value = Verifier> {
    let reveal = prop_oneof![
        Just(Reveal::Agrees),
        Just(Reveal::Disagrees),
        Just(Reveal::Missing)
    ];
    let reputation = prop_oneof![Just(0.0), 0.0..=1.0];
    (reveal, reputation, any::<u64>()).prop_map(|(reveal, reputation, stake)| Verifier {
        reveal,
        reputation,
        stake,
    })
}

fn settlement() -> impl Strategy<Value = Settlement> {
    let amount = prop_oneof![0..200_u64, any::<u64>(), u64::MAX - 10..=u64::MAX];
    let share = || prop_oneof![Just(0.0), Just(1.0), 0.0..=1.0];
    let verifiers = prop::collection::vec(verifier(), 0..8);
    (
        amount,
        any::<bool>(),
        share(),
        share(),
        any::<u64>(),
        verifiers,
    )
        .prop_map(
            |(amount, accepted, quality, timeliness, worker_stake, verifiers)| Settlement {
                amount,
                accepted,
                quality,
                timeliness,
                worker_stake,
                verifiers,
            },
        )
}

fn config() -> impl Strategy<Value = Config> {
    let slash = || 0..=100_u64;
    (
        0..=100_u64,
        0..=100_u64,
        any::<bool>(),
        slash(),
        slash(),
        slash(),
    )
        .prop_map(|(worker, second, paid, by_worker, wrong, missing)| Config {
            worker_percent: worker,
            verifiers_percent: (100 - worker) * second / 100,
            pool_percent: 100 - worker - (100 - worker) * second / 100,
            pay_verifiers_when_rejected: paid,
            slash_worker_percent: by_worker,
            slash_wrong_percent: wrong,
            slash_missing_percent: missing,
        })
}

fn judge(config: &Config, settlement: &Settlement) -> Payout {
    Split::judge(0, config, settlement).expect("a well-formed settlement is judged")
}

proptest! {
    #[test]
    fn nothing_is_made_and_nothing_is_lost(config in config(), settlement in settlement()) {
        let payout = judge(&config, &settlement);
        let verifiers: u128 = payout.verifiers.iter().map(|v| u128::from(*v)).sum();
        let sum = u128::from(payout.worker) + verifiers + u128::from(payout.pool) + u128::from(payout.refund);
        prop_assert_eq!(sum, u128::from(settlement.amount));
    }

    #[test]
    fn no_stake_is_taken_twice(config in config(), settlement in settlement()) {
        let payout = judge(&config, &settlement);
        prop_assert!(payout.slash_worker <= settlement.worker_stake);
        prop_assert_eq!(payout.verifiers.len(), settlement.verifiers.len());
        prop_assert_eq!(payout.slash_verifiers.len(), settlement.verifiers.len());
        for ((paid, slash), verifier) in payout.verifiers.iter().zip(&payout.slash_verifiers).zip(&settlement.verifiers) {
            prop_assert!(*slash <= verifier.stake);
            prop_assert!(*paid == 0 || *slash == 0, "paid and slashed");
        }
    }

    #[test]
    fn a_rejected_worker_gets_nothing(config in config(), settlement in settlement()) {
        let payout = judge(&config, &Settlement { accepted: false, ..settlement });
        prop_assert_eq!((payout.worker, payout.pool), (0, 0));
    }

    #[test]
    fn better_work_is_never_paid_less(settlement in settlement(), a in 0.0..=1.0, b in 0.0..=1.0) {
        let with = |quality| judge(&Config::default(), &Settlement { accepted: true, quality, ..settlement.clone() });
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        prop_assert!(with(low).worker <= with(high).worker);
        prop_assert_eq!(with(low).verifiers, with(high).verifiers);
    }

    #[test]
    fn the_order_of_the_verifiers_is_nothing(settlement in settlement()) {
        let mut other = settlement.clone();
        other.verifiers.reverse();
        let a = judge(&Config::default(), &settlement);
        let mut b = judge(&Config::default(), &other);
        b.verifiers.reverse();
        b.slash_verifiers.reverse();
        prop_assert_eq!(a, b);
    }

    #[test]
    fn more_reputation_is_never_paid_less(settlement in settlement()) {
        let payout = judge(&Config::default(), &settlement);
        let right: Vec<_> = settlement.verifiers.iter().zip(&payout.verifiers)
            .filter(|(verifier, _)| agreed(settlement.accepted, verifier)).collect();
        for (a, paid_a) in &right {
            for (b, paid_b) in &right {
                prop_assert!(a.reputation > b.reputation || paid_a <= paid_b);
            }
        }
    }
}
