//! `weft tier`.

use crate::ctx::{Ctx, Outcome};
use crate::parse;
use weft_api::Request;

/// Tiers.
#[derive(Debug, clap::Subcommand)]
pub enum Tier {
    /// Show tiers, what they rest on, and what was used today
    #[command(after_help = "Example:\n  weft tier show --user bob@example.com")]
    Show {
        /// Whose [default: everyone's]
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
    },
    /// Record a donation; it is a signed event of an admin's
    #[command(after_help = "Example:\n  weft tier donate --user bob@example.com --amount 20")]
    Donate {
        /// Who gave [default: the home's owner]
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// How much, in the community's currency
        #[arg(long, value_name = "AMOUNT", value_parser = parse::amount)]
        amount: f64,
        /// The admin who records it [default: the home's owner]
        #[arg(long, value_name = "NAME")]
        by: Option<String>,
    },
}

impl Tier {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell(match self {
            Self::Show { user } => Request::TierShow { user },
            Self::Donate { user, amount, by } => Request::TierDonate {
                user: user.unwrap_or_default(),
                amount,
                by,
            },
        })
    }
}
