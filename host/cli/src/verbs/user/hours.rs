//! `weft user hours`.

use crate::ctx::{Ctx, Outcome};
use crate::parse;
use weft_api::Request;

/// An owner's hours.
#[derive(Debug, clap::Subcommand)]
pub enum Hours {
    Add(Add),
    /// List the hours
    #[command(after_help = "Example:\n  weft user hours list")]
    List {
        /// Whose [default: the home's owner]
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// Remove a window
    #[command(after_help = "Example:\n  weft user hours remove night")]
    Remove {
        /// The window's id, as `weft user hours list` shows it
        id: String,
        /// Whose [default: the home's owner]
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
}

/// Add a window in which tasks may run
///
/// Times are of the owner's zone. A window may cross midnight; it then belongs to the day on which it starts. The end
/// is exclusive; 24:00 is the end of the day.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  weft user hours add --from 22:00 --until 07:00
  weft user hours add --from 09:00 --until 24:00 --day sun --id sunday")]
pub struct Add {
    /// Whose [default: the home's owner]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// First minute, HH:MM
    #[arg(long, value_name = "HH:MM")]
    from: String,

    /// End, HH:MM, exclusive
    #[arg(long, value_name = "HH:MM")]
    until: String,

    /// The day on which it starts: sun to sat, or 0 to 6 from Sunday [default: every day]
    #[arg(long, value_name = "DAY", value_parser = parse::day)]
    day: Option<u8>,

    /// Its id, unique among the owner's [default: one is made]
    #[arg(long)]
    id: Option<String>,

    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl Hours {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell(match self {
            Self::Add(add) => Request::HoursAdd {
                user: add.user.unwrap_or_default(),
                id: add.id,
                day: add.day,
                from: add.from,
                until: add.until,
                description: add.description,
            },
            Self::List { user } => Request::HoursList {
                user: user.unwrap_or_default(),
            },
            Self::Remove { id, user } => Request::HoursRemove {
                user: user.unwrap_or_default(),
                id,
            },
        })
    }
}
