//! 1 GiB of content: adding, verifying and getting it, each beside sha256 of the same bytes in the same run, and the
//! peak of memory meanwhile. Each step is a process of its own (`weft`, and this program for the hash), so that a peak
//! is one step's. Linux: memory is read from `/proc`.
//!
//! Adding ends when the bytes are on the disk, so a plain copy with a sync of the same file stands beside it: where the
//! disk is slower than the hash, it is what limits.

use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use weft_bench::{Report, target_dir};
use weft_kit::Home;
use weft_kit::memory_kb;

/// The content, in bytes: 1 GiB.
const BYTES: u64 = 1 << 30;
/// Bytes at a time.
const CHUNK: usize = 1 << 20;
/// Runs of each step; the fastest counts, since other work only ever slows one down.
const RUNS: usize = 3;
/// The most that a step may take, as a multiple of the hash: 1 / 0.6.
const TIMES_SHA256: f64 = 1.0 / 0.6;
/// The most memory, in MB of 1,000,000 bytes.
const PEAK_MB: f64 = 100.0;
/// How often a child's memory is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// What a step took.
#[derive(Clone, Copy)]
struct Step {
    seconds: f64,
    peak_mb: f64,
}

impl Step {
    fn faster(self, other: Self) -> Self {
        Self {
            seconds: self.seconds.min(other.seconds),
            peak_mb: self.peak_mb.max(other.peak_mb),
        }
    }
}

/// Writes the file: pseudo-random, splitmix64 from a fixed seed.
fn make(path: &Path) {
    let mut file = File::create(path).expect("a file");
    let mut state: u64 = 7;
    let mut chunk = vec![0; CHUNK];
    for _ in 0..BYTES / CHUNK as u64 {
        for word in chunk.chunks_exact_mut(8) {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word.copy_from_slice(&(z ^ (z >> 31)).to_le_bytes());
        }
        file.write_all(&chunk).expect("room on the disk");
    }
    file.sync_all().expect("room on the disk");
}

/// Reads a file to its end, chunk by chunk.
fn each_chunk(path: &Path, mut f: impl FnMut(&[u8])) {
    let mut file = File::open(path).expect("the file");
    let mut chunk = vec![0; CHUNK];
    loop {
        match file.read(&mut chunk).expect("the file") {
            0 => return,
            count => f(&chunk[..count]),
        }
    }
}

fn timed(run: impl FnOnce()) -> f64 {
    let started = Instant::now();
    run();
    started.elapsed().as_secs_f64()
}

/// Runs a child to its end and watches its peak.
fn watched(command: &mut Command) -> Step {
    let started = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .spawn()
        .expect("the child starts");
    let id = child.id();
    let (ended, end) = channel();
    let waiter = std::thread::spawn(move || {
        let status = child.wait().expect("a status");
        let seconds = started.elapsed().as_secs_f64();
        // Nobody listens any more only when the benchmark has failed already.
        let _ = ended.send(());
        (status, seconds)
    });
    let mut peak = 0;
    while end.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        peak = peak.max(memory_kb(id, "VmHWM").unwrap_or(0));
    }
    let (status, seconds) = waiter.join().expect("the waiter does not panic");
    assert!(status.success(), "the child ended with {status}");
    Step {
        seconds,
        peak_mb: peak as f64 * 1_024.0 / 1e6,
    }
}

fn best(mut step: impl FnMut() -> Step) -> Step {
    let first = step();
    (1..RUNS).fold(first, |best, _| best.faster(step()))
}

fn main() {
    let home = Home::new_in(&target_dir());
    let file: PathBuf = home.join("file");
    home.weft(["init"]).ok();
    make(&file);
    let path = file.to_str().expect("UTF-8");
    let mut report = Report::new("content");

    let sha256 = best(|| {
        let mut hash = Sha256::new();
        let seconds = timed(|| each_chunk(&file, |chunk| hash.update(chunk)));
        std::hint::black_box(hash.finalize());
        Step {
            seconds,
            peak_mb: 0.0,
        }
    });
    let mb_per_s = |step: Step| BYTES as f64 / 1e6 / step.seconds;
    report.values(
        "sha256 of 1 GiB",
        &[("seconds", sha256.seconds), ("mb_per_s", mb_per_s(sha256))],
    );
    let mut row = |what: &str, step: Step, target: bool| {
        report.values(
            what,
            &[
                ("seconds", step.seconds),
                ("mb_per_s", mb_per_s(step)),
                ("times_sha256", step.seconds / sha256.seconds),
                ("peak_mb", step.peak_mb),
            ],
        );
        if target {
            report.reach("times_sha256", TIMES_SHA256);
        }
    };

    let copied = best(|| {
        let copy = home.join("copy");
        let seconds = timed(|| {
            let mut to = File::create(&copy).expect("a file");
            each_chunk(&file, |chunk| {
                to.write_all(chunk).expect("room on the disk")
            });
            to.sync_all().expect("room on the disk");
        });
        fs::remove_file(&copy).expect("the copy");
        Step {
            seconds,
            peak_mb: 0.0,
        }
    });
    row("copy of 1 GiB with a sync", copied, false);

    let mut cid = String::new();
    let added = best(|| {
        home.weft(["content", "gc"]).ok();
        let step = watched(&mut home.command(["content", "add", "--no-pin", path]));
        cid = home
            .weft(["content", "add", "--no-pin", path, "--json"])
            .ok()
            .json()["cid"]
            .as_str()
            .expect("a CID")
            .to_owned();
        step
    });
    row("weft content add", added, true);
    let verified = best(|| watched(&mut home.command(["content", "verify", &cid])));
    row("weft content verify", verified, true);
    let got = best(|| {
        let out = home.join("out");
        let step = watched(&mut home.command([
            "content",
            "get",
            &cid,
            "-o",
            out.to_str().expect("UTF-8"),
        ]));
        fs::remove_file(&out).expect("the file");
        step
    });
    row("weft content get", got, false);
    let peak = added.peak_mb.max(verified.peak_mb).max(got.peak_mb);
    report
        .values("peak of all three", &[("peak_mb", peak)])
        .reach("peak_mb", PEAK_MB);
    report.finish();
}
