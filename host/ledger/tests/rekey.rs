//! Another key speaks for a member: by its own signature, or by most admins.

mod common;

use common::{FOUNDER, Net, committed, did, key};
use weft_ledger::MemberRole::{Admin, Guest, Member};
use weft_ledger::{Body, Outcome, Rekey, SignedBallot, Void, ballot};
use weft_model::Cid;

/// The founder's device.
const D1: u8 = FOUNDER + 100;

/// Member `n`'s key `old` gives its place to `new`, or an admin says so.
fn rekeyed(net: &Net, n: u8, old: u8, new: u8, given: bool) -> Body {
    let rekey = Rekey {
        network: net.state.network(),
        member: did(n),
        old: did(old),
        new: did(new),
    };
    Body::MemberRekeyed {
        member: did(n),
        old: did(old),
        new: did(new),
        accepted: rekey.sign(&key(new)),
        given: given.then(|| rekey.sign(&key(old))),
    }
}

fn ballot_by(net: &Net, poll: Cid, voter: u8, by: u8, counter: u64) -> Body {
    let ballot = SignedBallot::cast_for(did(voter), poll, 0, counter, net.now, &key(by));
    Body::Ballot(ballot)
}

fn certificate_by(net: &Net, member: u8, by: u8, device: u8) -> Body {
    let (member, device) = (did(member), did(device));
    let network = net.state.network();
    Body::DeviceCertified {
        device,
        member,
        signature: ballot::certify_for(member, network, device, &key(by)),
    }
}

#[test]
fn the_old_key_names_the_next_one_and_says_nothing_more() {
    let mut net = Net::with(&[Member]);
    let poll = net.open(D1, "task");
    net.ok(102, rekeyed(&net, 2, 2, 20, true));
    assert_eq!(net.state.key_of(&did(2)), did(20));
    assert_eq!(net.state.member_of_key(&did(20)), Some(did(2)));
    assert_eq!(net.state.member(&did(2)).unwrap().user, "user2@example.com");
    // Devices stay; ballots and certificates are signed by the new key.
    net.ok(102, committed(1));
    assert_eq!(
        net.void(102, ballot_by(&net, poll, 2, 2, 1)),
        Void::BadSignature
    );
    net.ok(102, ballot_by(&net, poll, 2, 20, 1));
    assert_eq!(net.counted(&poll).len(), 1);
    assert_eq!(
        net.void(D1, certificate_by(&net, 2, 2, 152)),
        Void::BadSignature
    );
    net.ok(152, certificate_by(&net, 2, 20, 152));
    assert_eq!(net.state.member_of_device(&did(152)), Some(did(2)));
    // And so on; an older key never comes back.
    assert_eq!(net.void(102, rekeyed(&net, 2, 2, 21, true)), Void::OldKey);
    net.ok(D1, rekeyed(&net, 2, 20, 21, true));
    assert_eq!(net.state.key_of(&did(2)), did(21));
    assert_eq!(
        net.void(102, rekeyed(&net, 2, 21, 20, true)),
        Void::KeyTaken
    );
}

#[test]
fn what_was_said_with_the_old_key_counts_as_far_as_the_new_one_knows() {
    let mut net = Net::with(&[Member]);
    let poll = net.open(D1, "task");
    net.ok(102, ballot_by(&net, poll, 2, 2, 1));
    let known = net.state.heads();
    // A thief with the old key, who pretends not to have heard of the new one.
    let late = net.write_seeing(D1, ballot_by(&net, poll, 2, 2, 2), vec![]);
    let thief = certificate_by(&net, 2, 2, 152);
    let device = net.write_seeing(152, thief, known);
    net.ok(102, rekeyed(&net, 2, 2, 20, true));
    assert_eq!(
        net.apply(late).1,
        Outcome::Counted,
        "by its ancestors it is fine"
    );
    assert_eq!(net.apply(device).1, Outcome::Counted);
    let counted = net.state.counted_ballots(&poll);
    assert_eq!(counted.len(), 1);
    assert_eq!(counted[0].counter, 1, "the one that the new key had seen");
    assert_eq!(net.state.member_of_device(&did(152)), None);
    assert!(!net.state.allowed_devices().contains_key(&did(152)));
    assert_eq!(net.void(152, committed(1)), Void::NoDevice);
}

#[test]
fn a_lost_key_is_replaced_by_most_admins() {
    let mut net = Net::with(&[Admin, Admin, Member, Guest]);
    let asked = rekeyed(&net, 4, 4, 40, false);
    assert_eq!(
        net.void(105, asked.clone()),
        Void::NotAllowed("an admin, or the member itself,")
    );
    net.ok(104, asked.clone());
    assert_eq!(net.state.rekeys_asked(&did(4)), [&asked]);
    assert_eq!(net.state.key_of(&did(4)), did(4), "to ask is not enough");
    net.ok(102, asked.clone());
    assert_eq!(net.state.key_of(&did(4)), did(4), "one admin of three");
    assert_eq!(net.void(102, asked.clone()), Void::SaidBefore);
    let another = rekeyed(&net, 4, 4, 41, false);
    assert_eq!(net.void(102, another), Void::SaidBefore, "one word each");
    net.ok(103, asked.clone());
    assert_eq!(net.state.key_of(&did(4)), did(40), "two of three");
    assert_eq!(net.state.rekeys_asked(&did(4)), Vec::<&Body>::new());
    assert_eq!(net.void(D1, asked), Void::OldKey);
}

#[test]
fn what_admins_decided_stays_when_there_are_more_of_them() {
    let mut net = Net::with(&[Member, Member, Member]);
    net.ok(D1, rekeyed(&net, 2, 2, 20, false));
    assert_eq!(net.state.key_of(&did(2)), did(20), "the only admin");
    net.ok(D1, common::added(3, Admin));
    net.ok(D1, common::added(4, Admin));
    assert_eq!(net.state.key_of(&did(2)), did(20));
    // And fewer of them make no majority of what was none.
    net.ok(103, rekeyed(&net, FOUNDER, FOUNDER, 10, false));
    net.ok(D1, common::added(2, Admin));
    net.ok(103, net.state.removal(&did(4)));
    net.ok(103, net.state.removal(&did(2)));
    assert_eq!(net.state.key_of(&did(FOUNDER)), did(FOUNDER));
}

#[test]
fn an_admin_has_no_voice_about_their_own_key() {
    let mut net = Net::new();
    net.ok(D1, rekeyed(&net, FOUNDER, FOUNDER, 10, false));
    assert_eq!(
        net.state.key_of(&did(FOUNDER)),
        did(FOUNDER),
        "nobody else is an admin"
    );
    net.ok(D1, rekeyed(&net, FOUNDER, FOUNDER, 11, true));
    assert_eq!(net.state.key_of(&did(FOUNDER)), did(11));
    assert_eq!(net.void(D1, common::added(11, Member)), Void::KeyTaken);
}

#[test]
fn admins_go_before_a_thief() {
    let mut net = Net::with(&[Member]);
    let before = net.state.heads();
    net.ok(102, rekeyed(&net, 2, 2, 20, true));
    assert_eq!(net.state.key_of(&did(2)), did(20), "it was the thief");
    let body = rekeyed(&net, 2, 2, 30, false);
    let mut seen = before;
    seen.retain(|head| net.state.head(&did(D1)).is_none_or(|own| own.cid != *head));
    let word = net.write_seeing(D1, body, seen);
    assert_eq!(net.apply(word).1, Outcome::Counted);
    assert_eq!(net.state.key_of(&did(2)), did(30));
}

#[test]
fn a_next_key_must_be_wanted_free_and_rightly_signed() {
    let mut net = Net::with(&[Member, Member]);
    let mut unwanted = rekeyed(&net, 2, 2, 20, true);
    if let Body::MemberRekeyed { accepted, .. } = &mut unwanted {
        accepted[0] ^= 1;
    }
    assert_eq!(net.void(102, unwanted), Void::BadSignature);
    let mut forged = rekeyed(&net, 2, 2, 20, true);
    if let Body::MemberRekeyed { given, .. } = &mut forged {
        given.as_mut().unwrap()[0] ^= 1;
    }
    assert_eq!(net.void(102, forged), Void::BadSignature);
    assert_eq!(net.void(102, rekeyed(&net, 2, 2, 3, true)), Void::KeyTaken);
    assert_eq!(
        net.void(102, rekeyed(&net, 9, 9, 20, true)),
        Void::UnknownMember
    );
    let itself = rekeyed(&net, 2, 2, 2, true);
    assert!(itself.validate().is_err());
    // Another network's word is none here.
    let mut elsewhere = rekeyed(&net, 2, 2, 20, true);
    let other = Rekey {
        network: common::cid("elsewhere"),
        member: did(2),
        old: did(2),
        new: did(20),
    };
    if let Body::MemberRekeyed {
        accepted, given, ..
    } = &mut elsewhere
    {
        *accepted = other.sign(&key(20));
        *given = Some(other.sign(&key(2)));
    }
    assert_eq!(net.void(102, elsewhere), Void::BadSignature);
}
