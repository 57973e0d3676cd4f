//! What the mesh asks of the log: the network's name, revoked devices, and the list of devices that may connect.

mod common;

use common::{FOUNDER, Net, added, cid, committed, did};
use weft_ledger::MemberRole::{Admin, Guest, Member};
use weft_ledger::{Body, Outcome, Void};
use weft_model::{Cid, Did};

/// The founder's device.
const D1: u8 = FOUNDER + 100;

fn named(name: &str) -> Body {
    Body::NetworkNamed { name: name.into() }
}

fn revoked(device: u8, last: Option<Cid>) -> Body {
    Body::DeviceRevoked {
        device: did(device),
        last,
    }
}

fn allowed(net: &Net) -> Vec<Did> {
    net.state.allowed_devices().into_keys().collect()
}

fn devices(numbers: &[u8]) -> Vec<Did> {
    let mut all: Vec<Did> = numbers.iter().map(|n| did(*n)).collect();
    all.sort_unstable();
    all
}

#[test]
fn an_admin_names_the_network_and_the_last_name_counts() {
    let mut net = Net::with(&[Admin, Member]);
    assert_eq!(net.state.name(), "test");
    assert_eq!(net.void(103, named("mine")), Void::NotAllowed("an admin"));
    assert_eq!(net.state.name(), "test");
    net.ok(D1, named("the street"));
    let before = net.state.state_digest();
    net.ok(102, named("the town"));
    assert_eq!(net.state.name(), "the town");
    assert_ne!(net.state.state_digest(), before);
    // Of two at once the order of their arrival says nothing.
    let both = [net.write(D1, named("one")), net.write(102, named("two"))];
    let mut other = net.state.clone();
    for event in &both {
        net.apply(event.clone());
    }
    for event in both.iter().rev() {
        other.apply(event).unwrap();
    }
    assert_eq!(net.state.name(), other.name());
    for name in ["", " ", "a\nb", &"x".repeat(300)] {
        assert!(named(name).validate().is_err(), "{name:?}");
    }
}

#[test]
fn a_revoked_device_never_counts_again() {
    let mut net = Net::with(&[Member, Member]);
    net.ok(102, net.certificate(2, 152));
    let kept = net.ok(152, committed(1));
    let revocation = net.write(102, net.state.revocation(&did(152)));
    // Whoever has the device goes on, and has not seen the revocation.
    let late = net.write_seeing(152, committed(2), vec![]);
    let (late, outcome) = net.apply(late);
    assert_eq!(outcome, Outcome::Counted);
    let rests = net.ok(103, committed(3));
    net.apply(revocation);
    assert_eq!(net.state.void(&kept), None);
    assert_eq!(net.state.void(&late), Some(&Void::Revoked));
    assert_eq!(net.state.void(&rests), None, "nobody else is affected");
    assert_eq!(net.void(152, committed(4)), Void::Revoked);
    assert_eq!(net.void(102, net.certificate(2, 152)), Void::DeviceTaken);
    assert_eq!(net.state.devices_of(&did(2)), [did(102)]);
    assert_eq!(net.state.member_of_device(&did(152)), Some(did(2)));
    assert!(net.state.revoked_devices().eq([&did(152)]));
    assert_eq!(allowed(&net), devices(&[D1, 102, 103]));
    net.ok(102, committed(5));
}

#[test]
fn only_its_member_or_an_admin_revokes_a_device() {
    let mut net = Net::with(&[Admin, Member, Guest]);
    let only = Void::NotAllowed("an admin, or the device's own member,");
    assert_eq!(net.void(103, revoked(104, None)), only);
    assert_eq!(net.void(104, revoked(D1, None)), only);
    assert_eq!(net.void(102, revoked(160, None)), Void::UnknownDevice);
    let others = net.ok(103, committed(1));
    let unseen = revoked(104, Some(cid("x")));
    assert_eq!(net.void(102, unseen), Void::BadLast);
    assert_eq!(net.void(102, revoked(104, Some(others))), Void::BadLast);
    assert_eq!(allowed(&net), devices(&[D1, 102, 103, 104]));
    net.ok(102, revoked(104, None));
    // Its own device, by itself: this is its last word.
    net.ok(103, net.state.revocation(&did(103)));
    assert_eq!(net.void(103, committed(2)), Void::Revoked);
    assert_eq!(net.state.void(&others), None);
    assert_eq!(allowed(&net), devices(&[D1, 102]));
    // Their member goes on with another device.
    net.ok(153, net.certificate(3, 153));
    net.ok(153, committed(3));
    assert_eq!(net.state.allowed_devices().get(&did(153)), Some(&did(3)));
    // An admin may revoke any device but can't take a member's place from them by it.
    net.ok(102, revoked(D1, None));
    assert_eq!(net.state.member(&did(FOUNDER)).unwrap().role, Admin);
}

#[test]
fn a_device_that_brought_its_own_certificate_stays_its_members() {
    let mut net = Net::with(&[Member]);
    let word = net.ok(152, net.certificate(2, 152));
    let said = net.ok(152, committed(1));
    let revocation = net.ok(102, revoked(152, None));
    assert_eq!(net.state.void(&word), None);
    assert_eq!(net.state.void(&said), Some(&Void::Revoked));
    assert_eq!(net.state.void(&revocation), None);
    assert_eq!(net.state.member_of_device(&did(152)), Some(did(2)));
    assert_eq!(allowed(&net), devices(&[D1, 102]));
}

#[test]
fn of_two_devices_that_revoke_each_other_the_older_stays_in_either_order() {
    for newer_first in [false, true] {
        let mut net = Net::with(&[Member]);
        net.ok(102, net.certificate(2, 152));
        net.ok(152, committed(1));
        let older = net.write(102, net.state.revocation(&did(152)));
        let newer = net.write(152, net.state.revocation(&did(102)));
        let (one, two) = if newer_first {
            (newer, older)
        } else {
            (older, newer)
        };
        net.apply(one);
        net.apply(two);
        assert_eq!(
            allowed(&net),
            devices(&[D1, 102]),
            "newer first: {newer_first}"
        );
    }
}

#[test]
fn of_two_revocations_the_one_that_keeps_less_counts() {
    let mut net = Net::with(&[Admin, Member]);
    let one = net.ok(103, committed(1));
    let two = net.ok(103, committed(2));
    let by_founder = net.write(D1, revoked(103, Some(two)));
    let by_other = net.write(102, revoked(103, Some(one)));
    net.apply(by_founder);
    assert_eq!(net.state.void(&two), None);
    net.apply(by_other);
    assert_eq!(net.state.void(&one), None);
    assert_eq!(net.state.void(&two), Some(&Void::Revoked));
}

#[test]
fn who_was_removed_or_told_two_stories_is_not_let_in() {
    let mut net = Net::with(&[Member, Member, Guest]);
    assert_eq!(allowed(&net), devices(&[D1, 102, 103, 104]));
    net.ok(D1, net.state.removal(&did(2)));
    assert_eq!(allowed(&net), devices(&[D1, 103, 104]));
    net.ok(D1, added(2, Member));
    assert_eq!(allowed(&net), devices(&[D1, 102, 103, 104]));
    let before = net.chains.get(&103).cloned();
    net.ok(103, committed(1));
    match before {
        Some(chain) => net.chains.insert(103, chain),
        None => net.chains.remove(&103),
    };
    net.say(103, committed(2));
    assert!(net.state.frozen().contains_key(&did(103)));
    assert_eq!(allowed(&net), devices(&[D1, 102, 104]));
}

#[test]
fn a_removal_keeps_what_a_revoked_device_had_said() {
    let mut net = Net::with(&[Member]);
    let said = net.ok(102, committed(1));
    net.ok(D1, net.state.revocation(&did(102)));
    net.ok(D1, net.state.removal(&did(2)));
    assert_eq!(net.state.void(&said), None);
}
