//! `/metrics`: what a scraper reads, and who else is not answered.

use crate::lab::{add, device, two};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use weft_kit::{Device, PATIENCE, wait};

/// On loopback, at a port that the system picks.
const SHOWN: (&str, &str) = ("MESH_HTTP_LISTEN", "127.0.0.1:0");

/// Where the daemon shows its figures, by its own word.
fn address(device: &Device) -> String {
    wait("the daemon says where", || {
        let log = fs::read_to_string(device.home().join("daemon.log")).ok()?;
        let shown = log.rsplit_once("figures are shown on http://")?.1;
        Some(shown.split_once("/metrics")?.0.to_owned())
    })
}

/// What `GET path` answers to this `Host`.
fn get(address: &str, path: &str, host: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

/// The figures by name with labels.
fn figures(device: &Device) -> Vec<(String, f64)> {
    let address = address(device);
    let answer = get(&address, "/metrics", &address);
    let (head, text) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("application/openmetrics-text"), "{head}");
    assert!(text.ends_with("# EOF\n"), "{text}");
    let lines = text.lines().filter(|l| !l.starts_with('#'));
    let figure = |line: &str| {
        let (name, value) = line.rsplit_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    lines
        .map(|l| figure(l).unwrap_or_else(|| panic!("no figure: {l}")))
        .collect()
}

#[track_caller]
fn figure(figures: &[(String, f64)], name: &str) -> f64 {
    let found = figures.iter().find(|(n, _)| n == name);
    found
        .unwrap_or_else(|| panic!("no `{name}` in {figures:#?}"))
        .1
}

#[test]
fn a_scraper_reads_tasks_energy_and_the_process() {
    let mut device = device();
    device.start_with(&[SHOWN]);
    let task = [
        "task",
        "submit",
        "--name",
        "digest",
        "--workload",
        "log-digest",
        "--wait",
    ];
    device.weft(task).ok();
    let all = figures(&device);
    let version = concat!(
        "weft_build_info{version=\"",
        env!("CARGO_PKG_VERSION"),
        "\"}"
    );
    for (name, value) in [
        (version, 1.0),
        ("weft_tasks{status=\"done\"}", 1.0),
        ("weft_tasks{status=\"queued\"}", 0.0),
        ("weft_queue_depth", 0.0),
        ("weft_energy_clean_percent", 95.0),
        ("weft_log_void_events", 0.0),
        ("weft_leases_taken{state=\"open\"}", 0.0),
        ("weft_figures_missing", 0.0),
    ] {
        assert_eq!(figure(&all, name), value, "{name}");
    }
    for positive in [
        "weft_decisions{verdict=\"running\"}",
        "weft_log_events",
        "weft_content_bytes",
        "weft_process_cpu_seconds_total",
    ] {
        assert!(figure(&all, positive) > 0.0, "{positive}: {all:#?}");
    }
    let modelled = all
        .iter()
        .any(|(n, _)| n.starts_with("weft_carbon_emitted_grams{"));
    assert!(modelled, "{all:#?}");
    if cfg!(target_os = "linux") {
        assert!(figure(&all, "weft_process_resident_memory_bytes") > 1e6);
    }
}

#[test]
fn a_scraper_reads_peers_gossip_and_content() {
    let [alice, bob] = two(&[SHOWN], &[]);
    let cid = add(&alice, "file", 2);
    let into = bob.home().join("got").display().to_string();
    bob.weft(["content", "get", &cid, "-o", &into]).ok();
    let all = wait("all that moved is counted", || {
        let all = figures(&alice);
        (figure(&all, "weft_exchange_bytes_total{way=\"out\"}") >= (2 << 20) as f64
            && figure(&all, "weft_gossip_total{way=\"in\"}") > 0.0)
            .then_some(all)
    });
    let reached = ["lan", "direct"].map(|p| figure(&all, &format!("weft_peers{{path=\"{p}\"}}")));
    assert_eq!(reached.iter().sum::<f64>(), 1.0, "{all:#?}");
    assert!(figure(&all, "weft_requests_total{way=\"in\"}") > 0.0);
    assert_eq!(
        figure(&all, "weft_exchange_refused_total{reason=\"oversize\"}"),
        0.0
    );
}

#[test]
fn who_should_not_read_figures_does_not() {
    let mut device = device();
    for open in ["0.0.0.0:9090", "[::]:0", "192.0.2.1:9090"] {
        let mut start = device.command(["start", "--json"]);
        let refused = start
            .env("MESH_HTTP_LISTEN", open)
            .output()
            .expect("it ends");
        let said = String::from_utf8_lossy(&refused.stdout).into_owned();
        assert!(!refused.status.success(), "{said}");
        assert!(
            said.contains("http_listen") && said.contains("loopback"),
            "{said}"
        );
    }
    device.start_with(&[SHOWN]);
    let address = address(&device);
    // Somebody who says nothing keeps nobody waiting.
    let _silent = TcpStream::connect(&address).expect("it listens");
    let status = |path: &str, host: &str| {
        let answer = get(&address, path, host);
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(status("/metrics", "localhost:9090"), "200");
    assert_eq!(status("/metrics", "evil.example"), "403");
    assert_eq!(status("/", "localhost"), "404");
    device.stop();
    assert!(TcpStream::connect(&address).is_err());
    device.start();
    assert!(TcpStream::connect(&address).is_err(), "unset, it is off");
}
