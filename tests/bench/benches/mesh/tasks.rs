//! Tasks that go to another node and come back: from the submission to the receipt, of a task with nothing to do.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use weft_bench::{Report, of_samples};
use weft_model::task::TaskSpec;
use weft_node::{
    Bundle, BundleComponent, InitOptions, InviteWanted, Node, OpenOptions, SystemClock,
};

/// Tasks one after the other, and sixteen at a time: a contributor may submit 200 in a day.
const TASKS: usize = 90;
/// Tasks at a time.
const AT_ONCE: usize = 16;
/// Where both nodes listen.
const LISTEN: &str = "/ip4/127.0.0.1/tcp/0";

/// Adds the figures.
pub fn run(report: &mut Report) {
    let folder = tempfile::tempdir().expect("a folder");
    let submitter = node(&folder.path().join("a"), "alice@example.com");
    let worker = node(&folder.path().join("b"), "bob@example.com");
    submitter
        .energy_set("coal", 5.0, Some(820.0))
        .expect("energy");
    worker
        .energy_set("solar", 95.0, Some(45.0))
        .expect("energy");
    let stop = Arc::new(AtomicBool::new(false));
    let daemons: Vec<_> = [&submitter, &worker]
        .map(|node| {
            let (node, stop) = (Arc::clone(node), Arc::clone(&stop));
            std::thread::spawn(move || node.run_daemon(&stop))
        })
        .into();
    submitter.network_create("bench").expect("a network");
    submitter.start_mesh(&[LISTEN.into()]).expect("a mesh");
    let invite = until(|| {
        let wanted = InviteWanted {
            role: "member".into(),
            life_ms: 3_600_000,
            uses: 1,
            device: false,
        };
        submitter.invite(&wanted).ok()?.invite
    });
    worker.start_mesh(&[LISTEN.into()]).expect("a mesh");
    worker.join(&invite, None).expect("membership");
    until(|| {
        let peers = submitter.peer_list().ok()?;
        peers
            .iter()
            .any(|p| p.online && p.percent_clean == Some(95.0))
            .then_some(())
    });
    one(&submitter);
    let times: Vec<u64> = (0..TASKS).map(|_| one(&submitter)).collect();
    let figures = of_samples(times.clone());
    report.times("task to another node and back, one at a time", figures);
    let total: u64 = times.iter().sum();
    report.and("tasks_per_s", TASKS as f64 * 1e9 / total as f64);
    let begun = Instant::now();
    let times: Vec<u64> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                scope.spawn(|| {
                    (0..TASKS / AT_ONCE)
                        .map(|_| one(&submitter))
                        .collect::<Vec<u64>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|t| t.join().expect("its tasks"))
            .collect()
    });
    let seconds = begun.elapsed().as_secs_f64();
    let count = times.len();
    report.times(
        "task to another node and back, 16 at a time",
        of_samples(times),
    );
    report.and("tasks_per_s", count as f64 / seconds);
    stop.store(true, Ordering::Release);
    for node in [&submitter, &worker] {
        node.stop_mesh();
        node.wake();
    }
    for daemon in daemons {
        daemon.join().expect("it ends");
    }
}

/// Nanoseconds from the submission to the end.
fn one(node: &Arc<Node>) -> u64 {
    let begun = Instant::now();
    let task = node.task_submit(&spec()).expect("a task");
    let done = node.task_wait(&task.task).expect("its end");
    assert_eq!(done.status, "done", "{:?}", done.reason);
    assert_ne!(done.peer.as_deref(), Some("self"), "it stayed here");
    u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn node(home: &Path, owner: &str) -> Arc<Node> {
    let component = |c: &weft_bundle::Component| BundleComponent {
        name: c.name,
        bytes: c.bytes,
    };
    let bundle = Bundle {
        components: weft_bundle::COMPONENTS.iter().map(component).collect(),
        models: Vec::new(),
    };
    Node::init(&InitOptions {
        home: home.to_owned(),
        owner: Some(owner.into()),
        bundle: bundle.clone(),
        clock: Arc::new(SystemClock),
        compile_worker: None,
    })
    .expect("a home");
    let settings =
        "voting = false\nmdns = false\nupnp = false\nuser_quota_tier = \"contributor\"\n";
    std::fs::write(home.join("weft.toml"), settings).expect("settings");
    let node = Node::open(&OpenOptions {
        home: home.to_owned(),
        bundle,
        clock: Arc::new(SystemClock),
        compile_worker: None,
    })
    .expect("a node");
    node.user_set(owner, Some(0), None, None, None)
        .expect("no rest");
    node.permit_add("*", "*", None).expect("a permit");
    node
}

fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "the nodes do not meet"
        );
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

fn spec() -> TaskSpec {
    TaskSpec {
        name: "log-digest".into(),
        user: String::new(),
        tags: Vec::new(),
        importance: None,
        urgency: None,
        sla: Some("high".into()),
        deadline: None,
        watts: None,
        duration_ms: 60_000,
        memory_mb: 0,
        cores: 0.0,
        fee: 0,
        workload: None,
        input: None,
        params: None,
        private: false,
    }
}
