//! The daemon's side: a Unix socket in the home, 0600, that takes one request per connection.
//!
//! Only processes of the user who runs the daemon (and root) are heard. Connections are served side by side, at most
//! [`CONNECTIONS`]; who comes then is told so at once. A client that sends garbage, too much or too slowly gets an
//! error and is dropped; the others do not notice. The node's work is synchronous and runs on threads of its own.
//!
//! It decides nothing and keeps nothing: the node does.

use crate::dispatch::dispatch;
use crate::frame::{self, Answer, FRAME_BYTES, socket_path};
use crate::request::Request;
use crate::response::{ApiError, Response};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use weft_node::Node;

/// Most connections at a time.
pub const CONNECTIONS: usize = 64;

/// How long a client may take to send its request, and to take the answer.
pub const CLIENT_PATIENCE: Duration = Duration::from_secs(10);

/// How long requests in flight may take once the daemon stops.
pub const STOP_PATIENCE: Duration = Duration::from_millis(2_500);

/// Rest after the system refused a connection, as when there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Permissions of the socket: its owner's alone.
const SOCKET_MODE: u32 = 0o600;

/// The superuser, who can read the home anyway.
const ROOT: u32 = 0;

/// A socket that is bound and not yet served.
pub struct Server {
    listener: UnixListener,
    socket: PathBuf,
    owner: u32,
    node: Arc<Node>,
}

impl Server {
    /// Binds the socket of a home. The open node is the proof that the home's lock is ours, so that a socket found
    /// there is a dead daemon's and is removed. Needs a tokio runtime.
    ///
    /// # Errors
    /// `conflict` when something else than a socket has its name; `io` when the system refuses.
    pub fn bind(home: &Path, node: Arc<Node>) -> Result<Self, ApiError> {
        let socket = socket_path(home);
        remove_stale(&socket)?;
        let refused = |e: io::Error| refusal(&socket, &e);
        let listener = UnixListener::bind(&socket).map_err(refused)?;
        fs::set_permissions(&socket, Permissions::from_mode(SOCKET_MODE)).map_err(refused)?;
        let owner = fs::symlink_metadata(&socket).map_err(refused)?.uid();
        Ok(Self {
            listener,
            socket,
            owner,
            node,
        })
    }

    /// Where it listens.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Serves until `stop` is cancelled, by the caller or by a client's request; then removes the socket and gives
    /// requests in flight [`STOP_PATIENCE`].
    pub async fn serve(self, stop: CancellationToken) {
        let tasks = TaskTracker::new();
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(e) => {
                    tracing::warn!(error = %e, "no connection could be taken");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            if !self.is_ours(&stream) {
                tracing::warn!("a process of another user tried the socket");
                continue;
            }
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                turn_away(&stream);
                continue;
            };
            let (node, stop) = (Arc::clone(&self.node), stop.clone());
            tasks.spawn(async move {
                serve_one(stream, node, &stop).await;
                drop(place);
            });
        }
        let Self {
            listener, socket, ..
        } = self;
        drop(listener);
        if let Err(e) = fs::remove_file(&socket) {
            tracing::warn!(socket = %socket.display(), error = %e, "the socket could not be removed");
        }
        tasks.close();
        if timeout(STOP_PATIENCE, tasks.wait()).await.is_err() {
            tracing::warn!(
                requests = tasks.len(),
                "stopped before these requests were answered"
            );
        }
    }

    /// Whether the other side runs as the daemon's user.
    fn is_ours(&self, stream: &UnixStream) -> bool {
        stream
            .peer_cred()
            .is_ok_and(|peer| [self.owner, ROOT].contains(&peer.uid()))
    }
}

fn remove_stale(socket: &Path) -> Result<(), ApiError> {
    let refused = |e: io::Error| refusal(socket, &e);
    match fs::symlink_metadata(socket) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(refused(e)),
        Ok(found) if found.file_type().is_socket() => fs::remove_file(socket).map_err(refused),
        Ok(_) => Err(ApiError::new(
            "conflict",
            format!("`{}` is in the way: it is no socket", socket.display()),
            "move it away",
        )),
    }
}

fn refusal(socket: &Path, error: &io::Error) -> ApiError {
    let (message, remedy) = match error.kind() {
        // The standard library says so before it asks the system.
        io::ErrorKind::InvalidInput => (
            format!(
                "`{}` is too long for the name of a socket",
                socket.display()
            ),
            "take a home with a shorter path, or a short symbolic link to it",
        ),
        _ => (
            format!("can't listen on `{}`: {error}", socket.display()),
            "",
        ),
    };
    ApiError::new("io", message, remedy)
}

/// Says that there is no place; never waits for the client.
fn turn_away(stream: &UnixStream) {
    let answer: Answer = Err(ApiError::new(
        "busy",
        format!("the daemon serves {CONNECTIONS} requests already"),
        "try again in a moment",
    ));
    if let Ok(frame) = frame::encode(&answer)
        && let Err(e) = stream.try_write(&frame)
    {
        tracing::debug!(error = %e, "a client that was turned away was gone already");
    }
}

async fn serve_one(mut stream: UnixStream, node: Arc<Node>, stop: &CancellationToken) {
    let (answer, stops) = match read_request(&mut stream).await {
        Ok(None) => return,
        Ok(Some(Request::Stop)) => (Ok(Response::Done("the daemon stops".into())), true),
        Ok(Some(request)) => (run(node, request).await, false),
        Err(error) => (Err(error), false),
    };
    match timeout(CLIENT_PATIENCE, send(&mut stream, &answer)).await {
        Ok(Ok(())) => {}
        Ok(Err(e)) => tracing::debug!(error = %e, "a client went away before its answer"),
        Err(_) => tracing::warn!("a client did not take its answer"),
    }
    if stops {
        stop.cancel();
    }
}

/// The request. None: the client closed without one, as a look whether a daemon listens does.
async fn read_request(stream: &mut UnixStream) -> Result<Option<Request>, ApiError> {
    let invalid = |message: String| ApiError::new("invalid", message, "");
    let read = timeout(CLIENT_PATIENCE, frame::read_async(stream)).await;
    let frame = match read {
        Err(_) => {
            let s = CLIENT_PATIENCE.as_secs();
            return Err(invalid(format!("no whole request came within {s} s")));
        }
        Ok(Err(e)) if e.kind() == io::ErrorKind::InvalidData => {
            return Err(invalid(format!(
                "a request has at most {FRAME_BYTES} bytes"
            )));
        }
        Ok(Err(_) | Ok(None)) => return Ok(None),
        Ok(Ok(Some(frame))) => frame,
    };
    match serde_json::from_slice(&frame) {
        Ok(request) => Ok(Some(request)),
        Err(e) => Err(invalid(format!("the request does not read: {e}"))),
    }
}

/// Asks the node on a thread of its own.
async fn run(node: Arc<Node>, request: Request) -> Answer {
    let work = tokio::task::spawn_blocking(move || dispatch(&node, request));
    match work.await {
        Ok(Ok(Response::Status(mut status))) => {
            status.daemon = true;
            Ok(Response::Status(status))
        }
        Ok(answer) => answer,
        Err(e) => {
            tracing::error!(error = %e, "a request broke off");
            Err(ApiError::new(
                "internal",
                "internal: the request broke off",
                "report this with the daemon's log",
            ))
        }
    }
}

async fn send(stream: &mut UnixStream, answer: &Answer) -> io::Result<()> {
    let frame = frame::encode(answer).or_else(|e| {
        let error = ApiError::new(
            "invalid",
            format!("the answer is too long: {e}"),
            "ask for less at a time",
        );
        frame::encode(&Answer::Err(error))
    })?;
    stream.write_all(&frame).await?;
    stream.shutdown().await
}
