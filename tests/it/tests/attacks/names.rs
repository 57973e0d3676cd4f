//! Software under another's name: wrong software, dependency confusion, typosquats.

use crate::lab::{Ask, Lab, Publisher, draft, draft_of};
use weft_api::{PackageRequest, Request};
use weft_release::names::fingerprint;

#[test]
fn wrong_software_by_cid() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let (good, other) = (
        alice.makes(&draft("good-v1"), |_| {}),
        alice.makes(&draft("good-v2"), |r| r.revision = 2),
    );
    let folder = lab.folder();
    other.car(
        &alice.signs(&other),
        &folder.join(format!("{}.car", good.cid())),
    );
    let (asked, found) = (good.cid().to_string(), other.cid().to_string());
    lab.refuses(
        Ask::of(&asked).from(&folder),
        "other-release",
        &[&asked, &found],
    );

    // The file says that it holds what was asked for; its envelope is of another.
    let path = lab.path("posed.car");
    let posed = weft_model::cbor::encode(&alice.signs(&other)).expect("DAG-CBOR");
    let block = (good.release.component.cid, good.component.clone());
    good.car_of(&posed, &[block], &path);
    lab.refuses(
        Ask::of(&asked).from(&path),
        "bad-release",
        &["another release"],
    );
}

#[test]
fn wrong_software_by_name() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let other = alice.makes(&draft("good-v1"), |r| r.name = "something-else".into());
    let folder = lab.folder();
    other.car(
        &alice.signs(&other),
        &folder.join(format!("{}.car", other.cid())),
    );
    alice.heads(&folder, "wanted", 1, other.cid(), |_| {});
    lab.refuses(
        Ask::of("wanted").from(&folder),
        "wrong-software",
        &["`wanted`", "`something-else`"],
    );
}

#[test]
fn wrong_software_by_publisher() {
    let (alice, mallory) = (Publisher::new(1), Publisher::new(66));
    let lab = Lab::trusting(&[&alice, &mallory]);
    // Mallory's head names Alice's release, or Alice is fooled into naming Mallory's.
    let evil = mallory.makes(&draft("good-v1"), |_| {});
    let folder = lab.folder();
    evil.car(
        &mallory.signs(&evil),
        &folder.join(format!("{}.car", evil.cid())),
    );
    alice.heads(&folder, "good", 1, evil.cid(), |_| {});
    lab.refuses(
        Ask::of("good").from(&folder),
        "wrong-software",
        &[&alice.did().to_string(), &mallory.did().to_string()],
    );
}

#[test]
fn wrong_software_by_kind() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let policy = alice.makes(&draft("good-v1"), |_| {});
    let work = alice.makes(&draft("workload-echo"), |_| {});
    for (draft, target, what) in [
        (&policy, "consent", "`scorer`"),
        (&policy, "workload/good", "`scorer`"),
        (&policy, "skill/good", "`scorer`"),
        (&work, "scorer", "a workload"),
        (&work, "skill/echo", "a workload"),
    ] {
        let ask = Ask::of(lab.car(draft, &alice)).serve(target);
        lab.refuses(ask, "wrong-software", &[what, target]);
    }
}

#[test]
fn wrong_software_by_world() {
    let alice = Publisher::new(1);
    let lab = Lab::trusting(&[&alice]);
    let scorer = alice.makes(&draft("good-v1"), |_| {});
    let work = alice.makes(&draft("workload-echo"), |_| {});
    let consent = draft_of("consent-hours", &weft_kit::plugin("consent-hours"));
    // A component of another slot inside a record, a policy's record around a workload, and the other way round.
    for (record, inside) in [
        (&scorer, &consent.component),
        (&scorer, &work.component),
        (&work, &scorer.component),
    ] {
        let swapped = record.clone().with_component(inside);
        let said = format!("`{}`", record.release.world);
        lab.refuses_draft(
            &swapped,
            &alice,
            "wrong-software",
            &["the component", &said],
        );
    }
    for (world, code) in [
        ("weft:scorer/scorer@9.9.9", "wrong-software"),
        ("weft:no-slot/scorer@0.1.0", "bad-release"),
    ] {
        let other = alice.makes(&scorer, |r| r.world = world.into());
        lab.refuses_draft(&other, &alice, code, &["weft:"]);
    }
}

#[test]
fn dependency_confusion() {
    let (alice, mallory) = (Publisher::new(1), Publisher::new(66));
    let lab = Lab::trusting(&[&alice, &mallory]);
    let good = alice.makes(&draft("good-v1"), |_| {});
    let evil = mallory.makes(&draft("good-v2"), |r| r.revision = 999);
    let (both, theirs) = (lab.folder(), lab.folder());
    alice.publishes(&good, &both);
    mallory.publishes(&evil, &both);
    mallory.publishes(&evil, &theirs);
    let (a, m) = (alice.did().to_string(), mallory.did().to_string());
    lab.refuses(
        Ask::of("good").from(&both),
        "ambiguous",
        &["`good`", &a, &m],
    );

    let other = Lab::trusting(&[&alice, &mallory]);
    other.puts(&good, &alice, "scorer");
    other.refuses(
        Ask::of("good").from(&theirs),
        "other-publisher",
        &["`good`", &a, &m],
    );
    let same = other.install(Ask::of("good").from(&both));
    assert_eq!(same.publisher, a, "the one whose release is in use");

    // Whoever names the CID means it, is told, and is asked before it takes the other's place.
    let waits = other.install(Ask::of(evil.cid()).from(&theirs).serve("scorer"));
    assert_eq!(waits.state, "waiting");
    assert!(
        waits
            .growth
            .contains(&format!("is published by {m} instead of {a}"))
    );
    assert_eq!(other.slot("scorer"), [good.cid().to_string()]);
}

/// Both are in the home; whoever then names the software by its name means that of one publisher, or is asked which.
#[test]
fn dependency_confusion_among_what_is_here() {
    let (alice, mallory) = (Publisher::new(1), Publisher::new(66));
    let lab = Lab::trusting(&[&alice, &mallory]);
    let good = alice.makes(&draft("good-v1"), |_| {});
    let evil = mallory.makes(&draft("good-v2"), |r| r.revision = 999);
    lab.puts(&good, &alice, "scorer");
    lab.installs(&evil, &mallory, None);
    let by_name = || {
        let slot = || "scorer".to_owned();
        let name = || "good".to_owned();
        let uses = Request::SlotUse {
            slot: slot(),
            target: name(),
            config: None,
            add: false,
        };
        let pins = Request::Package(PackageRequest::Pin {
            target: slot(),
            reference: name(),
        });
        [uses, pins]
    };
    let serves = || lab.slot("scorer");
    for request in by_name() {
        lab.world.ask(request);
        assert_eq!(serves(), [good.cid().to_string()], "the newer is another's");
    }

    // Neither is in use.
    let default = Request::SlotUse {
        slot: "scorer".into(),
        target: "scorer-latency".into(),
        config: None,
        add: false,
    };
    lab.world.ask(Request::Package(PackageRequest::Unpin {
        target: "scorer".into(),
    }));
    lab.world.ask(default);
    let before = serves();
    for request in by_name() {
        let error = lab.unchanged(|| lab.world.refused(request));
        assert_eq!(error.code, "ambiguous", "{error:?}");
        for cid in [good.cid(), evil.cid()] {
            assert!(error.message.contains(&cid.to_string()), "{error:?}");
        }
        assert_eq!(serves(), before);
    }
}

#[test]
fn typosquat_and_confusable_names() {
    let (alice, mallory) = (Publisher::new(1), Publisher::new(66));
    let lab = Lab::trusting(&[&alice, &mallory]);
    lab.puts(&alice.makes(&draft("good-v1"), |_| {}), &alice, "scorer");
    let prints = [fingerprint(&mallory.did()), fingerprint(&alice.did())];
    for name in ["good", "g00d", "goood", "godo", "goo"] {
        let evil = mallory.makes(&draft("good-v2"), |r| r.name = name.into());
        let report = lab.installs(&evil, &mallory, None);
        let said: Vec<&String> = report
            .warnings
            .iter()
            .filter(|w| w.contains("`good`"))
            .collect();
        assert_eq!(said.len(), 1, "{name}: {report:?}");
        for print in &prints {
            assert!(said[0].contains(print), "{name}: {said:?}");
        }
        assert_eq!(report.fingerprint, prints[0]);
        assert_ne!(report.target.as_deref(), Some("scorer"), "{name}");
    }
    let own = mallory.makes(&draft("good-v2"), |r| r.name = "entirely-other".into());
    let report = lab.installs(&own, &mallory, None);
    assert!(report.warnings.is_empty(), "{report:?}");
}
