//! The demo's story.

use crate::ctx::{Ctx, Outcome};
use std::path::PathBuf;
use weft_api::ApiError;

/// Plays the story; `keep`: the home to play it in, and to leave for a look.
pub fn run(_ctx: &Ctx, _keep: Option<PathBuf>) -> Outcome {
    Err(ApiError::new("unavailable", "not available yet", ""))
}
