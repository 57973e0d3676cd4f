//! `weft watch`: what happens, as it happens.

use crate::ctx::{Ctx, Outcome};
use crate::exit::Exit;
use crate::render;
use std::time::Duration;
use weft_api::{ApiError, Client, Request, Response};

/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(500);

/// Follow what happens, one line each, until Ctrl-C
///
/// Shows the feed (plugins, votes, peers, alarms) and what tasks become: time, kind, subject, message. Nothing is left out
/// between two looks. Needs a daemon; without one nothing happens by itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  weft watch\n  weft watch -n 20 --json")]
pub struct Watch {
    /// Begin with the last N entries of the feed, and as many changes of tasks; at most 500
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 0)]
    last: u32,
}

impl Watch {
    /// Asks the daemon again and again.
    ///
    /// # Errors
    /// `not-found` without a daemon, `unavailable` when it ends.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let daemon = Client::of_daemon(ctx.home()).ok_or_else(|| {
            let home = ctx.home().display();
            ApiError::new(
                "not-found",
                format!("no daemon serves `{home}`, so there is nothing to follow"),
                format!("weft --home {home} start"),
            )
        })?;
        let mut place = None;
        loop {
            let request = Request::Happened {
                after: place,
                last: self.last,
            };
            let Response::Happened(report) = daemon.call(request)? else {
                return Err(ApiError::new(
                    "internal",
                    "internal: another answer came",
                    "report this",
                ));
            };
            for entry in &report.entries {
                if !render::line(&render::happened(entry, ctx.json())?)? {
                    return Ok(Exit::Ok);
                }
            }
            if place.is_none() && !ctx.json() {
                ctx.note("following; Ctrl-C ends");
            }
            place = Some(report.place);
            if !report.more {
                std::thread::sleep(LOOK);
            }
        }
    }
}
