//! What people type, as values: instants, days, numbers, JSON. Errors here are usage errors, told by clap.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde_json::Value;
use std::str::FromStr;
use weft_model::Instant;
use weft_model::task::{Importance, UnknownWord, Urgency};

/// The largest file that is read as an option's value: 4 MiB, in bytes.
const FILE_BYTES: u64 = 4 * 1024 * 1024;

/// Days from Sunday, as a user types them.
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// An instant in RFC 3339, such as `2026-11-21T22:30:00+01:00`.
///
/// # Errors
/// When it is none, or lies outside of the years -9999 to 9999.
pub fn instant(text: &str) -> Result<Instant, String> {
    text.parse::<jiff::Timestamp>().map(|t| t.as_millisecond()).map_err(|_| {
        "it is no instant with its offset; write it as 2026-11-21T22:30:00Z or 2026-11-21T22:30:00+01:00".into()
    })
}

/// A time such as `90s`, `2h` or `7d`, in milliseconds, rounded up.
///
/// # Errors
/// When it is none, or not longer than nothing.
pub fn life(text: &str) -> Result<u64, String> {
    let wrong = || "it is no time; write it as 2h or 7d".to_owned();
    let span: jiff::Span = text.parse().map_err(|_| wrong())?;
    let total = span
        .total((
            jiff::Unit::Millisecond,
            jiff::SpanRelativeTo::days_are_24_hours(),
        ))
        .map_err(|_| wrong())?;
    if total > 0.0 && total < 1e12 {
        Ok(total.ceil() as u64)
    } else {
        Err(wrong())
    }
}

/// A finite number.
///
/// # Errors
/// When it is none.
pub fn number(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        _ => Err("it is no number".into()),
    }
}

/// A finite number from 0 on.
///
/// # Errors
/// When it is none.
pub fn amount(text: &str) -> Result<f64, String> {
    let number = number(text)?;
    if number < 0.0 {
        Err("it is below 0".into())
    } else {
        Ok(number)
    }
}

/// A share in per cent.
///
/// # Errors
/// When it is not from 0 to 100.
pub fn percent(text: &str) -> Result<f64, String> {
    let number = number(text)?;
    if (0.0..=100.0).contains(&number) {
        Ok(number)
    } else {
        Err("it is not from 0 to 100".into())
    }
}

/// A part of one.
///
/// # Errors
/// When it is not from 0 to 1.
pub fn share(text: &str) -> Result<f64, String> {
    let number = number(text)?;
    if (0.0..=1.0).contains(&number) {
        Ok(number)
    } else {
        Err("it is not from 0 to 1".into())
    }
}

/// A day of the week: `sun` to `sat`, their full names, or 0 to 6 from Sunday.
///
/// # Errors
/// When it is none.
pub fn day(text: &str) -> Result<u8, String> {
    const FULL: [&str; 7] = [
        "sunday",
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
    ];
    let text = text.to_lowercase();
    let found = (0..7_u8).find(|day| {
        let at = usize::from(*day);
        text == DAYS[at] || text == FULL[at] || text == day.to_string()
    });
    found.ok_or_else(|| {
        format!(
            "it is no day; write {} or 0 to 6 from Sunday",
            DAYS.join(", ")
        )
    })
}

/// The name of a day that [`day`] gave.
pub fn day_name(day: u8) -> &'static str {
    DAYS.get(usize::from(day)).copied().unwrap_or("?")
}

/// A month as `YYYY-MM`.
///
/// # Errors
/// When it is none.
pub fn month(text: &str) -> Result<String, String> {
    let well_formed = text.len() == 7 && format!("{text}-01").parse::<jiff::civil::Date>().is_ok();
    if well_formed {
        Ok(text.to_owned())
    } else {
        Err("it is no month; write it as 2026-11".into())
    }
}

/// JSON, or `@FILE` with JSON in it.
///
/// # Errors
/// When the file can't be read, is over 4 MiB, or it is no JSON.
pub fn json(text: &str) -> Result<Value, String> {
    let text = json_text(text)?;
    serde_json::from_str(&text).map_err(|e| format!("it is no JSON: {e}"))
}

/// A JSON object, or `@FILE` with one in it, as it was written.
///
/// # Errors
/// As [`json`], and when it is no object.
pub fn object(text: &str) -> Result<String, String> {
    let text = json_text(text)?;
    match serde_json::from_str(&text) {
        Ok(Value::Object(_)) => Ok(text),
        Ok(_) => Err("it is no JSON object; write it as {\"key\": 1}".into()),
        Err(e) => Err(format!("it is no JSON: {e}")),
    }
}

fn json_text(text: &str) -> Result<String, String> {
    let Some(path) = text.strip_prefix('@') else {
        return Ok(text.to_owned());
    };
    let size = std::fs::metadata(path)
        .map_err(|e| format!("`{path}`: {e}"))?
        .len();
    if size > FILE_BYTES {
        return Err(format!(
            "`{path}` has {size} bytes, allowed are {FILE_BYTES}"
        ));
    }
    std::fs::read_to_string(path).map_err(|e| format!("`{path}`: {e}"))
}

/// A clap parser for an importance, which lists the words in `--help`.
pub fn importance() -> impl TypedValueParser<Value = Importance> {
    words(Importance::ALL.iter().map(|w| w.word()))
}

/// A clap parser for an urgency, which lists the words in `--help`.
pub fn urgency() -> impl TypedValueParser<Value = Urgency> {
    words(Urgency::ALL.iter().map(|w| w.word()))
}

fn words<T>(words: impl Iterator<Item = &'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = UnknownWord> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words.collect::<Vec<_>>()).try_map(|word| word.parse::<T>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_need_an_offset() {
        assert_eq!(instant("1970-01-01T00:00:01Z"), Ok(1000));
        assert_eq!(instant("1970-01-01T01:00:00+01:00"), Ok(0));
        for bad in [
            "",
            "now",
            "2026-11-21",
            "2026-11-21T22:30:00",
            "2026-02-30T00:00:00Z",
        ] {
            assert!(instant(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn no_number_is_one_that_json_would_drop() {
        for bad in ["NaN", "inf", "-inf", "1e999", "x", ""] {
            assert!(number(bad).is_err(), "{bad}");
        }
        assert_eq!(amount("0.5"), Ok(0.5));
        assert!(amount("-1").is_err());
        assert!(percent("100.1").is_err());
        assert!(share("1.1").is_err());
    }

    #[test]
    fn days_start_on_sunday() {
        for (text, expected) in [
            ("sun", 0),
            ("Sunday", 0),
            ("0", 0),
            ("SAT", 6),
            ("6", 6),
            ("wed", 3),
        ] {
            assert_eq!(day(text), Ok(expected), "{text}");
        }
        for bad in ["7", "-1", "", "s", "00"] {
            assert!(day(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn months_are_year_and_month() {
        assert!(month("2026-11").is_ok());
        for bad in [
            "2026",
            "2026-13",
            "2026-1",
            "26-11",
            "2026-11-01",
            "2026/11",
        ] {
            assert!(month(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn params_are_an_object_and_stay_as_written() {
        assert_eq!(
            object("{\"b\": 1,  \"a\": 2}"),
            Ok("{\"b\": 1,  \"a\": 2}".to_owned())
        );
        for bad in ["1", "[]", "{", "@/does/not/exist"] {
            assert!(object(bad).is_err(), "{bad}");
        }
    }
}
