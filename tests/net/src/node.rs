//! A node in a namespace: a home of its own, and its daemon while it runs.

use crate::Space;
use serde_json::Value;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use weft_kit::{Device, PATIENCE};

/// Where a node listens unless its test says otherwise.
const LISTEN: &str = "/ip4/0.0.0.0/tcp/9001,/ip4/0.0.0.0/udp/9001/quic-v1";

/// A node that runs in a namespace.
#[derive(Debug)]
pub struct Node {
    device: Device,
    space: Space,
    settings: Vec<(&'static str, &'static str)>,
    daemon: Option<Child>,
}

impl Node {
    /// A node without a network, whose daemon does not run. Settings are variables of its environment; it asks no router
    /// and calls to nobody unless they say so.
    ///
    /// # Panics
    /// When its home can't be made.
    pub fn new(space: &Space, settings: &[(&'static str, &'static str)]) -> Self {
        Self {
            device: Device::new(),
            space: space.clone(),
            settings: settings.to_vec(),
            daemon: None,
        }
    }

    /// One that opens a network and runs.
    ///
    /// # Panics
    /// When it does not.
    pub fn founder(space: &Space, settings: &[(&'static str, &'static str)]) -> Self {
        let mut node = Self::new(space, settings);
        node.json(["network", "create", "our-street"]);
        node.start();
        node
    }

    /// One that joins by an invite of another one, under this name; its daemon does not run.
    ///
    /// # Panics
    /// When it can't.
    #[track_caller]
    pub fn joined(
        space: &Space,
        settings: &[(&'static str, &'static str)],
        inviter: &Self,
        user: &str,
    ) -> Self {
        let node = Self::new(space, settings);
        let invite = inviter.json(["invite"]);
        let invite = invite["invite"].as_str().expect("a string");
        node.json(["join", invite, "--as", user]);
        node
    }

    /// The folder of its home.
    pub fn home(&self) -> &Path {
        self.device.home().path()
    }

    /// What `weft … --json` answers.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn json<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Value {
        let mut command = self.command(args);
        let output = command.arg("--json").output().expect("weft runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{command:?}\n{text}\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{command:?}: {e}\n{text}"))
    }

    /// Starts the daemon and waits until it listens.
    ///
    /// # Panics
    /// When it does not, with what it wrote.
    pub fn start(&mut self) {
        assert!(self.daemon.is_none(), "it runs already");
        let log = self.device.home().join("daemon.log");
        let errors = File::options().create(true).append(true).open(&log);
        let mut child = self
            .command(["start", "--json"])
            .env("WEFT_LOG", "info,weft_mesh=debug,libp2p_dcutr=debug")
            .stdout(Stdio::piped())
            .stderr(errors.expect("a log"))
            .spawn()
            .expect("weft starts");
        let mut out = BufReader::new(child.stdout.take().expect("piped"));
        self.daemon = Some(child);
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            // A daemon that ended says nothing, and then nobody listens.
            if out.read_line(&mut line).is_ok_and(|n| n > 0) {
                let _ = tell.send(line);
            }
        });
        if told.recv_timeout(PATIENCE).is_err() {
            let log = fs::read_to_string(&log).unwrap_or_default();
            panic!("the daemon does not listen:\n{log}");
        }
    }

    /// Kills the daemon, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            // It may have ended by itself; then there is nothing to kill.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }

    /// The device's `did`.
    ///
    /// # Panics
    /// When it can't be asked.
    #[track_caller]
    pub fn did(&self) -> String {
        text(&self.json(["network", "show"]), "device")
    }

    /// The digest of the log as it stands here.
    ///
    /// # Panics
    /// When it can't be asked.
    #[track_caller]
    pub fn digest(&self) -> String {
        text(&self.json(["network", "show"]), "digest")
    }

    /// A counter or field of `weft mesh status`.
    ///
    /// # Panics
    /// When it can't be asked.
    #[track_caller]
    pub fn status(&self, field: &str) -> Value {
        self.json(["mesh", "status"])[field].clone()
    }

    /// A counter of `weft mesh status`.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn count(&self, field: &str) -> u64 {
        self.status(field).as_u64().expect("a number")
    }

    /// The other device as the swarm of this one sees it.
    ///
    /// # Panics
    /// When the mesh can't be asked.
    #[track_caller]
    pub fn sees(&self, other: &Self) -> Option<Value> {
        let did = other.did();
        let peers = self.status("peers");
        let mut peers = peers.as_array().expect("a list").iter();
        peers.find(|p| p["device"] == *did).cloned()
    }

    /// The path by which this one reaches the other one now.
    ///
    /// # Panics
    /// When the mesh can't be asked.
    #[track_caller]
    pub fn path(&self, other: &Self) -> String {
        self.sees(other)
            .map_or("unknown".into(), |peer| text(&peer, "path"))
    }

    /// Makes a file of this many random bytes and adds it; its CID.
    ///
    /// # Panics
    /// When it can't be made.
    #[track_caller]
    pub fn add(&self, bytes: usize) -> String {
        let path = self.device.home().join("some.bin");
        let mut random =
            std::io::Read::take(File::open("/dev/urandom").expect("random"), bytes as u64);
        let mut file = File::create(&path).expect("a file");
        std::io::copy(&mut random, &mut file).expect("bytes");
        let added = self.json([OsStr::new("content"), OsStr::new("add"), path.as_os_str()]);
        fs::remove_file(&path).expect("the file goes");
        text(&added, "cid")
    }

    /// Fetches a content, and says how fast it came, in MB/s.
    ///
    /// # Panics
    /// When it does not come.
    #[track_caller]
    pub fn fetch(&self, cid: &str) -> f64 {
        let path = self.device.home().join("fetched.bin");
        let got = self.json([
            OsStr::new("content"),
            OsStr::new("get"),
            OsStr::new(cid),
            OsStr::new("-o"),
            path.as_os_str(),
        ]);
        fs::remove_file(&path).expect("the file came");
        let figure = |name: &str| got["fetched"][name].as_f64();
        let (Some(bytes), Some(ms)) = (figure("bytes"), figure("ms")) else {
            panic!("it was not fetched: {got}");
        };
        bytes / ms / 1_000.0
    }

    /// `weft` with this home in its namespace.
    pub fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let inner = self.device.command(args);
        let mut command = self.space.command(inner.get_program());
        command.args(inner.get_args()).stdin(Stdio::null());
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        if let Some(folder) = inner.get_current_dir() {
            command.current_dir(folder);
        }
        command.env("MESH_LISTEN", LISTEN);
        command.envs(self.settings.iter().copied());
        command
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

#[track_caller]
fn text(row: &Value, field: &str) -> String {
    let text = row[field].as_str();
    text.unwrap_or_else(|| panic!("no `{field}`: {row}"))
        .to_owned()
}
