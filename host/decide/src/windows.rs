//! Hours of the week in an owner's zone, turned into intervals of instants.
//!
//! DST is resolved here: a local time that does not exist moves forward by the gap, one that exists twice is its
//! first occurrence (RFC 5545's rule, as jiff's "compatible" has it).

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use weft_model::Instant;
use weft_model::slots::time::Interval;

/// Days before and after today that are resolved.
pub const DAYS_BACK: i64 = 1;
/// Days ahead that are resolved.
pub const DAYS_AHEAD: i64 = 9;
/// Minutes of a day.
pub const DAY_MINUTES: u16 = 1_440;

/// A row of `delegation_hours`, as minutes of a local day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoursRow {
    /// 0 is Sunday. None: every day.
    pub day: Option<u8>,
    /// First minute, 0 to 1439.
    pub from: u16,
    /// The minute after the last, 0 to 1440. Before `from` it is on the next day.
    pub until: u16,
}

/// The allowed intervals from a day ago to nine days ahead: sorted, merged, half-open.
pub fn intervals(rows: &[HoursRow], zone: &TimeZone, now: Instant) -> Vec<Interval> {
    let Ok(now) = Timestamp::from_millisecond(now) else {
        return Vec::new();
    };
    let today = now.to_zoned(zone.clone()).date();
    let mut all = Vec::new();
    for offset in -DAYS_BACK..=DAYS_AHEAD {
        let Ok(date) = today.checked_add(Span::new().days(offset)) else {
            continue;
        };
        let weekday = date.weekday().to_sunday_zero_offset() as u8;
        for row in rows.iter().filter(|r| r.day.is_none_or(|d| d == weekday)) {
            let crosses = row.until <= row.from;
            let end_date = if crosses {
                date.tomorrow().ok()
            } else {
                Some(date)
            };
            let from = instant(date, row.from, zone);
            let until = end_date.and_then(|d| instant(d, row.until, zone));
            if let (Some(from), Some(until)) = (from, until)
                && from < until
            {
                all.push(Interval { from, until });
            }
        }
    }
    merge(all)
}

/// The next instant at or after `now` at which the local clock shows `minute`.
pub fn next_local(minute: u16, zone: &TimeZone, now: Instant) -> Option<Instant> {
    let today = Timestamp::from_millisecond(now)
        .ok()?
        .to_zoned(zone.clone())
        .date();
    (0..=DAYS_AHEAD)
        .filter_map(|d| instant(today.checked_add(Span::new().days(d)).ok()?, minute, zone))
        .find(|t| *t >= now)
}

/// Minute of the local day.
pub fn local_minute(zone: &TimeZone, now: Instant) -> Option<u16> {
    let local = Timestamp::from_millisecond(now)
        .ok()?
        .to_zoned(zone.clone());
    Some(local.hour() as u16 * 60 + local.minute() as u16)
}

/// Minutes that the zone is ahead of UTC then.
pub fn utc_offset_minutes(zone: &TimeZone, at: Instant) -> i32 {
    Timestamp::from_millisecond(at).map_or(0, |t| zone.to_offset(t).seconds() / 60)
}

fn instant(date: Date, minute: u16, zone: &TimeZone) -> Option<Instant> {
    let (date, minute) = if minute == DAY_MINUTES {
        (date.tomorrow().ok()?, 0)
    } else {
        (date, minute)
    };
    let time = Time::new((minute / 60) as i8, (minute % 60) as i8, 0, 0).ok()?;
    Some(
        date.to_datetime(time)
            .to_zoned(zone.clone())
            .ok()?
            .timestamp()
            .as_millisecond(),
    )
}

fn merge(mut all: Vec<Interval>) -> Vec<Interval> {
    all.sort_by_key(|i| (i.from, i.until));
    let mut merged: Vec<Interval> = Vec::with_capacity(all.len());
    for next in all {
        match merged.last_mut() {
            Some(last) if next.from <= last.until => last.until = last.until.max(next.until),
            _ => merged.push(next),
        }
    }
    merged
}
