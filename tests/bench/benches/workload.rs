//! log-digest on 100 MB of log, as a component beside the same code in native Rust.
//!
//! Both read the same bytes from memory through a buffer of the same size and must write the same. The component pays
//! for fuel, for deadlines, for the digests of its input and output, and for copying its input in.

#[path = "shared/policies.rs"]
mod shared;

use log_digest::LogDigest;
use std::fmt::Write as _;
use std::io::{BufReader, Cursor, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use weft_bench::{Report, of_samples};
use weft_engine::{Job, JobLimits, WorkloadEngine};
use weft_sdk::workload::{READ_BYTES, Workload};

/// Bytes of the log.
const LOG_BYTES: usize = 100_000_000;
/// Runs of each side, one after the other.
const RUNS: usize = 3;

/// A log as servers write it: eight kinds of lines and what varies in them.
fn log() -> Vec<u8> {
    let mut text = String::with_capacity(LOG_BYTES + 256);
    let mut n = 0_u64;
    while text.len() < LOG_BYTES {
        n += 1;
        let x = |seed: u64, most: f64| (shared::unit(seed, n) * most) as u64;
        let (h, m, s) = (n / 36_000 % 24, n / 600 % 60, n / 10 % 60);
        let _ = write!(
            text,
            "2026-11-21T{h:02}:{m:02}:{s:02}.{:03}Z node{} ",
            x(1, 1000.0),
            x(2, 12.0)
        );
        let _ = match x(3, 8.0) {
            0 => writeln!(
                text,
                "sshd[{}]: Accepted publickey for user{} from 10.0.{}.{} port {} ssh2",
                x(4, 30_000.0),
                x(5, 40.0),
                x(6, 255.0),
                x(7, 255.0),
                x(8, 65_000.0)
            ),
            1 => writeln!(
                text,
                "nginx: 192.168.{}.{} \"GET /api/v1/items/{} HTTP/1.1\" 200 {} {}ms",
                x(4, 255.0),
                x(5, 255.0),
                x(6, 1e6),
                x(7, 1e5),
                x(8, 900.0)
            ),
            2 => writeln!(
                text,
                "kernel: [{}.{:06}] usb 1-{}: new high-speed USB device number {} using xhci_hcd",
                x(4, 1e5),
                x(5, 1e6),
                x(6, 8.0),
                x(7, 120.0)
            ),
            3 => writeln!(
                text,
                "systemd[1]: Started session-{}.scope - Session {} of user user{}.",
                x(4, 9999.0),
                x(5, 9999.0),
                x(6, 40.0)
            ),
            4 => writeln!(
                text,
                "postgres[{}]: ERROR:  deadlock detected at character {} in /var/lib/pg/{}/base",
                x(4, 30_000.0),
                x(5, 400.0),
                x(6, 16.0)
            ),
            5 => writeln!(
                text,
                "app: WARN request 0x{:x} took {}.{} s, retry {} of 5",
                x(4, 1e12),
                x(5, 30.0),
                x(6, 10.0),
                x(7, 5.0)
            ),
            6 => writeln!(
                text,
                "cron[{}]: (root) CMD (/usr/bin/backup --level {} --to /mnt/disk{})",
                x(4, 30_000.0),
                x(5, 9.0),
                x(6, 4.0)
            ),
            _ => writeln!(
                text,
                "dhcpd: DHCPACK on 10.1.{}.{} to 52:54:00:{:02x}:{:02x}:{:02x} via eth{}",
                x(4, 255.0),
                x(5, 255.0),
                x(6, 255.0),
                x(7, 255.0),
                x(8, 255.0),
                x(9, 3.0)
            ),
        };
    }
    text.truncate(LOG_BYTES);
    text.into_bytes()
}

/// A writer whose bytes can be read afterwards.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Kept {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn main() {
    let log: Arc<[u8]> = log().into();
    let engine = WorkloadEngine::new().expect("this machine runs workloads");
    let code = engine.precompile(shared::component("log-digest"));
    let (_, code) = code.unwrap_or_else(|e| panic!("log-digest does not compile: {e}"));
    let workload = engine
        .load(&code)
        .unwrap_or_else(|e| panic!("log-digest does not load: {e}"));
    let (mut component, mut native) = (Vec::new(), Vec::new());
    let (mut fuel, mut peak) = (0, 0);
    for _ in 0..RUNS {
        let out = Kept::default();
        let job = Job {
            params: String::new(),
            input: Box::new(Cursor::new(Arc::clone(&log))),
            output: Box::new(out.clone()),
            limits: JobLimits::default(),
            dirs: Vec::new(),
            seed: [0; 32],
            cancel: Arc::default(),
            threads: 1,
            skills: Vec::new(),
            embedder: None,
        };
        let started = Instant::now();
        let finished = engine
            .run(&workload, job)
            .unwrap_or_else(|e| panic!("log-digest: {e}"));
        component.push(started.elapsed().as_nanos() as u64);
        let summary = finished
            .result
            .unwrap_or_else(|e| panic!("log-digest: {e}"));
        (fuel, peak) = (finished.fuel, finished.peak_memory_bytes);

        let mut input =
            BufReader::with_capacity(READ_BYTES as usize, Cursor::new(Arc::clone(&log)));
        let mut output = Vec::new();
        let started = Instant::now();
        let said = LogDigest::run("", &mut input, &mut output);
        native.push(started.elapsed().as_nanos() as u64);
        assert_eq!(
            said.unwrap_or_else(|e| panic!("{e:?}")),
            summary,
            "the summaries differ"
        );
        assert!(output == out.take(), "the outputs differ");
    }
    let (component, native) = (of_samples(component), of_samples(native));
    let s = |ns: u64| ns as f64 / 1e9;
    let mut report = Report::new("workload");
    report
        .values(
            "log-digest, 100 MB, component",
            &[
                ("median_s", s(component.median_ns)),
                ("min_s", s(component.min_ns)),
                ("max_s", s(component.max_ns)),
                ("mb_per_s", LOG_BYTES as f64 / 1e6 / s(component.median_ns)),
                ("peak_memory_mb", peak as f64 / 1e6),
                ("fuel_per_byte", fuel as f64 / LOG_BYTES as f64),
            ],
        )
        .and(
            "ratio",
            component.median_ns as f64 / native.median_ns as f64,
        );
    report.values(
        "the same, native Rust",
        &[
            ("median_s", s(native.median_ns)),
            ("min_s", s(native.min_ns)),
            ("max_s", s(native.max_ns)),
            ("mb_per_s", LOG_BYTES as f64 / 1e6 / s(native.median_ns)),
        ],
    );
    report.finish();
}
