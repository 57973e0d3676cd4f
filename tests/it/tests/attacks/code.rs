//! What the bytes do against what the record says, and where native code may come from.

use crate::lab::{Lab, Publisher, draft, files};
use crate::world::task;
use std::path::PathBuf;
use weft_api::{PackageRequest, Request, Response};
use weft_kit::Home;
use weft_model::content;
use weft_model::vector::{JobExpected, JobVector, Vectors};

/// Loops and variables of the bomb: under 256 KiB of code, gigabytes for a compiler.
const BOMB: (u32, u32) = (2_000, 20_000);

fn cached(lab: &Lab, component: &str) -> Vec<PathBuf> {
    let folder = lab.world.home.path().join("home/cache");
    files(&folder)
        .into_iter()
        .filter(|name| name.starts_with(component))
        .map(|name| folder.join(name))
        .collect()
}

#[test]
fn an_import_hidden_from_the_record() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let honest = alice.makes(&draft("workload-lists"), |_| {});
    let import = honest
        .release
        .imports
        .last()
        .expect("it imports WASI")
        .clone();
    let hidden = alice.makes(&honest, |r| {
        r.imports.pop();
    });
    lab.refuses_draft(&hidden, &alice, "hidden-import", &["imports", &import]);
    let more = alice.makes(&honest, |r| r.imports.push("zzz:more/than@1.0.0".into()));
    lab.refuses_draft(&more, &alice, "hidden-import", &["zzz:more/than@1.0.0"]);

    // A policy whose binary calls something: its record can neither hide that nor admit it.
    let good = alice.makes(&draft("good-v1"), |_| {});
    let calls = good.with_component(&weft_kit::guest_bytes("wasi-import"));
    lab.refuses_draft(&calls, &alice, "bad-component", &["wasi:random"]);
    let admits = alice.makes(&calls, |r| {
        r.imports.push("wasi:random/random@0.2.0".into())
    });
    lab.refuses_draft(&admits, &alice, "bad-release", &["imports"]);
}

#[test]
fn features_hidden_from_the_record() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let name = "scorer-clean-energy";
    let reads = crate::lab::draft_of(name, &weft_kit::plugin(name));
    let hidden = alice.makes(&reads, |r| {
        r.features.pop().expect("it reads something");
    });
    lab.refuses_draft(&hidden, &alice, "hidden-import", &["reads"]);
}

#[test]
fn golden_vectors_that_do_not_hold_or_are_not_there() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let (v1, v2) = (draft("good-v1"), draft("good-v2"));
    let other = alice.makes(&v1, |_| {}).with_component(&v2.component);
    lab.refuses_draft(&other, &alice, "vectors-failed", &["golden vectors"]);
    let mut none = alice.makes(&v1, |r| r.vectors = None);
    none.vectors = None;
    lab.refuses_draft(&none, &alice, "no-vectors", &["no golden vectors"]);
}

/// A workload's say what it writes for an input: it may serve once it does, within the time.
#[test]
fn golden_vectors_of_a_workload_that_do_not_hold() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let vector = |params: &str, output| JobVector {
        case: "a case".into(),
        params: params.into(),
        input: "one\ntwo\n".into(),
        output,
    };
    let with = |name: &str, vectors: Vec<JobVector>| {
        let bytes = Vectors::Job(vectors).encode().expect("DAG-CBOR");
        let mut made = alice.makes(&draft(name), |r| {
            r.vectors = Some(content::record_cid(&bytes));
            r.limits.deadline_ms = 1_000;
        });
        made.vectors = Some(bytes);
        made
    };
    let same = || JobExpected::Output("one\ntwo\n".into());
    for wrong in ["one\ntwo", "one\ntwo\n\n", ""] {
        let wrong = vector("", JobExpected::Output(wrong.into()));
        let evil = with("workload-echo", vec![vector("", same()), wrong]);
        lab.refuses_draft(
            &evil,
            &alice,
            "vectors-failed",
            &["1 of its 2 golden vectors"],
        );
    }
    let fails = vector("", JobExpected::Error("bad-input".into()));
    let evil = with("workload-echo", vec![fails]);
    lab.refuses_draft(&evil, &alice, "vectors-failed", &["did not fail as"]);
    let evil = with("workload-loops", vec![vector("", same())]);
    lab.refuses_draft(&evil, &alice, "vectors-failed", &["its time limit"]);
    // Those of a policy are no workload's.
    let mut evil = with("workload-echo", Vec::new());
    evil.vectors = draft("good-v1").vectors;
    evil.release.vectors = draft("good-v1").release.vectors;
    lab.refuses_draft(&evil, &alice, "bad-release", &["do not read"]);

    let good = with("workload-echo", vec![vector("", same())]);
    let report = lab.puts(&good, &alice, "workload/echo");
    assert_eq!(report.state, "done", "{report:?}");
}

#[test]
fn native_code_offered_as_a_component() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let good = alice.makes(&draft("good-v1"), |_| {});
    lab.installs(&good, &alice, None);
    let own = cached(&lab, &good.release.component.cid.to_string());
    let native = std::fs::read(&own[0]).expect("native code of this very engine");
    assert!(native.starts_with(b"\x7fELF"));
    let core = weft_kit::guest_bytes("core-module");
    let text = weft_kit::guest_bytes("not-wasm");
    for bytes in [&native, &core, &text] {
        let evil = alice.makes(&good, |r| r.revision = 2).with_component(bytes);
        lab.refuses_draft(&evil, &alice, "bad-component", &["the component"]);
    }
}

#[test]
fn native_code_put_into_the_local_cache() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let (one, two) = (
        alice.makes(&draft("good-v1"), |_| {}),
        alice.makes(&draft("good-v2"), |r| r.name = "other".into()),
    );
    lab.puts(&one, &alice, "scorer");
    let [genuine] = cached(&lab, &one.release.component.cid.to_string())
        .try_into()
        .expect("one file");
    let before = std::fs::read(&genuine).expect("native code");
    lab.installs(&two, &alice, None);
    let [other] = cached(&lab, &two.release.component.cid.to_string())
        .try_into()
        .expect("one file");
    let evil = std::fs::read(other).expect("native code");
    assert_ne!(evil, before);
    std::fs::write(&genuine, &evil).expect("the attacker writes the cache");

    let lab = lab.reopened("");
    let after = std::fs::read(&genuine).expect("native code");
    assert!(after != evil, "it was compiled again from the component");
    let score = score(&lab);
    assert!(
        (score - 1.0).abs() < f64::EPSILON,
        "the genuine one scores 1: {score}"
    );
}

/// What the scorer in force says of the only peer.
fn score(lab: &Lab) -> f64 {
    lab.world.peer("peer-a", 90.0);
    let spec = task("anything");
    match lab.world.ask(Request::PeerBest { spec, any: true }) {
        Response::Best(best) => best.ranking[0].score.expect("a score"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_file_swapped_between_verify_and_load() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let small = alice.makes(&draft("good-v1"), |r| r.limits.fuel /= 2);
    let serving = lab.puts(&small, &alice, "scorer").release;
    let more = alice.makes(&draft("good-v2"), |r| r.revision = 2);
    let component = more.release.component.cid.to_string();
    let home = lab.world.home.path().join("home");
    let waits = lab.installs(&more, &alice, None);
    assert_eq!(waits.state, "waiting", "{waits:?}");

    // Verified, compiled and tested; now other bytes of the same length lie there.
    let mut bytes = more.component.clone();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    let path = home.join("content").join(&component);
    let writable = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&path, writable).expect("the attacker may");
    std::fs::write(&path, &bytes).expect("the attacker writes");
    for file in cached(&lab, &component) {
        std::fs::write(file, b"not what was compiled").expect("the attacker writes");
    }
    let lab = lab.reopened("");
    let error = lab.world.refused(Request::Package(PackageRequest::Consent {
        reference: more.cid().to_string(),
    }));
    assert_eq!(error.code, "damaged", "{error:?}");
    assert!(error.message.contains("fetch it again"), "{error:?}");
    assert_eq!(lab.slot("scorer"), [serving]);
    let state = lab.world.rows(&format!(
        "SELECT state FROM installs WHERE release_cid = '{}'",
        more.cid()
    ));
    assert_eq!(state, ["refused"]);
    assert!(!path.exists(), "nothing of it is left");
}

#[test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "only Linux caps a process's address space"
)]
fn a_compile_bomb() {
    let alice = Publisher::new(1);
    let home = Home::new();
    home.weft(["init", "--user", "alice@example.com"]).ok();
    let key = alice.did().to_string();
    home.weft([
        "trust", "add", "--name", "*", "--target", "*", "--role", "author", "--key", &key,
    ])
    .ok();
    let (loops, locals) = BOMB;
    let bytes = weft_kit::compile_bomb(loops, locals);
    let bomb = alice
        .makes(&draft("good-v1"), |_| {})
        .with_component(&bytes);
    let path = home.join("bomb.car");
    bomb.car(&alice.signs(&bomb), &path);
    let listed = home.weft(["plugin", "list", "--json"]).ok().stdout;
    let before = (files(&home.join("content")), files(&home.join("cache")));
    let refused = home
        .weft([
            "install",
            &path.display().to_string(),
            "--as",
            "scorer",
            "--json",
        ])
        .code_is(4);
    let error = &refused.json()["error"];
    let message = error["message"].as_str().expect("a message");
    assert!(message.contains("compiling takes more than"), "{error}");
    let after = (files(&home.join("content")), files(&home.join("cache")));
    assert_eq!(after, before);
    assert_eq!(home.weft(["plugin", "list", "--json"]).ok().stdout, listed);
    assert!(content::raw_cid(&bytes) == bomb.release.component.cid);
}
