//! `weft receipt`.

use crate::ctx::{Ctx, Outcome, absolute_text};
use crate::parse;
use std::path::PathBuf;
use weft_api::Request;

/// Receipts, by their CID.
#[derive(Debug, clap::Subcommand)]
pub enum Receipt {
    /// Show what a receipt claims and what it took, once its signature holds
    #[command(after_help = "Example:\n  weft receipt show bafyrei…")]
    Show {
        /// Its CID, whole
        cid: String,
    },
    Verify(Verify),
}

/// Run what a receipt is of again, here, and compare; exit code 7 when it differs
///
/// Component, input, params and model are those of the receipt, by their CIDs; output and fuel must be the same. Whose
/// device did it does not matter.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  weft receipt verify bafyrei…\n  weft receipt verify bafyrei… --input texts.txt"
)]
pub struct Verify {
    /// Its CID, whole
    cid: String,
    /// The input [default: that of the task, where it is one of this home]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The params: a JSON object, or @FILE with one in it [default: those of the task]
    #[arg(long, value_name = "JSON|@FILE", value_parser = parse::object)]
    params: Option<String>,
}

impl Receipt {
    /// Asks for it.
    ///
    /// # Errors
    /// `not-found` when there is no such receipt; what is missing to run it again.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        match self {
            Self::Show { cid } => ctx.tell(Request::ReceiptShow { cid }),
            Self::Verify(Verify { cid, input, params }) => {
                let input = input.map(|path| absolute_text(&path)).transpose()?;
                let request = Request::ReceiptVerify { cid, input, params };
                ctx.tell_slowly("running it again", request)
            }
        }
    }
}
