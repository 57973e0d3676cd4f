//! `weft carbon`.

use crate::ctx::{Ctx, Outcome};
use crate::parse;
use weft_api::Request;

/// Carbon.
#[derive(Debug, clap::Subcommand)]
pub enum Carbon {
    /// Sum up the grams of CO2 emitted and avoided, and how well they are known
    #[command(after_help = "Example:\n  weft carbon report --month 2026-11")]
    Report {
        /// The month, YYYY-MM [default: all time]
        #[arg(long, value_name = "MONTH", value_parser = parse::month)]
        month: Option<String>,
    },
}

impl Carbon {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let Self::Report { month } = self;
        ctx.tell(Request::CarbonReport { month })
    }
}
