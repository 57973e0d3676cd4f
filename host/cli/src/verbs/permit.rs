//! `weft permit`.

use crate::ctx::{Ctx, Outcome};
use weft_api::Request;

/// Permits.
#[derive(Debug, clap::Subcommand)]
pub enum Permit {
    /// Let peers run a user's tasks of a name; no permit means no
    #[command(
        after_help = "Example:\n  weft permit add --task log-digest --peer solar-roof\n  weft permit add --task '*' --user '*'"
    )]
    Add(Row),
    /// List the permits
    #[command(after_help = "Example:\n  weft permit list")]
    List,
    /// Take a permit back
    #[command(after_help = "Example:\n  weft permit remove --task log-digest --peer solar-roof")]
    Remove(Row),
}

/// Who may run what for whom.
#[derive(Debug, clap::Args)]
pub struct Row {
    /// Whose tasks; * for everyone's [default: the home's owner]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// The task's name; * for any
    #[arg(long, value_name = "NAME")]
    task: String,

    /// The peer's id or alias; * for any [default: *]
    #[arg(long, value_name = "PEER")]
    peer: Option<String>,
}

impl Permit {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell(match self {
            Self::Add(Row { user, task, peer }) => Request::PermitAdd {
                user: user.unwrap_or_default(),
                task,
                peer,
            },
            Self::List => Request::PermitList,
            Self::Remove(Row { user, task, peer }) => Request::PermitRemove {
                user: user.unwrap_or_default(),
                task,
                peer,
            },
        })
    }
}
