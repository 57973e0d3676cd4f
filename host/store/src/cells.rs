//! One row, read column by column, so that whatever is wrong with a value is reported with its place.

use std::cell::Cell;
use std::ops::RangeInclusive;

use rusqlite::types::{Value, ValueRef};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::limits::VALUE_SHOWN_CHARS;
use crate::{Error, Malformed, Result, time};

/// A table and the columns that name its rows to a person.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    pub name: &'static str,
    pub key: &'static [&'static str],
}

/// The names of a result's columns, taken once for all its rows.
pub(crate) struct Columns(Vec<String>);

impl Columns {
    /// Of a row that was just stepped to: before the first step they may be those of an older schema.
    pub fn of(row: &rusqlite::Row<'_>) -> Self {
        let names = row.as_ref().column_names();
        Self(names.into_iter().map(str::to_owned).collect())
    }
}

/// One row of a [`Table`].
pub(crate) struct Cells<'r> {
    row: &'r rusqlite::Row<'r>,
    table: Table,
    columns: &'r Columns,
    /// Where the next column probably is: most rows are read from left to right.
    next: Cell<usize>,
}

impl<'r> Cells<'r> {
    pub fn new(row: &'r rusqlite::Row<'r>, table: Table, columns: &'r Columns) -> Self {
        Self {
            row,
            table,
            columns,
            next: Cell::new(0),
        }
    }

    fn value(&self, column: &str) -> Result<ValueRef<'_>> {
        let names = &self.columns.0;
        let guess = self.next.get();
        let index = match names.get(guess) {
            Some(name) if name == column => Some(guess),
            _ => names.iter().position(|name| name == column),
        };
        let index = index.ok_or_else(|| rusqlite::Error::InvalidColumnName(column.to_owned()))?;
        self.next.set(index + 1);
        Ok(self.row.get_ref(index)?)
    }

    /// What is reported for a column whose value is not among what is allowed.
    pub fn malformed(&self, column: &str, allowed: impl Into<String>) -> Error {
        let row: Vec<String> = self.table.key.iter().map(|key| self.shown(key)).collect();
        Malformed {
            table: self.table.name.to_owned(),
            row: row.join("/"),
            column: column.to_owned(),
            value: self.shown(column),
            allowed: allowed.into(),
        }
        .into()
    }

    pub fn text_opt(&self, column: &str) -> Result<Option<String>> {
        match self.value(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Ok(Some(text.to_owned())),
                Err(_) => Err(self.malformed(column, "UTF-8 text")),
            },
            _ => Err(self.malformed(column, "text")),
        }
    }

    pub fn text(&self, column: &str) -> Result<String> {
        self.text_opt(column)?
            .ok_or_else(|| self.malformed(column, "text"))
    }

    /// One of the given words.
    pub fn word<T: Copy>(&self, column: &str, words: &[(&str, T)]) -> Result<T> {
        let found = match self.value(column)? {
            ValueRef::Text(text) => words.iter().find(|(word, _)| word.as_bytes() == text),
            _ => None,
        };
        found.map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.malformed(column, words.join(", "))
        })
    }

    pub fn int_opt(&self, column: &str, range: RangeInclusive<i64>) -> Result<Option<i64>> {
        match self.value(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(value) if range.contains(&value) => Ok(Some(value)),
            _ => Err(self.malformed(column, whole(&range))),
        }
    }

    pub fn int(&self, column: &str, range: RangeInclusive<i64>) -> Result<i64> {
        self.int_opt(column, range.clone())?
            .ok_or_else(|| self.malformed(column, whole(&range)))
    }

    /// A count: not negative.
    pub fn count(&self, column: &str) -> Result<u64> {
        Ok(self.int(column, 0..=i64::MAX)?.unsigned_abs())
    }

    pub fn flag_opt(&self, column: &str) -> Result<Option<bool>> {
        match self.value(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(0) => Ok(Some(false)),
            ValueRef::Integer(1) => Ok(Some(true)),
            _ => Err(self.malformed(column, "0 or 1")),
        }
    }

    pub fn flag(&self, column: &str) -> Result<bool> {
        self.flag_opt(column)?
            .ok_or_else(|| self.malformed(column, "0 or 1"))
    }

    /// A finite number in the range, or NULL.
    pub fn real_opt(&self, column: &str, range: RangeInclusive<f64>) -> Result<Option<f64>> {
        let value = match self.value(column)? {
            ValueRef::Null => return Ok(None),
            ValueRef::Real(value) => value,
            ValueRef::Integer(value) => value as f64,
            _ => f64::NAN,
        };
        if value.is_finite() && range.contains(&value) {
            return Ok(Some(value));
        }
        let allowed = match (*range.start(), *range.end()) {
            (f64::MIN, f64::MAX) => "a number, or NULL".to_owned(),
            (start, f64::MAX) => format!("a number from {start}, or NULL"),
            (start, end) => format!("a number from {start} to {end}, or NULL"),
        };
        Err(self.malformed(column, allowed))
    }

    pub fn time_opt(&self, column: &str) -> Result<Option<i64>> {
        let Some(text) = self.text_opt(column)? else {
            return Ok(None);
        };
        match time::parse(&text) {
            Some(ms) => Ok(Some(ms)),
            None => Err(self.malformed(column, "UTC time as `YYYY-MM-DD HH:MM:SS`")),
        }
    }

    pub fn time(&self, column: &str) -> Result<i64> {
        self.time_opt(column)?
            .ok_or_else(|| self.malformed(column, "UTC time as `YYYY-MM-DD HH:MM:SS`"))
    }

    /// The column as JSON of the wanted shape.
    pub fn json<T: DeserializeOwned>(&self, column: &str, shape: &str) -> Result<T> {
        let text = self.text(column)?;
        serde_json::from_str(&text).map_err(|_| self.malformed(column, format!("JSON, {shape}")))
    }

    pub fn blob_opt(&self, column: &str) -> Result<Option<Vec<u8>>> {
        match self.value(column)? {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(bytes) => Ok(Some(bytes.to_vec())),
            _ => Err(self.malformed(column, "bytes such as x'a0'")),
        }
    }

    pub fn blob(&self, column: &str) -> Result<Vec<u8>> {
        self.blob_opt(column)?
            .ok_or_else(|| self.malformed(column, "bytes such as x'a0'"))
    }

    fn shown(&self, column: &str) -> String {
        match self.value(column) {
            Ok(ValueRef::Null) => "NULL".to_owned(),
            Ok(ValueRef::Integer(value)) => value.to_string(),
            Ok(ValueRef::Real(value)) => value.to_string(),
            Ok(ValueRef::Text(text)) => {
                let text = String::from_utf8_lossy(text);
                text.chars().take(VALUE_SHOWN_CHARS).collect()
            }
            Ok(ValueRef::Blob(bytes)) => format!("{} bytes", bytes.len()),
            Err(_) => "?".to_owned(),
        }
    }
}

/// A list of `(column, value)` pairs for [`crate::Write`].
macro_rules! cells {
    ($($column:literal : $value:expr),* $(,)?) => {
        &[$(($column, rusqlite::types::Value::from($value))),*]
    };
}
pub(crate) use cells;

/// An instant as SQL text, rounded down.
pub(crate) fn at(ms: i64) -> Value {
    time::format(ms).into()
}

/// The same where there may be none.
pub(crate) fn at_opt(ms: Option<i64>) -> Value {
    ms.map(time::format).into()
}

/// An instant that must not come early, rounded up, where there may be none.
pub(crate) fn not_before(ms: Option<i64>) -> Value {
    ms.map(time::format_up).into()
}

/// A list of words as JSON text.
pub(crate) fn json_list<T: Serialize>(list: &[T]) -> String {
    // Strings and plain structs always serialise.
    serde_json::to_string(list).unwrap_or_else(|_| "[]".to_owned())
}

/// A count as SQL integer; SQLite's are signed.
pub(crate) fn count(value: u64) -> Value {
    i64::try_from(value).unwrap_or(i64::MAX).into()
}

fn whole(range: &RangeInclusive<i64>) -> String {
    match (*range.start(), *range.end()) {
        (start, i64::MAX) => format!("a whole number from {start}"),
        (start, end) => format!("a whole number from {start} to {end}"),
    }
}
