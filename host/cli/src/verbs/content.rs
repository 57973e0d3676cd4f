//! `weft content`.

use crate::ctx::{Ctx, Outcome, SPIN, absolute_text};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::fs::File;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use weft_api::{ApiError, Client, ContentRequest, ContentResponse, Request, Response};

/// What stands for the standard streams.
const STREAM: &str = "-";

/// Content.
#[derive(Debug, clap::Subcommand)]
pub enum Content {
    Add(Add),
    Get(Get),
    /// Show what is known of a content
    #[command(
        after_help = "Example:\n  weft content stat bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
    )]
    Stat(One),
    /// List all content, and who holds it
    #[command(after_help = "Example:\n  weft content list")]
    List,
    /// Keep a content: no collection removes it
    #[command(
        after_help = "Example:\n  weft content pin bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
    )]
    Pin(One),
    /// Let a content go; what a release runs stays held by it
    #[command(
        after_help = "Example:\n  weft content unpin bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
    )]
    Unpin(One),
    /// Let anybody fetch a content by Bitswap, member or not; it stays here until it is private again
    #[command(
        after_help = "Example:\n  weft content publish bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku\n\nOutsiders are served while the setting `public_listen` names an address."
    )]
    Publish(One),
    /// Let members alone fetch a content again, or a release with all that it made public
    #[command(
        after_help = "Example:\n  weft content unpublish bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
    )]
    Unpublish(One),
    /// Remove the content that nobody holds
    #[command(after_help = "Example:\n  weft content gc")]
    Gc,
    Verify(Verify),
}

/// A content.
#[derive(Debug, clap::Args)]
pub struct One {
    /// Its CID
    cid: String,
}

/// Add a file under the CID that IPFS tools compute for it
///
/// It is kept until `weft content unpin`. Adding what is there already changes nothing, and heals it where it was
/// damaged.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  weft content add model.safetensors\n  tar c notes | weft content add -"
)]
pub struct Add {
    /// The file; - for the standard input
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// Let the next `weft content gc` remove it
    #[arg(long)]
    no_pin: bool,
    /// Let anybody fetch it by Bitswap, member or not
    #[arg(long, conflicts_with = "no_pin")]
    public: bool,
}

/// Write a content to a file, compared with its CID
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  weft content get bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku -o model.safetensors\n  weft content get bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku \\\n    --from /ip4/192.0.2.7/tcp/4001/p2p/12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X"
)]
pub struct Get {
    /// Its CID
    cid: String,
    /// The file, which must not be there yet; - for the standard output [default: ./CID]
    #[arg(short, long, value_name = "FILE|-")]
    output: Option<PathBuf>,
    /// Fetch it from this IPFS node, if it is not here; once or several times. No network is needed
    #[arg(long, value_name = "MULTIADDR/p2p/PEER")]
    from: Vec<String>,
}

/// Rehash one content, or all
///
/// Ends with 7 when something is damaged or missing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft content verify")]
pub struct Verify {
    /// Its CID [default: all content]
    cid: Option<String>,
}

impl Content {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let request = match self {
            Self::Add(verb) => return verb.run(ctx),
            Self::Get(verb) => return verb.run(ctx),
            Self::Verify(Verify { cid }) => {
                return ctx.show(&ask(ctx, "verifying", ContentRequest::Verify { cid })?);
            }
            Self::Stat(One { cid }) => ContentRequest::Stat { cid },
            Self::List => ContentRequest::List,
            Self::Pin(One { cid }) => ContentRequest::Pin { cid },
            Self::Unpin(One { cid }) => ContentRequest::Unpin { cid },
            Self::Publish(One { cid }) => ContentRequest::Publish { cid },
            Self::Unpublish(One { cid }) => ContentRequest::Unpublish { cid },
            Self::Gc => ContentRequest::Gc,
        };
        ctx.tell(Request::Content(request))
    }
}

impl Add {
    fn run(self, ctx: &Ctx) -> Outcome {
        let add = |path| ContentRequest::Add {
            path,
            keep: !self.no_pin,
            public: self.public,
        };
        if self.file != Path::new(STREAM) {
            let path = absolute_text(&self.file)?;
            return ctx.show(&ask(ctx, "adding", add(path))?);
        }
        // A daemon can't read this process's input, so it is a file first.
        let mut spool =
            tempfile::NamedTempFile::new().map_err(|e| stream("a temporary file", &e))?;
        io::copy(&mut io::stdin().lock(), &mut spool)
            .map_err(|e| stream("the standard input", &e))?;
        let path = absolute_text(spool.path())?;
        ctx.show(&ask(ctx, "adding", add(path))?)
    }
}

impl Get {
    fn run(self, ctx: &Ctx) -> Outcome {
        let output = self.output.unwrap_or_else(|| PathBuf::from(&self.cid));
        if output != Path::new(STREAM) {
            let path = absolute_text(&output)?;
            let (cid, from) = (self.cid, self.from);
            let get = ContentRequest::Get { cid, path, from };
            return ctx.show(&ask(ctx, "writing", get)?);
        }
        if ctx.json() {
            return Err(ApiError::new(
                "invalid",
                "the standard output can't hold both the content and JSON",
                "weft content get CID -o FILE --json",
            ));
        }
        let folder = tempfile::tempdir().map_err(|e| stream("a temporary folder", &e))?;
        let file = folder.path().join("content");
        let path = absolute_text(&file)?;
        let (cid, from) = (self.cid, self.from);
        ask(ctx, "reading", ContentRequest::Get { cid, path, from })?;
        let copied =
            File::open(&file).and_then(|mut file| io::copy(&mut file, &mut io::stdout().lock()));
        match copied {
            Ok(_) => Ok(crate::exit::Exit::Ok),
            // A reader that has seen enough is no error.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(crate::exit::Exit::Ok),
            Err(e) => Err(stream("the standard output", &e)),
        }
    }
}

fn stream(what: &str, error: &io::Error) -> ApiError {
    ApiError::new("io", format!("{what}: {error}"), "")
}

/// Asks, with a bar on stderr where that is a terminal, which is gone before the answer is shown.
fn ask(ctx: &Ctx, what: &str, request: ContentRequest) -> Result<Response, ApiError> {
    let client = ctx.client()?;
    let request = Request::Content(request);
    if !io::stderr().is_terminal() {
        return client.call(request);
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template(
        "{spinner} {msg} {bar:30} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec}",
    ) {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar.enable_steady_tick(SPIN);
    let answer = std::thread::scope(|scope| {
        let (ended, end) = channel::<()>();
        let (bar, client) = (&bar, &client);
        scope.spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = end.recv_timeout(SPIN) {
                follow(client, bar, what);
            }
        });
        let answer = client.call(request);
        drop(ended);
        answer
    });
    bar.finish_and_clear();
    answer
}

/// Looks how far the node is. A look that fails is no reason to fail: the bar stands still.
fn follow(client: &Client, bar: &ProgressBar, what: &str) {
    let request = Request::Content(ContentRequest::Progress);
    if let Ok(Response::Content(ContentResponse::Progress(progress))) = client.call(request) {
        // Nothing is going on for a moment, such as between fetching and writing.
        if progress.total == 0 {
            return;
        }
        bar.set_length(progress.total);
        bar.set_position(progress.done.min(progress.total));
        match progress.seeders {
            0 => bar.set_message(what.to_owned()),
            1 => bar.set_message("fetching from 1 seeder"),
            n => bar.set_message(format!("fetching from {n} seeders")),
        }
    }
}
