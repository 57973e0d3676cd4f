//! Tallies: exact sums, one order, and no guess about a bad weight.

use proptest::prelude::*;
use weft_ledger::{Tally, TallyError};

#[test]
fn a_million_small_weights_add_up() {
    // 0.1 a million times: naive addition is off by 1.3e-6, compensated by less than one unit in the last place.
    let choices: Vec<u32> = (0..1_000_000).map(|i| i % 5).collect();
    let weights = vec![0.1; 1_000_000];
    let mut tally = Tally::new(5);
    tally.add_batch(&choices, &weights).unwrap();
    assert_eq!(tally.cast(), 1_000_000);
    for total in tally.totals().unwrap() {
        assert!((total - 20_000.0).abs() <= 1e-11, "{total}");
    }
}

#[test]
fn small_weights_beside_a_huge_one_are_not_lost() {
    let mut tally = Tally::new(2);
    tally.add_batch(&[0, 0, 0], &[1.0, 1e16, 1.0]).unwrap();
    assert_eq!(tally.totals().unwrap(), [1e16 + 2.0, 0.0]);
}

#[test]
fn what_can_not_be_counted_is_named() {
    let mut tally = Tally::new(2);
    tally.add(1, 1.0).unwrap();
    let before = tally.clone();
    assert_eq!(
        tally.add(2, 1.0),
        Err(TallyError::NoSuchOption {
            ballot: 1,
            choice: 2,
            options: 2
        })
    );
    for weight in [-1.0, f64::INFINITY, f64::NAN] {
        assert!(matches!(
            tally.add(0, weight),
            Err(TallyError::BadWeight { ballot: 1, .. })
        ));
    }
    assert_eq!(
        tally.add_batch(&[0, 1], &[1.0]),
        Err(TallyError::Uneven {
            ballots: 2,
            weights: 1
        })
    );
    assert_eq!(tally, before);
    tally.add_batch(&[0, 0], &[f64::MAX, f64::MAX]).unwrap();
    assert_eq!(tally.totals(), Err(TallyError::Overflow { option: 0 }));
}

proptest! {
    #[test]
    fn any_split_into_batches_gives_the_same_bits(
        ballots in proptest::collection::vec((0_u32..3, 0.0_f64..1e9), 0..200),
        split in any::<prop::sample::Index>(),
    ) {
        let (choices, weights): (Vec<u32>, Vec<f64>) = ballots.into_iter().unzip();
        let mut whole = Tally::new(3);
        whole.add_batch(&choices, &weights).unwrap();
        let mut parts = Tally::new(3);
        let at = split.index(choices.len() + 1);
        parts.add_batch(&choices[..at], &weights[..at]).unwrap();
        parts.add_batch(&choices[at..], &weights[at..]).unwrap();
        let bits = |t: &Tally| t.totals().unwrap().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&whole), bits(&parts));
    }
}
