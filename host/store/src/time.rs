//! Instants between the API (signed 64-bit UTC milliseconds) and SQL (UTC text `YYYY-MM-DD HH:MM:SS`).
//!
//! The text has whole seconds and compares with SQLite's `datetime('now')`. An instant that something must wait for
//! is rounded up ([`format_up`]), every other one down ([`format()`]), so nothing that is read back starts early.
//! Reading also takes what people write: fractions, `T`, `Z`, an offset, a date alone.

use jiff::civil::{self, DateTime};
use jiff::{SignedDuration, Timestamp};

/// Milliseconds of one second.
const SECOND_MS: i64 = 1_000;

/// The instant 0.
const EPOCH: DateTime = civil::date(1970, 1, 1).at(0, 0, 0, 0);

/// 0000-01-01 00:00:00 and 9999-12-31 23:59:59 in seconds: what SQLite's text form can hold.
const TEXT_SECONDS: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

/// The instant as SQL text, rounded down to the second. Beyond the years 0 to 9999 it is the nearest of them.
pub fn format(ms: i64) -> String {
    seconds(ms.div_euclid(SECOND_MS))
}

/// The instant as SQL text, rounded up to the second: for what must not happen earlier.
pub fn format_up(ms: i64) -> String {
    seconds(ms.div_euclid(SECOND_MS) + i64::from(ms.rem_euclid(SECOND_MS) > 0))
}

/// The instant that a text names, in milliseconds; without zone or offset it is UTC. `None`: not an instant.
///
/// Takes `2026-11-21 12:00:00`, fractions of a second, a `T` between date and time, `Z` or an offset at the end,
/// seconds or the whole time left out.
pub fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant.as_millisecond());
    }
    let civil: DateTime = text.parse().ok()?;
    i64::try_from(civil.duration_since(EPOCH).as_millis()).ok()
}

fn seconds(seconds: i64) -> String {
    let seconds = seconds.clamp(*TEXT_SECONDS.start(), *TEXT_SECONDS.end());
    let at = EPOCH.saturating_add(SignedDuration::from_secs(seconds));
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        at.year(),
        at.month(),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_people_write() {
        for (text, ms) in [
            ("1970-01-01 00:00:00", Some(0)),
            ("1970-01-01 00:00:01.250", Some(1_250)),
            ("1970-01-01T00:01:00", Some(60_000)),
            ("1970-01-01T00:01:00Z", Some(60_000)),
            ("1970-01-01T00:01:00.5Z", Some(60_500)),
            ("1970-01-01 02:00:00+02:00", Some(0)),
            ("1970-01-01 00:01", Some(60_000)),
            ("1970-01-02", Some(86_400_000)),
            (" 1970-01-02 ", Some(86_400_000)),
            ("1969-12-31 23:59:59", Some(-1_000)),
            ("9999-12-31 23:59:59", Some(253_402_300_799_000)),
            ("2026-02-30 00:00:00", None),
            ("2026-01-01 25:00:00", None),
            ("tomorrow", None),
            ("1700000000", None),
            ("", None),
        ] {
            assert_eq!(parse(text), ms, "{text:?}");
        }
    }

    #[test]
    fn rounding_and_ends() {
        assert_eq!(format(1_999), "1970-01-01 00:00:01");
        assert_eq!(format_up(1_001), "1970-01-01 00:00:02");
        assert_eq!(format_up(1_000), "1970-01-01 00:00:01");
        assert_eq!(format(-1), "1969-12-31 23:59:59");
        assert_eq!(format(i64::MAX), "9999-12-31 23:59:59");
        assert_eq!(format_up(i64::MAX), "9999-12-31 23:59:59");
        assert_eq!(format(i64::MIN), "0000-01-01 00:00:00");
    }

    proptest::proptest! {
        #[test]
        fn whole_seconds_come_back(seconds in -62_167_219_200i64..=253_402_300_799) {
            proptest::prop_assert_eq!(parse(&format(seconds * SECOND_MS)), Some(seconds * SECOND_MS));
        }
    }
}
