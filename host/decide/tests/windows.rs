//! Hours of the week as intervals: midnight, Saturday to Sunday, days without and with two of an hour.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use weft_decide::windows::{DAY_MINUTES, HoursRow, intervals, local_minute, next_local};

fn at(text: &str) -> i64 {
    text.parse::<Timestamp>()
        .expect("an instant")
        .as_millisecond()
}

fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").expect("the zone is bundled")
}

fn row(day: Option<u8>, from: u16, until: u16) -> HoursRow {
    HoursRow { day, from, until }
}

/// What of the intervals touches [from, until), as text.
fn between(rows: &[HoursRow], zone: &TimeZone, from: &str, until: &str) -> Vec<(String, String)> {
    let text = |ms| {
        Timestamp::from_millisecond(ms)
            .expect("an instant")
            .to_string()
    };
    intervals(rows, zone, at(from))
        .into_iter()
        .filter(|i| i.until > at(from) && i.from < at(until))
        .map(|i| (text(i.from), text(i.until)))
        .collect()
}

#[test]
fn each_case_gives_its_intervals() {
    let night = [row(None, 22 * 60, 7 * 60)];
    for (case, rows, zone, from, until, want) in [
        (
            "a night crosses midnight",
            &night[..],
            berlin(),
            "2026-06-18T12:00:00Z",
            "2026-06-19T12:00:00Z",
            &[("2026-06-18T20:00:00Z", "2026-06-19T05:00:00Z")][..],
        ),
        (
            "Saturday's night ends on Sunday, and Sunday has none of its own",
            &[row(Some(6), 22 * 60, 7 * 60)],
            TimeZone::UTC,
            "2026-06-20T00:00:00Z",
            "2026-06-22T00:00:00Z",
            &[("2026-06-20T22:00:00Z", "2026-06-21T07:00:00Z")],
        ),
        (
            "spring forward: 02:30 does not exist and moves to 03:30",
            &[row(None, 2 * 60 + 30, 4 * 60)],
            berlin(),
            "2026-03-29T00:00:00Z",
            "2026-03-29T12:00:00Z",
            &[("2026-03-29T01:30:00Z", "2026-03-29T02:00:00Z")],
        ),
        (
            "fall back: 02:30 is twice, the first counts",
            &[row(None, 2 * 60 + 30, 4 * 60)],
            berlin(),
            "2026-10-25T00:00:00Z",
            "2026-10-25T12:00:00Z",
            &[("2026-10-25T00:30:00Z", "2026-10-25T03:00:00Z")],
        ),
        (
            "the day that is an hour short is still the whole day",
            &[row(Some(0), 0, DAY_MINUTES)],
            berlin(),
            "2026-03-28T22:00:00Z",
            "2026-03-30T00:00:00Z",
            &[("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z")],
        ),
        (
            "touching and overlapping rows are one",
            &[
                row(None, 8 * 60, 12 * 60),
                row(None, 12 * 60, 13 * 60),
                row(None, 9 * 60, 10 * 60),
            ],
            TimeZone::UTC,
            "2026-06-18T00:00:00Z",
            "2026-06-19T00:00:00Z",
            &[("2026-06-18T08:00:00Z", "2026-06-18T13:00:00Z")],
        ),
        (
            "no rows, no intervals",
            &[],
            TimeZone::UTC,
            "2026-06-18T00:00:00Z",
            "2026-06-19T00:00:00Z",
            &[],
        ),
    ] {
        let got = between(rows, &zone, from, until);
        let want: Vec<_> = want
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect();
        assert_eq!(got, want, "{case}");
    }
}

#[test]
fn the_next_off_peak_hour_is_the_zones() {
    let now = at("2026-06-18T12:00:00Z");
    assert_eq!(
        next_local(120, &berlin(), now),
        Some(at("2026-06-19T00:00:00Z"))
    );
    assert_eq!(
        next_local(120, &TimeZone::UTC, at("2026-06-18T02:00:00Z")),
        Some(at("2026-06-18T02:00:00Z"))
    );
    assert_eq!(local_minute(&berlin(), now), Some(14 * 60));
}

proptest! {
    #[test]
    fn intervals_are_sorted_apart_and_inside_the_horizon(
        rows in prop::collection::vec((prop::option::of(0_u8..7), 0_u16..1440, 0_u16..=1440), 0..8),
        now in 1_600_000_000_000_i64..2_000_000_000_000,
    ) {
        let rows: Vec<HoursRow> = rows.into_iter().map(|(d, f, u)| row(d, f, u)).collect();
        let got = intervals(&rows, &berlin(), now);
        for pair in got.windows(2) {
            prop_assert!(pair[0].until < pair[1].from);
        }
        for i in &got {
            prop_assert!(i.from < i.until);
            prop_assert!(i.from >= now - 3 * 86_400_000 && i.until <= now + 12 * 86_400_000);
        }
    }
}
