//! `weft decision`.

use crate::ctx::{Ctx, Outcome};
use weft_api::Request;

/// Decisions, by the CID of their record.
#[derive(Debug, clap::Subcommand)]
pub enum Decision {
    /// Print a decision's record: all that it depended on, and what each plugin answered
    #[command(after_help = "Example:\n  weft decision show bafyrei…")]
    Show {
        /// CID of the record, whole
        cid: String,
    },
    /// Run a decision again from its record, and compare; exit code 7 when it differs
    ///
    /// Checks that the record's bytes hash to its CID, calls every plugin again, and compares each answer and the
    /// outcome.
    #[command(after_help = "Example:\n  weft decision verify bafyrei…")]
    Verify {
        /// CID of the record, whole
        cid: String,
    },
}

impl Decision {
    /// Asks for it.
    ///
    /// # Errors
    /// `not-found` when there is no such record.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell(match self {
            Self::Show { cid } => Request::DecisionShow { cid },
            Self::Verify { cid } => Request::DecisionVerify { cid },
        })
    }
}
