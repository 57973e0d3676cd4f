//! Properties that hold for every tally.

use super::*;
use proptest::prelude::*;

fn tally() -> impl Strategy<Value = Tally> {
    (
        prop::collection::vec(0_u32..20, 0..5),
        0_u32..5,
        0_u32..20,
        prop::bool::ANY,
    )
        .prop_map(|(votes, abstained, out, closed)| {
            let cast = votes.iter().sum::<u32>() + abstained;
            Tally {
                totals: votes.into_iter().map(f64::from).collect(),
                eligible: cast + out,
                cast,
                closed,
            }
        })
}

fn conclude(tally: &Tally) -> Outcome {
    Equal::conclude(0, &Config::default(), tally).expect("the tally is well formed")
}

proptest! {
    #[test]
    fn a_consensus_leads_alone_with_the_share(t in tally()) {
        let outcome = conclude(&t);
        prop_assert!((0.0..=1.0).contains(&outcome.confidence));
        if let Some(won) = outcome.consensus {
            prop_assert!(outcome.confidence >= 0.6);
            let others = t.totals.iter().enumerate().filter(|(i, _)| *i != won as usize);
            prop_assert!(others.into_iter().all(|(_, other)| *other < t.totals[won as usize]));
        }
    }

    #[test]
    fn an_early_conclusion_stands_however_the_rest_vote(t in tally(), ballots in prop::collection::vec(0_usize..6, 20)) {
        let open = Tally { closed: false, ..t };
        let Some(won) = conclude(&open).consensus else { return Ok(()) };
        let mut last = open.clone();
        for ballot in ballots.into_iter().take((open.eligible - open.cast) as usize) {
            last.cast += 1;
            // A ballot beyond the options abstains.
            if let Some(total) = last.totals.get_mut(ballot) {
                *total += 1.0;
            }
            prop_assert_eq!(conclude(&last).consensus, Some(won));
        }
        prop_assert_eq!(conclude(&Tally { closed: true, ..last }).consensus, Some(won));
    }

    #[test]
    fn an_open_poll_never_says_more_than_the_same_one_closed(t in tally()) {
        let (open, closed) = (conclude(&Tally { closed: false, ..t.clone() }), conclude(&Tally { closed: true, ..t }));
        prop_assert!(open.consensus.is_none() || open.consensus == closed.consensus);
        prop_assert_eq!(open.confidence, closed.confidence);
    }

    #[test]
    fn the_order_of_the_options_does_not_matter(t in tally(), by in 0_usize..5) {
        let n = t.totals.len();
        prop_assume!(n > 0);
        let mut turned = t.clone();
        turned.totals.rotate_left(by % n);
        let back = conclude(&turned).consensus.map(|i| ((i as usize + by % n) % n) as u32);
        prop_assert_eq!(conclude(&t).consensus, back);
    }
}
