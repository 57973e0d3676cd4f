//! The `weft` binary: how long a command takes on a home whose plugins are cached, when the daemon listens, and what it
//! holds in memory when it has nothing to do. Linux: memory is read from `/proc`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use weft_bench::{Figures, Report, of_samples};
use weft_kit::Home;
use weft_kit::memory_kb;

/// Commands that are timed.
const COMMANDS: usize = 30;
/// Starts of the daemon that are timed.
const STARTS: usize = 5;
/// What a cold start is to take at most, in milliseconds.
const START_MS: f64 = 150.0;
/// What the idle daemon is to hold at most, in MB of 1,000,000 bytes.
const IDLE_MB: f64 = 60.0;
/// Between two looks at the daemon's memory, and how many in a row must be alike for it to be at rest; at most so many.
const LOOK: Duration = Duration::from_millis(100);
const ALIKE: usize = 20;
const LOOKS: usize = 300;

fn timed(mut run: impl FnMut()) -> u64 {
    let started = Instant::now();
    run();
    started.elapsed().as_nanos() as u64
}

/// Waits until a process's memory stays as it is.
fn come_to_rest(pid: u32) {
    let (mut before, mut alike) = (None, 0);
    for _ in 0..LOOKS {
        let now = memory_kb(pid, "VmRSS");
        alike = if now == before { alike + 1 } else { 0 };
        if alike == ALIKE {
            return;
        }
        before = now;
        std::thread::park_timeout(LOOK);
    }
    panic!("the daemon's memory does not come to rest");
}

/// Starts the daemon and waits for the line that says that it listens.
fn start(home: &Home) -> Child {
    let mut child = home
        .command(["start"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the daemon starts");
    let stdout = child.stdout.take().expect("it was piped");
    let mut line = String::new();
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("the daemon writes a line");
    assert!(
        line.starts_with("listening on"),
        "the daemon wrote `{line}`"
    );
    child
}

fn stop(home: &Home, mut child: Child) {
    home.weft(["stop"]).ok();
    let ended = child.wait().expect("the daemon ends");
    assert!(ended.success(), "the daemon ended with {ended}");
}

fn row(report: &mut Report, what: &str, figures: Figures) {
    let ms = |ns: u64| ns as f64 / 1e6;
    report.values(
        what,
        &[
            ("median_ms", ms(figures.median_ns)),
            ("min_ms", ms(figures.min_ns)),
            ("max_ms", ms(figures.max_ns)),
            ("samples", figures.samples as f64),
        ],
    );
}

fn main() {
    let home = Home::new();
    let mut report = Report::new("process");
    weft_kit::weft_bin();
    let init = timed(|| {
        home.weft(["init"]).ok();
    });
    row(
        &mut report,
        "weft init, all plugins compiled",
        of_samples(vec![init]),
    );
    let status = (0..COMMANDS)
        .map(|_| timed(|| drop(home.weft(["status"]).ok())))
        .collect();
    row(&mut report, "weft status, no daemon", of_samples(status));
    report.reach("median_ms", START_MS);
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let started = Instant::now();
        let child = start(&home);
        starts.push(started.elapsed().as_nanos() as u64);
        stop(&home, child);
    }
    row(
        &mut report,
        "weft start until it listens",
        of_samples(starts),
    );
    report.reach("median_ms", START_MS);
    let child = start(&home);
    come_to_rest(child.id());
    let mb = |field| memory_kb(child.id(), field).expect("the daemon lives") as f64 * 1_024.0 / 1e6;
    report
        .values(
            "weft start, idle",
            &[
                ("rss_mb", mb("VmRSS")),
                ("anonymous_mb", mb("RssAnon")),
                ("files_mb", mb("RssFile")),
                ("peak_mb", mb("VmHWM")),
            ],
        )
        .reach("rss_mb", IDLE_MB);
    let asked = (0..COMMANDS)
        .map(|_| timed(|| drop(home.weft(["status"]).ok())))
        .collect();
    row(
        &mut report,
        "weft status, asked of the daemon",
        of_samples(asked),
    );
    stop(&home, child);
    report.finish();
}
