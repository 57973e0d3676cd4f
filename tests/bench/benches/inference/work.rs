//! What a side is asked for and what it answers: a line each way. A side is a process of its own that holds one model, so
//! that its memory is its own and its threads can be counted.

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Write};
use std::time::Instant;

/// What a piece of work gave.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Reply {
    /// Wall time, in nanoseconds.
    pub ns: u64,
    /// Processor time of the whole process, in nanoseconds: what else runs on the machine takes less part in it.
    pub cpu_ns: u64,
    /// The vector of the first text.
    pub vector: Vec<f32>,
    /// What was said or read.
    pub text: String,
    /// Tokens that were read.
    pub tokens: u64,
    /// Linear memory of a component at its most, in bytes.
    pub memory: u64,
}

/// A moment of both clocks.
#[derive(Clone, Copy)]
pub struct Moment {
    wall: Instant,
    cpu_ns: u64,
}

impl Moment {
    /// This one.
    pub fn now() -> Self {
        let cpu = clock_gettime(ClockId::ProcessCPUTime);
        Self {
            wall: Instant::now(),
            cpu_ns: cpu.tv_sec as u64 * 1_000_000_000 + cpu.tv_nsec as u64,
        }
    }

    /// What has passed until another one.
    pub fn until(self, end: Self) -> Reply {
        Reply {
            ns: (end.wall - self.wall).as_nanos() as u64,
            cpu_ns: end.cpu_ns - self.cpu_ns,
            ..Reply::default()
        }
    }

    /// What has passed until now.
    pub fn passed(self) -> Reply {
        self.until(Self::now())
    }
}

/// Says what it took to be ready, then answers each line of the input: a word that names the work, and numbers.
pub fn serve(ready: &Reply, mut work: impl FnMut(&str, &[usize]) -> Reply) {
    let say = |reply: &Reply| {
        let line = serde_json::to_string(reply).expect("JSON");
        println!("{line}");
        std::io::stdout().flush().expect("who asked listens");
    };
    say(ready);
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("a line");
        let mut words = line.split(' ');
        let name = words.next().unwrap_or_default();
        let numbers: Vec<usize> = words.map(|n| n.parse().expect("a number")).collect();
        say(&work(name, &numbers));
    }
}

/// The texts of a benchmark: a JSON list in a file.
pub fn texts(file: &str) -> Vec<String> {
    let bytes = std::fs::read(file).expect("the texts");
    serde_json::from_slice(&bytes).expect("a list of texts")
}

/// What a user says that is so many tokens: the models here have one for each digit.
pub fn digits(count: usize) -> String {
    (0..count)
        .map(|i| char::from(b'0' + (i * 7 % 10) as u8))
        .collect()
}
