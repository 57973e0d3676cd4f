//! Invites that don't let anybody in: each is refused by a name of its own, says what to do, and leaves the home that
//! tried it as it was.

use super::lab::{ALICE, BOB, CAROL, agree, founder, joined, members, standing, two};
use super::world::{HOUR, bundle};
use std::sync::Arc;
use weft_api::{Client, Clock, ManualClock, NetworkRequest, NetworkResponse, Request, Response};
use weft_kit::{Device, Refusal};

/// What base32 in an invite is written in.
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const PREFIX: &str = "weft1";

/// Tries to join, and checks that nothing came of it.
#[track_caller]
fn refused(device: &Device, invite: &str, code: &str, message: &str, remedy: &str) {
    let before = standing(device);
    let refusal = device.refused(["join", invite, "--as", BOB]);
    let expected = Refusal {
        exit: 4,
        code: code.into(),
        message: message.into(),
        remedy: remedy.into(),
    };
    assert_eq!(refusal, expected);
    assert_eq!(standing(device), before);
}

fn bytes_of(invite: &str) -> Vec<u8> {
    let body = invite
        .strip_prefix(PREFIX)
        .expect("it begins with the prefix");
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for c in body.bytes() {
        let five = BASE32.iter().position(|b| *b == c).expect("base32") as u32;
        bits = (bits << 5) | five;
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
            bits &= (1 << held) - 1;
        }
    }
    bytes
}

fn invite_of(bytes: &[u8]) -> String {
    let (mut text, mut bits, mut held) = (PREFIX.to_owned(), 0_u32, 0);
    for byte in bytes {
        bits = (bits << 8) | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(char::from(BASE32[(bits >> held) as usize]));
            bits &= (1 << held) - 1;
        }
    }
    if held > 0 {
        text.push(char::from(BASE32[(bits << (5 - held)) as usize]));
    }
    text
}

/// The invite with `change` made to the bytes that follow `mark`.
fn changed(invite: &str, mark: &[u8], change: impl FnOnce(&mut Vec<u8>, usize)) -> String {
    let mut bytes = bytes_of(invite);
    assert_eq!(invite_of(&bytes), invite, "the test reads invites");
    let at = bytes.windows(mark.len()).position(|w| w == mark);
    let after = at.expect("the field is there") + mark.len();
    change(&mut bytes, after);
    invite_of(&bytes)
}

#[test]
fn an_invite_that_is_used_up_lets_nobody_else_in() {
    let alice = founder();
    let invite = alice.invite(&["--uses", "1"]);
    Device::new().weft(["join", &invite, "--as", BOB]).ok();
    let late = Device::new();
    let message = "the invite has let in as many as it was for";
    refused(&late, &invite, "invite-used", message, "ask for a new one");
    assert_eq!(alice.json(["invite", "list"])[0]["state"], "used");
    assert_eq!(members(&alice).len(), 2);
    let dropped = &alice.json(["mesh", "status"])["dropped"];
    assert_eq!(dropped["invite-used"], 1, "{dropped}");
}

#[test]
fn an_invite_stands_for_as_long_as_it_says_and_makes_guests_of_several() {
    let alice = founder();
    let invite = alice.json(["invite", "--expires", "90m"]);
    let expires = invite["expires_at"].as_str().expect("an instant");
    let expires = weft_node::clock::instant_of(expires).expect("RFC 3339");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let left = expires - now.expect("a clock").as_millis() as i64;
    assert!((HOUR..=3 * HOUR / 2).contains(&left), "{left} ms: {invite}");
    let refused = alice.refused(["invite", "--uses", "2", "--role", "admin"]);
    assert_eq!((refused.exit, refused.code.as_str()), (4, "invalid"));
    assert!(refused.remedy.contains("--role guest"), "{refused:?}");
}

#[test]
fn an_invite_that_was_taken_back_lets_nobody_in() {
    let alice = founder();
    let invite = alice.invite(&[]);
    let list = alice.json(["invite", "revoke", &invite]);
    assert_eq!(list[0]["state"], "revoked", "{list}");
    let message = "the invite was taken back";
    let device = Device::new();
    refused(
        &device,
        &invite,
        "invite-revoked",
        message,
        "ask for a new one",
    );
    let again = alice.refused(["invite", "revoke", &invite]);
    assert_eq!((again.exit, again.code.as_str()), (3, "not-found"));
    assert_eq!(members(&alice).len(), 1);
}

#[test]
fn an_expired_invite_is_refused_by_either_clock() {
    let device = Device::new();
    let clock = Arc::new(ManualClock::at(weft_api::SystemClock.now()));
    let home = Device::new();
    std::fs::write(
        home.home().join("weft.toml"),
        "mdns = false\nupnp = false\n",
    )
    .expect("settings");
    let client = Client::hosted(home.home().path(), &bundle(), clock.clone()).expect("a node");
    let node = client.into_node().expect("it is hosted here");
    node.network_create("our-street").expect("a network");
    let listen = ["/ip4/127.0.0.1/tcp/0".to_owned()];
    node.start_mesh(&listen).expect("it listens");
    let wanted = |hours: u64| weft_node::InviteWanted {
        role: "member".into(),
        life_ms: hours * HOUR as u64,
        uses: 1,
        device: false,
    };
    let of = |hours| node.invite(&wanted(hours)).expect("an invite").invite;

    // By the inviter's clock, whatever the newcomer's says.
    let invite = of(2).expect("a string");
    clock.advance(2 * HOUR);
    let message = "the invite has expired";
    refused(
        &device,
        &invite,
        "invite-expired",
        message,
        "ask for a new one",
    );
    let listed = node.invite_list().expect("a list");
    assert_eq!(listed[0].state, "expired");

    // A later date in the string is the newcomer's word alone.
    let mark = b"gexpires\x1b";
    let later = changed(&invite, mark, |bytes, at| bytes[at + 2] += 1);
    refused(
        &device,
        &later,
        "invite-expired",
        message,
        "ask for a new one",
    );

    // By the newcomer's own clock nobody is asked.
    clock.advance(-12 * HOUR);
    let invite = of(1).expect("a string");
    node.stop_mesh();
    refused(
        &device,
        &invite,
        "invite-expired",
        message,
        "ask for a new one",
    );
}

#[test]
fn a_forged_invite_lets_nobody_in() {
    let alice = founder();
    let invite = alice.invite(&["--uses", "5", "--role", "guest"]);
    let device = Device::new();

    let key = changed(&invite, b"fsecret\x58\x20", |bytes, at| bytes[at] ^= 1);
    let message = "this node made no such invite";
    refused(
        &device,
        &key,
        "invite-unknown",
        message,
        "ask for a new one",
    );

    let last_of_cid = 37 + 2;
    let network = changed(&invite, b"gnetwork\xd8\x2a", |bytes, at| {
        bytes[at + last_of_cid - 1] ^= 1;
    });
    let message = "the invite is for another network";
    refused(
        &device,
        &network,
        "invite-unknown",
        message,
        "ask for a new one",
    );

    let copy = "copy all of the string that `weft invite` printed";
    let cut = "this is no invite: it is cut off or changed";
    for length in [
        invite.len() - 1,
        invite.len() / 2,
        PREFIX.len() + 1,
        PREFIX.len(),
    ] {
        refused(&device, &invite[..length], "invalid", cut, copy);
    }
    let other = "this is no invite: it does not begin with `weft1`";
    let next = invite.replacen(PREFIX, "weft2", 1);
    for text in [next.as_str(), "hello", ""] {
        refused(&device, text, "invalid", other, copy);
    }
    let long = "this is no invite: it is too long";
    refused(
        &device,
        &(invite.clone() + &"a".repeat(100_000)),
        "invalid",
        long,
        copy,
    );
    assert_eq!(members(&alice).len(), 1);
    assert_eq!(alice.json(["invite", "list"])[0]["used"], 0);

    // As a mail program breaks it, it is the same invite.
    let (head, tail) = invite.split_at(60);
    let broken = format!(" {head}\r\n {}\n", tail.to_uppercase());
    device.weft(["join", &broken, "--as", BOB]).ok();
}

#[test]
fn a_megabyte_through_the_socket_is_no_invite_either() {
    let alice = founder();
    let before = standing(&alice);
    let client = Client::of_daemon(alice.home().path()).expect("a daemon");
    let join = |invite: String| {
        let request = Request::Network(NetworkRequest::Join { invite, name: None });
        client.call(request)
    };
    let error = join(format!("{PREFIX}{}", "a".repeat(1 << 20))).expect_err("no invite");
    assert_eq!(error.code, "invalid", "{error:?}");
    assert_eq!(error.message, "this is no invite: it is too long");
    assert_eq!(standing(&alice), before);
    let shown = client.call(Request::Network(NetworkRequest::Show));
    let Ok(Response::Network(NetworkResponse::Network(shown))) = shown else {
        panic!("{shown:?}");
    };
    assert_eq!(shown.digest, before.1);
}

#[test]
fn the_role_is_the_inviters_word_not_the_strings() {
    let alice = founder();
    let invite = alice.invite(&["--role", "member"]);
    let admin = changed(&invite, b"drole\x66member", |bytes, at| {
        bytes.splice(at - 7..at, *b"\x65admin");
    });
    let device = Device::new();
    let joined = device.json(["join", &admin, "--as", BOB]);
    assert_eq!(joined["role"], "member", "{joined}");
    assert_eq!(device.network("role"), "member");
}

#[test]
fn an_invite_is_not_for_the_device_that_made_it() {
    let alice = founder();
    let before = standing(&alice);
    let invite = alice.invite(&[]);
    let refusal = alice.refused(["join", &invite]);
    assert_eq!((refusal.exit, refusal.code.as_str()), (4, "conflict"));
    assert_eq!(refusal.message, "this device made the invite itself");
    assert_eq!(refusal.remedy, "give it to somebody else");
    assert_eq!(standing(&alice), before);
}

#[test]
fn a_name_that_is_taken_costs_no_use_and_another_one_gets_in() {
    let alice = founder();
    let invite = alice.invite(&[]);
    let device = Device::new();
    let before = standing(&device);
    let refusal = device.refused(["join", &invite]);
    assert_eq!((refusal.exit, refusal.code.as_str()), (4, "name-taken"));
    let message = format!("the name `{ALICE}` is taken in this network");
    assert_eq!(refusal.message, message);
    assert!(
        refusal.remedy.contains("weft join STRING --as NAME"),
        "{refusal:?}"
    );
    assert_eq!(standing(&device), before);
    assert_eq!(alice.json(["invite", "list"])[0]["used"], 0);

    device.weft(["join", &invite, "--as", BOB]).ok();
    assert_eq!(device.network("user"), BOB);
    assert_eq!(device.json(["status"])["owner"], BOB);
    agree(&[&alice, &device]);
}

#[test]
fn an_inviter_that_is_not_there_is_no_refusal() {
    let mut alice = founder();
    let invite = alice.invite(&[]);
    alice.kill();
    let device = Device::new();
    let before = standing(&device);
    let refusal = device.refused(["join", &invite, "--as", BOB]);
    assert_eq!(
        (refusal.exit, refusal.code.as_str()),
        (1, "unavailable"),
        "{refusal:?}"
    );
    assert!(!refusal.remedy.is_empty(), "{refusal:?}");
    assert_eq!(standing(&device), before);
}

#[test]
fn who_did_not_hear_the_answer_asks_again() {
    let alice = founder();
    let invite = alice.invite(&[]);
    let device = Device::new();
    let unaware = device.copied();
    device.weft(["join", &invite, "--as", BOB]).ok();
    let expected = members(&alice);

    let again = unaware.json(["join", &invite, "--as", BOB]);
    assert_eq!(
        (again["user"].as_str(), again["role"].as_str()),
        (Some(BOB), Some("member"))
    );
    assert_eq!(members(&alice), expected, "nothing was said twice");
    assert_eq!(alice.json(["invite", "list"])[0]["used"], 1);
    agree(&[&alice, &unaware]);

    // Who did hear it is in already.
    let refusal = unaware.refused(["join", &invite, "--as", BOB]);
    assert_eq!((refusal.exit, refusal.code.as_str()), (4, "conflict"));
    assert_eq!(refusal.message, "this home is in that network already");
    assert_eq!(refusal.remedy, "weft network show");
}

#[test]
fn a_home_with_other_members_does_not_go_over() {
    let theirs = founder();
    let [alice, bob] = two();
    let invite = theirs.invite(&["--uses", "2", "--role", "guest"]);
    for device in [&alice, &bob] {
        let before = standing(device);
        let refusal = device.refused(["join", &invite, "--as", CAROL]);
        assert_eq!((refusal.exit, refusal.code.as_str()), (4, "conflict"));
        let message = "this home is in the network `our-street` with others";
        assert_eq!(refusal.message, message);
        assert!(refusal.remedy.contains("weft network leave"), "{refusal:?}");
        assert_eq!(standing(device), before);
    }
    assert_eq!(members(&theirs).len(), 1);
    drop(joined(&theirs, CAROL, &[]));
}
