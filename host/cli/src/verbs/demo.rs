//! `weft demo`.

use crate::ctx::{Ctx, Outcome};
use std::path::PathBuf;

/// Play a day of a small community, in a home of its own that is removed afterwards
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  weft demo\n  weft demo --keep /tmp/demo && weft --home /tmp/demo status"
)]
pub struct Demo {
    /// Play it in this folder, and leave it there for a look
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

impl Demo {
    /// Plays it.
    ///
    /// # Errors
    /// When a step of the story does not end as told.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        crate::demo::run(ctx, self.keep)
    }
}
