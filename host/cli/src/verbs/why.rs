//! `weft why`.

use crate::ctx::{Ctx, Outcome};
use weft_api::Request;

/// Tell why a task ran here, ran elsewhere, waits or was refused
///
/// Shows the request, what each plugin said (with the fuel and the microseconds that it took), the ranking of the
/// candidates and the task's history.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft task list\n  weft why TASK")]
pub struct Why {
    /// The task's id, as `weft task list` shows it
    task: String,
}

impl Why {
    /// Asks for it.
    ///
    /// # Errors
    /// `not-found` when there is no such task.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell(Request::Why { task: self.task })
    }
}
