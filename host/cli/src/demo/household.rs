//! One household: a home, and its node as a process of its own.

use super::{io, until};
use crate::ctx::Ctx;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use weft_api::{ApiError, CLOCK, Client, InitOptions, Node, Request, Response, SystemClock};

/// Where every node of the demo listens: on a port that the system chooses, for this machine alone.
const LISTEN: &str = "/ip4/127.0.0.1/tcp/0";

/// A household's node. Dropped, it is stopped.
pub struct Household {
    pub user: &'static str,
    /// Its device's key.
    pub device: String,
    client: Client,
    process: Child,
}

impl Household {
    /// Makes a home and starts its node, whose clock begins at an instant.
    ///
    /// # Errors
    /// When the home can't be made, or the node does not start.
    pub fn open(ctx: &Ctx, home: &Path, user: &'static str, at: i64) -> Result<Self, ApiError> {
        let made = Node::init(&InitOptions {
            home: home.to_owned(),
            owner: Some(user.into()),
            bundle: ctx.bundle(),
            clock: Arc::new(SystemClock),
            compile_worker: ctx.compile_worker(),
        })?;
        let log = home.join("demo.log");
        let log = File::create(&log).map_err(|e| io(&log.display().to_string(), &e))?;
        let program = std::env::current_exe().map_err(|e| io("this program's path", &e))?;
        let process = Command::new(program)
            .arg("--home")
            .arg(home)
            .args(["start", "--listen", LISTEN])
            .env(CLOCK, at.to_string())
            .env("MESH_MDNS", "false")
            .env("MESH_UPNP", "false")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|e| io("a node's process", &e))?;
        let mut client = None;
        let mut started = Running(Some(process));
        until("a node listens", || {
            client = Client::of_daemon(home);
            Ok(client.is_some() || started.has_ended())
        })?;
        let client = client.ok_or_else(|| {
            let why = std::fs::read_to_string(home.join("demo.log")).unwrap_or_default();
            ApiError::new("unavailable", format!("a node did not start: {why}"), "")
        })?;
        Ok(Self {
            user,
            device: made.device,
            client,
            process: started.0.take().expect("it was just started"),
        })
    }

    /// Asks its node.
    ///
    /// # Errors
    /// What it refuses.
    pub fn ask(&self, request: Request) -> Result<Response, ApiError> {
        self.client.call(request)
    }
}

impl Drop for Household {
    fn drop(&mut self) {
        // One that does not stop by itself is stopped.
        if self.client.call(Request::Stop).is_err() {
            let _ = self.process.kill();
        }
        let _ = self.process.wait();
    }
}

/// A process that must not outlive a failed start.
struct Running(Option<Child>);

impl Running {
    fn has_ended(&mut self) -> bool {
        let child = self.0.as_mut();
        child.is_none_or(|c| c.try_wait().is_ok_and(|ended| ended.is_some()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
