//! The two ends of a transaction: [`Read`] sees one moment, [`Write`] can also change.

use std::ops::Deref;

use rusqlite::types::Value;
use rusqlite::{Connection, Params, ffi, params_from_iter};

use crate::cells::{Cells, Columns, Table};
use crate::{Error, Malformed, Result};

/// One consistent moment of the database. Made by [`crate::Reader::snapshot`] and [`crate::Store::read`].
pub struct Read<'c> {
    conn: &'c Connection,
}

/// A transaction that changes the database; it can do all that [`Read`] can. Made by [`crate::Writer::write`].
pub struct Write<'c> {
    read: Read<'c>,
}

/// Rows of which some may be unreadable. Nothing is dropped: a row is in one list or in the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows<T> {
    /// The rows that could be read.
    pub rows: Vec<T>,
    /// What is wrong with the others, one entry per row.
    pub malformed: Vec<Malformed>,
}

impl<T> Rows<T> {
    /// All rows, or the first that can't be read: for callers that fail closed.
    pub fn strict(self) -> Result<Vec<T>, Malformed> {
        match self.malformed.into_iter().next() {
            Some(malformed) => Err(malformed),
            None => Ok(self.rows),
        }
    }
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            malformed: Vec::new(),
        }
    }
}

impl<'c> Read<'c> {
    pub(crate) fn new(conn: &'c Connection) -> Self {
        Self { conn }
    }

    /// The first row, if there is one.
    pub(crate) fn one<T>(
        &self,
        table: Table,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Cells) -> Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        match rows.next()? {
            Some(row) => read(&Cells::new(row, table, &Columns::of(row))).map(Some),
            None => Ok(None),
        }
    }

    /// Every row; those that can't be read are kept apart.
    pub(crate) fn rows<T>(
        &self,
        table: Table,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Cells) -> Result<T>,
    ) -> Result<Rows<T>> {
        let mut statement = self.conn.prepare_cached(sql)?;
        let mut found = statement.query(params)?;
        let mut rows = Rows::default();
        let mut columns = None;
        while let Some(row) = found.next()? {
            let columns = columns.get_or_insert_with(|| Columns::of(row));
            match read(&Cells::new(row, table, columns)) {
                Ok(value) => rows.rows.push(value),
                Err(Error::Malformed(malformed)) => rows.malformed.push(*malformed),
                Err(error) => return Err(error),
            }
        }
        Ok(rows)
    }

    /// Every row; one that can't be read is an error.
    pub(crate) fn list<T>(
        &self,
        table: Table,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Cells) -> Result<T>,
    ) -> Result<Vec<T>> {
        Ok(self.rows(table, sql, params, read)?.strict()?)
    }

    /// A whole number that the statement always returns: a count, a sum.
    pub(crate) fn number(&self, sql: &str, params: impl Params) -> Result<i64> {
        Ok(self
            .conn
            .prepare_cached(sql)?
            .query_row(params, |row| row.get(0))?)
    }
}

impl<'c> Write<'c> {
    pub(crate) fn new(conn: &'c Connection) -> Self {
        Self {
            read: Read::new(conn),
        }
    }

    /// Inserts a row; one with the same key is an error.
    pub(crate) fn insert(&self, table: &'static str, cells: &[(&str, Value)]) -> Result<i64> {
        let inserted = self.put(&insert_sql("INSERT", table, cells), cells);
        inserted.map_err(|error| exists(table, error))?;
        Ok(self.conn.last_insert_rowid())
    }

    /// Inserts a row unless its key is there. Returns whether it was inserted.
    pub(crate) fn insert_new(&self, table: &'static str, cells: &[(&str, Value)]) -> Result<bool> {
        Ok(self.put(&insert_sql("INSERT OR IGNORE", table, cells), cells)? > 0)
    }

    /// Inserts a row, or sets these columns where the key is there; other columns stay.
    pub(crate) fn upsert(&self, table: Table, cells: &[(&str, Value)]) -> Result<()> {
        let set: Vec<String> = (cells.iter().map(|(column, _)| column))
            .filter(|column| !table.key.contains(column))
            .map(|column| format!("{column} = excluded.{column}"))
            .collect();
        let insert = insert_sql("INSERT", table.name, cells);
        let sql = format!(
            "{insert} ON CONFLICT ({}) DO UPDATE SET {}",
            table.key.join(", "),
            set.join(", ")
        );
        self.put(&sql, cells)?;
        Ok(())
    }

    /// Sets columns of the row with this key, a single column.
    pub(crate) fn update(&self, table: Table, key: &str, cells: &[(&str, Value)]) -> Result<()> {
        let set: Vec<String> = (cells.iter().enumerate())
            .map(|(index, (column, _))| format!("{column} = ?{}", index + 2))
            .collect();
        let sql = format!(
            "UPDATE {} SET {} WHERE {} = ?1",
            table.name,
            set.join(", "),
            table.key[0]
        );
        let key_value = Value::from(key.to_owned());
        let values = std::iter::once(&key_value).chain(cells.iter().map(|(_, value)| value));
        let changed = self
            .conn
            .prepare_cached(&sql)?
            .execute(params_from_iter(values))?;
        if changed == 0 {
            return Err(Error::Missing {
                what: table.name,
                key: key.to_owned(),
            });
        }
        Ok(())
    }

    /// Runs a statement; returns how many rows it changed.
    pub(crate) fn run(&self, sql: &str, params: impl Params) -> Result<usize> {
        Ok(self.conn.prepare_cached(sql)?.execute(params)?)
    }

    fn put(&self, sql: &str, cells: &[(&str, Value)]) -> Result<usize> {
        let values = cells.iter().map(|(_, value)| value);
        Ok(self
            .conn
            .prepare_cached(sql)?
            .execute(params_from_iter(values))?)
    }
}

impl<'c> Deref for Write<'c> {
    type Target = Read<'c>;

    fn deref(&self) -> &Read<'c> {
        &self.read
    }
}

fn insert_sql(verb: &str, table: &str, cells: &[(&str, Value)]) -> String {
    let columns: Vec<&str> = cells.iter().map(|(column, _)| *column).collect();
    let places: Vec<String> = (1..=cells.len()).map(|place| format!("?{place}")).collect();
    format!(
        "{verb} INTO {table} ({}) VALUES ({})",
        columns.join(", "),
        places.join(", ")
    )
}

fn exists(table: &'static str, error: Error) -> Error {
    match error {
        Error::Sqlite(rusqlite::Error::SqliteFailure(failure, message))
            if matches!(
                failure.extended_code,
                ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE
            ) =>
        {
            let message = message.unwrap_or_else(|| failure.to_string());
            Error::Exists {
                what: table,
                message,
            }
        }
        error => error,
    }
}
