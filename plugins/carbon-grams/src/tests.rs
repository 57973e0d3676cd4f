//! Properties of the sums, over random jobs.

use super::*;
use proptest::prelude::*;
use weft_sdk::carbon::Actor;

fn quality() -> impl Strategy<Value = Quality> {
    prop_oneof![
        Just(Quality::Measured),
        Just(Quality::Modelled),
        Just(Quality::Declared),
        Just(Quality::Unknown),
    ]
}

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![
        Just(Source::Solar),
        Just(Source::Wind),
        Just(Source::Coal),
        Just(Source::Unknown)
    ]
}

fn segment() -> impl Strategy<Value = Segment> {
    let grid = prop::option::of(0.0..1000.0);
    (0.0..500.0, quality(), source(), grid, quality()).prop_map(
        |(wh, wh_quality, source, grid, grid_quality)| Segment {
            from: 0,
            until: 60_000,
            wh,
            wh_quality,
            source,
            grid,
            grid_quality,
        },
    )
}

fn job() -> impl Strategy<Value = Job> {
    let actor = prop::collection::vec(segment(), 0..4).prop_map(|segments| Actor { segments });
    let actors = prop::collection::vec(actor, 1..5);
    let home = (prop::option::of(source()), prop::option::of(0.0..1000.0));
    (actors, 0.0..5.0, home).prop_map(|(actors, transfer_wh, (home_source, home_grid))| Job {
        actors,
        transfer_wh,
        home_source,
        home_grid,
    })
}

fn judge(job: &Job) -> Footprint {
    Grams::judge(0, &Config::default(), job).expect("a well-formed job is judged")
}

proptest! {
    #[test]
    fn emitted_is_never_negative(job in job()) {
        prop_assert!(judge(&job).emitted_mg >= 0);
    }

    #[test]
    fn the_order_of_the_verifiers_is_nothing(job in job()) {
        let mut other = job.clone();
        other.actors[1..].reverse();
        let (a, b) = (judge(&job), judge(&other));
        // Sums of floats in another order may round the other way.
        prop_assert!(a.emitted_mg.abs_diff(b.emitted_mg) <= 1 && a.avoided_mg.abs_diff(b.avoided_mg) <= 1);
        prop_assert_eq!(a.quality, b.quality);
    }

    #[test]
    fn one_more_verifier_is_overhead(job in job(), more in segment()) {
        let mut verified = job.clone();
        let cost = more.wh * more.grid.unwrap_or_else(|| lifecycle(&Config::default(), more.source));
        verified.actors.push(Actor { segments: vec![more] });
        let (a, b) = (judge(&job), judge(&verified));
        prop_assert!(((b.emitted_mg - a.emitted_mg) as f64 - cost).abs() <= 1.0);
        if job.home_grid.is_some() || job.home_source.is_some() {
            prop_assert!(((a.avoided_mg - b.avoided_mg) as f64 - cost).abs() <= 1.0);
        }
    }

    #[test]
    fn emitted_and_avoided_add_up_to_home(job in job(), home in 0.0..1000.0) {
        let job = Job { home_grid: Some(home), ..job };
        let wh: f64 = job.actors[0].segments.iter().map(|s| s.wh).sum();
        let footprint = judge(&job);
        prop_assert!(((footprint.emitted_mg + footprint.avoided_mg) as f64 - wh * home).abs() <= 1.0 + 1e-6);
    }

    #[test]
    fn at_home_nothing_is_avoided(job in job()) {
        let job = Job { home_grid: None, home_source: None, ..job };
        prop_assert_eq!(judge(&job).avoided_mg, 0);
    }

    #[test]
    fn the_answer_is_no_better_than_any_input(job in job()) {
        let rank = |quality| [Quality::Measured, Quality::Modelled, Quality::Declared, Quality::Unknown]
            .iter().position(|q| *q == quality).expect("all four are listed");
        let answer = rank(judge(&job).quality);
        for segment in job.actors.iter().flat_map(|actor| &actor.segments) {
            prop_assert!(answer >= rank(segment.wh_quality));
            if segment.grid.is_some() {
                prop_assert!(answer >= rank(segment.grid_quality));
            }
        }
    }

    #[test]
    fn splitting_a_segment_changes_nothing(job in job(), share in 0.0..1.0) {
        let mut split = job.clone();
        for actor in &mut split.actors {
            actor.segments = actor.segments.iter().flat_map(|segment| {
                let first = Segment { wh: segment.wh * share, ..*segment };
                let second = Segment { wh: segment.wh - first.wh, ..*segment };
                [first, second]
            }).collect();
        }
        let (a, b) = (judge(&job), judge(&split));
        prop_assert!(a.emitted_mg.abs_diff(b.emitted_mg) <= 1 && a.avoided_mg.abs_diff(b.avoided_mg) <= 1);
    }
}
