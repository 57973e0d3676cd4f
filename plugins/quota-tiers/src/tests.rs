//! Properties that hold for every member and every request.

use super::*;
use proptest::prelude::*;

const NOW: Instant = 1_800_000_000_000;

fn rank(tier: &str) -> usize {
    Config::default().position(tier).expect("a default tier")
}

fn tier(now: Instant, member: &Contribution) -> usize {
    rank(&Tiers::tier(now, &Config::default(), member).expect("a well-formed member"))
}

fn admit(request: &Request) -> Verdict {
    Tiers::admit(NOW, &Config::default(), request).expect("a well-formed request")
}

fn granted() -> impl Strategy<Value = Option<String>> {
    prop::option::of(
        prop::sample::select(vec!["free", "supporter", "contributor"]).prop_map(String::from),
    )
}

fn member() -> impl Strategy<Value = Contribution> {
    let days = |n: u64| -((n * DAY_MS) as i64)..=DAY_MS as i64;
    (
        0_u64..150,
        0_u64..80,
        days(120),
        prop::option::of(days(60)),
        granted(),
    )
        .prop_map(|(tasks, votes, since, donated, granted)| Contribution {
            tasks,
            votes,
            since: NOW + since,
            donated: donated.map(|d| NOW + d),
            granted,
        })
}

fn request() -> impl Strategy<Value = Request> {
    let tier = prop::sample::select(vec!["free", "supporter", "contributor"]);
    (
        tier,
        0_u32..250,
        0_u32..5,
        0_u64..70 * MINUTE_MS,
        0_u64..2500,
    )
        .prop_map(|(tier, used, in_flight, duration, memory_mb)| Request {
            tier: tier.into(),
            used: used.max(in_flight),
            in_flight,
            duration,
            memory_mb,
            reset: NOW + 1,
        })
}

proptest! {
    #[test]
    fn more_merit_never_lowers_the_tier(m in member(), tasks in 0_u64..100, votes in 0_u64..100, days in 0_i64..100) {
        let more = Contribution {
            tasks: m.tasks + tasks,
            votes: m.votes + votes,
            since: m.since - days * DAY_MS as i64,
            ..m.clone()
        };
        prop_assert!(tier(NOW, &more) >= tier(NOW, &m));
    }

    #[test]
    fn a_grant_raises_and_never_lowers(m in member()) {
        let alone = tier(NOW, &Contribution { granted: None, ..m.clone() });
        let grant = m.granted.as_deref().map_or(0, rank);
        prop_assert_eq!(tier(NOW, &m), alone.max(grant));
    }

    #[test]
    fn without_a_new_donation_time_takes_supporter_away_only(m in member(), days in 0_i64..400) {
        let later = tier(NOW + days * DAY_MS as i64, &m);
        let lapsed = Contribution { donated: None, ..m.clone() };
        prop_assert!(later >= tier(NOW, &lapsed));
    }

    #[test]
    fn what_is_admitted_is_reserved_and_within_the_tier(r in request()) {
        let t = &Config::default().tiers[rank(&r.tier)];
        let fits = r.duration <= u64::from(t.max_minutes) * MINUTE_MS && r.memory_mb <= t.max_memory_mb;
        match admit(&r) {
            Verdict::Admit(v) => {
                prop_assert!(fits && r.used < t.tasks_per_day);
                prop_assert_eq!((v.tasks, v.duration, v.memory_mb), (1, r.duration, r.memory_mb));
            }
            Verdict::Wait(d) => {
                prop_assert!(fits && r.used >= t.tasks_per_day);
                prop_assert_eq!(d.until, r.reset);
            }
            Verdict::Deny(_) => prop_assert!(!fits),
        }
    }

    #[test]
    fn a_higher_tier_never_admits_less(r in request()) {
        let higher = Request { tier: "contributor".into(), ..r.clone() };
        if matches!(admit(&r), Verdict::Admit(_)) {
            prop_assert!(matches!(admit(&higher), Verdict::Admit(_)));
        }
    }

    #[test]
    fn from_free_each_task_counts_until_the_limit(tasks in 0_u32..30) {
        let mut used = 0;
        for _ in 0..tasks {
            let r = Request { tier: "free".into(), used, in_flight: 0, duration: 1, memory_mb: 1, reset: NOW + 1 };
            used += u32::from(matches!(admit(&r), Verdict::Admit(_)));
        }
        prop_assert_eq!(used, tasks.min(10));
    }
}
