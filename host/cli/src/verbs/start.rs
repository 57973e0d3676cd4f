//! `weft start`: the daemon, in the foreground.

use crate::ctx::{Ctx, Outcome};
use crate::exit::Exit;
use crate::render;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use weft_api::server::Server;
use weft_api::{ApiError, Client};
use weft_node::Node;

/// All the time from the signal to the end of the process.
const STOP_LIMIT: Duration = Duration::from_secs(5);

/// What is kept of it for the runtime's threads.
const RUNTIME_SHARE: Duration = Duration::from_millis(250);

/// Serve this home until Ctrl-C, `weft stop` or SIGTERM
///
/// Runs in the foreground, resumes deferred and queued tasks by itself, and answers the other verbs through the
/// socket DIR/weft.sock. Prints one line once it listens; the log goes to stderr (WEFT_LOG says what it holds).
/// It stops within 5 seconds; a task that then still runs is run again at the next start.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft start &\n  weft task submit --name log-digest --input /var/log/syslog")]
pub struct Start {}

impl Start {
    /// Serves until told to stop.
    ///
    /// # Errors
    /// `busy` when another process has the home, and what opening and binding give.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let node = open(ctx)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|e| ApiError::new("io", format!("the daemon can't start: {e}"), ""))?;
        let resumer = Resumer::start(&node)?;
        let served = runtime.block_on(serve(ctx, node));
        let stop_by = Instant::now() + STOP_LIMIT - weft_api::server::STOP_PATIENCE;
        resumer.stop(stop_by - RUNTIME_SHARE);
        runtime.shutdown_timeout(stop_by.saturating_duration_since(Instant::now()));
        served
    }
}

/// Opens the home. Another command may have it for a moment; a daemon keeps it.
fn open(ctx: &Ctx) -> Result<Arc<Node>, ApiError> {
    let client = ctx.client()?;
    client.into_node().ok_or_else(|| {
        let home = ctx.home().display();
        ApiError::new("busy", format!("a daemon serves `{home}` already"), format!("weft --home {home} stop"))
    })
}

async fn serve(ctx: &Ctx, node: Arc<Node>) -> Outcome {
    let stop = CancellationToken::new();
    // Before the line is printed: who waits for it may signal at once.
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
        return Err(ApiError::new("io", "the daemon can't hear signals", ""));
    };
    let on_signal = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        on_signal.cancel();
    });
    let server = Server::bind(ctx.home(), node)?;
    let socket = server.socket().display().to_string();
    let line = if ctx.json() {
        serde_json::json!({"listening": socket, "pid": std::process::id()}).to_string()
    } else {
        format!("listening on {socket}")
    };
    render::print(&format!("{line}\n"))?;
    server.serve(stop).await;
    Ok(Exit::Ok)
}

/// The thread that resumes tasks.
struct Resumer {
    stop: Arc<AtomicBool>,
    ended: mpsc::Receiver<()>,
}

impl Resumer {
    fn start(node: &Arc<Node>) -> Result<Self, ApiError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (end, ended) = mpsc::channel();
        let (node, flag) = (Arc::clone(node), Arc::clone(&stop));
        std::thread::Builder::new()
            .name("resume".into())
            .spawn(move || {
                node.run_daemon(flag);
                // The receiver is gone only when the process is.
                let _ = end.send(());
            })
            .map_err(|e| ApiError::new("io", format!("the daemon can't start: {e}"), ""))?;
        Ok(Self { stop, ended })
    }

    /// Ends it, or lets it go when it does not end in time: the home is crash-safe.
    fn stop(self, by: Instant) {
        self.stop.store(true, Ordering::SeqCst);
        if self.ended.recv_timeout(by.saturating_duration_since(Instant::now())).is_err() {
            tracing::warn!("stopped before the task in hand was done; it is run again at the next start");
        }
    }
}
