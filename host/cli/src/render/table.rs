//! Tables without lines, and aligned pairs.

use super::style::{HEAD, paint};
use anstyle::{AnsiColor, Color, Style};
use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};

/// Columns when the output is no terminal.
const WIDTH: u16 = 80;
/// The narrowest and the widest that tables are made.
const WIDTHS: (u16, u16) = (60, 160);
/// Spaces between two columns.
const GAP: u16 = 2;

/// A table. A head that starts with `>` is aligned to the right.
pub struct Rows {
    table: Table,
    right: Vec<bool>,
}

impl Rows {
    /// A table with these heads.
    pub fn new(heads: &[&str]) -> Self {
        let mut table = Table::new();
        let width = table.width().unwrap_or(WIDTH).clamp(WIDTHS.0, WIDTHS.1);
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(width);
        table.enforce_styling();
        // Not the padding, which is cut at the end of a line.
        table.style_text_only();
        let right: Vec<bool> = heads.iter().map(|head| head.starts_with('>')).collect();
        let head =
            |text: &&str| Cell::new(text.trim_start_matches('>')).add_attribute(Attribute::Bold);
        let mut rows = Self { table, right };
        let cells = heads.iter().map(head).collect();
        let cells = rows.aligned(cells);
        rows.table.set_header(cells);
        rows
    }

    /// Adds a row; see [`plain`] and [`styled`].
    pub fn push(&mut self, cells: Vec<Cell>) {
        let cells = self.aligned(cells);
        self.table.add_row(cells);
    }

    fn aligned(&self, cells: Vec<Cell>) -> Vec<Cell> {
        let align = |(cell, right): (Cell, &bool)| {
            if *right {
                cell.set_alignment(CellAlignment::Right)
            } else {
                cell
            }
        };
        cells.into_iter().zip(&self.right).map(align).collect()
    }

    /// The table as text, each line ended.
    pub fn text(mut self) -> String {
        for column in self.table.column_iter_mut() {
            column.set_padding((0, GAP));
        }
        let lines = self.table.to_string();
        lines
            .lines()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect()
    }
}

/// A cell.
pub fn plain(text: impl ToString) -> Cell {
    Cell::new(text)
}

/// A cell in a style of [`super::style`].
pub fn styled(style: Style, text: impl ToString) -> Cell {
    let text = text.to_string();
    // A style around nothing would keep the padding before it at the end of a line.
    if text.is_empty() {
        return plain(text);
    }
    let cell = match style.get_fg_color() {
        Some(Color::Ansi(AnsiColor::Green)) => plain(text).fg(comfy_table::Color::DarkGreen),
        Some(Color::Ansi(AnsiColor::Yellow)) => plain(text).fg(comfy_table::Color::DarkYellow),
        Some(Color::Ansi(AnsiColor::Red)) => plain(text).fg(comfy_table::Color::DarkRed),
        _ => plain(text),
    };
    if style.get_effects().contains(anstyle::Effects::DIMMED) {
        return cell.add_attribute(Attribute::Dim);
    }
    cell
}

/// Aligned pairs, indented; a pair whose value is empty is left out, further lines of a value hang below it.
pub fn pairs(pairs: &[(&str, String)]) -> String {
    let shown = pairs.iter().filter(|(_, value)| !value.is_empty());
    let width = shown
        .clone()
        .map(|(key, _)| key.chars().count())
        .max()
        .unwrap_or(0);
    let line = |(key, value): &(&str, String)| {
        let value = value.replace('\n', &format!("\n  {:width$}  ", ""));
        format!("  {key:width$}  {value}\n")
    };
    shown.map(line).collect()
}

/// A heading on a line of its own, with an empty one before.
pub fn heading(text: &str) -> String {
    format!("\n{}\n", paint(HEAD, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::style::{BAD, DIM, GOOD};

    fn bare(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn columns_line_up_without_lines_or_trailing_spaces() {
        let mut rows = Rows::new(&["NAME", ">N", "WHY"]);
        rows.push(vec![plain("a"), plain(7), styled(DIM, "")]);
        rows.push(vec![plain("longer"), plain(1234), styled(GOOD, "yes")]);
        rows.push(vec![plain("b"), plain(1), styled(BAD, "no")]);
        assert_eq!(
            bare(&rows.text()),
            "NAME       N  WHY\na          7\nlonger  1234  yes\nb          1  no\n"
        );
    }

    #[test]
    fn empty_pairs_are_left_out_and_lines_hang() {
        let text = pairs(&[
            ("peer", "self".into()),
            ("longest", String::new()),
            ("output", "a\nb".into()),
        ]);
        assert_eq!(text, "  peer    self\n  output  a\n          b\n");
    }
}
