//! Properties that hold for every voter and every tally.

use super::*;
use proptest::prelude::*;

fn weigh(donations: f64, contribution: f64) -> f64 {
    let voter = Voter {
        donations: Some(donations),
        contribution: Some(contribution),
    };
    Stake::weigh(0, &Config::default(), &voter, &[]).expect("the voter is well formed")
}

proptest! {
    #[test]
    fn a_weight_is_finite_and_not_negative(d in 0.0..9e15, c in 0.0..9e15) {
        let weight = weigh(d, c);
        prop_assert!(weight.is_finite() && weight >= 0.0);
    }

    #[test]
    fn giving_more_never_weighs_less(d in 0.0..1e9, c in 0.0..1e9, more in 0.0..1e9) {
        prop_assert!(weigh(d + more, c) >= weigh(d, c));
        prop_assert!(weigh(d, c + more) >= weigh(d, c));
    }

    #[test]
    fn it_does_not_matter_how_one_gave(d in 0_u32..1_000_000, c in 0_u32..1_000_000) {
        prop_assert_eq!(weigh(d.into(), c.into()), weigh(c.into(), d.into()));
        prop_assert_eq!(weigh(d.into(), c.into()), f64::from(d + c));
    }
}

fn tally() -> impl Strategy<Value = Tally> {
    (
        prop::collection::vec(0.0..1e6, 0..5),
        0_u32..20,
        0_u32..20,
        prop::bool::ANY,
    )
        .prop_map(|(totals, cast, out, closed)| Tally {
            totals,
            eligible: cast + out,
            cast,
            closed,
        })
}

fn conclude(tally: &Tally) -> Outcome {
    Stake::conclude(0, &Config::default(), tally).expect("the tally is well formed")
}

proptest! {
    #[test]
    fn a_consensus_leads_alone_with_the_share_in_a_poll_that_is_over(t in tally()) {
        let outcome = conclude(&t);
        prop_assert!((0.0..=1.0).contains(&outcome.confidence));
        if let Some(won) = outcome.consensus {
            prop_assert!(t.closed || t.cast == t.eligible);
            prop_assert!(outcome.confidence >= 0.6);
            let others = t.totals.iter().enumerate().filter(|(i, _)| *i != won as usize);
            prop_assert!(others.into_iter().all(|(_, other)| *other < t.totals[won as usize]));
        }
    }

    #[test]
    fn closing_a_poll_changes_no_confidence_and_takes_no_consensus_away(t in tally()) {
        let (open, closed) = (conclude(&Tally { closed: false, ..t.clone() }), conclude(&Tally { closed: true, ..t }));
        prop_assert!(open.consensus.is_none() || open.consensus == closed.consensus);
        prop_assert_eq!(open.confidence, closed.confidence);
    }
}
