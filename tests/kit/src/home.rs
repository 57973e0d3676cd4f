//! Temporary homes, and the command line run in them.

use crate::workspace;
use serde_json::Value;
use std::ffi::OsStr;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use tempfile::TempDir;

/// Names a `weft` binary to test instead of building one.
const BINARY_VARIABLE: &str = "WEFT_BIN";

/// The `weft` binary: the one that the variable `WEFT_BIN` names, else the one beside the running test, which cargo is
/// asked to bring up to date once per process.
///
/// # Panics
/// When it does not compile.
pub fn weft_bin() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| match std::env::var_os(BINARY_VARIABLE) {
        Some(path) => {
            let path = PathBuf::from(path);
            assert!(
                path.is_file(),
                "{BINARY_VARIABLE} names `{}`, which is no file",
                path.display()
            );
            path
        }
        None => build_binary(),
    })
}

fn build_binary() -> PathBuf {
    // target/<profile>/deps/<test>: what is built beside it has its flags and features.
    let test = std::env::current_exe().expect("the test's own path");
    let profile_dir = test.ancestors().nth(2).expect("a test lies in `deps`");
    let target_dir = profile_dir
        .parent()
        .expect("a profile's folder lies in a target folder");
    let profile = match profile_dir.file_name().and_then(OsStr::to_str) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace()).stdin(Stdio::null());
    cargo.args([
        "build",
        "--quiet",
        "--workspace",
        "--bin",
        "weft",
        "--profile",
        profile,
    ]);
    cargo.arg("--target-dir").arg(target_dir);
    let output = cargo
        .output()
        .unwrap_or_else(|e| panic!("can't run cargo: {e}"));
    assert!(
        output.status.success(),
        "`weft` does not build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    profile_dir.join(format!("weft{}", std::env::consts::EXE_SUFFIX))
}

/// A home that is gone when it is dropped.
#[derive(Debug)]
pub struct Home {
    dir: TempDir,
    path: PathBuf,
}

impl Default for Home {
    fn default() -> Self {
        Self::new()
    }
}

impl Home {
    /// An empty one; `weft init`, or whatever a test wants, makes more of it.
    ///
    /// # Panics
    /// When there is no room for it.
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("weft-home-").tempdir();
        Self::in_dir(dir.expect("a temporary folder"))
    }

    /// One whose folder is not there yet, for `weft restore`.
    ///
    /// # Panics
    /// When there is no room for it.
    pub fn absent() -> Self {
        let mut home = Self::new();
        home.path.push("home");
        home
    }

    /// [`Home::new`] in a folder that is there, as on a disk with room.
    ///
    /// # Panics
    /// When there is no room for it.
    pub fn new_in(folder: &Path) -> Self {
        let dir = tempfile::Builder::new()
            .prefix("weft-home-")
            .tempdir_in(folder);
        Self::in_dir(dir.expect("a temporary folder"))
    }

    fn in_dir(dir: TempDir) -> Self {
        let path = dir.path().to_owned();
        Self { dir, path }
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path in it.
    pub fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.path().join(path)
    }

    /// `weft --home DIR …` with an environment of its own: plain text, UTC, none of the caller's settings of Weft.
    pub fn command<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(weft_bin());
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|n| n.starts_with("WEFT_")) {
                command.env_remove(&name);
            }
        }
        command
            .env("NO_COLOR", "1")
            .env("TZ", "UTC")
            .env("COLUMNS", "120");
        command
            .current_dir(self.dir.path())
            .arg("--home")
            .arg(self.path());
        command.args(args).stdin(Stdio::null());
        command
    }

    /// Runs `weft --home DIR …` to its end.
    ///
    /// # Panics
    /// When it does not start.
    pub fn weft<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Ran {
        Ran::of(self.command(args), b"")
    }

    /// The same with something on its standard input.
    ///
    /// # Panics
    /// When it does not start.
    pub fn weft_with<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
        input: &[u8],
    ) -> Ran {
        Ran::of(self.command(args), input)
    }
}

/// A command that ran to its end.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What was run, for messages.
    pub line: String,
    /// What it wrote for its reader.
    pub stdout: String,
    /// What it wrote beside that.
    pub stderr: String,
    /// Its exit code; -1 when a signal ended it.
    pub code: i32,
}

impl Ran {
    /// Runs a command to its end, with something on its standard input.
    ///
    /// # Panics
    /// When it does not start.
    pub fn of(mut command: Command, input: &[u8]) -> Self {
        let line = format!("{command:?}");
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{line}: {e}"));
        let mut stdin = child.stdin.take().expect("it was piped");
        let input = input.to_vec();
        // Beside the reading, so that neither side waits for the other; a command need not read its input.
        let writer = std::thread::spawn(move || {
            let _ = stdin.write_all(&input);
        });
        let output = child
            .wait_with_output()
            .unwrap_or_else(|e| panic!("{line}: {e}"));
        writer
            .join()
            .expect("the writer of the input does not panic");
        Self {
            line,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// Itself, once it is clear that the command succeeded.
    ///
    /// # Panics
    /// When the exit code is not 0, with all that was written.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.code_is(0)
    }

    /// Itself, once it is clear that the command ended with this code.
    ///
    /// # Panics
    /// When it did not, with all that was written.
    #[track_caller]
    pub fn code_is(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "{}\n--- stdout\n{}\n--- stderr\n{}",
            self.line, self.stdout, self.stderr
        );
        self
    }

    /// What it wrote, as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("{}: no JSON: {e}\n{}", self.line, self.stdout))
    }
}
