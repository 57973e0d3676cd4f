//! Properties of demand, over random items.

use super::*;
use proptest::prelude::*;

/// Room for rounding.
const ROUNDING: f64 = 1e-12;

fn item() -> impl Strategy<Value = Item> {
    let uses = prop_oneof![0..20_u32, any::<u32>()];
    let seeders = prop_oneof![0..6_u32, any::<u32>()];
    (
        0.0..=1.0,
        0..60 * DAY_MS,
        uses,
        0.0..=1.0,
        seeders,
        any::<u64>(),
        any::<u64>(),
    )
        .prop_map(
            |(prior, elapsed, uses, effectiveness, seeders, size_bytes, free_bytes)| Item {
                prior,
                elapsed,
                uses,
                effectiveness,
                seeders,
                size_bytes,
                free_bytes,
            },
        )
}

fn judge(item: &Item) -> Verdict {
    HalfLife::judge(0, &Config::default(), item).expect("a well-formed item is judged")
}

proptest! {
    #[test]
    fn figures_stay_in_their_ranges(item in item()) {
        let verdict = judge(&item);
        prop_assert!((0.0..=1.0).contains(&verdict.demand) && (0.0..=1.0).contains(&verdict.urgency));
        prop_assert!(verdict.replicas <= 3);
    }

    #[test]
    fn more_uses_never_lower_demand(item in item(), more in 0..1000_u32) {
        let other = Item { uses: item.uses.saturating_add(more), ..item };
        prop_assert!(judge(&other).demand >= judge(&item).demand);
    }

    #[test]
    fn more_seeders_never_raise_urgency(item in item(), more in 0..1000_u32) {
        let other = Item { seeders: item.seeders.saturating_add(more), ..item };
        prop_assert!(judge(&other).urgency <= judge(&item).urgency);
    }

    #[test]
    fn time_only_lowers_demand(item in item(), more in 0..60 * DAY_MS) {
        let other = Item { elapsed: item.elapsed + more, ..item };
        prop_assert!(judge(&other).demand <= judge(&item).demand);
    }

    #[test]
    fn a_week_halves(item in item()) {
        let item = Item { uses: 0, ..item };
        let week = Item { elapsed: item.elapsed + 7 * DAY_MS, ..item };
        prop_assert!((judge(&week).demand * 2.0 - judge(&item).demand).abs() <= ROUNDING);
    }

    #[test]
    fn waiting_in_two_steps_is_waiting_in_one(item in item(), more in 0..60 * DAY_MS) {
        let item = Item { uses: 0, ..item };
        let once = judge(&Item { elapsed: item.elapsed + more, ..item });
        let twice = judge(&Item { prior: judge(&item).demand, elapsed: more, ..item });
        prop_assert!((once.demand - twice.demand).abs() <= ROUNDING);
    }

    #[test]
    fn what_does_not_fit_is_never_fetched(item in item()) {
        let item = Item { free_bytes: item.size_bytes.saturating_sub(1), size_bytes: item.size_bytes.max(1), ..item };
        prop_assert!(matches!(judge(&item).advice, Advice::Keep | Advice::Drop));
    }

    #[test]
    fn wanted_replicas_are_worth_keeping(item in item()) {
        let verdict = judge(&item);
        prop_assume!(verdict.replicas > 0);
        let kept = urgency(verdict.demand, verdict.replicas);
        prop_assert!(kept >= Config::default().drop_below);
    }
}
