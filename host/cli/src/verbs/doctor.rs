//! `weft doctor`.

use crate::ctx::{Ctx, Outcome};
use weft_api::Request;

/// Look for what is broken, and say what to do; exit code 1 when something is
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft doctor")]
pub struct Doctor {}

impl Doctor {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell_slowly("looking", Request::Doctor)
    }
}
