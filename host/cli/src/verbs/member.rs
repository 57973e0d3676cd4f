//! `weft member`.

use crate::ctx::{Ctx, Outcome};
use weft_api::Request;

/// Members.
#[derive(Debug, clap::Subcommand)]
pub enum Member {
    /// Add a member; without a key, one is made and kept in this home
    #[command(
        after_help = "Example:\n  weft member add bob@example.com\n  weft member add eve@example.com --did did:key:z6Mk… --role guest"
    )]
    Add {
        /// The member's name
        #[arg(value_name = "NAME")]
        user: String,
        /// The member's public key [default: a new key, kept in this home]
        #[arg(long)]
        did: Option<String>,
        /// What the member may do: admins and members vote, guests submit and see their own
        #[arg(long, default_value = "member", value_parser = ["admin", "member", "guest"])]
        role: String,
    },
    /// List the members and their keys
    #[command(after_help = "Example:\n  weft member list")]
    List,
}

impl Member {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell(match self {
            Self::Add { user, did, role } => Request::MemberAdd { user, did, role },
            Self::List => Request::MemberList,
        })
    }
}
