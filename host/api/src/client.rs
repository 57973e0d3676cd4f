//! One way to ask a node: through its daemon's socket where one answers, else by hosting it here.
//!
//! A home has one process at a time. While another one that is no daemon has it, [`Client::open`] waits for a short
//! and bounded time. A request itself has no time limit: a task that is waited for takes as long as it takes, and the
//! daemon goes on with it when the client ends.

use crate::dispatch::dispatch;
use crate::frame::{self, Answer, socket_path};
use crate::request::Request;
use crate::response::{ApiError, Response};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use weft_model::task::Status;
use weft_node::{Bundle, Clock, Node, OpenOptions, SteeredClock, SystemClock};

/// Environment variable with the instant, in milliseconds since 1970, at which a process's clock begins: for the demo and
/// for tests. Unset: the system's clock.
pub const CLOCK: &str = "WEFT_CLOCK";

/// How long to wait for a home that another command has.
const BUSY_PATIENCE: Duration = Duration::from_secs(5);

/// How long between two looks at it.
const BUSY_PAUSE: Duration = Duration::from_millis(25);

/// A node, near or far.
pub struct Client {
    way: Way,
}

enum Way {
    /// It is hosted here, and the home's lock is ours.
    Here(Arc<Node>),
    /// A daemon listens there.
    Socket(PathBuf),
}

impl Client {
    /// Finds the daemon of a home, or opens the home here. `bundle`: the components that this program brings;
    /// `compile_worker`: as in [`OpenOptions`].
    ///
    /// # Errors
    /// `not-found` when there is no such home, `busy` when another process keeps it and does not listen, and what
    /// opening a node gives.
    pub fn open(
        home: &Path,
        bundle: &Bundle,
        compile_worker: Option<&Path>,
    ) -> Result<Self, ApiError> {
        let give_up = Instant::now() + BUSY_PATIENCE;
        loop {
            if let Some(client) = Self::of_daemon(home) {
                return Ok(client);
            }
            match open_here(home, bundle, compile_worker) {
                Ok(node) => {
                    return Ok(Self {
                        way: Way::Here(node),
                    });
                }
                Err(e) if e.code == "busy" && Instant::now() < give_up => {
                    std::thread::sleep(BUSY_PAUSE);
                }
                Err(e) => return Err(e),
            }
        }
    }

    /// Hosts the home here under another clock: for stories and tests that need a certain day.
    ///
    /// # Errors
    /// What opening a node gives.
    pub fn hosted(home: &Path, bundle: &Bundle, clock: Arc<dyn Clock>) -> Result<Self, ApiError> {
        let options = OpenOptions {
            home: home.to_owned(),
            bundle: bundle.clone(),
            clock,
            compile_worker: None,
        };
        Ok(Self {
            way: Way::Here(Node::open(&options)?),
        })
    }

    /// Does what a daemon does from time to time: closes votes that are over, decides again about tasks whose moment
    /// has come. Returns how many were decided; a daemon does it by itself.
    ///
    /// # Errors
    /// When the database can't be read or written.
    pub fn step(&self) -> Result<usize, ApiError> {
        match &self.way {
            Way::Here(node) => {
                let decided = node.step()?;
                node.drain();
                Ok(decided)
            }
            Way::Socket(_) => Ok(0),
        }
    }

    /// The daemon of a home. None where none listens.
    pub fn of_daemon(home: &Path) -> Option<Self> {
        let socket = socket_path(home);
        UnixStream::connect(&socket).ok()?;
        Some(Self {
            way: Way::Socket(socket),
        })
    }

    /// The node that is hosted here. None where a daemon answers.
    pub fn into_node(self) -> Option<Arc<Node>> {
        match self.way {
            Way::Here(node) => Some(node),
            Way::Socket(_) => None,
        }
    }

    /// Asks, and waits for the answer as long as it takes.
    ///
    /// # Errors
    /// What the node refuses; `unavailable` when the daemon went away before it answered.
    pub fn call(&self, request: Request) -> Result<Response, ApiError> {
        match &self.way {
            Way::Socket(socket) => through(socket, &request),
            Way::Here(_) if request == Request::Stop => {
                Err(ApiError::new("not-found", "no daemon serves this home", ""))
            }
            Way::Here(node) => {
                let began = matches!(request, Request::TaskSubmit { .. });
                let answer = dispatch(node, request)?;
                as_it_ended(node, began, answer)
            }
        }
    }
}

/// A task that this very call began is run to its end: nobody else would go on with it. Other tasks are not waited
/// for; one that still runs when the process ends is queued again by whoever opens the home next.
fn as_it_ended(node: &Node, began: bool, answer: Response) -> Result<Response, ApiError> {
    match answer {
        Response::Task(task) if began && task.status == Status::Running.word() => {
            Ok(Response::Task(Box::new(node.task_wait(&task.task)?)))
        }
        other => Ok(other),
    }
}

/// Opens the home in this process, or says that there is none.
fn open_here(
    home: &Path,
    bundle: &Bundle,
    compile_worker: Option<&Path>,
) -> Result<Arc<Node>, ApiError> {
    let options = OpenOptions {
        home: home.to_owned(),
        bundle: bundle.clone(),
        clock: clock()?,
        compile_worker: compile_worker.map(Path::to_owned),
    };
    Ok(Node::open(&options)?)
}

/// The system's clock, or one that begins where [`CLOCK`] says.
fn clock() -> Result<Arc<dyn Clock>, ApiError> {
    let Some(begin) = std::env::var_os(CLOCK) else {
        return Ok(Arc::new(SystemClock));
    };
    let begin = begin.to_str().and_then(|text| text.parse().ok());
    let begin = begin.ok_or_else(|| {
        let message = format!("`{CLOCK}` is no number of milliseconds since 1970");
        ApiError::new("invalid", message, format!("unset {CLOCK}"))
    })?;
    Ok(Arc::new(SteeredClock::at(begin)))
}

fn through(socket: &Path, request: &Request) -> Result<Response, ApiError> {
    let frame = frame::encode(request).map_err(|e| {
        ApiError::new(
            "invalid",
            format!("the request can't be sent: {e}"),
            "send less at a time",
        )
    })?;
    let lost = |what: String| {
        ApiError::new(
            "unavailable",
            format!("the daemon at `{}` {what}", socket.display()),
            "look at its log; a task that it took is kept, `weft task list` shows it",
        )
    };
    let mut stream =
        UnixStream::connect(socket).map_err(|e| lost(format!("can't be reached: {e}")))?;
    // A server that refuses may answer and close before it has read everything, so look for an answer all the same.
    let sent = frame::write(&mut stream, &frame);
    let read = match (frame::read(&mut stream), sent) {
        (Ok(Some(answer)), _) => answer,
        (Ok(None), Ok(())) => return Err(lost("closed the connection before it answered".into())),
        (Err(e), _) | (_, Err(e)) => return Err(lost(gone(&e))),
    };
    serde_json::from_slice::<Answer>(&read).map_err(|e| {
        ApiError::new(
            "unavailable",
            format!("the daemon's answer does not read: {e}; is it another version of weft?"),
            "stop it and start it again with this version",
        )
    })?
}

fn gone(error: &io::Error) -> String {
    format!("went away before it answered: {error}")
}
