//! What a build gave.

use super::style::{BAD, GOOD, HEAD, bytes, count, paint};
use super::table::{Rows, plain};
use std::fmt::Display;
use weft_build::Built;
use weft_build::bundle::Lock;

/// A finished component; `next`: the command that installs it.
pub fn built(built: &Built, next: &str) -> String {
    let d = &built.descriptor;
    let vectors = match d.vectors.len() {
        0 => String::new(),
        n => format!(", {}", count(n, "golden vector")),
    };
    let path = built.path.display().to_string();
    format!("built {} ({})\n", paint(HEAD, &path), bytes(built.size))
        + &format!(
            "  {} {} for {}{vectors}\nnext: {next}\n",
            d.name, d.version, d.world
        )
}

/// A renewed bundle.
pub fn bundle(lock: &Lock) -> String {
    let mut rows = Rows::new(&["COMPONENT", "FOR", ">BYTES"]);
    for c in &lock.components {
        rows.push(vec![plain(&c.name), plain(&c.kind), plain(c.size)]);
    }
    format!(
        "{}{} built with {}\n",
        rows.text(),
        count(lock.components.len(), "component"),
        lock.compiler
    )
}

/// A compared bundle: what differs, by component.
pub fn bundle_check<T: Display>(differences: impl Iterator<Item = (T, T)>) -> String {
    let lines: Vec<String> = differences
        .map(|(name, what)| format!("  {name}: {what}\n"))
        .collect();
    if lines.is_empty() {
        return format!(
            "{}: the bundle is what its sources give\n",
            paint(GOOD, "equal")
        );
    }
    format!(
        "{}: {}\n{}",
        paint(BAD, "differs"),
        count(lines.len(), "difference"),
        lines.concat()
    )
}
