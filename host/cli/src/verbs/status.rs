//! `weft status`.

use crate::ctx::{Ctx, Outcome};
use weft_api::Request;

/// The node at a glance: who, what serves each slot, tasks, energy, settings and where each came from
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft status\n  weft status --json | jq .tasks")]
pub struct Status {}

impl Status {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell(Request::Status)
    }
}
