//! Recognises timestamps, as they stand, without giving them a zone or an order.
//!
//! Forms: ISO 8601 and the like (`2026-01-31T12:00:00.5Z`, `2026-01-31  12:00:00,123 +0100`, `2026/01/31 12:00 UTC`,
//! a date alone), web servers' `31/Jan/2026:12:00:00 +0100`, `31/01/2026`, syslog's `Jan  1 12:00:00` and a clock
//! alone, `12:00:00.5`. Months, days and hours must exist, so `2026-99-99` is no date.

use crate::class::{DIGIT, WORD, is_at, run_end};

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// The end of the timestamp that begins at `at`, if one does. The caller sees to it that no word byte is before it;
/// none follows it.
#[inline]
pub fn end_of(line: &[u8], at: usize) -> Option<usize> {
    let end = match line[at] {
        b'0'..=b'9' => match run_end(line, at, DIGIT) - at {
            1 | 2 => short(line, at)?,
            4 => date_time(line, at)?,
            _ => return None,
        },
        b'A'..=b'S' if line.get(at + 3) == Some(&b' ') => syslog(line, at)?,
        _ => return None,
    };
    (!is_at(line, end, WORD)).then_some(end)
}

/// A number of exactly two digits within the range, and the index after it.
fn two(line: &[u8], at: usize, least: u8, most: u8) -> Option<usize> {
    let [tens, ones] = *line.get(at..at + 2)? else {
        return None;
    };
    if !tens.is_ascii_digit() || !ones.is_ascii_digit() {
        return None;
    }
    let value = (tens - b'0') * 10 + (ones - b'0');
    (least..=most).contains(&value).then_some(at + 2)
}

fn byte(line: &[u8], at: usize, wanted: u8) -> Option<usize> {
    (line.get(at) == Some(&wanted)).then_some(at + 1)
}

fn hour_minute(line: &[u8], at: usize) -> Option<usize> {
    let at = byte(line, two(line, at, 0, 23)?, b':')?;
    two(line, at, 0, 59)
}

/// `:SS`, then a fraction after a dot or comma if there is one. A leap second is a second.
fn seconds(line: &[u8], at: usize) -> Option<usize> {
    let end = two(line, byte(line, at, b':')?, 0, 60)?;
    if matches!(line.get(end), Some(b'.' | b',')) && is_at(line, end + 1, DIGIT) {
        return Some(run_end(line, end + 1, DIGIT));
    }
    Some(end)
}

/// `HH:MM:SS` with a fraction if there is one.
fn clock(line: &[u8], at: usize) -> Option<usize> {
    seconds(line, hour_minute(line, at)?)
}

/// `Z`, `+01:00`, `-0100`, the latter two also after a space, or ` UTC`; the index after it, or `at` for none.
fn zone(line: &[u8], at: usize) -> usize {
    let rest = &line[at..];
    if rest.first() == Some(&b'Z') {
        return at + 1;
    }
    if rest.starts_with(b" UTC") || rest.starts_with(b" GMT") {
        return at + 4;
    }
    let sign = at + usize::from(rest.first() == Some(&b' '));
    if !matches!(line.get(sign), Some(b'+' | b'-')) {
        return at;
    }
    let Some(hours) = two(line, sign + 1, 0, 14) else {
        return at;
    };
    let minutes = hours + usize::from(line.get(hours) == Some(&b':'));
    match two(line, minutes, 0, 59) {
        Some(end) if !is_at(line, end, WORD) => end,
        _ => at,
    }
}

/// A date that begins with its year, and the time of day after it if there is one.
fn date_time(line: &[u8], at: usize) -> Option<usize> {
    let separator = *line.get(at + 4)?;
    if separator != b'-' && separator != b'/' {
        return None;
    }
    let month = two(line, at + 5, 1, 12)?;
    let date = two(line, byte(line, month, separator)?, 1, 31)?;
    let begin = match line.get(date) {
        Some(b'T') => date + 1,
        Some(b' ') if line.get(date + 1) == Some(&b' ') => date + 2,
        Some(b' ') => date + 1,
        _ => return Some(date),
    };
    let Some(minute) = hour_minute(line, begin) else {
        return Some(date);
    };
    let end = zone(line, seconds(line, minute).unwrap_or(minute));
    Some(if is_at(line, end, WORD) { date } else { end })
}

/// What begins with one or two digits: a clock, a web server's time or a date with its year last.
fn short(line: &[u8], at: usize) -> Option<usize> {
    if line.get(at + 2) == Some(&b':') {
        return clock(line, at);
    }
    let month = byte(line, two(line, at, 1, 31)?, b'/')?;
    if let Some(end) = two(line, month, 1, 12) {
        let year = byte(line, end, b'/')?;
        let end = run_end(line, year, DIGIT);
        return (end - year == 4).then_some(end);
    }
    let year = byte(line, name_of_month(line, month)?, b'/')?;
    let end = run_end(line, year, DIGIT);
    if end - year != 4 {
        return None;
    }
    Some(zone(line, clock(line, byte(line, end, b':')?)?))
}

fn name_of_month(line: &[u8], at: usize) -> Option<usize> {
    let name = line.get(at..at + 3)?;
    MONTHS
        .iter()
        .any(|month| name == month.as_slice())
        .then_some(at + 3)
}

/// `Jan  1 12:00:00`, `Jan 12 12:00:00`.
fn syslog(line: &[u8], at: usize) -> Option<usize> {
    let mut day = byte(line, name_of_month(line, at)?, b' ')?;
    if line.get(day) == Some(&b' ') {
        day += 1;
    }
    let end = run_end(line, day, DIGIT);
    if !(1..=2).contains(&(end - day)) {
        return None;
    }
    clock(line, byte(line, end, b' ')?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The timestamp at the start of the text.
    fn stamp(text: &str) -> &str {
        &text[..end_of(text.as_bytes(), 0).unwrap_or(0)]
    }

    #[test]
    fn whole_texts_are_timestamps() {
        for text in [
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-01-31T12:00:00Z",
            "2026-01-31T12:00:00.123456789Z",
            "2026-01-31T12:00:00+01:00",
            "2026-01-31 12:00:00",
            "2026-01-31  12:00:00",
            "2026-01-31 12:00",
            "2026-01-31 12:00:00,123",
            "2026-01-31 12:00:00.5 +0100",
            "2026-01-31 12:00:00 UTC",
            "2026/01/31 12:00:00",
            "31/Jan/2026:12:00:00 +0100",
            "31/01/2026",
            "Jan  1 12:00:00",
            "Jan 31 12:00:00",
            "23:59:60",
            "12:00:00.25",
        ] {
            assert_eq!(stamp(text), text);
            assert_eq!(stamp(&format!("{text} x")), text);
            assert_eq!(stamp(&format!("{text}]")), text);
        }
    }

    #[test]
    fn lookalikes_are_not() {
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-01-32",
            "2026-01-31x",
            "20260131",
            "12:34",
            "24:00:00",
            "12:00:61",
            "Jam  1 12:00:00",
            "Jan 1",
            "123:45:12",
            "1/2",
        ] {
            assert_eq!(if text.is_empty() { "" } else { stamp(text) }, "", "{text}");
        }
    }

    #[test]
    fn what_follows_is_left() {
        assert_eq!(stamp("2026-01-31 12 items"), "2026-01-31");
        assert_eq!(stamp("2026-01-31 12:00:00 -5"), "2026-01-31 12:00:00");
        assert_eq!(stamp("12:00:00, next"), "12:00:00");
    }
}
