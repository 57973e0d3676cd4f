//! What a run can be told, its defaults and its ranges. An unknown or impossible field is refused by name.

use crate::limits;
use serde::{Deserialize, Serialize};
use weft_sdk::workload::JobError;

/// The JSON Schema of [`Params`], for people and for `describe`.
pub const SCHEMA: &str = include_str!("../params.schema.json");

/// The params of a run; every field has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Levels of the tree: 3 groups by token count alone, 4 also by the first token, 5 by the first two, and so on.
    pub depth: usize,
    /// Share of equal tokens, 0 to 1, from which a line belongs to a template.
    pub similarity: f64,
    /// Children of a tree node, the wildcard among them.
    pub max_children: usize,
    /// Templates kept; lines that would need one more are counted as overflow.
    pub max_templates: usize,
    /// Bytes of templates, examples and their index; beyond, lines that need a new template are overflow too.
    pub max_memory_bytes: usize,
    /// Bytes kept of one line.
    pub max_line_bytes: usize,
    /// Tokens compared of one line.
    pub max_tokens: usize,
    /// Bytes kept of a template's example.
    pub max_example_bytes: usize,
    /// Share of all lines, 0 to 1, up to which a template is an outlier.
    pub outlier_share: f64,
    /// Whether the output begins with the template's id of every line.
    pub assignments: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            depth: limits::DEPTH,
            similarity: limits::SIMILARITY,
            max_children: limits::CHILDREN,
            max_templates: limits::TEMPLATES,
            max_memory_bytes: limits::MEMORY_BYTES,
            max_line_bytes: limits::LINE_BYTES,
            max_tokens: limits::LINE_TOKENS,
            max_example_bytes: limits::EXAMPLE_BYTES,
            outlier_share: limits::OUTLIER_SHARE,
            assignments: false,
        }
    }
}

impl Params {
    /// Reads params; an empty text means the defaults.
    ///
    /// # Errors
    /// [`JobError::BadParams`] names the field that is unknown, of the wrong type or out of its range.
    pub fn parse(text: &str) -> Result<Self, JobError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let params: Self = serde_json::from_str(text).map_err(|e| {
            JobError::BadParams(format!("the params are not what log-digest takes: {e}"))
        })?;
        params.check()?;
        Ok(params)
    }

    fn check(&self) -> Result<(), JobError> {
        let counts = [
            ("depth", self.depth, limits::DEPTH_RANGE),
            ("max_children", self.max_children, limits::CHILDREN_RANGE),
            ("max_templates", self.max_templates, limits::TEMPLATES_RANGE),
            (
                "max_memory_bytes",
                self.max_memory_bytes,
                limits::MEMORY_BYTES_RANGE,
            ),
            (
                "max_line_bytes",
                self.max_line_bytes,
                limits::LINE_BYTES_RANGE,
            ),
            ("max_tokens", self.max_tokens, limits::LINE_TOKENS_RANGE),
            (
                "max_example_bytes",
                self.max_example_bytes,
                limits::EXAMPLE_BYTES_RANGE,
            ),
        ];
        for (name, value, (least, most)) in counts {
            if !(least..=most).contains(&value) {
                return Err(JobError::BadParams(format!(
                    "`{name}` is {value}, give {least} to {most}"
                )));
            }
        }
        for (name, value) in [
            ("similarity", self.similarity),
            ("outlier_share", self.outlier_share),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return Err(JobError::BadParams(format!(
                    "`{name}` is {value}, give 0 to 1"
                )));
            }
        }
        Ok(())
    }
}
