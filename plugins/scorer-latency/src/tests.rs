//! Properties of the scores, over random candidates.

use super::*;
use proptest::prelude::*;
use weft_sdk::features::{Columns, Features};

/// Nothing but a full round trip, and everything but one, with room for rounding.
const BOUNDS: RangeInclusive<f64> = -0.3 - 1e-12..=0.7 + 1e-12;

/// Random rows in the shape that the host passes.
fn columns() -> impl Strategy<Value = (usize, Vec<f64>, Vec<u64>)> {
    (0_usize..130).prop_flat_map(|rows| {
        let features = Candidate::NAMES.len();
        let value = prop_oneof![
            Just(0.0),
            Just(1.0),
            0.0..1.0,
            0.0..300.0,
            -5.0..5000.0,
            any::<f64>(),
        ];
        let values = prop::collection::vec(value, rows * features);
        let present = prop::collection::vec(any::<u64>(), rows.div_ceil(64) * features);
        (Just(rows), values, present)
    })
}

fn task() -> impl Strategy<Value = Task> {
    (
        any::<bool>(),
        0_u64..10_000_000,
        0.0..8.0,
        0_u64..4000,
        0_u64..500,
    )
        .prop_map(|(critical, duration, cores, memory_mb, fee)| Task {
            critical,
            duration,
            cores,
            memory_mb,
            fee,
        })
}

fn score(task: &Task, peer: &Candidate, tie_seed: u64) -> Outcome {
    Latency::score(0, &Config::default(), task, peer, tie_seed)
        .expect("a well-formed task is judged")
}

/// A candidate that passes every filter for tasks that need nothing.
fn fine() -> Candidate {
    Candidate {
        online: Some(1.0),
        path: Some(0.0),
        cpu_free: Some(8.0),
        memory_free: Some(4000.0),
        ..Candidate::default()
    }
}

fn points(task: &Task, peer: &Candidate) -> f64 {
    match score(task, peer, 0) {
        Outcome::Score(points) => points,
        Outcome::Excluded(why) => panic!("excluded as {why:?}"),
    }
}

proptest! {
    #[test]
    fn scores_are_finite_and_bounded((rows, values, present) in columns(), task in task()) {
        let columns = Columns::new(rows as u32, &values, &present, Candidate::NAMES.len()).expect("fits");
        for row in 0..rows {
            if let Outcome::Score(points) = score(&task, &Candidate::read(&columns, row), 0) {
                prop_assert!(BOUNDS.contains(&points), "{} in row {}", points, row);
            }
        }
    }

    #[test]
    fn a_row_counts_by_itself((rows, values, present) in columns(), task in task(), seed in any::<u64>()) {
        let columns = Columns::new(rows as u32, &values, &present, Candidate::NAMES.len()).expect("fits");
        for row in 0..rows {
            let alone: Vec<f64> = (0..Candidate::NAMES.len()).map(|f| values[f * rows + row]).collect();
            let bits: Vec<u64> = (0..Candidate::NAMES.len())
                .map(|f| present[f * rows.div_ceil(64) + row / 64] >> (row % 64) & 1)
                .collect();
            let single = Columns::new(1, &alone, &bits, Candidate::NAMES.len()).expect("fits");
            let together = score(&task, &Candidate::read(&columns, row), 0);
            prop_assert_eq!(together, score(&task, &Candidate::read(&single, 0), seed));
        }
    }

    #[test]
    fn what_nothing_reaches_is_never_scored((rows, values, present) in columns(), task in task()) {
        let columns = Columns::new(rows as u32, &values, &present, Candidate::NAMES.len()).expect("fits");
        for row in 0..rows {
            let peer = Candidate::read(&columns, row);
            let off = Candidate { online: Some(0.0), ..peer };
            prop_assert_eq!(score(&task, &off, 0), Outcome::Excluded(Exclusion::Offline));
            let cut = Candidate { online: Some(1.0), path: Some(UNREACHABLE), ..peer };
            prop_assert_eq!(score(&task, &cut, 0), Outcome::Excluded(Exclusion::Unreachable));
        }
    }

    #[test]
    fn a_limit_exactly_met_is_met(task in task()) {
        let fee = task.fee as f64;
        let peer = Candidate {
            cpu_free: Some(task.cores),
            memory_free: Some(task.memory_mb as f64),
            battery: Some(Config::default().min_battery),
            thermal: Some(Config::default().min_thermal_headroom),
            queue: Some(Config::default().queue_limit - 1.0),
            cost: Some(fee),
            ..fine()
        };
        prop_assert!(matches!(score(&task, &peer, 0), Outcome::Score(_)));
        let dear = Candidate { cost: Some(fee + 1.0), ..peer };
        let out = score(&task, &dear, 0) == Outcome::Excluded(Exclusion::TooDear);
        prop_assert_eq!(out, task.fee > 0);
    }

    #[test]
    fn faster_is_never_worse(a in 0.0..2000.0, b in 0.0..2000.0) {
        let task = Task { critical: false, duration: 1, cores: 1.0, memory_mb: 100, fee: 0 };
        let with = |rtt| points(&task, &Candidate { rtt: Some(rtt), ..fine() });
        let (fast, slow) = if a <= b { (a, b) } else { (b, a) };
        prop_assert!(with(fast) >= with(slow));
        prop_assert!(with(slow) >= points(&task, &fine()));
    }

    #[test]
    fn every_share_helps(share in 0.001..1.0) {
        let task = Task { critical: false, duration: 1, cores: 1.0, memory_mb: 100, fee: 0 };
        let base = points(&task, &fine());
        let better = [
            Candidate { idle: Some(share), ..fine() },
            Candidate { efficiency: Some(share), ..fine() },
            Candidate { thermal: Some(0.1 + share * 0.9), ..fine() },
            Candidate { plugged_in: Some(1.0), ..fine() },
        ];
        for peer in better {
            prop_assert!(points(&task, &peer) > base, "{:?}", peer);
        }
    }
}
