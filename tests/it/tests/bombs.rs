//! Components that are small enough to be let in and take a compiler more than it may have: refused within the cap,
//! while the daemon that was asked stays as small as it was and goes on.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use weft_kit::Home;

/// How long the daemon may take to listen.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a refusal may take: the limit on compilation, and the rest.
const REFUSED_WITHIN: Duration = Duration::from_secs(90);
/// What the daemon's memory may grow by while a worker is at its cap, in KiB.
const GROWTH_KIB: u64 = 64 * 1024;
/// Loops and variables of the bomb: under 256 KiB of code, gigabytes for a compiler.
const BOMB: (u32, u32) = (2_000, 20_000);

struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to kill.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(home: &Home) -> Daemon {
    let mut child = home
        .command(["start", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("weft starts");
    let mut out = BufReader::new(child.stdout.take().expect("piped"));
    let daemon = Daemon(child);
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        // A daemon that was killed says nothing, and then nobody listens.
        if out.read_line(&mut line).is_ok_and(|n| n > 0) {
            let _ = tell.send(line);
        }
    });
    told.recv_timeout(PATIENCE).expect("the daemon listens");
    daemon
}

/// The most memory that a process has had, in KiB.
#[cfg(target_os = "linux")]
fn peak_kib(process: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.0.id()));
    let status = status.expect("the process's status");
    let line = status.lines().find(|l| l.starts_with("VmHWM:"));
    let figure = line.and_then(|l| l.split_whitespace().nth(1));
    figure.expect("a figure").parse().expect("KiB")
}

#[cfg(not(target_os = "linux"))]
fn peak_kib(_: &Daemon) -> u64 {
    0
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|e| e.expect("an entry").file_name().display().to_string())
        .collect();
    names.sort();
    names
}

#[test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "only Linux caps a process's address space"
)]
fn a_compile_bomb_is_refused_within_the_cap() {
    let home = Home::new();
    home.weft(["init", "--user", "alice@example.com"]).ok();
    let bomb = home.join("bomb.wasm");
    let (loops, locals) = BOMB;
    std::fs::write(&bomb, weft_kit::compile_bomb(loops, locals)).expect("a file");
    let good = weft_kit::guest("good-v1").display().to_string();
    let daemon = start(&home);
    home.weft(["plugin", "inspect", &good]).ok();
    let (components, cache) = (home.join("content"), home.join("cache"));
    let listed = home.weft(["plugin", "list", "--json"]).ok().stdout;
    let before = (files(&components), files(&cache), peak_kib(&daemon));

    let began = Instant::now();
    let refused = home
        .weft(["plugin", "add", &bomb.display().to_string(), "--json"])
        .code_is(4);
    let took = began.elapsed();
    let error = &refused.json()["error"];
    assert_eq!(error["code"], "refused", "{error}");
    let message = error["message"].as_str().expect("a message");
    assert!(
        message.contains("compiling takes more than 1024 MiB"),
        "{message}"
    );
    assert!(took < REFUSED_WITHIN, "{took:?}");

    let after = peak_kib(&daemon);
    assert!(
        after <= before.2 + GROWTH_KIB,
        "the daemon grew from {} to {after} KiB",
        before.2
    );
    assert_eq!(files(&components), before.0);
    assert_eq!(files(&cache), before.1);
    let now = home.weft(["plugin", "list", "--json"]).ok().stdout;
    assert_eq!(now, listed, "nothing is stored");
    home.weft(["plugin", "add", &good]).ok();
    println!("refused after {took:?}, the daemon had at most {after} KiB");
}

#[test]
fn the_compile_worker_gives_code_or_says_why_not() {
    let run = |target: &str, input: &[u8]| {
        let mut worker = Command::new(weft_kit::weft_bin())
            .args(["compile-worker", target])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the worker starts");
        let mut stdin = worker.stdin.take().expect("piped");
        let input = input.to_vec();
        let giving = std::thread::spawn(move || stdin.write_all(&input));
        let output = worker.wait_with_output().expect("it ends");
        // One that is called wrongly reads nothing.
        let _ = giving.join().expect("the writer does not panic");
        output
    };
    let good = run("policy", &weft_kit::guest_bytes("good-v1"));
    assert!(good.status.success(), "{good:?}");
    assert!(good.stdout.starts_with(b"\x7fELF"), "native code");
    assert!(good.stderr.is_empty());
    for (target, input, code) in [
        ("policy", &b"no component"[..], 3),
        ("workload", b"", 3),
        ("anything", b"", 4),
    ] {
        let refused = run(target, input);
        assert_eq!(refused.status.code(), Some(code), "{refused:?}");
        assert!(refused.stdout.is_empty(), "{refused:?}");
        assert!(!refused.stderr.is_empty(), "{refused:?}");
    }
}
