//! `weft mesh`, `weft peers`, `weft list-peers`, `weft search`.

use crate::ctx::{Ctx, Outcome, absolute_text};
use crate::exit::Exit;
use crate::render;
use std::path::PathBuf;
use std::time::Duration;
use weft_api::{NetworkRequest, Request};

/// How often `--watch` looks, in milliseconds.
const WATCH_MS: u64 = 1_000;

/// The mesh: connections, addresses, what was dropped and why
#[derive(Debug, clap::Subcommand)]
pub enum Mesh {
    /// Show addresses, connections and counters
    #[command(after_help = "Example:\n  weft mesh status")]
    Status,
    /// Search the releases that members have
    #[command(after_help = "Example:\n  weft mesh search scorer")]
    Search(Search),
    /// Get a release that a member has as a CAR file, without installing it
    #[command(after_help = "Example:\n  weft mesh download my-scorer -o my-scorer.car")]
    Download {
        /// A release's CID or name
        #[arg(value_name = "CID|NAME")]
        reference: String,
        /// The file, which is not there yet [default: REFERENCE.car]
        #[arg(short = 'o', value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Show the peers with energy and capacity
    #[command(after_help = "Example:\n  weft mesh peers")]
    Peers(Peers),
}

/// Show the peers: energy, capacity, path
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft peers --watch")]
pub struct Peers {
    /// Show them again and again, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

/// Search the releases that members have
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft search scorer")]
pub struct Search {
    /// A part of a name or description [default: all]
    #[arg(value_name = "WORD", default_value = "")]
    text: String,
}

impl Mesh {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        match self {
            Self::Status => ctx.tell(Request::Network(NetworkRequest::MeshStatus)),
            Self::Search(search) => search.run(ctx),
            Self::Download { reference, file } => {
                let file = file.unwrap_or_else(|| format!("{reference}.car").into());
                let path = absolute_text(&file)?;
                let ask = NetworkRequest::Download { reference, path };
                ctx.tell_slowly("asking the members", Request::Network(ask))
            }
            Self::Peers(peers) => peers.run(ctx),
        }
    }
}

impl Search {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        ctx.tell_slowly(
            "asking the members",
            Request::Network(NetworkRequest::Search { text: self.text }),
        )
    }
}

impl Peers {
    /// Asks for it, once or again and again.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        if !self.watch {
            return ctx.tell(Request::PeerList);
        }
        loop {
            let response = ctx.ask(Request::PeerList)?;
            if !ctx.json() {
                render::clear()?;
            }
            if ctx.show(&response)? != Exit::Ok {
                return Ok(Exit::Failed);
            }
            std::thread::sleep(Duration::from_millis(WATCH_MS));
        }
    }
}
