//! `weft log`.

use crate::ctx::{Ctx, Outcome, absolute_text};
use std::path::PathBuf;
use weft_api::{NetworkRequest, Request};

/// The community's log of signed events.
#[derive(Debug, clap::Subcommand)]
pub enum Log {
    /// Show the newest events
    #[command(after_help = "Example:\n  weft log tail -n 50")]
    Tail {
        /// How many
        #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 20)]
        count: u32,
    },
    /// Show one event and what it says
    #[command(after_help = "Example:\n  weft log show bafyrei…")]
    Show {
        /// The event's CID
        event: String,
    },
    /// Check every event: CID, signature, links; and fold them anew
    #[command(after_help = "Example:\n  weft log verify")]
    Verify,
    /// Show the log in figures
    #[command(after_help = "Example:\n  weft log stats")]
    Stats,
    /// Write all events to a file, one JSON object per line
    #[command(after_help = "Example:\n  weft log export events.jsonl")]
    Export {
        /// A file that is not there yet
        file: PathBuf,
    },
}

impl Log {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell(Request::Network(match self {
            Self::Tail { count } => NetworkRequest::LogTail { limit: count },
            Self::Show { event } => NetworkRequest::LogShow { event },
            Self::Verify => NetworkRequest::LogVerify,
            Self::Stats => NetworkRequest::LogStats,
            Self::Export { file } => NetworkRequest::LogExport {
                path: absolute_text(&file)?,
            },
        }))
    }
}
