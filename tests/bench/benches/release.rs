//! The way of a release into service, part by part: what verifying it costs beside a hash of the same bytes, how long it
//! takes to serve from the native cache, and whether installs and rollbacks over and over leave anything behind.
//!
//! `WEFT_BENCH_CYCLES` sets the number of cycles: 2,000 take some three minutes, as each waits for the disk a dozen times. Linux: memory is read from `/proc`.

#[path = "shared/published.rs"]
mod published;
#[path = "shared/policies.rs"]
mod shared;

use ed25519_dalek::SigningKey;
use published::{Scene, scene};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant as Moment;
use weft_bench::{Figures, Report, measure, of_samples, target_dir};
use weft_engine::cache::Cache;
use weft_engine::policy::PolicyLimits;
use weft_engine::{PolicyEngine, Slots, Table, inspect};
use weft_kit::memory_kb;
use weft_model::{Did, Slot, content, limits};
use weft_release::trust::{Known, Trust};
use weft_release::{Component, Envelope, Limits, Release, Role};

/// What verifying and the checks of policy may take, in milliseconds per MiB of component.
const VERIFY_MS_PER_MIB: f64 = 5.0;
/// What serving from the native cache may take, in microseconds: 1 ms.
const ACTIVATE_US: f64 = 1_000.0;
/// Cycles of install, rollback, pin and unpin, unless told; 10,000 are wanted.
const CYCLES: usize = 2_000;
/// Memory and files are taken for the first time after one in so many of the cycles: what grows only once has grown.
const SETTLED: usize = 10;
/// What memory may grow from then on, in kB: a page of 4 kB for every hundred of 9,000 cycles.
const GROWTH_KB: f64 = 360.0;
/// Bytes of a mebibyte.
const MIB: f64 = 1_048_576.0;
/// Samples of a step.
const SAMPLES: usize = 200;
/// Code of the made-up workload: 4 MiB, more than any component that the binary brings.
const CODE_BYTES: usize = 4 << 20;
/// An instant for records.
const NOW: i64 = 1_795_262_400_000;

fn record(name: &str, bytes: &[u8], publisher: Did) -> Release {
    let inspected = inspect(bytes).unwrap_or_else(|e| panic!("`{name}` {e}"));
    let policy = matches!(inspected.kind, inspect::Kind::Policy(_));
    Release {
        name: name.into(),
        publisher,
        version: "1.0.0".parse().expect("a version"),
        revision: 1,
        world: inspected.kind.world(),
        component: Component {
            cid: weft_node::file_cid(bytes).expect("a file"),
            size: bytes.len() as u64,
        },
        imports: inspected.imports,
        features: vec![],
        limits: Limits {
            fuel: limits::POLICY_FUEL,
            memory_bytes: limits::POLICY_MEMORY_BYTES,
            deadline_ms: limits::POLICY_DEADLINE_MS,
            output_bytes: limits::POLICY_OUTPUT_BYTES,
        },
        failure: policy.then_some(weft_model::slot::Failure::LastGoodElseFirstFit),
        config_schema: None,
        models: vec![],
        vectors: Some(content::record_cid(b"vectors")),
        created: NOW,
        expires: None,
        source: None,
        license: None,
        description: String::new(),
        domain: None,
        effectiveness: None,
        supersedes: None,
    }
}

/// All checks that need no compiler and no database: envelope, trust, the bytes against their CID, and what they import.
fn check(envelope: &[u8], rules: &str, owner: Did, bytes: &[u8]) {
    let opened = Envelope::decode(envelope).and_then(|e| e.open());
    let opened = opened.unwrap_or_else(|e| panic!("{e}"));
    let known = Known {
        revoked: &|_| None,
        rotated: &|_| None,
        first_seen: Some(NOW),
        bundled: &[],
        owner,
    };
    let trust = Trust::parse(rules).expect("rules");
    assert!(trust.judge(&opened, &known).is_trusted());
    let component = &opened.release.component;
    assert_eq!(weft_node::file_cid(bytes).expect("a file"), component.cid);
    let found = inspect(bytes).expect("a component");
    assert_eq!(found.imports, opened.release.imports);
}

fn verify(report: &mut Report) {
    let key = SigningKey::from_bytes(&[7; 32]);
    let publisher = Did::from_public(key.verifying_key().to_bytes());
    let owner = Did::from_public([9; 32]);
    let rules = format!(
        "[[rule]]\nnames = [\"*\"]\ntargets = [\"*\"]\nall_of = [{{ role = \"author\", key = \"{publisher}\" }}]\n"
    );
    let padded = padded(shared::component("log-rotation"));
    let cases: [(&str, &[u8]); 3] = [
        (
            "scorer-clean-energy",
            shared::component("scorer-clean-energy"),
        ),
        ("log-rotation", shared::component("log-rotation")),
        ("made-up, 4 MiB of code", &padded),
    ];
    for (name, bytes) in cases {
        let mib = bytes.len() as f64 / MIB;
        let samples = (SAMPLES as f64 / mib.max(1.0)) as usize;
        let hashed = measure(samples, 1, || {
            black_box(Sha256::digest(black_box(bytes)));
        });
        let release = record("release", bytes, publisher);
        let envelope = Envelope::seal(&release, Role::Author, &key)
            .and_then(|e| e.encode())
            .unwrap_or_else(|e| panic!("{e}"));
        let signed = measure(SAMPLES, 1, || {
            let opened = Envelope::decode(&envelope).and_then(|e| e.open());
            black_box(opened.is_ok());
        });
        let inspected = measure(samples, 1, || {
            black_box(inspect(black_box(bytes)).is_ok());
        });
        let checked = measure(samples, 1, || check(&envelope, &rules, owner, bytes));
        let ms = |f: Figures| f.median_ns as f64 / 1e6;
        report
            .values(
                &format!("verify {name}"),
                &[
                    ("mib", mib),
                    ("ms", ms(checked)),
                    ("envelope_ms", ms(signed)),
                    ("inspect_ms", ms(inspected)),
                    ("sha256_ms", ms(hashed)),
                    ("ms_per_mib", ms(checked) / mib),
                ],
            )
            .reach("ms_per_mib", VERIFY_MS_PER_MIB);
    }
}

/// The component with its largest core module over and over behind it: as much code as a large program has.
fn padded(component: &[u8]) -> Vec<u8> {
    /// Bytes of a component's head; the id of a section that holds a core module.
    const HEAD: usize = 8;
    const MODULE: u8 = 1;
    let mut largest = 0..0;
    let mut at = HEAD;
    while at < component.len() {
        let (id, mut end, mut len) = (component[at], at + 1, 0_usize);
        for shift in (0..).step_by(7) {
            len |= usize::from(component[end] & 0x7f) << shift;
            end += 1;
            if component[end - 1] < 0x80 {
                break;
            }
        }
        end += len;
        if id == MODULE && end - at > largest.len() {
            largest = at..end;
        }
        at = end;
    }
    let mut bytes = component.to_vec();
    while bytes.len() < CODE_BYTES {
        bytes.extend_from_slice(&component[largest.clone()]);
    }
    bytes
}

/// Serving from the native cache: the file, its digest, loading it, and the swap of the table.
fn activate(report: &mut Report, folder: &Path) {
    let engine = Arc::new(PolicyEngine::new().expect("this machine runs policies"));
    let cache = Cache::open(&folder.join("code")).expect("a folder");
    let profile = engine.cache_key();
    let slots = Slots::new(Arc::clone(&engine));
    for name in ["scorer-clean-energy", "scorer-latency"] {
        let bytes = shared::component(name);
        let cid = content::raw_cid(bytes);
        let (_, code) = engine.precompile(bytes).unwrap_or_else(|e| panic!("{e}"));
        let digest = cache.store(&cid, &profile, &code).expect("a file");
        let figures = measure(SAMPLES, 1, || {
            let code = cache.load(&cid, &profile, &digest).expect("it is there");
            let policy = engine
                .load(Slot::Scorer, &code, PolicyLimits::default())
                .unwrap_or_else(|e| panic!("{e}"));
            let active = shared::active(name, "1", &[], Arc::new(policy));
            slots.swap(Table {
                active: BTreeMap::from([(Slot::Scorer, vec![active])]),
                ..Table::default()
            });
        });
        report
            .times(&format!("activate {name} from cache"), figures)
            .reach("median_us", ACTIVATE_US);
    }
}

/// The whole of it with SQLite, constitution and log.
fn in_a_home(report: &mut Report, scene: &Scene) {
    let [first, second] = &scene.revisions;
    let mut turn = 0;
    let mut next = || {
        turn += 1;
        [first, second][turn % 2].clone()
    };
    let figures = measure(SAMPLES, 1, || {
        let used = scene.node.slot_use("scorer", &next(), None, false);
        drop(used.unwrap_or_else(|e| panic!("{e}")));
    });
    report.times("weft plugin use, in the home", figures);
    let figures = measure(SAMPLES, 1, || {
        let back = scene.node.target_rollback("scorer");
        drop(back.unwrap_or_else(|e| panic!("{e}")));
    });
    report.times("weft rollback, in the home", figures);
    let figures = measure(SAMPLES, 1, || {
        let verified = scene.node.package_verify(second);
        drop(verified.unwrap_or_else(|e| panic!("{e}")));
    });
    report.times("weft release verify, in the home", figures);
    let figures = measure(SAMPLES, 1, || scene.install(&next()));
    report.times("weft install, known bytes, in the home", figures);
}

/// Files below a folder, and their bytes.
fn files(folder: &Path) -> (usize, u64) {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.fold((0, 0), |(count, bytes), entry| {
        let entry = entry.expect("an entry");
        let meta = entry.metadata().expect("it is there");
        let (more, size) = match meta.is_dir() {
            true => files(&entry.path()),
            false => (1, meta.len()),
        };
        (count + more, bytes + size)
    })
}

fn endure(report: &mut Report, scene: &Scene) {
    let cycles = match std::env::var("WEFT_BENCH_CYCLES") {
        Ok(text) => text.parse().expect("a number of cycles"),
        Err(_) => CYCLES,
    };
    let settled = (cycles / SETTLED).max(1);
    scene
        .node
        .slot_use("scorer", &scene.revisions[0], None, false)
        .unwrap_or_else(|e| panic!("{e}"));
    let rss = || memory_kb(std::process::id(), "VmRSS").expect("/proc") as f64;
    let (mut first, mut times) = (None, Vec::with_capacity(cycles));
    for cycle in 1..=cycles {
        let started = Moment::now();
        scene.cycle();
        times.push(started.elapsed().as_nanos() as u64);
        if cycle == settled {
            first = Some((rss(), files(&scene.home)));
        }
    }
    let (rss_first, (files_first, bytes_first)) = first.expect("cycles");
    let (rss_last, (files_last, bytes_last)) = (rss(), files(&scene.home));
    let each = of_samples(times);
    report
        .values(
            "installs, rollbacks, pins",
            &[
                ("cycles", cycles as f64),
                ("median_us", each.median_ns as f64 / 1e3),
                ("p99_us", each.p99_ns as f64 / 1e3),
            ],
        )
        .values(
            "memory",
            &[
                ("first_kb", rss_first),
                ("last_kb", rss_last),
                ("growth_kb", rss_last - rss_first),
            ],
        )
        .reach("growth_kb", GROWTH_KB)
        .values(
            "files of the home",
            &[
                ("first_files", files_first as f64),
                ("last_files", files_last as f64),
                ("growth_files", files_last as f64 - files_first as f64),
                (
                    "growth_bytes_per_cycle",
                    (bytes_last as f64 - bytes_first as f64) / (cycles - settled).max(1) as f64,
                ),
            ],
        )
        .reach("growth_files", 0.0);
}

fn main() {
    let folder = tempfile::tempdir_in(target_dir()).expect("a folder");
    let mut report = Report::new("release");
    verify(&mut report);
    activate(&mut report, folder.path());
    let scene = scene(folder.path());
    in_a_home(&mut report, &scene);
    endure(&mut report, &scene);
    report.finish();
}
