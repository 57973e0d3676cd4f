//! The output: what stands in it and in which order.
//!
//! Templates are sorted by count, the largest first, then by id; outliers by count, the smallest first, then by id.

use crate::limits;
use crate::params::Params;
use serde::Serialize;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The whole output, after the assignments where they were asked for.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Lines read, blank ones included.
    pub lines: u64,
    /// Bytes read, line endings included.
    pub bytes: u64,
    /// Lines of white space alone; they belong to no template.
    pub blank_lines: u64,
    /// Lines longer than `max_line_bytes`.
    pub truncated_lines: u64,
    /// Lines with more than `max_tokens` tokens.
    pub token_capped_lines: u64,
    /// Lines that are not UTF-8 in the part kept.
    pub invalid_utf8_lines: u64,
    /// Lines per level found; null if no line states one.
    pub levels: Option<BTreeMap<&'static str, u64>>,
    /// Lines that needed a template when there was no room for one more; null if none did.
    pub overflow: Option<Overflow>,
    /// When a template is an outlier.
    pub outlier_rule: OutlierRule,
    /// How many templates there are.
    pub template_count: usize,
    /// The templates.
    pub templates: Vec<Template>,
    /// Those that are rare.
    pub outliers: Vec<Outlier>,
    /// The params in force.
    pub params: Params,
}

/// A template and what is known of its lines.
#[derive(Clone, Debug, Serialize)]
pub struct Template {
    /// From 1, in order of first appearance.
    pub id: u64,
    /// Its tokens, joined by one space.
    pub template: Rc<str>,
    /// Lines that belong to it.
    pub count: u64,
    /// Number of its first line, from 1.
    pub first_line: u64,
    /// Number of its last line.
    pub last_line: u64,
    /// The timestamp of its first line that has one, as it stands there.
    pub first_seen: Option<String>,
    /// The timestamp of its last line that has one.
    pub last_seen: Option<String>,
    /// Its first line, at most `max_example_bytes`; bytes that are not UTF-8 are replaced.
    pub example: String,
}

/// A rare template; the rest of it stands among the templates.
#[derive(Clone, Debug, Serialize)]
pub struct Outlier {
    /// Its template's id.
    pub id: u64,
    /// Its template.
    pub template: Rc<str>,
    /// Lines that belong to it.
    pub count: u64,
    /// Number of its first line, from 1.
    pub first_line: u64,
}

/// Lines without room for their template.
#[derive(Clone, Debug, Serialize)]
pub struct Overflow {
    /// How many.
    pub lines: u64,
    /// Number of the first one, from 1.
    pub first_line: u64,
    /// Number of the last one.
    pub last_line: u64,
    /// The first one, cut like a template's example.
    pub example: String,
}

/// When a template is an outlier.
#[derive(Clone, Debug, Serialize)]
pub struct OutlierRule {
    /// The rule in words.
    pub rule: &'static str,
    /// The param `outlier_share`.
    pub share: f64,
    /// The largest count that is an outlier here; 0: none is.
    pub max_count: u64,
}

impl OutlierRule {
    /// The rule applied to a log of that many lines, blank ones not counted.
    pub fn new(share: f64, lines: u64) -> Self {
        let max_count = if lines < limits::OUTLIER_LINES {
            0
        } else {
            ((share * lines as f64) as u64).max(1)
        };
        Self {
            rule: "count is at most share x lines that are not blank, rounded down, and 1 at least; \
                   below 20 lines there are no outliers",
            share,
            max_count,
        }
    }
}

impl Report {
    /// Sorts the templates and picks the outliers.
    pub fn arrange(&mut self) {
        self.templates
            .sort_unstable_by_key(|t| (std::cmp::Reverse(t.count), t.id));
        self.template_count = self.templates.len();
        self.outliers = self
            .templates
            .iter()
            .filter(|t| t.count <= self.outlier_rule.max_count)
            .map(|t| Outlier {
                id: t.id,
                template: Rc::clone(&t.template),
                count: t.count,
                first_line: t.first_line,
            })
            .collect();
        self.outliers.sort_unstable_by_key(|o| (o.count, o.id));
    }

    /// One line for a person.
    pub fn summary(&self) -> String {
        let mut text = format!(
            "{} lines in {} templates, {} of them rare",
            self.lines,
            self.template_count,
            self.outliers.len()
        );
        let notes = [
            (self.truncated_lines, "cut at the byte cap"),
            (self.token_capped_lines, "cut at the token cap"),
            (self.invalid_utf8_lines, "not UTF-8"),
            (
                self.overflow.as_ref().map_or(0, |o| o.lines),
                "without room for their template",
            ),
        ];
        for (count, what) in notes {
            if count > 0 {
                text.push_str(&format!("; {count} lines {what}"));
            }
        }
        text
    }
}
