//! Updates that come by themselves: a poisoned one does not serve before its delay, during which somebody may notice.

use crate::lab::{Draft, Lab, Publisher, draft, rule};
use crate::world::{HOUR, NOON};
use std::path::{Path, PathBuf};
use weft_api::report::InstallReport;
use weft_api::{KeyRequest, PackageRequest, PackageResponse, Request, Response, RuleSpec};
use weft_release::envelope::Role;

/// The delay in these homes, as it is by default.
const DELAY: i64 = 48 * HOUR;

/// A home whose scorer is Alice's and is updated from a folder.
struct Updated {
    lab: Lab,
    alice: Publisher,
    folder: PathBuf,
    _keep: tempfile::TempDir,
    serving: String,
}

impl Updated {
    fn new() -> Self {
        let alice = Publisher::new(1);
        let keep = tempfile::tempdir().expect("a folder");
        let folder = keep.path().to_owned();
        let settings = format!("updates_from = \"{}\"\n", folder.display());
        let lab = Lab::with_settings(&settings, &[&alice]);
        let first = alice.makes(&draft("good-v1"), |_| {});
        let serving = lab.puts(&first, &alice, "scorer").release;
        Self {
            lab,
            alice,
            folder,
            _keep: keep,
            serving,
        }
    }

    fn next(&self) -> Draft {
        self.alice.makes(&draft("good-v2"), |r| r.revision = 2)
    }

    /// From now on this key may say that an update of Alice's should not wait.
    fn guarded_by(&self, guard: &Publisher) {
        let first = weft_api::TrustRequest::Remove { place: 1 };
        self.lab.world.ask(Request::Trust(first));
        self.lab.trust(RuleSpec {
            security: vec![guard.did().to_string()],
            ..rule(&self.alice)
        });
    }

    fn step(&self) {
        self.lab.world.client.step().expect("a look");
    }

    fn pending(&self) -> Vec<InstallReport> {
        match self
            .lab
            .world
            .ask(Request::Package(PackageRequest::Pending))
        {
            Response::Package(PackageResponse::Installs(waiting)) => waiting,
            other => panic!("{other:?}"),
        }
    }

    /// The only install that waits.
    #[track_caller]
    fn waits(&self) -> InstallReport {
        let pending = self.pending();
        let [one] = pending.as_slice() else {
            panic!("{pending:?}");
        };
        one.clone()
    }

    #[track_caller]
    fn serves(&self, release: &str) {
        assert_eq!(self.lab.slot("scorer"), [release]);
    }
}

fn refused(lab: &Lab) -> Vec<String> {
    lab.world
        .rows("SELECT reason FROM installs WHERE state = 'refused'")
}

#[test]
fn a_poisoned_update_enforced_before_its_delay() {
    let home = Updated::new();
    let next = home.next();
    home.alice.publishes(&next, &home.folder);
    home.step();
    let waits = home.waits();
    assert_eq!(
        (waits.state.as_str(), waits.cause.as_str()),
        ("cooling", "update")
    );
    let until = waits.not_before.expect("a moment");
    assert_eq!(until, "2026-06-20T12:00:00Z");
    // Told that it is old: the delay counts from when this home saw it first, whatever its record says.
    for at in [NOON + 1, NOON + DELAY / 2, NOON + DELAY - 1] {
        home.lab.world.clock.set(at);
        home.step();
        home.serves(&home.serving);
        assert_eq!(home.waits().state, "cooling");
    }
    home.lab.world.clock.set(NOON + DELAY);
    home.step();
    home.serves(&next.cid().to_string());
    assert!(home.pending().is_empty());
}

#[test]
fn a_backdated_update_waits_as_long() {
    let home = Updated::new();
    let next = home.alice.makes(&draft("good-v2"), |r| {
        r.revision = 2;
        r.created = NOON - 1_000 * HOUR;
    });
    home.alice.publishes(&next, &home.folder);
    home.alice.heads(&home.folder, "good", 2, next.cid(), |h| {
        h.published = NOON - 1_000 * HOUR;
    });
    home.step();
    assert_eq!(
        home.waits().not_before.as_deref(),
        Some("2026-06-20T12:00:00Z")
    );
    home.serves(&home.serving);
}

#[test]
fn an_update_whose_key_is_revoked_while_it_waits() {
    let home = Updated::new();
    let next = home.next();
    home.alice.publishes(&next, &home.folder);
    home.step();
    assert_eq!(home.waits().state, "cooling");
    // The poison is noticed: the owner no longer trusts the publisher.
    home.lab
        .world
        .ask(Request::Trust(weft_api::TrustRequest::Remove { place: 1 }));
    home.lab.world.clock.set(NOON + DELAY);
    home.step();
    home.serves(&home.serving);
    assert!(home.pending().is_empty());
    let reasons = refused(&home.lab);
    assert!(
        matches!(reasons.as_slice(), [one] if one.contains("no rule trusts")),
        "{reasons:?}"
    );
    let releases = home.lab.world.rows("SELECT cid FROM releases");
    assert!(!releases.contains(&next.cid().to_string()));
}

#[test]
fn an_update_that_was_seen_before_its_key_was_revoked() {
    let home = Updated::new();
    let next = home.next();
    home.alice.publishes(&next, &home.folder);
    home.step();
    assert_eq!(home.waits().state, "cooling");
    // What a person wants may have been seen before, what comes by itself may be why.
    home.lab.world.clock.advance(HOUR);
    home.lab.world.ask(Request::Key(KeyRequest::Revoke {
        key: home.alice.did().to_string(),
        reason: "stolen".into(),
        passphrase: None,
    }));
    home.lab.world.clock.set(NOON + DELAY);
    home.step();
    home.serves(&home.serving);
    assert!(home.pending().is_empty());
    let reasons = refused(&home.lab);
    assert!(
        matches!(reasons.as_slice(), [one] if one.contains("was revoked")),
        "{reasons:?}"
    );
}

#[test]
fn an_update_after_its_key_was_revoked() {
    let home = Updated::new();
    let revoke = KeyRequest::Revoke {
        key: home.alice.did().to_string(),
        reason: "stolen".into(),
        passphrase: None,
    };
    home.lab.world.ask(Request::Key(revoke));
    home.lab.world.clock.advance(HOUR);
    home.alice.publishes(&home.next(), &home.folder);
    home.step();
    home.serves(&home.serving);
    assert!(home.pending().is_empty());
    let reasons = refused(&home.lab);
    assert!(
        matches!(reasons.as_slice(), [one] if one.contains("revoked")),
        "{reasons:?}"
    );
}

#[test]
fn what_a_person_pins_while_an_update_waits_stays() {
    let home = Updated::new();
    let next = home.next();
    home.alice.publishes(&next, &home.folder);
    home.step();
    assert_eq!(home.waits().state, "cooling");
    home.lab.world.ask(Request::Package(PackageRequest::Pin {
        target: "scorer".into(),
        reference: home.serving.clone(),
    }));
    home.lab.world.clock.set(NOON + DELAY);
    home.step();
    home.serves(&home.serving);
    let reasons = refused(&home.lab);
    assert!(
        matches!(reasons.as_slice(), [one] if one.contains("pinned")),
        "{reasons:?}"
    );
}

#[test]
fn an_update_does_not_take_more_than_what_serves_when_its_delay_is_over() {
    let home = Updated::new();
    let next = home.next();
    home.alice.publishes(&next, &home.folder);
    home.step();
    assert_eq!(home.waits().growth, Vec::<String>::new());
    // Meanwhile a person puts one in that is given less, under a revision that the update is still above.
    let less = home.alice.makes(&draft("good-v1"), |r| {
        r.revision = 1;
        r.name = "less".into();
        r.limits.fuel /= 2;
    });
    let less = home.lab.puts(&less, &home.alice, "scorer").release;
    home.lab.world.clock.set(NOON + DELAY);
    home.step();
    home.serves(&less);
    assert!(home.pending().is_empty());
    assert_eq!(refused(&home.lab).len(), 1);
}

/// Publishes with another's signature in a role.
fn countersigned(home: &Updated, next: &Draft, role: Role, by: &Publisher, folder: &Path) {
    home.alice.publishes(next, folder);
    let mut envelope = home.alice.signs(next);
    envelope.sign(role, &by.key).expect("a signature");
    let path = folder.join(format!("{}.car", next.cid()));
    next.car(&envelope, &path);
}

#[test]
fn a_security_fix_does_not_wait_and_nobody_else_says_that() {
    let (guard, mallory) = (Publisher::new(7), Publisher::new(66));
    for (role, by, waits) in [
        (Role::Security, &guard, false),
        (Role::Security, &mallory, true),
        (Role::Validator, &guard, true),
    ] {
        let home = Updated::new();
        home.guarded_by(&guard);
        let next = home.next();
        countersigned(&home, &next, role, by, &home.folder);
        home.step();
        if waits {
            assert_eq!(home.waits().state, "cooling", "{role} by {}", by.did());
            home.serves(&home.serving);
        } else {
            assert!(home.pending().is_empty(), "{role} by {}", by.did());
            home.serves(&next.cid().to_string());
        }
    }
}

#[test]
fn a_fix_that_is_called_one_while_it_waits() {
    let guard = Publisher::new(7);
    let home = Updated::new();
    home.guarded_by(&guard);
    let next = home.next();
    home.alice.publishes(&next, &home.folder);
    home.step();
    assert_eq!(home.waits().state, "cooling");
    countersigned(&home, &next, Role::Security, &guard, &home.folder);
    home.lab.world.clock.advance(HOUR);
    home.step();
    home.serves(&next.cid().to_string());
    // Whoever has fewer signatures takes none away.
    let car = home.lab.car(&next, &home.alice);
    home.lab.install(crate::lab::Ask::of(car));
    let kept = home.lab.world.rows(&format!(
        "SELECT hex(envelope) FROM releases WHERE cid = '{}'",
        next.cid()
    ));
    let bytes = data_encoding::HEXUPPER.decode(kept[0].as_bytes());
    let envelope = weft_release::Envelope::decode(&bytes.expect("hex")).expect("an envelope");
    assert_eq!(envelope.signatures.len(), 2);
}

#[test]
fn a_person_decides_at_once() {
    let home = Updated::new();
    let next = home.next();
    home.alice.publishes(&next, &home.folder);
    home.step();
    home.serves(&home.serving);
    assert_eq!(home.lab.answers(&next.cid(), true).state, "done");
    home.serves(&next.cid().to_string());

    // Or says no, and the same update does not come back by itself.
    let third = home.alice.makes(&draft("good-v1"), |r| r.revision = 3);
    home.alice.publishes(&third, &home.folder);
    home.lab.world.clock.advance(HOUR);
    home.step();
    assert_eq!(home.waits().state, "cooling");
    home.lab.answers(&third.cid(), false);
    home.lab.world.clock.advance(DELAY);
    home.step();
    assert!(home.pending().is_empty());
    home.serves(&next.cid().to_string());
}

#[test]
fn an_update_that_wants_more_waits_for_a_person_however_long() {
    let alice = Publisher::new(1);
    let keep = tempfile::tempdir().expect("a folder");
    let settings = format!("updates_from = \"{}\"\n", keep.path().display());
    let lab = Lab::with_settings(&settings, &[&alice]);
    let small = alice.makes(&draft("good-v1"), |r| r.limits.fuel /= 2);
    let serving = lab.puts(&small, &alice, "scorer").release;
    let more = alice.makes(&draft("good-v2"), |r| r.revision = 2);
    alice.publishes(&more, keep.path());
    for _ in 0..3 {
        lab.world.client.step().expect("a look");
        assert_eq!(lab.slot("scorer"), std::slice::from_ref(&serving));
        lab.world.clock.advance(DELAY);
    }
    let states = lab
        .world
        .rows("SELECT state FROM installs WHERE state <> 'done'");
    assert_eq!(states, ["waiting"]);
}

#[test]
fn an_update_of_another_name_or_publisher() {
    let mallory = Publisher::new(66);
    for by_mallory in [false, true] {
        let home = Updated::new();
        home.lab.trust(rule(&mallory));
        let publisher = if by_mallory { &mallory } else { &home.alice };
        let other = publisher.makes(&draft("good-v2"), |r| {
            r.revision = 2;
            if !by_mallory {
                r.name = "something-else".into();
            }
        });
        publisher.publishes(&other, &home.folder);
        // Alice's head, as of a stolen key or by mistake, names it as the newest of `good`.
        home.alice
            .heads(&home.folder, "good", 2, other.cid(), |_| {});
        home.step();
        home.lab.world.clock.advance(DELAY);
        home.step();
        home.serves(&home.serving);
        assert!(home.pending().is_empty(), "{:?}", home.pending());
    }
}
