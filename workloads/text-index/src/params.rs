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
    /// What is searched for; none: the index is brought up to date.
    pub query: Option<String>,
    /// Passages that a search gives.
    pub top: u32,
    /// Passages that are embedded in this run; what is left is for the next one.
    pub at_most: u32,
    /// The host's: which model turns texts into vectors.
    #[serde(rename = "model")]
    _model: Option<String>,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            query: None,
            top: limits::TOP,
            at_most: limits::AT_MOST,
            _model: None,
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
            JobError::BadParams(format!("the params are not what text-index takes: {e}"))
        })?;
        params.check().map_err(JobError::BadParams)?;
        Ok(params)
    }

    fn check(&self) -> Result<(), String> {
        if let Some(query) = &self.query {
            if query.trim().is_empty() {
                return Err("`query` is empty: say what is searched for, or leave it out".into());
            }
            if query.len() > limits::QUERY_BYTES {
                let (found, most) = (query.len(), limits::QUERY_BYTES);
                return Err(format!("`query` has {found} bytes, give at most {most}"));
            }
        }
        if !(1..=limits::TOP_MOST).contains(&self.top) {
            let most = limits::TOP_MOST;
            return Err(format!("`top` is {}, give 1 to {most}", self.top));
        }
        let most = limits::PASSAGES as u32;
        if !(1..=most).contains(&self.at_most) {
            return Err(format!("`at_most` is {}, give 1 to {most}", self.at_most));
        }
        Ok(())
    }
}
