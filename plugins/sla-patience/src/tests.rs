//! Properties that hold for every request.

use super::*;
use proptest::prelude::*;
use weft_sdk::sla::Outlook;

fn request() -> impl Strategy<Value = Request> {
    let class = prop::sample::select(KNOWN.to_vec());
    let day = 24 * 60 * MINUTE_MS;
    (
        class,
        0..4 * day as i64,
        prop::option::of(-(day as i64)..6 * day as i64),
        0..3 * day,
        prop::option::of(0.0..=100.0),
        prop::collection::vec((1..day, 0..day, 0.0..=100.0), 0..4),
    )
        .prop_map(|(class, submitted, deadline, duration, grid, spans)| {
            let mut at = 0;
            let forecast = spans
                .into_iter()
                .map(|(long, gap, clean)| {
                    let from = at + gap as Instant;
                    at = from + long as Instant;
                    Outlook {
                        from,
                        until: at,
                        clean,
                    }
                })
                .collect();
            Request {
                class: class.into(),
                submitted,
                deadline,
                duration,
                grid,
                forecast,
            }
        })
}

fn plan(now: Instant, request: &Request) -> Plan {
    Patience::judge(now, &Config::default(), request).expect("the request is well formed")
}

proptest! {
    #[test]
    fn the_latest_start_lies_between_submission_and_both_ends(r in request(), now in 0_i64..1 << 30) {
        let latest = plan(now, &r).latest_start;
        let patience = Config::default().class(&r.class).and_then(|c| c.max_wait_minutes);
        prop_assert_eq!(latest.is_none(), patience.is_none() && r.deadline.is_none());
        if let Some(latest) = latest {
            prop_assert!(latest >= r.submitted);
            let end = r.deadline.unwrap_or(Instant::MAX)
                .min(patience.map_or(Instant::MAX, |m| r.submitted + i64::from(m) * 60_000));
            prop_assert!(latest == r.submitted || latest + r.duration as Instant == end);
        }
    }

    #[test]
    fn a_wait_that_broke_stays_broken_and_takes_any_energy(r in request(), now in 0_i64..1 << 30, later in 0_i64..1 << 30) {
        let (first, second) = (plan(now, &r), plan(now + later, &r));
        prop_assert!(!first.waiting_breaks || second.waiting_breaks);
        if first.waiting_breaks {
            prop_assert_eq!((first.clean, first.source, first.peak.is_none()), (0.0, None, true));
        }
    }

    #[test]
    fn an_earlier_deadline_never_lengthens_the_wait(r in request(), sooner in 0_i64..1 << 30) {
        let Some(deadline) = r.deadline else { return Ok(()) };
        let tight = Request { deadline: Some(deadline - sooner), ..r.clone() };
        prop_assert!(plan(0, &tight).latest_start <= plan(0, &r).latest_start);
    }

    #[test]
    fn grid_and_forecast_only_word_the_reason(r in request(), now in 0_i64..1 << 30) {
        let blind = Request { grid: None, forecast: Vec::new(), ..r.clone() };
        let (seen, unseen) = (plan(now, &r), plan(now, &blind));
        prop_assert_eq!(Plan { reason: String::new(), ..seen }, Plan { reason: String::new(), ..unseen });
    }

    #[test]
    fn moving_all_instants_moves_the_plan(r in request(), now in 0_i64..1 << 30, by in 0_i64..1 << 40) {
        let moved = Request {
            submitted: r.submitted + by,
            deadline: r.deadline.map(|d| d + by),
            forecast: r.forecast.iter().map(|o| Outlook { from: o.from + by, until: o.until + by, ..*o }).collect(),
            ..r.clone()
        };
        let mut shifted = plan(now, &r);
        shifted.latest_start = shifted.latest_start.map(|l| l + by);
        prop_assert_eq!(plan(now + by, &moved), shifted);
    }
}
