//! Properties that hold for every voter and every tally.

use super::*;
use proptest::prelude::*;

fn weigh(reputation: Option<f64>, config: &Config) -> Result<f64, PolicyError> {
    Reputation::weigh(0, config, &Voter { reputation }, &[])
}

proptest! {
    #[test]
    fn a_weight_is_the_points_or_an_error(points in -50.0..150.0) {
        match weigh(Some(points), &Config::default()) {
            Ok(weight) => prop_assert!(weight == points && (0.0..=100.0).contains(&points)),
            Err(_) => prop_assert!(!(0.0..=100.0).contains(&points)),
        }
    }

    #[test]
    fn an_unknown_voter_weighs_what_the_config_says(unknown_points in 0.0..=100.0) {
        let config = Config { unknown_points, ..Config::default() };
        prop_assert_eq!(weigh(None, &config), Ok(unknown_points));
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
    Reputation::conclude(0, &Config::default(), tally).expect("the tally is well formed")
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
