//! Rows of figures: a table for people, JSON lines for programs.

use crate::measure::Figures;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The figures of one benchmark.
#[derive(Debug)]
pub struct Report {
    name: &'static str,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    what: String,
    /// In the order in which they are shown.
    values: Vec<(&'static str, f64)>,
    reach: Option<Reach>,
}

#[derive(Debug)]
struct Reach {
    value: &'static str,
    at_most: f64,
}

impl Report {
    /// An empty one; `name` is the benchmark's.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            rows: Vec::new(),
        }
    }

    /// Adds times of one call, in microseconds.
    pub fn times(&mut self, what: &str, figures: Figures) -> &mut Self {
        let us = |ns: u64| ns as f64 / 1e3;
        self.values(
            what,
            &[
                ("median_us", us(figures.median_ns)),
                ("min_us", us(figures.min_ns)),
                ("p99_us", us(figures.p99_ns)),
                ("max_us", us(figures.max_ns)),
                ("samples", figures.samples as f64),
            ],
        )
    }

    /// Adds any values; a value's name ends in its unit.
    pub fn values(&mut self, what: &str, values: &[(&'static str, f64)]) -> &mut Self {
        self.rows.push(Row {
            what: what.to_owned(),
            values: values.to_vec(),
            reach: None,
        });
        self
    }

    /// Adds a value to the last row.
    pub fn and(&mut self, name: &'static str, value: f64) -> &mut Self {
        if let Some(row) = self.rows.last_mut() {
            row.values.push((name, value));
        }
        self
    }

    /// Says what the last row's value is to be at most.
    pub fn reach(&mut self, value: &'static str, at_most: f64) -> &mut Self {
        if let Some(row) = self.rows.last_mut() {
            row.reach = Some(Reach { value, at_most });
        }
        self
    }

    /// Prints the table and writes `target/weft-bench/NAME.json`, one object per line.
    ///
    /// # Panics
    /// When the file can't be written.
    pub fn finish(&self) {
        println!("{}", self.table());
        let folder = target_dir().join("weft-bench");
        let file = folder.join(format!("{}.json", self.name));
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&file, self.json()))
            .unwrap_or_else(|e| panic!("can't write `{}`: {e}", file.display()));
    }

    fn table(&self) -> String {
        let mut out = format!("## {}\n\n", self.name);
        for row in &self.rows {
            let _ = write!(out, "{:<44}", row.what);
            for (name, value) in &row.values {
                let _ = write!(out, "  {name} {}", shown(*value));
            }
            if let Some(reach) = &row.reach {
                let said = if self.reached(row) {
                    "reached"
                } else {
                    "MISSED"
                };
                let _ = write!(
                    out,
                    "  [{} <= {}: {said}]",
                    reach.value,
                    shown(reach.at_most)
                );
            }
            out.push('\n');
        }
        out
    }

    fn json(&self) -> String {
        let mut out = String::new();
        for row in &self.rows {
            let _ = write!(
                out,
                "{{\"bench\":{},\"what\":{}",
                quoted(self.name),
                quoted(&row.what)
            );
            for (name, value) in &row.values {
                let _ = write!(out, ",{}:{value}", quoted(name));
            }
            if let Some(reach) = &row.reach {
                let _ = write!(
                    out,
                    ",\"at_most\":{{{}:{}}},\"reached\":{}",
                    quoted(reach.value),
                    reach.at_most,
                    self.reached(row)
                );
            }
            out.push_str("}\n");
        }
        out
    }

    fn reached(&self, row: &Row) -> bool {
        row.reach.as_ref().is_none_or(|reach| {
            row.values
                .iter()
                .any(|(name, value)| *name == reach.value && *value <= reach.at_most)
        })
    }
}

/// Cargo's target folder, found from the running program: `TARGET/PROFILE/deps/PROGRAM`.
///
/// # Panics
/// When the program does not lie in one.
pub fn target_dir() -> PathBuf {
    let own = std::env::current_exe().expect("a program knows its own path");
    own.ancestors()
        .nth(3)
        .map(Path::to_path_buf)
        .expect("a benchmark lies in a target folder")
}

fn shown(value: f64) -> String {
    if value != 0.0 && value.abs() < 100.0 && value.fract() != 0.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.0}")
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_becomes_one_line_of_json_with_what_was_to_be_reached() {
        let mut report = Report::new("x");
        report.values("a \"b\"", &[("ms", 1.5)]).reach("ms", 2.0);
        report.values("c", &[("ms", 3.0)]).reach("ms", 2.0);
        assert_eq!(
            report.json(),
            "{\"bench\":\"x\",\"what\":\"a \\\"b\\\"\",\"ms\":1.5,\"at_most\":{\"ms\":2},\"reached\":true}\n\
             {\"bench\":\"x\",\"what\":\"c\",\"ms\":3,\"at_most\":{\"ms\":2},\"reached\":false}\n"
        );
        assert!(report.table().contains("MISSED"));
    }
}
