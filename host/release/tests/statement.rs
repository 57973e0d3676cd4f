//! Statements: one encoding, exactly the named signers, and no type taken for another.

mod common;

use common::{did, key, scorer};
use proptest::prelude::*;
use weft_model::{cbor, content};
use weft_release::equivocation::{self, EquivocationError};
use weft_release::statement::{Statement, open, seal};
use weft_release::{Envelope, Head, Revocation, Role, Rotation, StatementError};

fn head() -> Head {
    Head {
        publisher: did(1),
        name: "scorer-clean-energy".into(),
        revision: 3,
        release: scorer().encode().unwrap().1,
        published: 1_790_000_000_000,
        expires: Some(1_790_000_100_000),
    }
}

fn revocation() -> Revocation {
    Revocation {
        key: did(1),
        at: 5,
        reason: "the laptop was stolen".into(),
    }
}

fn rotation() -> Rotation {
    Rotation {
        old: did(1),
        new: did(2),
        at: 5,
    }
}

#[test]
fn what_all_named_keys_signed_comes_back() {
    let bytes = seal(&head(), &[&key(1)]).unwrap();
    assert_eq!(open::<Head>(&bytes).unwrap(), head());
    let bytes = seal(&revocation(), &[&key(1)]).unwrap();
    assert_eq!(open::<Revocation>(&bytes).unwrap(), revocation());
    for keys in [[&key(1), &key(2)], [&key(2), &key(1)]] {
        let bytes = seal(&rotation(), &keys).unwrap();
        assert_eq!(open::<Rotation>(&bytes).unwrap(), rotation());
    }
    assert!(!head().is_expired(1_790_000_099_999));
    assert!(head().is_expired(1_790_000_100_000));
}

#[test]
fn a_rotation_signed_by_one_side_is_none() {
    for keys in [
        &[&key(1)][..],
        &[&key(2)],
        &[],
        &[&key(1), &key(1)],
        &[&key(1), &key(3)],
        &[&key(1), &key(2), &key(3)],
    ] {
        let error = seal(&rotation(), keys).unwrap_err();
        assert!(matches!(error, StatementError::Signers { .. }), "{error}");
    }
    // Taken out of the bytes by hand.
    let bytes = seal(&rotation(), &[&key(1), &key(2)]).unwrap();
    let mut value: ipld_core::ipld::Ipld = cbor::decode(&bytes).unwrap();
    let ipld_core::ipld::Ipld::Map(map) = &mut value else {
        panic!("a statement is a map");
    };
    let Some(ipld_core::ipld::Ipld::List(signatures)) = map.get_mut("signatures") else {
        panic!("with a list of signatures");
    };
    let both = signatures.clone();
    for n in [0, 1] {
        let stripped = vec![both[n].clone()];
        let ipld_core::ipld::Ipld::Map(mut map) = value.clone() else {
            panic!("a statement is a map");
        };
        map.insert("signatures".into(), ipld_core::ipld::Ipld::List(stripped));
        let bytes = cbor::encode(&ipld_core::ipld::Ipld::Map(map)).unwrap();
        assert!(matches!(
            open::<Rotation>(&bytes),
            Err(StatementError::Signers { .. })
        ));
    }
}

#[test]
fn somebody_elses_signature_states_nothing() {
    assert!(seal(&head(), &[&key(2)]).is_err());
    assert!(seal(&revocation(), &[&key(2)]).is_err());
}

#[test]
fn one_type_is_never_another() {
    let bytes = seal(&head(), &[&key(1)]).unwrap();
    assert!(matches!(
        open::<Revocation>(&bytes),
        Err(StatementError::WrongType { .. })
    ));
    assert!(Envelope::decode(&bytes).is_err());
    // The type in the file exchanged: the signature is over the other one.
    let renamed = replace(&bytes, Head::TYPE, "application/vnd.weft.hEAd+dag-cbor");
    assert!(matches!(
        open::<Head>(&renamed),
        Err(StatementError::WrongType { .. })
    ));
    // A release's envelope is no statement.
    let envelope = Envelope::seal(&scorer(), Role::Author, &key(1)).unwrap();
    assert!(open::<Head>(&envelope.encode().unwrap()).is_err());
    // A head's very signature put on an envelope with the head's payload.
    let sig = signature_over(Head::TYPE, &cbor::encode(&head()).unwrap());
    let mut forged = Envelope::new(cbor::encode(&head()).unwrap());
    forged.sign(Role::Author, &key(1)).unwrap();
    forged.signatures[0].sig = sig.into();
    assert!(forged.verify().is_err());
    // An author's signature over a head's bytes does not make them a head.
    let mut over_head = Envelope::new(cbor::encode(&head()).unwrap());
    over_head.sign(Role::Author, &key(1)).unwrap();
    let mut bytes = seal(&head(), &[&key(1)]).unwrap();
    let at = bytes
        .windows(64)
        .position(|w| *w == sig)
        .expect("the signature is in the bytes");
    bytes[at..at + 64].copy_from_slice(&over_head.signatures[0].sig[..]);
    assert!(matches!(
        open::<Head>(&bytes),
        Err(StatementError::BadSignature { .. })
    ));
}

fn signature_over(kind: &str, body: &[u8]) -> [u8; 64] {
    use ed25519_dalek::Signer;
    let message = weft_release::envelope::pre_authentication_encoding(kind, body);
    key(1).sign(&message).to_bytes()
}

/// The same bytes with one text in the place of another as long.
fn replace(bytes: &[u8], old: &str, new: &str) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let at = bytes
        .windows(old.len())
        .position(|w| w == old.as_bytes())
        .expect("the text is in the bytes");
    let mut out = bytes.to_vec();
    out[at..at + old.len()].copy_from_slice(new.as_bytes());
    out
}

#[test]
fn fields_keep_their_rules() {
    let broken: [fn(&mut Head); 6] = [
        |h| h.name = "A".into(),
        |h| h.revision = 0,
        |h| h.revision = 1 << 53,
        |h| h.revision = u64::MAX,
        |h| h.release = content::raw_cid(b"x"),
        |h| h.expires = Some(h.published),
    ];
    for broken in broken {
        let mut bad = head();
        broken(&mut bad);
        assert!(seal(&bad, &[&key(1)]).is_err(), "{bad:?}");
    }
    let mut bad = revocation();
    bad.reason = "a\u{1b}[2J".into();
    assert!(seal(&bad, &[&key(1)]).is_err());
    let mut bad = rotation();
    bad.new = bad.old;
    assert!(seal(&bad, &[&key(1), &key(1)]).is_err());
}

#[test]
fn two_releases_under_one_number_prove_an_equivocation() {
    let envelope = |release: &weft_release::Release, n: u8| {
        Envelope::seal(release, Role::Author, &key(n)).unwrap()
    };
    let bytes = |release: &weft_release::Release, n: u8| envelope(release, n).encode().unwrap();
    let mut other = scorer();
    other.description = "Prefers the attacker.".into();
    let cid = |release: &weft_release::Release| release.encode().unwrap().1;
    let head_of = |release: &weft_release::Release, n: u8| {
        let head = Head {
            publisher: did(n),
            revision: release.revision,
            release: cid(release),
            ..head()
        };
        seal(&head, &[&key(n)]).unwrap()
    };
    // Releases, heads, and one of each.
    let first = bytes(&scorer(), 1);
    for one in [&first, &head_of(&scorer(), 1)] {
        for two in [bytes(&other, 1), head_of(&other, 1)] {
            let proof = equivocation::check(one, &two).unwrap();
            assert_eq!((proof.publisher, proof.revision), (did(1), 1));
            assert_eq!((proof.first, proof.second), (cid(&scorer()), cid(&other)));
        }
        // The same release with one more signature is the same release.
        let mut vouched = envelope(&scorer(), 1);
        vouched.sign(Role::Validator, &key(2)).unwrap();
        for same in [vouched.encode().unwrap(), head_of(&scorer(), 1)] {
            assert!(matches!(
                equivocation::check(one, &same),
                Err(EquivocationError::Same(_))
            ));
        }
    }
    type Change = fn(&mut weft_release::Release);
    let changes: [(&str, Change); 3] = [
        ("publisher", |r| r.publisher = did(2)),
        ("name", |r| r.name = "other".into()),
        ("revision", |r| r.revision = 2),
    ];
    for (what, change) in changes {
        let mut differs = scorer();
        change(&mut differs);
        let author = if what == "publisher" { 2 } else { 1 };
        match equivocation::check(&first, &bytes(&differs, author)) {
            Err(EquivocationError::Other(found)) => assert_eq!(found, what),
            other => panic!("{what}: {other:?}"),
        }
    }
    // Forged: somebody else signed the second.
    let mut forged = Envelope::new(other.encode().unwrap().0);
    forged.sign(Role::Author, &key(2)).unwrap();
    for forged in [forged.encode().unwrap(), Vec::new()] {
        assert!(matches!(
            equivocation::check(&first, &forged),
            Err(EquivocationError::Envelope(_))
        ));
    }
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(open::<Head>(&bytes).is_err());
        prop_assert!(open::<Rotation>(&bytes).is_err());
    }

    #[test]
    fn no_changed_byte_opens(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut bytes = seal(&rotation(), &[&key(1), &key(2)]).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(open::<Rotation>(&bytes).is_err());
    }
}
