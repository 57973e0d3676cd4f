//! `weft start`: the daemon, in the foreground.

use crate::ctx::{Ctx, Outcome};
use crate::exit::Exit;
use crate::render;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use weft_api::http::{Http, OpenAi};
use weft_api::server::Server;
use weft_api::{ApiError, Node};

/// How long the task in hand may take to end, once requests in flight had their time: in all under 5 s.
const RESUMER_PATIENCE: Duration = Duration::from_millis(500);

/// What threads that still answer a request are given in the end.
const RUNTIME_PATIENCE: Duration = Duration::from_millis(250);

/// Serve this home until Ctrl-C, `weft stop` or SIGTERM
///
/// Runs in the foreground, resumes deferred and queued tasks by itself, and answers the other verbs through the
/// socket DIR/weft.sock. Prints one line once it listens; the log goes to stderr (WEFT_LOG says what it holds).
/// It stops within 5 seconds; a task that then still runs is run again at the next start. Where the setting http_listen
/// says so, it answers `GET /metrics` for Prometheus; where openai_listen says so, it answers OpenAI's clients.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  weft start &\n  weft task submit --name log-digest --input /var/log/syslog"
)]
pub struct Start {
    /// Address to listen on, once or several times [default: the setting `listen`]
    #[arg(long, value_name = "MULTIADDR")]
    listen: Vec<String>,
}

impl Start {
    /// Serves until told to stop.
    ///
    /// # Errors
    /// `busy` when another process has the home, and what opening and binding give.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let node = open(ctx)?;
        if !self.listen.is_empty() || node.is_meshed()? {
            node.start_mesh(&self.listen)?;
        }
        node.start_public()?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .map_err(|e| ApiError::new("io", format!("the daemon can't start: {e}"), ""))?;
        let stop = CancellationToken::new();
        let meshed = Arc::clone(&node);
        let resumer = Resumer::start(&node)?;
        let served = runtime.block_on(async {
            tokio::spawn(resumer.told_by(stop.clone()));
            let shown = show_figures(&node, &stop).await?;
            let answered = answer_clients(&node, &stop).await?;
            serve(ctx, node, [shown, answered], stop).await
        });
        resumer.end();
        meshed.stop_public();
        meshed.stop_mesh();
        runtime.shutdown_timeout(RUNTIME_PATIENCE);
        served
    }
}

/// Opens the home. Another command may have it for a moment; a daemon keeps it.
fn open(ctx: &Ctx) -> Result<Arc<Node>, ApiError> {
    let client = ctx.client()?;
    client.into_node().ok_or_else(|| {
        let home = ctx.home().display();
        ApiError::new(
            "busy",
            format!("a daemon serves `{home}` already"),
            format!("weft --home {home} stop"),
        )
    })
}

/// Shows the node's figures where its settings say so. Returns where.
async fn show_figures(
    node: &Arc<Node>,
    stop: &CancellationToken,
) -> Result<Option<SocketAddr>, ApiError> {
    let Some(address) = node.http_listen() else {
        return Ok(None);
    };
    let http = Http::bind(address, Arc::clone(node)).await?;
    let address = http.address();
    tracing::info!("figures are shown on http://{address}/metrics");
    tokio::spawn(http.serve(stop.clone()));
    Ok(Some(address))
}

/// Answers OpenAI's clients where the node's settings say so. Returns where.
async fn answer_clients(
    node: &Arc<Node>,
    stop: &CancellationToken,
) -> Result<Option<SocketAddr>, ApiError> {
    let Some(address) = node.openai_listen() else {
        return Ok(None);
    };
    let openai = OpenAi::bind(address, Arc::clone(node)).await?;
    let address = openai.address();
    tracing::info!("OpenAI's clients are answered on http://{address}/v1");
    tokio::spawn(openai.serve(stop.clone()));
    Ok(Some(address))
}

async fn serve(
    ctx: &Ctx,
    node: Arc<Node>,
    shown: [Option<SocketAddr>; 2],
    stop: CancellationToken,
) -> Outcome {
    // Before the line is printed: who waits for it may signal at once.
    let signals = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    );
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
        serde_json::json!({"listening": socket, "pid": std::process::id(), "http": shown[0], "openai": shown[1]})
            .to_string()
    } else {
        format!("listening on {socket}")
    };
    render::print(&format!("{line}\n"))?;
    server.serve(stop).await;
    Ok(Exit::Ok)
}

/// The thread that resumes tasks.
struct Resumer {
    node: Arc<Node>,
    stop: Arc<AtomicBool>,
    ended: mpsc::Receiver<()>,
}

impl Resumer {
    fn start(node: &Arc<Node>) -> Result<Self, ApiError> {
        let stop = Arc::new(AtomicBool::new(false));
        let (end, ended) = mpsc::channel();
        let (own, flag) = (Arc::clone(node), Arc::clone(&stop));
        std::thread::Builder::new()
            .name("resume".into())
            .spawn(move || {
                own.run_daemon(&flag);
                // The receiver is gone only when the process is.
                let _ = end.send(());
            })
            .map_err(|e| ApiError::new("io", format!("the daemon can't start: {e}"), ""))?;
        Ok(Self {
            node: Arc::clone(node),
            stop,
            ended,
        })
    }

    /// Tells it to end when the token is cancelled, so that jobs and the mesh are told while requests still wait for them.
    fn told_by(&self, token: CancellationToken) -> impl Future<Output = ()> + Send + use<> {
        let (node, stop) = (Arc::clone(&self.node), Arc::clone(&self.stop));
        async move {
            token.cancelled().await;
            stop.store(true, Ordering::Release);
            node.wake();
            node.hang_up();
        }
    }

    /// Ends it, or lets it go when it does not end in time: the home is crash-safe.
    fn end(self) {
        self.stop.store(true, Ordering::Release);
        self.node.wake();
        if self.ended.recv_timeout(RESUMER_PATIENCE).is_err() {
            tracing::warn!(
                "stopped before the task in hand was done; it is run again at the next start"
            );
        }
    }
}
