//! Properties that hold for every request.

use super::*;
use proptest::prelude::*;
use weft_sdk::consent::Role;

fn request() -> impl Strategy<Value = Request> {
    (
        prop::bool::ANY,
        prop::collection::vec((0_i64..50, 1_i64..50), 0..5),
        prop::option::of(-50_i64..250),
        0_u64..100,
        0_u64..60,
        prop::sample::select(vec![
            Urgency::Low,
            Urgency::Normal,
            Urgency::High,
            Urgency::Critical,
        ]),
        prop::bool::ANY,
        prop::bool::ANY,
    )
        .prop_map(
            |(hours_set, spans, last_run, idle, duration, urgency, any_hour, any_idle)| {
                let mut at = -20;
                let windows = spans.into_iter().map(|(gap, long)| {
                    let from = at + gap;
                    at = from + long;
                    Interval { from, until: at }
                });
                Request {
                    role: Role::Executor,
                    hours_set,
                    windows: if hours_set {
                        windows.collect()
                    } else {
                        Vec::new()
                    },
                    last_run,
                    idle,
                    duration,
                    urgency,
                    critical_any_hour: any_hour,
                    critical_any_idle: any_idle,
                }
            },
        )
}

fn judge(now: Instant, must_finish_inside: bool, request: &Request) -> Verdict {
    Hours::judge(now, &Config { must_finish_inside }, request).expect("the request is well formed")
}

fn until(verdict: &Verdict) -> Option<Instant> {
    match verdict {
        Verdict::Allow => None,
        Verdict::Defer(d) => d.until,
    }
}

proptest! {
    #[test]
    fn the_instant_named_is_the_first_that_is_allowed(r in request(), now in 0_i64..250, inside: bool) {
        let verdict = judge(now, inside, &r);
        if let Some(until) = until(&verdict) {
            prop_assert!(until > now);
            prop_assert_eq!(judge(until, inside, &r), Verdict::Allow);
        }
        let end = match &verdict {
            Verdict::Allow => now,
            Verdict::Defer(d) => d.until.unwrap_or(600),
        };
        for t in now..end {
            prop_assert_ne!(judge(t, inside, &r), Verdict::Allow, "allowed already at {}", t);
        }
    }

    #[test]
    fn both_roles_are_judged_alike(r in request(), now in 0_i64..250) {
        let other = Request { role: Role::Submitter, ..r.clone() };
        prop_assert_eq!(judge(now, false, &r), judge(now, false, &other));
    }

    #[test]
    fn stricter_settings_never_allow_more(r in request(), now in 0_i64..250, more in 0_u64..100) {
        let tighter = Request {
            idle: r.idle + more,
            critical_any_hour: false,
            critical_any_idle: false,
            ..r.clone()
        };
        for stricter in [judge(now, true, &r), judge(now, false, &tighter)] {
            if stricter == Verdict::Allow {
                prop_assert_eq!(judge(now, false, &r), Verdict::Allow);
            }
        }
    }

    #[test]
    fn a_split_into_touching_windows_changes_nothing(r in request(), now in 0_i64..250, inside: bool, cut in 0.0..1.0) {
        let windows = r.windows.iter().flat_map(|w| {
            let at = w.from + ((w.until - w.from) as f64 * cut) as i64;
            [Interval { from: w.from, until: at }, Interval { from: at, until: w.until }]
        });
        let split = Request { windows: windows.filter(|w| w.from < w.until).collect(), ..r.clone() };
        prop_assert_eq!(judge(now, inside, &r), judge(now, inside, &split));
    }

    #[test]
    fn idle_left_is_given_exactly_with_its_reason(r in request(), now in 0_i64..250) {
        if let Verdict::Defer(d) = judge(now, false, &r) {
            prop_assert_eq!(d.idle_left > 0, d.reason == RESTING);
            prop_assert!(d.reason == RESTING || d.reason == OUTSIDE);
        }
    }
}
