//! `weft vote`.

use crate::ctx::{Ctx, Outcome};
use weft_api::Request;

/// Votes.
#[derive(Debug, clap::Subcommand)]
pub enum Vote {
    /// Open a vote on how important the tasks of a name are
    #[command(after_help = "Example:\n  weft vote open nightly-train --minutes 30")]
    Open {
        /// The task's name
        name: String,
        /// How long it stays open, in minutes [default: the constitution's, 5]
        #[arg(long, value_name = "MIN", value_parser = clap::value_parser!(u32).range(1..))]
        minutes: Option<u32>,
    },
    /// Cast a ballot; a second one of the same member takes the place of the first
    #[command(
        after_help = "Example:\n  weft vote cast nightly-train high\n  weft vote cast nightly-train low --user bob@example.com"
    )]
    Cast {
        /// The vote's id, or the task's name
        poll: String,
        /// The choice: critical, high, normal, low or non-critical
        choice: String,
        /// Who votes: a member whose key this home holds [default: the home's owner]
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// Show a vote, or all that are open
    #[command(after_help = "Example:\n  weft vote show nightly-train")]
    Show {
        /// The vote's id, or the task's name [default: all open votes]
        poll: Option<String>,
    },
}

impl Vote {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell(match self {
            Self::Open { name, minutes } => Request::VoteOpen { name, minutes },
            Self::Cast { poll, choice, user } => Request::VoteCast {
                poll,
                choice,
                voter: user,
            },
            Self::Show { poll } => Request::VoteShow { poll },
        })
    }
}
