//! `weft user`: an owner's own rules.

mod hours;
mod rules;

use crate::ctx::{Ctx, Outcome};
use weft_api::Request;

/// An owner's rules.
#[derive(Debug, clap::Subcommand)]
pub enum User {
    Set(Set),
    /// Show an owner's rest, zone and exceptions
    #[command(after_help = "Example:\n  weft user show")]
    Show {
        /// Whose [default: the home's owner]
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// Hours in which tasks may run; none set: any time
    #[command(subcommand)]
    Hours(hours::Hours),
    /// Ethical rules: what is never run, or only with a warning
    #[command(subcommand)]
    Rules(rules::Rules),
}

/// Set an owner's rest, zone and exceptions; what is not given stays as it is
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft user set --idle-minutes 10 --timezone Europe/Berlin")]
pub struct Set {
    /// Whose [default: the home's owner]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// Rest of this device between two tasks, in minutes; 0 for none
    #[arg(long, value_name = "MIN")]
    idle_minutes: Option<u32>,

    /// The zone of the hours, as an IANA name such as Europe/Berlin
    #[arg(long, value_name = "ZONE")]
    timezone: Option<String>,

    /// Whether critical tasks pass the hours
    #[arg(long, value_name = "true|false")]
    critical_any_hour: Option<bool>,

    /// Whether critical tasks pass the rest
    #[arg(long, value_name = "true|false")]
    critical_any_idle: Option<bool>,
}

impl User {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        match self {
            Self::Set(set) => ctx.tell(Request::UserSet {
                user: set.user.unwrap_or_default(),
                idle_minutes: set.idle_minutes,
                timezone: set.timezone,
                critical_any_hour: set.critical_any_hour,
                critical_any_idle: set.critical_any_idle,
            }),
            Self::Show { user } => ctx.tell(Request::UserShow {
                user: user.unwrap_or_default(),
            }),
            Self::Hours(verb) => verb.run(ctx),
            Self::Rules(verb) => verb.run(ctx),
        }
    }
}
