//! A release's place in its publisher's series: rollback, equivocation, freeze, fast-forward.

use crate::lab::{Ask, Draft, Lab, Publisher, draft};
use crate::world::{HOUR, NOON};
use ed25519_dalek::Signer;
use weft_api::{PackageRequest, Request};
use weft_model::cbor;
use weft_release::limits::MAX_INTEGER;
use weft_release::statement::Statement;
use weft_release::{Head, equivocation};

const DAY: i64 = 24 * HOUR;

/// A release of that revision.
fn revision(publisher: &Publisher, number: u64) -> Draft {
    publisher.makes(&draft("good-v1"), |r| {
        r.revision = number;
        r.description = format!("the one of revision {number}");
    })
}

#[test]
fn rollback() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let (old, new) = (revision(&alice, 6), revision(&alice, 7));
    let serving = lab.puts(&new, &alice, "scorer").release;
    lab.refuses_draft(
        &old,
        &alice,
        "rollback",
        &["revision 6", "not above 7", "`good`"],
    );
    let folder = lab.folder();
    alice.publishes(&old, &folder);
    lab.refuses(
        Ask::of(old.cid()).from(&folder),
        "rollback",
        &["revision 6"],
    );
    lab.refuses(
        Ask::of(old.cid()).from(&folder).serve("scorer"),
        "rollback",
        &["revision 6"],
    );
    assert_eq!(lab.slot("scorer"), [serving]);
}

#[test]
fn rollback_to_what_was_accepted_before() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let (old, new) = (revision(&alice, 6), revision(&alice, 7));
    let before = lab.puts(&old, &alice, "scorer").release;
    let serving = lab.puts(&new, &alice, "scorer").release;
    let folder = lab.folder();
    alice.publishes(&old, &folder);
    let wanted = ["revision 6", "not above 7"];
    lab.refuses_draft(&old, &alice, "rollback", &wanted);
    lab.refuses(Ask::of(&before), "rollback", &wanted);
    lab.refuses(Ask::of(&before).from(&folder), "rollback", &wanted);
    // A stale folder's newest of that name.
    assert_eq!(lab.fails(Ask::of("good").from(&folder)).code, "rollback");
    let line = lab.outdated(Some(&folder)).targets;
    let line = line
        .iter()
        .find(|l| l.target == "scorer")
        .expect("the slot");
    assert_eq!(line.state, "stale", "{line:?}");
    assert_eq!(lab.slot("scorer"), [serving]);
    // A person who names both the slot and the release may go back.
    lab.world.ask(Request::Package(PackageRequest::Pin {
        target: "scorer".into(),
        reference: before.clone(),
    }));
    assert_eq!(lab.slot("scorer"), [before]);
}

/// The one proof that is kept.
fn proof_of(lab: &Lab) -> (Vec<u8>, Vec<u8>) {
    lab.world
        .database()
        .query_row("SELECT first, second FROM equivocations", [], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
        .expect("one proof")
}

#[test]
fn equivocation() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let first = revision(&alice, 3);
    lab.puts(&first, &alice, "scorer");
    let second = alice.makes(&draft("good-v2"), |r| r.revision = 3);
    let (a, b) = (first.cid().to_string(), second.cid().to_string());
    for _ in 0..2 {
        lab.refuses_draft(&second, &alice, "equivocation", &["revision 3", &a, &b]);
    }
    let (one, two) = proof_of(&lab);
    let proof = equivocation::check(&one, &two).expect("it proves it");
    assert_eq!((proof.publisher, proof.revision), (alice.did(), 3));
    assert_eq!((proof.first, proof.second), (first.cid(), second.cid()));
    let told = lab
        .world
        .rows("SELECT severity FROM mesh_events WHERE kind = 'release.equivocation'");
    assert_eq!(told, ["alarm"], "said once");
}

#[test]
fn equivocation_while_the_first_one_waits() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let (first, second) = (
        revision(&alice, 3),
        alice.makes(&draft("good-v2"), |r| r.revision = 3),
    );
    let waits = lab.installs(&first, &alice, Some("scorer"));
    assert_eq!(waits.state, "waiting", "the default is another publisher's");
    lab.refuses_draft(&second, &alice, "equivocation", &["revision 3"]);
    let path = lab.car(&second, &alice);
    let import = Request::Package(PackageRequest::Import { path });
    assert_eq!(lab.world.refused(import).code, "equivocation");
    let (one, two) = proof_of(&lab);
    let proof = equivocation::check(&one, &two).expect("it proves it");
    assert_eq!((proof.first, proof.second), (first.cid(), second.cid()));
}

#[test]
fn freeze_by_an_expired_release() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let short = alice.makes(&draft("good-v1"), |r| r.expires = Some(NOON + HOUR));
    lab.world.clock.set(NOON + HOUR);
    lab.refuses_draft(&short, &alice, "expired", &["expired"]);
    lab.world.clock.set(NOON + HOUR - 1);
    assert_eq!(lab.installs(&short, &alice, None).state, "done");
}

#[test]
fn freeze_by_silence() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let folder = lab.folder();
    let good = revision(&alice, 1);
    alice.publishes(&good, &folder);
    lab.install(Ask::of(good.cid()).from(&folder).serve("scorer"));
    lab.answers(&good.cid(), true);
    let state = |from: bool| {
        let report = lab.outdated(from.then_some(folder.as_path()));
        let line = report.targets.into_iter().find(|l| l.target == "scorer");
        line.expect("the slot").state
    };
    assert_eq!(
        state(false),
        "unverified",
        "no source said that it is the newest"
    );
    assert_eq!(state(true), "current");
    lab.world.clock.advance(7 * DAY);
    assert_eq!(state(false), "current");
    lab.world.clock.advance(1);
    assert_eq!(state(false), "stale", "nothing was heard for long");
    assert_eq!(state(true), "current");
}

#[test]
fn freeze_by_a_head_that_is_over() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let folder = lab.folder();
    let good = revision(&alice, 1);
    alice.publishes(&good, &folder);
    alice.heads(&folder, "good", 1, good.cid(), |h| {
        h.expires = Some(NOON + DAY);
    });
    lab.puts(&good, &alice, "scorer");
    let state = || {
        let report = lab.outdated(Some(&folder));
        let line = report.targets.into_iter().find(|l| l.target == "scorer");
        line.expect("the slot").state
    };
    assert_eq!(state(), "current");
    lab.world.clock.set(NOON + DAY - 1);
    assert_eq!(state(), "current");
    lab.world.clock.set(NOON + DAY);
    assert_eq!(state(), "stale", "whoever gives it");
    // Its publisher says anew that it is the newest.
    alice.heads(&folder, "good", 1, good.cid(), |h| {
        h.published = NOON + DAY;
        h.expires = Some(NOON + 2 * DAY);
    });
    assert_eq!(state(), "current");
}

#[test]
fn freeze_by_a_head_that_was_over_before_it_came() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let (old, new) = (revision(&alice, 1), revision(&alice, 2));
    let serving = lab.puts(&old, &alice, "scorer").release;
    let folder = lab.folder();
    alice.publishes(&new, &folder);
    alice.heads(&folder, "good", 2, new.cid(), |h| {
        h.published = NOON - 2 * DAY;
        h.expires = Some(NOON - DAY);
    });
    let report = lab.outdated(Some(&folder));
    assert!(
        matches!(report.warnings.as_slice(), [one] if one.contains("expired")),
        "{report:?}"
    );
    let line = report.targets.iter().find(|l| l.target == "scorer");
    assert_eq!(line.expect("the slot").state, "unverified");
    let done = lab.install(Ask::of("good").from(&folder));
    assert_eq!(done.release, serving, "not the one that it names");
    assert!(
        done.warnings.iter().any(|w| w.contains("expired")),
        "{done:?}"
    );
    // One that was good when it came, and is over now.
    alice.publishes(&new, &folder);
    alice.heads(&folder, "good", 2, new.cid(), |h| {
        h.expires = Some(NOON + DAY);
    });
    lab.outdated(Some(&folder));
    lab.world.clock.advance(DAY);
    let error = lab.fails(Ask::of("good"));
    assert_eq!(error.code, "stale", "{error:?}");
    assert_eq!(lab.slot("scorer"), [serving]);
}

#[test]
fn fast_forward_by_a_head_that_is_only_seen() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let folder = lab.folder();
    let (first, second) = (revision(&alice, 1), revision(&alice, 2));
    alice.publishes(&first, &folder);
    lab.puts(&first, &alice, "scorer");
    alice.heads(&folder, "good", MAX_INTEGER, second.cid(), |_| {});
    let warnings = lab.outdated(Some(&folder)).warnings;
    assert!(
        matches!(warnings.as_slice(), [one] if one.contains("not believed")),
        "{warnings:?}"
    );
    // It names a revision that the release has not.
    alice.publishes(&second, &folder);
    alice.heads(&folder, "good", 9, second.cid(), |_| {});
    let error = lab.fails(Ask::of("good").from(&folder));
    assert_eq!(error.code, "wrong-software", "{error:?}");
    assert!(error.message.contains("revision 9"), "{error:?}");
}

#[test]
fn freeze_by_a_source_with_an_older_head() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let (old, new) = (revision(&alice, 1), revision(&alice, 2));
    let (frozen, fresh) = (lab.folder(), lab.folder());
    alice.publishes(&old, &frozen);
    alice.publishes(&new, &fresh);
    lab.install(Ask::of(old.cid()).from(&frozen).serve("scorer"));
    lab.answers(&old.cid(), true);
    lab.outdated(Some(&fresh));
    let report = lab.outdated(Some(&frozen));
    let [warning] = report.warnings.as_slice() else {
        panic!("{report:?}");
    };
    assert!(
        warning.contains("revision 1") && warning.contains('2'),
        "{warning}"
    );
    let line = report.targets.iter().find(|l| l.target == "scorer");
    let line = line.expect("the slot");
    assert_eq!((line.state.as_str(), line.newest), ("behind", Some(2)));
    // By name, it is the newest that is known, which that source has not.
    let error = lab.fails(Ask::of("good").from(&frozen));
    assert_eq!(error.code, "not-found");
    assert!(error.message.contains(&new.cid().to_string()), "{error:?}");
    let done = lab.install(Ask::of("good").from(&fresh));
    assert_eq!((done.revision, done.state.as_str()), (2, "done"));
    let again = lab.install(Ask::of("good").from(&frozen));
    assert_eq!(again.revision, 2);
    assert!(again.warnings.contains(warning), "{again:?}");
}

#[test]
fn fast_forward_of_what_does_not_serve() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    assert_eq!(
        lab.installs(&revision(&alice, 1), &alice, None).state,
        "done"
    );
    let far = revision(&alice, MAX_INTEGER);
    let waits = lab.unchanged(|| {
        let waits = lab.installs(&far, &alice, None);
        lab.answers(&far.cid(), false);
        waits
    });
    assert_eq!(
        waits.state, "waiting",
        "it would use up all numbers: {waits:?}"
    );
    assert_eq!(
        lab.installs(&revision(&alice, 2), &alice, None).state,
        "done"
    );
}

#[test]
fn fast_forward() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let serving = revision(&alice, 1);
    lab.puts(&serving, &alice, "scorer");
    for number in [MAX_INTEGER + 1, u64::MAX] {
        let found = number.to_string();
        lab.refuses_draft(
            &revision(&alice, number),
            &alice,
            "bad-release",
            &["revision", &found],
        );
    }
    lab.refuses_draft(&revision(&alice, 0), &alice, "bad-release", &["revision"]);

    for number in [1_002, MAX_INTEGER] {
        let far = revision(&alice, number);
        let waits = lab.installs(&far, &alice, None);
        assert_eq!(waits.state, "waiting", "{waits:?}");
        assert_eq!(waits.growth, [format!("jumps from revision 1 to {number}")]);
        assert_eq!(lab.slot("scorer"), [serving.cid().to_string()]);
        lab.answers(&far.cid(), false);
    }
    let near = lab.installs(&revision(&alice, 1_001), &alice, None);
    assert_eq!(near.state, "done", "{near:?}");
    let high = lab
        .world
        .rows("SELECT CAST(revision AS TEXT) FROM high_water WHERE name = 'good'");
    assert_eq!(high, ["1001"]);
}

/// A head as no publisher's program would seal it.
fn forged_head(publisher: &Publisher, signer: &Publisher, number: u64) -> Vec<u8> {
    #[derive(serde::Serialize)]
    struct Signature {
        key: weft_model::Did,
        sig: serde_bytes::ByteArray<64>,
    }
    #[derive(serde::Serialize)]
    struct Sealed {
        payload_type: &'static str,
        #[serde(with = "serde_bytes")]
        payload: Vec<u8>,
        signatures: Vec<Signature>,
    }
    let head = Head {
        publisher: publisher.did(),
        name: "good".into(),
        revision: number,
        release: revision(publisher, 5).cid(),
        published: NOON,
        expires: None,
    };
    let payload = cbor::encode(&head).expect("DAG-CBOR");
    let mut signed = format!(
        "DSSEv1 {} {} {} ",
        Head::TYPE.len(),
        Head::TYPE,
        payload.len()
    )
    .into_bytes();
    signed.extend_from_slice(&payload);
    let sealed = Sealed {
        payload_type: Head::TYPE,
        payload,
        signatures: vec![Signature {
            key: signer.did(),
            sig: serde_bytes::ByteArray::new(signer.key.sign(&signed).to_bytes()),
        }],
    };
    cbor::encode(&sealed).expect("DAG-CBOR")
}

#[test]
fn fast_forward_by_a_head() {
    let (alice, mallory) = (Publisher::new(1), Publisher::new(66));
    let lab = Lab::trusting(&[&alice]);
    lab.puts(&revision(&alice, 1), &alice, "scorer");
    for (signer, number, taken) in [
        (&alice, 5, true),
        (&alice, MAX_INTEGER + 1, false),
        (&alice, u64::MAX, false),
        (&mallory, 6, false),
    ] {
        let folder = lab.folder();
        let heads = folder.join("heads").join("whoever");
        std::fs::create_dir_all(&heads).expect("a folder");
        let bytes = forged_head(&alice, signer, number);
        std::fs::write(heads.join("whatever.head"), bytes).expect("a file");
        let report = lab.outdated(Some(&folder));
        assert_eq!(report.warnings.is_empty(), taken, "{number}: {report:?}");
        let line = report.targets.iter().find(|l| l.target == "scorer");
        assert_eq!(line.expect("the slot").newest, Some(5), "{number}");
    }
}

#[test]
fn equivocation_by_heads() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let (first, second) = (
        revision(&alice, 3),
        alice.makes(&draft("good-v2"), |r| r.revision = 3),
    );
    let (one, two) = (lab.folder(), lab.folder());
    alice.publishes(&first, &one);
    alice.publishes(&second, &two);
    assert!(lab.outdated(Some(&one)).warnings.is_empty());
    let report = lab.outdated(Some(&two));
    let [warning] = report.warnings.as_slice() else {
        panic!("{report:?}");
    };
    let (a, b) = (first.cid().to_string(), second.cid().to_string());
    assert!(warning.contains(&a) && warning.contains(&b), "{warning}");
    let told = lab
        .world
        .rows("SELECT message FROM mesh_events WHERE kind = 'release.equivocation'");
    assert_eq!(told, [warning.as_str()]);
    let (one_head, other_head) = proof_of(&lab);
    let proof = equivocation::check(&one_head, &other_head).expect("it proves it");
    assert_eq!((proof.first, proof.second), (first.cid(), second.cid()));
    // The one that was published first is what the number stands for.
    lab.refuses(
        Ask::of(&b).from(&two),
        "equivocation",
        &["revision 3", &a, &b],
    );
    assert_eq!(lab.install(Ask::of("good").from(&one)).release, a);
}
