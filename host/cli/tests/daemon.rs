//! The daemon and its socket, through the binary: one process per home, hostile clients, a clean stop.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

/// The longest that a stop may take.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// How long a test waits for something that should come at once, before it fails.
const PATIENCE: Duration = Duration::from_secs(60);

fn weft(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weft"));
    command
        .arg("--home")
        .arg(home)
        .args(args)
        .env_remove("WEFT_HOME")
        .env_remove("WEFT_LOG");
    command
}

fn run(home: &Path, args: &[&str]) -> Output {
    weft(home, args).output().expect("weft runs")
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
        panic!(
            "no JSON: {e}\n{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

/// A home of its own: made once, since compiling the default plugins takes seconds, and copied.
fn new_home(folder: &Path) -> PathBuf {
    static FIRST: OnceLock<tempfile::TempDir> = OnceLock::new();
    let first = FIRST.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let made = run(
            &folder.path().join("home"),
            &["init", "--user", "alice@example.com"],
        );
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        folder
    });
    let copied = Command::new("cp")
        .arg("-Rp")
        .arg(first.path().join("home"))
        .arg(folder)
        .status();
    assert!(copied.expect("cp runs").success());
    folder.join("home")
}

/// A daemon that is killed when the test ends.
struct Daemon {
    child: Child,
    socket: PathBuf,
}

impl Daemon {
    fn start(home: &Path) -> Self {
        let mut child = weft(home, &["start", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("weft starts");
        let mut line = String::new();
        let out = child.stdout.take().expect("piped");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).expect("the line is JSON");
        assert_eq!(ready["pid"], json!(child.id()));
        let socket = PathBuf::from(ready["listening"].as_str().expect("a path"));
        Self { child, socket }
    }

    /// Sends bytes and gives what comes back.
    fn send(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = UnixStream::connect(&self.socket).expect("the daemon listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        // The daemon may hang up before it has read everything.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        answer
    }

    /// Waits for its end: how long it took, and its exit code.
    fn ended(mut self) -> (Duration, Option<i32>) {
        let began = Instant::now();
        let (tell, told) = mpsc::channel();
        let pid = self.child.id();
        std::thread::spawn(move || {
            let status = self.child.wait();
            // The test may have given up.
            let _ = tell.send(status);
        });
        let status = told
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| panic!("process {pid} does not end"));
        (began.elapsed(), status.expect("a status").code())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Gone already where the test stopped it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The answer in a frame.
fn answer(frame: &[u8]) -> Value {
    let (length, body) = frame.split_at_checked(4).expect("a header");
    let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
    assert_eq!(body.len(), length);
    serde_json::from_slice(body).expect("JSON")
}

fn frame(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("short").to_be_bytes();
    [&length[..], body].concat()
}

#[test]
fn hostile_clients_get_an_error_and_the_daemon_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = new_home(folder.path());
    let daemon = Daemon::start(&home);
    let too_long = [&(16_u32 * 1024 * 1024 + 1).to_be_bytes()[..], &[b'x'; 100]].concat();
    let garbage: [(&str, Vec<u8>); 5] = [
        ("too long", too_long),
        ("the longest number", vec![0xff; 4096]),
        ("no JSON", frame(b"\x00\xff{{{")),
        ("no request", frame(br#"{"do":"reboot"}"#)),
        ("an empty frame", frame(b"")),
    ];
    for (what, bytes) in garbage {
        let answer = answer(&daemon.send(&bytes));
        assert_eq!(answer["Err"]["code"], "invalid", "{what}: {answer}");
    }
    let half = UnixStream::connect(&daemon.socket).expect("the daemon listens");
    (&half)
        .write_all(&100_u32.to_be_bytes())
        .expect("a header fits");
    drop(UnixStream::connect(&daemon.socket).expect("the daemon listens"));

    let status = run(&home, &["status", "--json"]);
    assert!(status.status.success());
    assert_eq!(json_of(&status)["daemon"], true);
    drop(half);
}

#[test]
fn the_socket_is_its_owners_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = new_home(folder.path());
    let daemon = Daemon::start(&home);
    let mode = std::fs::metadata(&daemon.socket)
        .expect("the socket")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_home_has_one_daemon() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = new_home(folder.path());
    let _first = Daemon::start(&home);
    let second = run(&home, &["start", "--json"]);
    assert_eq!(second.status.code(), Some(5));
    assert_eq!(json_of(&second)["error"]["code"], "busy");
}

#[test]
fn sigterm_ends_it_in_time_and_removes_the_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = new_home(folder.path());
    let daemon = Daemon::start(&home);
    let socket = daemon.socket.clone();
    // A client that hangs must not hold it up.
    let mut idle = UnixStream::connect(&socket).expect("the daemon listens");
    idle.write_all(&[0, 0]).expect("half a header fits");
    let pid = daemon.child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .expect("kill runs")
            .success()
    );
    let (took, code) = daemon.ended();
    assert_eq!(code, Some(0));
    assert!(took < STOP_LIMIT, "it took {took:?}");
    assert!(!socket.exists());
    assert!(
        run(&home, &["status"]).status.success(),
        "the home is free again"
    );
}

#[test]
fn stop_ends_it_and_says_when_there_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = new_home(folder.path());
    let daemon = Daemon::start(&home);
    assert!(run(&home, &["stop"]).status.success());
    let (took, code) = daemon.ended();
    assert_eq!(code, Some(0));
    assert!(took < STOP_LIMIT, "it took {took:?}");
    let none = run(&home, &["stop", "--json"]);
    assert_eq!(none.status.code(), Some(3));
    assert_eq!(json_of(&none)["error"]["code"], "not-found");
}

#[test]
fn a_dead_daemons_socket_is_in_nobodys_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = new_home(folder.path());
    drop(UnixListener::bind(home.join("weft.sock")).expect("a socket"));
    let status = run(&home, &["status", "--json"]);
    assert_eq!(json_of(&status)["daemon"], false);
    let daemon = Daemon::start(&home);
    assert_eq!(json_of(&run(&home, &["status", "--json"]))["daemon"], true);
    drop(daemon);
}

#[test]
fn another_file_in_the_sockets_place_is_not_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = new_home(folder.path());
    std::fs::write(home.join("weft.sock"), "mine").expect("a file");
    let start = run(&home, &["start", "--json"]);
    assert_eq!(start.status.code(), Some(4));
    assert_eq!(json_of(&start)["error"]["code"], "conflict");
    assert_eq!(
        std::fs::read_to_string(home.join("weft.sock")).expect("it is there"),
        "mine"
    );
}

#[test]
fn commands_side_by_side_wait_for_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = new_home(folder.path());
    let children: Vec<Child> = (0..4)
        .map(|_| {
            weft(&home, &["energy", "show"])
                .stdout(Stdio::null())
                .spawn()
                .expect("weft starts")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("a status").success());
    }
}
