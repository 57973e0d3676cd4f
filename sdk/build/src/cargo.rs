//! Cargo and rustc as child processes with a scrubbed environment.
//!
//! What the caller's shell sets for its own builds (flags, wrappers, profiles, target folders, a jobserver) must not
//! reach a component, or two people would get two CIDs from one source. Network and registry settings stay.

use crate::error::BuildError;
use crate::limits::OUTPUT_TAIL_BYTES;
use serde::Deserialize;
use serde_json::Value;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Variables that change what a build gives.
const SCRUBBED: [&str; 14] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTDOCFLAGS",
    "CARGO_ENCODED_RUSTDOCFLAGS",
    "RUSTC",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_BOOTSTRAP",
    "RUSTC_LINKER",
    "CARGO_INCREMENTAL",
    "CARGO_MAKEFLAGS",
    "CARGO_PRIMARY_PACKAGE",
    "MAKEFLAGS",
    "MFLAGS",
    "SOURCE_DATE_EPOCH",
];

/// Prefixes of variables that change what a build gives, or that an outer cargo set for its own child.
const SCRUBBED_PREFIXES: [&str; 8] = [
    "CARGO_BUILD_",
    "CARGO_TARGET_",
    "CARGO_PROFILE_",
    "CARGO_UNSTABLE_",
    "CARGO_PKG_",
    "CARGO_MANIFEST_",
    "CARGO_BIN_",
    "CARGO_CFG_",
];

/// A command with the scrubbed environment, run in `dir` so that a `rust-toolchain.toml` there counts.
pub fn command(program: &str, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        if SCRUBBED.contains(&text) || SCRUBBED_PREFIXES.iter().any(|p| text.starts_with(p)) {
            command.env_remove(&name);
        }
    }
    // Empty switches off a wrapper that a config file names, too.
    command.env("RUSTC_WRAPPER", "");
    command
}

/// Runs a command and takes its output; an error holds the end of what it wrote, but for what went to the terminal.
pub(crate) fn run(command: &mut Command, quiet: bool) -> Result<Output, BuildError> {
    command.stdout(Stdio::piped());
    command.stderr(if quiet {
        Stdio::piped()
    } else {
        Stdio::inherit()
    });
    let output = command
        .spawn()
        .and_then(std::process::Child::wait_with_output)
        .map_err(|source| BuildError::Program {
            program: command.get_program().to_string_lossy().into_owned(),
            source,
        })?;
    if output.status.success() {
        Ok(output)
    } else {
        let mut said = output.stderr;
        // A failed test says why on stdout; cargo's messages, which are JSON, are no help to a person.
        if !output.stdout.starts_with(b"{") {
            said.extend(output.stdout);
        }
        Err(BuildError::Failed {
            command: shown(command),
            output: tail_of(&said),
        })
    }
}

/// Runs a command and gives its stdout without the last line feed.
pub(crate) fn ask(command: &mut Command) -> Result<String, BuildError> {
    let output = run(command, true)?;
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned())
}

/// The program and its first arguments, enough to recognise it.
pub(crate) fn shown(command: &Command) -> String {
    const SHOWN_ARGUMENTS: usize = 4;
    let mut words = vec![command.get_program().to_string_lossy()];
    let arguments = command.get_args().map(OsStr::to_string_lossy);
    words.extend(arguments.take(SHOWN_ARGUMENTS));
    words.join(" ")
}

fn tail_of(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end();
    let mut start = text.len().saturating_sub(OUTPUT_TAIL_BYTES);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text[start..].to_owned()
}

/// What `cargo metadata` says, as far as it is needed.
#[derive(Debug, Deserialize)]
pub(crate) struct Metadata {
    /// All packages, dependencies included unless asked without.
    pub packages: Vec<Package>,
    /// Where the workspace's `Cargo.toml` is.
    pub workspace_root: PathBuf,
    /// Where cargo builds by default.
    pub target_directory: PathBuf,
}

/// One package of [`Metadata`].
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub name: String,
    pub version: String,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub license: Option<String>,
    /// Where it comes from; none for a path.
    #[serde(default)]
    pub source: Option<String>,
    pub manifest_path: PathBuf,
    #[serde(default)]
    pub metadata: Value,
}

/// Asks cargo about the crate in `dir`; `dependencies` resolves (and, once, downloads) them.
pub(crate) fn metadata(dir: &Path, dependencies: bool) -> Result<Metadata, BuildError> {
    let mut command = command("cargo", dir);
    command.args(["metadata", "--format-version", "1"]);
    if !dependencies {
        command.arg("--no-deps");
    }
    let output = run(&mut command, true)?;
    serde_json::from_slice(&output.stdout).map_err(|e| BuildError::Failed {
        command: shown(&command),
        output: format!("its answer does not read: {e}"),
    })
}
