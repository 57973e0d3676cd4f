//! Where the energy here comes from: each source, what it may say, how it fails, and for how long its last reading
//! counts.

#[path = "energy/battery.rs"]
mod battery;
mod world;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use weft_api::report::EnergyReport;
use weft_api::{Client, Request, Response};
use weft_model::task::TaskSpec;
use weft_node::energy::limits::{COMMAND_DEADLINE, RESPONSE_DEADLINE, STALE_MS};
use world::{World, bundle, task};

/// The default pause between two readings, in milliseconds.
const REFRESH_MS: i64 = 60_000;
/// Longer than a change must last before the daemon acts on it, in milliseconds.
const SETTLE_MS: i64 = 10_000;
/// How long a test waits for another thread.
const PATIENCE: Duration = Duration::from_secs(20);

fn with_source(source: &str) -> World {
    World::with_settings(&format!("energy_source = {source:?}\n"))
}

fn show(world: &World) -> EnergyReport {
    energy(world.ask(Request::EnergyShow))
}

fn energy(answer: Response) -> EnergyReport {
    match answer {
        Response::Energy(energy) => energy,
        other => panic!("{other:?}"),
    }
}

/// What went wrong with the source.
#[track_caller]
fn problem(world: &World) -> String {
    let shown = show(world);
    shown.problem.unwrap_or_else(|| panic!("{:?}", shown.kind))
}

/// Kinds of the feed's entries about the energy, in order.
fn told(world: &World) -> Vec<String> {
    world.rows("SELECT kind FROM mesh_events WHERE subject = 'energy' ORDER BY id")
}

/// An eco task runs at once on clean energy and waits otherwise.
fn digest() -> TaskSpec {
    TaskSpec {
        workload: Some("log-digest".into()),
        ..task("digest")
    }
}

/// A file beside the home, and the setting that reads it.
fn reading(text: &str) -> (tempfile::TempDir, PathBuf, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("energy.json");
    fs::write(&path, text).expect("written");
    let source = format!("file:{}", path.display());
    (folder, path, source)
}

/// A program of these lines.
fn program(folder: &Path, lines: &str) -> PathBuf {
    let path = folder.join("meter");
    fs::write(&path, format!("#!/bin/sh\n{lines}\n")).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("executable");
    path
}

#[test]
fn without_a_source_the_settings_count() {
    let world = World::with_settings("energy_type = 'wind'\nenergy_percent_clean = 80.0\n");
    let shown = show(&world);
    assert_eq!(
        (shown.kind.as_str(), shown.percent_clean),
        ("wind", Some(80.0))
    );
    assert_eq!(
        (shown.known.as_str(), shown.source.as_str()),
        ("declared", "static")
    );
    assert_eq!(shown.problem, None);
    assert_eq!(told(&world), Vec::<String>::new());
}

#[test]
fn a_file_is_read_again_when_the_pause_is_over_and_decisions_see_it() {
    let (_folder, path, source) = reading(
        r#"{"type":"solar","percent_clean":96.5,"grid_g_per_kwh":45,"battery_percent":50,"plugged_in":true}"#,
    );
    let world = with_source(&source);
    let ready = world.check(digest());
    assert_eq!(ready.status, "running", "{ready:?}");
    let shown = show(&world);
    assert_eq!(
        (shown.kind.as_str(), shown.percent_clean),
        ("solar", Some(96.5))
    );
    assert_eq!(shown.grid_g_per_kwh, Some(45.0));
    assert_eq!(
        (shown.battery_percent, shown.plugged_in),
        (Some(50.0), Some(true))
    );
    assert_eq!((shown.known.as_str(), shown.by_hand), ("declared", false));
    assert_eq!(shown.source, source);
    assert_eq!(shown.read_at.as_deref(), Some("2026-06-18T12:00:00Z"));

    fs::write(&path, r#"{"type":"coal","percent_clean":1}"#).expect("written");
    world.clock.advance(REFRESH_MS - 1);
    assert_eq!(show(&world).kind, "solar", "it was read a moment ago");
    world.clock.advance(1);
    assert_eq!(world.check(digest()).status, "deferred");
    assert_eq!(show(&world).kind, "coal");
    assert_eq!(show(&world).grid_g_per_kwh, None);
}

#[test]
fn a_waiting_task_is_decided_again_when_the_source_says_that_energy_is_clean() {
    let (_folder, path, source) = reading(r#"{"type":"coal","percent_clean":1}"#);
    let world = with_source(&source);
    let waiting = world.submit(digest());
    assert_eq!(waiting.status, "deferred");
    world.client.step().expect("a look");
    fs::write(&path, r#"{"type":"solar","percent_clean":99}"#).expect("written");
    world.clock.advance(REFRESH_MS);
    world.client.step().expect("a look");
    // A change has to settle before everything that waits is asked about.
    world.clock.advance(SETTLE_MS);
    assert_eq!(world.client.step().expect("a look"), 1);
    assert_eq!(world.show(&waiting.task).status, "done");
}

#[test]
fn what_was_said_by_hand_goes_before_the_source_until_it_is_cleared() {
    let (_folder, _path, source) = reading(r#"{"type":"coal","percent_clean":1}"#);
    let world = with_source(&source);
    world.clean();
    let shown = show(&world);
    assert_eq!((shown.kind.as_str(), shown.by_hand), ("solar", true));
    assert_eq!(world.check(digest()).status, "running");
    let cleared = energy(world.ask(Request::EnergyClear));
    assert_eq!((cleared.kind.as_str(), cleared.by_hand), ("coal", false));
    assert_eq!(
        cleared.grid_g_per_kwh, None,
        "the grid was said by hand, too"
    );
    assert_eq!(world.check(digest()).status, "deferred");
}

#[test]
fn a_reading_that_makes_no_sense_is_refused_by_the_name_of_what_is_wrong() {
    let cases = [
        ("", "no JSON"),
        ("{\"type\":", "no JSON"),
        ("[]", "no object"),
        ("7", "no object"),
        (r#"{"colour":"green"}"#, "`colour`"),
        (r#"{"type":"fusion"}"#, "`type`"),
        (r#"{"type":3}"#, "`type`"),
        (r#"{"percent_clean":100.5}"#, "`percent_clean` is 100.5"),
        (r#"{"percent_clean":"95"}"#, "`percent_clean`"),
        (r#"{"percent_clean":[95]}"#, "`percent_clean` is a list"),
        (r#"{"percent_clean":1e999}"#, "no JSON"),
        (r#"{"percent_clean":NaN}"#, "no JSON"),
        (r#"{"grid_g_per_kwh":-1}"#, "`grid_g_per_kwh` is -1"),
        (r#"{"grid_g_per_kwh":2001}"#, "`grid_g_per_kwh`"),
        (r#"{"battery_percent":101}"#, "`battery_percent`"),
        (r#"{"plugged_in":1}"#, "`plugged_in`"),
    ];
    let (_folder, path, source) = reading("{}");
    let world = with_source(&source);
    assert_eq!(
        show(&world).known,
        "unknown",
        "an empty reading says nothing"
    );
    for (text, named) in cases {
        fs::write(&path, text).expect("written");
        world.clock.advance(REFRESH_MS);
        let problem = problem(&world);
        assert!(problem.contains(named), "{text}: {problem}");
    }
    fs::write(&path, "x".repeat(100_000)).expect("written");
    world.clock.advance(REFRESH_MS);
    assert!(problem(&world).contains("longer than 65536 bytes"));
    fs::write(&path, r#"{"\u001b[31m":1}"#).expect("written");
    world.clock.advance(REFRESH_MS);
    assert!(!problem(&world).contains('\u{1b}'));
    fs::write(&path, r#"{"percent_clean":null,"type":"hydro"}"#).expect("written");
    world.clock.advance(REFRESH_MS);
    let shown = show(&world);
    assert_eq!((shown.problem, shown.kind.as_str()), (None, "hydro"));
}

#[test]
fn a_failing_source_is_told_of_once_and_its_last_reading_counts_until_it_is_old() {
    let (_folder, path, source) = reading(r#"{"type":"solar","percent_clean":99}"#);
    let world = with_source(&source);
    assert_eq!(show(&world).percent_clean, Some(99.0));
    fs::remove_file(&path).expect("removed");
    for _ in 0..9 {
        world.clock.advance(REFRESH_MS);
        let shown = show(&world);
        assert_eq!(shown.percent_clean, Some(99.0));
        assert_eq!(shown.read_at.as_deref(), Some("2026-06-18T12:00:00Z"));
        assert!(shown.problem.is_some());
        assert_eq!(told(&world), ["energy.failed"]);
    }
    assert_eq!(world.check(digest()).status, "running");
    world.clock.advance(STALE_MS - 9 * REFRESH_MS - 1);
    assert_eq!(show(&world).percent_clean, Some(99.0));
    world.clock.advance(1);
    let shown = show(&world);
    assert_eq!(
        (shown.kind.as_str(), shown.known.as_str()),
        ("unknown", "unknown")
    );
    assert_eq!(shown.percent_clean, None);
    assert_eq!(world.check(digest()).status, "deferred");
    world.clock.advance(10 * REFRESH_MS);
    show(&world);
    assert_eq!(told(&world), ["energy.failed", "energy.unknown"]);

    // What was told is remembered over a restart.
    let settings = format!("energy_source = {source:?}\n");
    let world = world.reopened(&settings);
    show(&world);
    assert_eq!(told(&world), ["energy.failed", "energy.unknown"]);
    fs::write(&path, r#"{"type":"solar","percent_clean":98}"#).expect("written");
    world.clock.advance(REFRESH_MS);
    assert_eq!(show(&world).percent_clean, Some(98.0));
    assert_eq!(
        told(&world),
        ["energy.failed", "energy.unknown", "energy.read"]
    );
}

#[test]
fn a_clock_that_was_set_back_does_not_keep_an_old_reading_alive() {
    let (_folder, path, source) = reading(r#"{"type":"solar","percent_clean":99}"#);
    let world = with_source(&source);
    assert_eq!(show(&world).percent_clean, Some(99.0));
    fs::remove_file(&path).expect("removed");
    world.clock.advance(-2 * STALE_MS);
    assert_eq!(show(&world).percent_clean, None);
}

#[test]
fn a_command_runs_without_a_shell_and_sees_its_path_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    // The arguments are words, not a line for a shell.
    let path = program(
        folder.path(),
        r#"[ "$1 $2" = '$HOME ;false' ] || exit 3
[ -z "$HOME$MESH_PEER_ID" ] || exit 4
[ -n "$PATH" ] && [ "$(pwd)" = / ] || exit 5
cat || exit 6
echo '{"type":"hydro","percent_clean":88}'"#,
    );
    let world = with_source(&format!("command:{} $HOME ;false", path.display()));
    let shown = show(&world);
    assert_eq!(shown.problem, None);
    assert_eq!(
        (shown.kind.as_str(), shown.percent_clean),
        ("hydro", Some(88.0))
    );
    assert_eq!(shown.known, "declared");
}

#[test]
fn commands_that_misbehave_are_ended_and_said() {
    let folder = tempfile::tempdir().expect("a folder");
    let cases = [
        ("echo no meter >&2; exit 7", "no meter"),
        ("echo '{\"percent_clean\": 200}'", "`percent_clean`"),
        ("echo pardon", "no JSON"),
        (
            "while :; do echo 00000000000000000000; done",
            "more than 65536 bytes",
        ),
        (
            "while :; do echo 00000000000000000000 >&2; done",
            "more than 65536 bytes",
        ),
    ];
    for (lines, named) in cases {
        let path = program(folder.path(), lines);
        let world = with_source(&format!("command:{}", path.display()));
        let problem = problem(&world);
        assert!(problem.contains(named), "{lines}: {problem}");
    }
    let world = with_source("command:/nowhere/meter");
    assert!(problem(&world).contains("No such file"));
}

#[test]
fn a_slow_command_is_ended_with_everything_that_it_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let pid = folder.path().join("pid");
    let path = program(
        folder.path(),
        &format!("sleep 600 & echo $! > {}\nwait", pid.display()),
    );
    let world = with_source(&format!("command:{}", path.display()));
    let began = Instant::now();
    assert!(problem(&world).contains("longer than 5 s"));
    let took = began.elapsed();
    assert!(took >= COMMAND_DEADLINE, "{took:?}");
    assert!(took < COMMAND_DEADLINE + PATIENCE, "{took:?}");
    let child = fs::read_to_string(&pid)
        .expect("it started")
        .trim()
        .to_owned();
    wait_until("the child ends", || !runs(&child));
}

/// Whether a process still runs: it is there, and not only waiting to be collected.
fn runs(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ")
        .next()
        .is_some_and(|s| !s.is_empty() && !s.starts_with('Z'))
}

#[track_caller]
fn wait_until(what: &str, done: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < until, "{what} in {PATIENCE:?}");
        std::thread::yield_now();
    }
}

/// A server on this device that answers every request with the same bytes, and how many it answered.
fn server(answer: Vec<u8>) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "http://{}/energy",
        listener.local_addr().expect("an address")
    );
    let served = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&served);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut request = Vec::new();
            let mut part = [0; 1024];
            while !request.windows(4).any(|w| w == b"\r\n\r\n") {
                match stream.read(&mut part) {
                    Ok(n) if n > 0 => request.extend_from_slice(&part[..n]),
                    _ => break,
                }
            }
            // Counted before whoever asked can go on.
            count.fetch_add(1, Ordering::SeqCst);
            // A client may have had enough before the end.
            let _ = stream.write_all(&answer);
        }
    });
    (url, served)
}

fn ok(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

#[test]
fn an_answer_over_http_is_a_reading_or_holds_one_where_pointers_lead() {
    let (url, _) = server(ok(r#"{"type":"wind","percent_clean":81}"#));
    let shown = show(&with_source(&format!("http:{url}")));
    assert_eq!(
        (shown.kind.as_str(), shown.percent_clean),
        ("wind", Some(81.0))
    );

    let (url, _) = server(ok(
        r#"{"data":[{"renewable":93,"g/co2":44.5,"soc":null}],"more":{"x":[1,2,3]}}"#,
    ));
    let world = with_source(&format!(
        "http:{url} type=solar percent_clean=/data/0/renewable grid_g_per_kwh=/data/0/g~1co2 \
         battery_percent=/data/0/soc"
    ));
    let shown = show(&world);
    assert_eq!(shown.problem, None);
    assert_eq!(
        (shown.kind.as_str(), shown.percent_clean),
        ("solar", Some(93.0))
    );
    assert_eq!(
        (shown.grid_g_per_kwh, shown.battery_percent),
        (Some(44.5), None)
    );
    assert_eq!(shown.known, "declared");
}

#[test]
fn answers_over_http_that_make_no_sense_are_said() {
    let long = "9".repeat(2 * 1024 * 1024);
    let endless = b"HTTP/1.1 302 Found\r\nLocation: /energy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let cases = [
        (ok("{}"), "percent_clean=/x", "nothing at `/x`"),
        (
            ok("{\"x\":true}"),
            "percent_clean=/x",
            "`percent_clean` is true",
        ),
        (
            ok("{\"x\":101}"),
            "percent_clean=/x",
            "`percent_clean` is 101",
        ),
        (ok("<html>"), "percent_clean=/x", "no JSON"),
        (ok("{\"x\":1}"), "", "`x` is no key"),
        (ok(&long), "percent_clean=/x", "longer than 1048576 bytes"),
        (
            b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n".to_vec(),
            "",
            "500",
        ),
        (endless.to_vec(), "", "redirect"),
        (b"SSH-2.0-OpenSSH\r\n".to_vec(), "", ""),
        (Vec::new(), "", ""),
    ];
    for (answer, picks, named) in cases {
        let begins = String::from_utf8_lossy(&answer[..answer.len().min(60)]).into_owned();
        let (url, _) = server(answer);
        let world = with_source(&format!("http:{url} {picks}"));
        let problem = problem(&world);
        assert!(problem.contains(named), "{begins}: {problem}");
        assert!(problem.len() < 500, "{begins}: {problem}");
    }
    // A server that speaks no TLS, asked for TLS.
    let (url, _) = server(ok("{}"));
    let world = with_source(&format!("http:{}", url.replace("http://", "https://")));
    assert!(show(&world).problem.is_some());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let closed = listener.local_addr().expect("an address");
    drop(listener);
    assert!(
        show(&with_source(&format!("http:http://{closed}/")))
            .problem
            .is_some()
    );
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", listener.local_addr().expect("an address"));
    let world = with_source(&format!("http:{url}"));
    let began = Instant::now();
    assert!(problem(&world).contains("longer than 10 s"));
    let took = began.elapsed();
    assert!(took < RESPONSE_DEADLINE + PATIENCE, "{took:?}");
}

#[test]
fn a_dear_source_is_read_beside_the_loop_and_no_more_often_than_set() {
    let (url, served) = server(ok(r#"{"type":"wind","percent_clean":81}"#));
    let world = with_source(&format!("http:{url}"));
    assert_eq!(world.check(digest()).status, "deferred");
    assert_eq!(
        served.load(Ordering::SeqCst),
        1,
        "the first decision waited for it"
    );
    for _ in 0..5 {
        world.client.step().expect("a look");
        world.check(digest());
    }
    assert_eq!(served.load(Ordering::SeqCst), 1, "it was read a moment ago");
    world.clock.advance(REFRESH_MS);
    world.check(digest());
    assert_eq!(
        served.load(Ordering::SeqCst),
        1,
        "a decision does not wait for it again"
    );
    world.client.step().expect("a look");
    wait_until("it is read again", || {
        show(&world).read_at.as_deref() == Some("2026-06-18T12:01:00Z")
    });
    assert_eq!(served.load(Ordering::SeqCst), 2);
    // Nobody looked for a while, as when the device slept: no reading counts, and nothing went wrong.
    world.clock.advance(STALE_MS);
    world.check(digest());
    assert_eq!(served.load(Ordering::SeqCst), 3);
    assert_eq!(show(&world).percent_clean, Some(81.0));
    assert_eq!(told(&world), Vec::<String>::new());
}

#[test]
fn a_setting_that_makes_no_sense_is_refused_when_the_home_is_opened() {
    let cases = [
        ("", "`static`"),
        ("sun", "`static`"),
        ("static:x", "`static`"),
        ("file:", "absolute path"),
        ("file:energy.json", "absolute path"),
        ("command:", "program's name"),
        ("command:./meter", "program's name"),
        ("http://127.0.0.1/energy", "no URL"),
        ("http:ftp://127.0.0.1/energy", "no URL"),
        ("http:http:///energy", "no URL"),
        ("http:http://a/ percent_clean", "no KEY=POINTER"),
        ("http:http://a/ percent_clean=data", "begins with `/`"),
        ("http:http://a/ type=fusion", "begins with `/`"),
        ("http:http://a/ colour=/x", "the keys are"),
        ("http:http://a/ type=/x type=/y", "twice"),
    ];
    let world = World::new();
    let home = world.home.path().join("home");
    let World {
        client,
        clock,
        home: _kept,
        ..
    } = world;
    drop(client);
    let settings = |text: &str| fs::write(home.join("weft.toml"), text).expect("written");
    for (source, named) in cases {
        settings(&format!("energy_source = {source:?}\n"));
        let refused = Client::hosted(&home, &bundle(), clock.clone());
        let refused = refused
            .err()
            .unwrap_or_else(|| panic!("`{source}` was taken"));
        assert!(refused.message.contains("`energy_source`"), "{refused:?}");
        assert!(refused.message.contains(named), "{source}: {refused:?}");
    }
    for seconds in ["0", "301", "-1", "1.5", "'60'"] {
        settings(&format!("energy_refresh_seconds = {seconds}\n"));
        let refused = Client::hosted(&home, &bundle(), clock.clone());
        let refused = refused
            .err()
            .unwrap_or_else(|| panic!("{seconds} was taken"));
        assert!(refused.message.contains("from 1 to 300"), "{refused:?}");
    }
}
