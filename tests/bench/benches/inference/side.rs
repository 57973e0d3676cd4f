//! A side of the comparison, as who asks sees it.

use crate::work::Reply;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use weft_kit::memory_kb;

/// Between two looks at a side's memory.
const LOOK: Duration = Duration::from_millis(10);

/// A process that holds a model.
pub struct Side {
    /// What its rows say.
    pub name: &'static str,
    /// What the first side's time to its own is called.
    pub ratio: &'static str,
    /// What it took to be ready.
    pub ready: Reply,
    child: Child,
    input: ChildStdin,
    replies: Receiver<Reply>,
}

/// What a side held at its most, in bytes.
#[derive(Clone, Copy, Default)]
pub struct Memory {
    /// As the system counts it: a page that is mapped eight times counts eight times.
    pub rss: u64,
    /// Each page once.
    pub pss: u64,
}

impl Side {
    /// Starts it and waits until it is ready.
    pub fn start(name: &'static str, ratio: &'static str, command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.spawn().unwrap_or_else(|e| panic!("{name}: {e}"));
        let output = child.stdout.take().expect("it was piped");
        let (say, replies) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let line = line.expect("a line");
                let reply = serde_json::from_str(&line).expect("a reply");
                if say.send(reply).is_err() {
                    return;
                }
            }
        });
        Self {
            name,
            ratio,
            ready: take(name, &replies),
            input: child.stdin.take().expect("it was piped"),
            child,
            replies,
        }
    }

    /// Has a piece of work done.
    pub fn ask(&mut self, work: &str) -> Reply {
        self.tell(work);
        take(self.name, &self.replies)
    }

    /// The same, with its memory looked at meanwhile.
    pub fn ask_watched(&mut self, work: &str) -> (Reply, Memory) {
        self.tell(work);
        let mut most = Memory::default();
        loop {
            match self.replies.recv_timeout(LOOK) {
                Ok(reply) => return (reply, most),
                Err(RecvTimeoutError::Timeout) => {
                    let now = self.memory();
                    most.rss = most.rss.max(now.rss);
                    most.pss = most.pss.max(now.pss);
                }
                Err(RecvTimeoutError::Disconnected) => panic!("{} has ended", self.name),
            }
        }
    }

    /// What it holds now.
    pub fn memory(&self) -> Memory {
        let once = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()));
        let once = once.unwrap_or_default();
        let pss = once.lines().find_map(|line| line.strip_prefix("Pss:"));
        let pss = pss.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        Memory {
            rss: self.kb("VmRSS") * 1024,
            pss: pss.unwrap_or(0) * 1024,
        }
    }

    /// What it has held at its most since it began, in bytes.
    pub fn peak(&self) -> u64 {
        self.kb("VmHWM") * 1024
    }

    fn kb(&self, field: &str) -> u64 {
        memory_kb(self.child.id(), field).unwrap_or(0)
    }

    fn tell(&mut self, work: &str) {
        let told = writeln!(self.input, "{work}");
        told.unwrap_or_else(|e| panic!("{}: {e}", self.name));
    }
}

fn take(name: &str, replies: &Receiver<Reply>) -> Reply {
    let reply = replies.recv();
    reply.unwrap_or_else(|_| panic!("{name} has ended"))
}

impl Drop for Side {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
