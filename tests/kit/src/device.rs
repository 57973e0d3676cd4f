//! Devices of a network: homes of their own with real daemons, which meet on loopback alone.
//!
//! A device listens on a port that the system picks, asks no router and calls to nobody by mDNS: it is found by invites
//! and by what members tell each other. Nothing here sleeps for a while and hopes: [`wait`] looks until what it waits for
//! is there, and says what that was when it does not come.

use crate::{Home, Ran};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// Who owns the home that is made once and copied.
pub const FOUNDER: &str = "alice@example.com";
/// How long a test waits for what should come soon, before it fails.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(50);
/// Bytes of a secret key.
const KEY_BYTES: usize = 32;

/// Looks until there is something, and returns it.
///
/// # Panics
/// When it does not come within [`PATIENCE`], with what was waited for.
#[track_caller]
pub fn wait<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_at_most(PATIENCE, what, look)
}

/// [`wait`] with a deadline of its own. What counts is when a look begins: on a busy machine a look may take long, and
/// says nothing of what it looks at.
///
/// # Panics
/// When a look that began after the deadline was in vain, with what was waited for.
#[track_caller]
pub fn wait_at_most<T>(patience: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        let late = begun.elapsed() > patience;
        if let Some(found) = look() {
            return found;
        }
        assert!(!late, "not in {patience:?}: {what}");
        thread::park_timeout(PAUSE);
    }
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Its exit code.
    pub exit: i32,
    /// The name of the reason.
    pub code: String,
    /// What happened and why.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// A home, and its daemon while it runs.
#[derive(Debug)]
pub struct Device {
    home: Home,
    daemon: Option<Child>,
    _template: Option<Arc<Home>>,
}

impl Device {
    /// A device of [`FOUNDER`] with keys and a network of its own. The home is a copy, since making one compiles every
    /// plugin; whoever is to be somebody else joins with `--as NAME`.
    ///
    /// # Panics
    /// When it can't be made.
    pub fn new() -> Self {
        let template = template();
        let mut device = Self::renewed(template.path());
        device._template = Some(template);
        device
    }

    /// Another device with what this one's home holds now, as releases and bindings, and keys and a network of its own.
    ///
    /// # Panics
    /// When it can't be made.
    pub fn like(&self) -> Self {
        Self::renewed(self.home.path())
    }

    fn renewed(from: &Path) -> Self {
        let home = Home::new();
        copy(from, home.path());
        for name in ["device", "owner"] {
            fs::write(home.join(format!("keys/{name}.key")), secret()).expect("a key");
        }
        let device = Self {
            home,
            daemon: None,
            _template: None,
        };
        // To the keys, the network that was copied is somebody else's.
        device.weft(["network", "leave"]).ok();
        for entry in fs::read_dir(device.home.path()).expect("the home") {
            let path = entry.expect("an entry").path();
            if path.to_string_lossy().contains(".before-leave-") {
                fs::remove_file(path).expect("the copy goes");
            }
        }
        device
    }

    /// A copy of its home as it is now, as a disk that is put back to an earlier hour.
    ///
    /// # Panics
    /// When it can't be made.
    pub fn copied(&self) -> Self {
        let home = Home::new();
        copy(self.home.path(), home.path());
        Self::of(home)
    }

    /// A home that was made by `weft init`, or whatever a test does to one.
    pub fn of(home: Home) -> Self {
        Self {
            home,
            daemon: None,
            _template: None,
        }
    }

    /// Its home.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// `weft` with this home, kept from everything but loopback.
    pub fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = self.home.command(args);
        command
            .env("MESH_MDNS", "false")
            .env("MESH_UPNP", "false")
            .env("MESH_LISTEN", "/ip4/127.0.0.1/tcp/0");
        command
    }

    /// Runs `weft` with this home to its end.
    ///
    /// # Panics
    /// When it does not start.
    pub fn weft<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Ran {
        Ran::of(self.command(args), b"")
    }

    /// What `weft … --json` answers.
    ///
    /// # Panics
    /// When it fails.
    #[track_caller]
    pub fn json<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Value {
        let mut command = self.command(args);
        command.arg("--json");
        Ran::of(command, b"").ok().json()
    }

    /// Why `weft … --json` is refused.
    ///
    /// # Panics
    /// When it succeeds.
    #[track_caller]
    pub fn refused<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Refusal {
        let mut command = self.command(args);
        command.arg("--json");
        let ran = Ran::of(command, b"");
        assert_ne!(ran.code, 0, "{} succeeded:\n{}", ran.line, ran.stdout);
        let error = ran.json()["error"].clone();
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        Refusal {
            exit: ran.code,
            code: text("code"),
            message: text("message"),
            remedy: text("remedy"),
        }
    }

    /// Starts the daemon and waits until it listens.
    ///
    /// # Panics
    /// When it does not, with what it wrote.
    pub fn start(&mut self) -> Value {
        self.start_with(&[])
    }

    /// [`Device::start`] with these variables in the daemon's environment.
    ///
    /// # Panics
    /// When it does not listen, with what it wrote.
    pub fn start_with(&mut self, variables: &[(&str, &str)]) -> Value {
        assert!(self.daemon.is_none(), "it runs already");
        let log = self.home.join("daemon.log");
        let errors = File::options().create(true).append(true).open(&log);
        let mut child = self
            .command(["start", "--json", "--listen", "/ip4/127.0.0.1/tcp/0"])
            .envs(variables.iter().copied())
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
        let Ok(line) = told.recv_timeout(PATIENCE) else {
            let log = fs::read_to_string(&log).unwrap_or_default();
            panic!("the daemon does not listen:\n{log}");
        };
        serde_json::from_str(&line).expect("what it says once it listens")
    }

    /// What the daemon holds in memory, in kB.
    ///
    /// # Panics
    /// When it does not run.
    pub fn memory_kb(&self) -> u64 {
        let daemon = self.daemon.as_ref().expect("a daemon");
        crate::memory_kb(daemon.id(), "VmRSS").expect("it lives")
    }

    /// Kills the daemon, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            // It may have ended by itself; then there is nothing to kill.
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }

    /// Stops the daemon by `weft stop`.
    ///
    /// # Panics
    /// When it can't be told, or ends otherwise than well.
    pub fn stop(&mut self) {
        self.weft(["stop"]).ok();
        let mut daemon = self.daemon.take().expect("it runs");
        let status = daemon.wait().expect("it ends");
        assert!(status.success(), "{status}");
    }

    /// Makes an invite and returns its string.
    ///
    /// # Panics
    /// When it is refused.
    #[track_caller]
    pub fn invite(&self, options: &[&str]) -> String {
        let invite = self.json(["invite"].iter().chain(options));
        invite["invite"].as_str().expect("a string").to_owned()
    }

    /// A field of `weft network show`, as text.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn network(&self, field: &str) -> String {
        let shown = self.json(["network", "show"]);
        match &shown[field] {
            Value::String(text) => text.clone(),
            Value::Null => panic!("no `{field}`: {shown}"),
            other => other.to_string(),
        }
    }

    /// How many devices are connected.
    ///
    /// # Panics
    /// When the mesh can't be asked.
    #[track_caller]
    pub fn connected(&self) -> u64 {
        let status = self.json(["mesh", "status"]);
        status["connected"].as_u64().expect("a number")
    }

    /// How often something was dropped for this reason.
    ///
    /// # Panics
    /// When the mesh can't be asked.
    #[track_caller]
    pub fn dropped(&self, why: &str) -> u64 {
        let status = self.json(["mesh", "status"]);
        status["dropped"][why].as_u64().unwrap_or_default()
    }
}

impl Default for Device {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if let (true, Ok(log)) = (
            thread::panicking(),
            fs::read_to_string(self.home.join("daemon.log")),
        ) {
            eprintln!("--- {}\n{log}", self.home.path().display());
        }
        self.kill();
    }
}

/// A home that is made once, and goes with the last device that was copied from it.
fn template() -> Arc<Home> {
    static TEMPLATE: Mutex<Weak<Home>> = Mutex::new(Weak::new());
    let mut template = TEMPLATE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(made) = template.upgrade() {
        return made;
    }
    let home = Home::new();
    home.weft(["init", "--user", FOUNDER]).ok();
    let made = Arc::new(home);
    *template = Arc::downgrade(&made);
    made
}

/// Copies a folder with its permissions.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().expect("a type").is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).expect("a copy");
        }
    }
    let permissions = fs::metadata(from).expect("a folder").permissions();
    fs::set_permissions(to, permissions).expect("its permissions");
}

/// A new secret key in hex.
fn secret() -> String {
    let mut bytes = [0; KEY_BYTES];
    let random = File::open("/dev/urandom").and_then(|mut f| f.read_exact(&mut bytes));
    random.expect("random bytes");
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
