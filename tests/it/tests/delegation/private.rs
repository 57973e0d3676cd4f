//! A private task: what it reads and writes is plain at its submitter's, and nowhere else on a disk.

use super::lab::{
    CAROL, DAEMON, becomes, block, coal, did, energy, held, leases, open, rows, run, sees, submit,
    sunny, text, two,
};
use super::liar::{Liar, Offer, accepts};
use std::io::Write;
use std::path::Path;
use tempfile::TempPath;
use weft_kit::wait;
use weft_node::receipt::Receipt;

/// What nobody else may find.
const SECRET: &str = "the-diagnosis-of-mrs-miller";

/// Files below a folder that hold the secret.
fn found(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(self::found(&path));
        } else if path.is_file() {
            // A draft may be renamed or removed between the listing and the look.
            let bytes = std::fs::read(&path).unwrap_or_default();
            let at = bytes
                .windows(SECRET.len())
                .position(|w| w == SECRET.as_bytes());
            if let Some(at) = at {
                let around = &bytes[at.saturating_sub(200)..(at + 100).min(bytes.len())];
                let around = String::from_utf8_lossy(around);
                found.push(format!("{}: {around}", path.display()));
            }
        }
    }
    found
}

/// An input of so many bytes that is full of the secret, in a file of its own outside of all homes.
fn input(bytes: usize) -> (TempPath, Vec<u8>) {
    let line = format!("{SECRET} is none of anybody's business\n");
    let text: Vec<u8> = line.bytes().cycle().take(bytes).collect();
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(&text).expect("a file");
    (file.into_temp_path(), text)
}

#[test]
fn only_the_submitter_reads_what_a_private_task_read_and_wrote() {
    let [alice, bob] = two(&["workload-echo"]);
    let params = format!("{{\"patient\": \"{SECRET}\"}}");
    for size in [0, 1, 200_000, 256 * 1024, 3 << 20] {
        let (file, sent) = input(size);
        let path = file.display().to_string();
        let echo = ["--name", "workload-echo", "--private", "--input", &path];
        let task = run(&alice, &[&echo[..], &["--params", &params]].concat());
        assert_eq!(
            (&task["status"], &task["peer"]),
            (&"done".into(), &did(&bob).into()),
            "{task}"
        );
        assert_eq!(
            task["summary"],
            format!("{size} bytes, params `{params}`"),
            "{task}"
        );
        let came = std::fs::read(text(&task, "output")).expect("the output");
        assert!(came == sent, "{size} bytes were sent, {} came", came.len());

        let cid = text(&task, "receipt");
        let receipt = Receipt::open(&block(&alice, &cid)).expect("it is signed");
        assert!(!receipt.claim.verifiable, "nobody else can run it again");
        let plain = [&sent[..], params.as_bytes()].map(weft_model::content::raw_cid);
        let named = [&receipt.claim.input, &receipt.claim.output];
        assert!(
            !named.contains(&&plain[0].to_string()),
            "only ciphertext has a CID"
        );
        assert_ne!(
            receipt.claim.params, plain[1],
            "nobody can guess the params"
        );
    }
    wait("both let go of what travelled", || {
        (held(&alice) == 0 && held(&bob) == 0).then_some(())
    });
    assert_eq!(found(bob.home().path()), Vec::<String>::new());
    assert!(
        !found(alice.home().path()).is_empty(),
        "the search finds what is there"
    );
}

#[test]
fn a_private_task_is_sealed_while_it_runs_and_outlives_power_cuts() {
    let [mut alice, mut bob] = two(&["workload-slow"]);
    let (file, sent) = input(300_000);
    let path = file.display().to_string();
    let params = format!("{{\"rounds\": 2000, \"patient\": \"{SECRET}\"}}");
    let slow = [
        "--name",
        "workload-slow",
        "--private",
        "--input",
        &path,
        "--params",
        &params,
    ];
    let id = submit(&alice, &slow);
    becomes(&bob, &id, "running");
    bob.kill();
    assert_eq!(found(bob.home().path()), Vec::<String>::new());
    bob.start_with(&DAEMON);
    becomes(&bob, &id, "running");
    assert_eq!(found(bob.home().path()), Vec::<String>::new());
    // Who comes back at another port finds those whose new one they heard of.
    sees(&alice, &bob, 95.0);
    alice.kill();
    becomes(&bob, &id, "done");
    assert_eq!(found(bob.home().path()), Vec::<String>::new());
    alice.start_with(&DAEMON);
    let task = becomes(&alice, &id, "done");
    let came = std::fs::read(text(&task, "output")).expect("the output");
    assert!(came.ends_with(&sent), "{} bytes came", came.len());
    let bob_did = did(&bob);
    assert_eq!(
        leases(&alice, &id),
        [[bob_did, "done".to_owned(), String::new()]]
    );
}

#[test]
fn why_a_private_task_failed_is_for_its_submitter_alone() {
    let [alice, bob] = two(&[]);
    let (file, _) = input(1000);
    let path = file.display().to_string();
    let params = format!("{{\"{SECRET}\": 1}}");
    let digest = ["--name", "log-digest", "--private", "--input", &path];
    let task = run(&alice, &[&digest[..], &["--params", &params]].concat());
    let id = text(&task, "task");
    let [lease] = &leases(&alice, &id)[..] else {
        panic!("one lease is wanted: {task}");
    };
    assert_eq!(lease[..2], [did(&bob), "failed".into()], "{task}");
    assert!(
        lease[2].contains(SECRET),
        "the submitter is told: {lease:?}"
    );
    becomes(&bob, &id, "failed");
    assert_eq!(found(bob.home().path()), Vec::<String>::new());
}

#[test]
fn at_home_a_private_task_is_like_any_other() {
    let alice = coal(&["workload-echo"]);
    energy(&alice, "solar", 95, 45);
    let (file, sent) = input(1_000);
    let path = file.display().to_string();
    let task = run(
        &alice,
        &["--name", "workload-echo", "--private", "--input", &path],
    );
    assert_eq!(task["status"], "done", "{task}");
    let came = std::fs::read(text(&task, "output")).expect("the output");
    assert_eq!(came, sent);
    let receipt = block(&alice, &text(&task, "receipt"));
    assert!(
        Receipt::open(&receipt)
            .expect("it is signed")
            .claim
            .verifiable
    );
}

#[test]
fn what_is_not_sealed_for_the_other_side_is_refused() {
    let mut alice = coal(&["workload-echo"]);
    let like = alice.like();
    open(&mut alice);
    let carol = sunny(&alice, like, CAROL, 80);
    sees(&alice, &carol, 80.0);
    let liar = Liar::join(&alice, "mallory@example.com", &[]);
    liar.answers(accepts);
    liar.is_seen_by(&alice);
    let id = submit(&alice, &["--name", "workload-echo", "--private"]);
    let offer: Offer = liar.offered(&id);
    assert_eq!(offer.spec.params, None);
    let wrapped = offer.private.clone().expect("a private task's key");

    // A worker that sends its output in plain.
    let mut plain = liar.result(&alice, &offer, b"for all to see");
    plain.claim.verifiable = false;
    let _ = liar.tell(&plain.sent());
    becomes(&alice, &id, "done");
    let failed = &leases(&alice, &id)[0];
    assert_eq!(failed[..2], [liar.did.to_string(), "failed".to_owned()]);

    // Nor is a receipt taken that says that others can verify it.
    liar.is_seen_by(&alice);
    let id = submit(&alice, &["--name", "workload-echo", "--private"]);
    let offer_of_it: Offer = liar.offered(&id);
    let _ = liar.tell(&liar.result(&alice, &offer_of_it, b"").sent());
    becomes(&alice, &id, "done");
    assert_eq!(leases(&alice, &id)[0][1], "failed");

    // What was wrapped for the liar is of no use to another device; nor is what says of itself only that it is private.
    let mut again = offer.clone();
    again.task = "t0001".into();
    again.spec.user = "mallory@example.com".into();
    again.private = Some(wrapped);
    let refused = |offer: Offer| super::trespassers::refused(&liar, offer);
    let (code, reason) = refused(again.clone());
    assert_eq!(code, "not-for-this-device");
    assert_eq!(reason, "it was not encrypted for this device");
    again.private = None;
    assert_eq!(refused(again.clone()).0, "invalid");
    let endless = [
        &b"age-encryption.org/v1\n-> X25519 a\nb\n--- "[..],
        &[b'a'; 100_000],
    ]
    .concat();
    for garbage in [
        endless,
        Vec::new(),
        vec![0; 100_000],
        b"age-encryption.org/v1\n".repeat(5_000),
    ] {
        again.private = Some(serde_bytes::ByteBuf::from(garbage));
        assert_eq!(refused(again.clone()).0, "not-for-this-device");
    }
    assert_eq!(
        rows::<1>(&alice, "SELECT task_id FROM leases"),
        Vec::<[String; 1]>::new()
    );
}
