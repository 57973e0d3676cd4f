//! What a run can be told, its defaults and its ranges. An unknown or impossible field is refused by name.

use crate::limits;
use serde::Deserialize;
use weft_sdk::workload::JobError;

/// The JSON Schema of [`Params`], for people and for `describe`.
pub const SCHEMA: &str = include_str!("../params.schema.json");

/// The params of a run; every field has a default.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Names of the logs: `*` stands for any characters, `?` for one; a leading dot must be written.
    pub pattern: String,
    /// Archives kept of each log.
    pub keep: u32,
    /// Logs smaller than this are left alone, in bytes.
    pub min_bytes: u64,
    /// Archives older than this many days, by file time, are removed; none: age doesn't matter.
    pub max_age_days: Option<u32>,
    /// Whether archives are gzip files.
    pub compress: bool,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            pattern: "*.log".into(),
            keep: limits::KEEP,
            min_bytes: limits::MIN_BYTES,
            max_age_days: None,
            compress: true,
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
            JobError::BadParams(format!("the params are not what log-rotation takes: {e}"))
        })?;
        params.check().map_err(JobError::BadParams)?;
        Ok(params)
    }

    fn check(&self) -> Result<(), String> {
        let pattern = &self.pattern;
        if pattern.is_empty() || pattern.len() > limits::PATTERN_BYTES {
            return Err(format!(
                "`pattern` has {} bytes, give 1 to {}",
                pattern.len(),
                limits::PATTERN_BYTES
            ));
        }
        if let Some(c) = pattern
            .chars()
            .find(|c| "/\\[]{}".contains(*c) || c.is_control())
        {
            return Err(format!(
                "`pattern` has {c:?}: it names files of the granted directory alone, with `*` and `?`"
            ));
        }
        let (least, most) = limits::KEEP_RANGE;
        if !(least..=most).contains(&self.keep) {
            return Err(format!("`keep` is {}, give {least} to {most}", self.keep));
        }
        match self.max_age_days {
            Some(days) if !(1..=limits::MAX_AGE_DAYS).contains(&days) => Err(format!(
                "`max_age_days` is {days}, give 1 to {}",
                limits::MAX_AGE_DAYS
            )),
            _ => Ok(()),
        }
    }
}
