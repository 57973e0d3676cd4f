//! `weft stop`.

use crate::ctx::{Ctx, Outcome};
use weft_api::{ApiError, Client, Request};

/// Stop the daemon of this home
///
/// It ends within 5 seconds. Jobs and transfers are broken off; the next `weft start` takes up what ran, was queued or was
/// deferred.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft stop")]
pub struct Stop {}

impl Stop {
    /// Asks the daemon to end; opens no node to do so.
    ///
    /// # Errors
    /// `not-found` when none runs.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let daemon = Client::of_daemon(ctx.home()).ok_or_else(|| {
            ApiError::new(
                "not-found",
                format!("no daemon serves `{}`", ctx.home().display()),
                "",
            )
        })?;
        ctx.show(&daemon.call(Request::Stop)?)
    }
}
