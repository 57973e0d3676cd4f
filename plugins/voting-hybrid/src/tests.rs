//! Properties that hold for every electorate and every tally.

use super::*;
use proptest::prelude::*;

type Row = (f64, f64, f64);

fn voter((tenure, tasks, donations): Row) -> Voter {
    Voter {
        tenure: Some(tenure),
        tasks: Some(tasks),
        donations: Some(donations),
    }
}

fn statistic(column: impl Iterator<Item = f64>) -> Statistic {
    let values: Vec<f64> = column.collect();
    Statistic {
        min: values.iter().copied().reduce(f64::min).unwrap_or(0.0),
        max: values.iter().copied().reduce(f64::max).unwrap_or(0.0),
        sum: values.iter().sum(),
        count: values.len() as u32,
    }
}

fn weights(rows: &[Row]) -> Vec<f64> {
    let statistics = [
        statistic(rows.iter().map(|r| r.0)),
        statistic(rows.iter().map(|r| r.1)),
        statistic(rows.iter().map(|r| r.2)),
    ];
    let weigh = |row: &Row| Hybrid::weigh(0, &Config::default(), &voter(*row), &statistics);
    rows.iter()
        .map(|row| weigh(row).expect("the voter is one of the electorate"))
        .collect()
}

fn electorate() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((0.0..1e13, 0.0..1e6, 0.0..1e9), 1..20)
}

proptest! {
    #[test]
    fn a_weight_lies_between_zero_and_one(rows in electorate()) {
        prop_assert!(weights(&rows).iter().all(|w| (0.0..=1.0 + 1e-12).contains(w)));
    }

    #[test]
    fn who_leads_in_everything_weighs_most(rows in electorate()) {
        let top = rows.iter().fold((1.0, 1.0, 1.0), |m: Row, r| (m.0.max(r.0), m.1.max(r.1), m.2.max(r.2)));
        let mut all = rows;
        all.push(top);
        let weights = weights(&all);
        let last = weights[weights.len() - 1];
        prop_assert!((last - 1.0).abs() < 1e-12 && weights.iter().all(|w| *w <= last));
    }

    #[test]
    fn the_unit_of_a_column_does_not_matter(rows in electorate(), power in 0_i32..20) {
        // A power of two changes no bit of a quotient.
        let unit = f64::from(1 << power);
        let scaled: Vec<Row> = rows.iter().map(|r| (r.0 * unit, r.1, r.2 * unit)).collect();
        prop_assert_eq!(weights(&rows), weights(&scaled));
    }

    #[test]
    fn a_row_depends_on_itself_and_the_statistics_alone(rows in electorate(), by in 0_usize..20) {
        let mut turned = rows.clone();
        turned.rotate_left(by % rows.len());
        let mut expected = weights(&rows);
        expected.rotate_left(by % rows.len());
        prop_assert_eq!(weights(&turned), expected);
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
    Hybrid::conclude(0, &Config::default(), tally).expect("the tally is well formed")
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
