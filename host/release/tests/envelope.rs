//! Envelopes: who signed, and everything that must not pass for a signature.

mod common;

use common::{did, key, scorer};
use proptest::prelude::*;
use serde_bytes::ByteArray;
use weft_model::Did;
use weft_release::envelope::{Signature, pre_authentication_encoding};
use weft_release::{Envelope, EnvelopeError, Role};

fn signed(roles: &[(Role, u8)]) -> Envelope {
    let (bytes, _) = scorer().encode().unwrap();
    let mut envelope = Envelope::new(bytes);
    for (role, n) in roles {
        envelope.sign(*role, &key(*n)).unwrap();
    }
    envelope
}

#[test]
fn the_encoding_is_that_of_the_dsse_specification() {
    let encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world");
    assert_eq!(
        encoded,
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
}

#[test]
fn a_signed_release_opens_and_names_its_signers() {
    let envelope = signed(&[(Role::Owner, 3), (Role::Validator, 2), (Role::Author, 1)]);
    let opened = envelope.open().unwrap();
    assert_eq!(opened.release, scorer());
    assert_eq!(opened.cid, scorer().encode().unwrap().1);
    assert_eq!(
        opened.signers,
        [
            (Role::Author, did(1)),
            (Role::Validator, did(2)),
            (Role::Owner, did(3))
        ]
    );
    let bytes = envelope.encode().unwrap();
    assert_eq!(Envelope::decode(&bytes).unwrap(), envelope);
}

#[test]
fn only_a_valid_release_is_sealed() {
    let sealed = Envelope::seal(&scorer(), Role::Author, &key(1)).unwrap();
    assert_eq!(sealed, signed(&[(Role::Author, 1)]));
    let mut bad = scorer();
    bad.revision = 0;
    assert!(Envelope::seal(&bad, Role::Author, &key(1)).is_err());
}

#[test]
fn nobody_is_not_enough() {
    assert!(matches!(
        signed(&[]).verify(),
        Err(EnvelopeError::NoSignature)
    ));
    assert!(matches!(
        signed(&[]).open(),
        Err(EnvelopeError::NoSignature)
    ));
}

#[test]
fn a_role_can_not_be_swapped() {
    let mut envelope = signed(&[(Role::Author, 1)]);
    envelope.signatures[0].role = Role::Validator;
    assert!(matches!(
        envelope.verify(),
        Err(EnvelopeError::BadSignature {
            role: Role::Validator,
            ..
        })
    ));
}

#[test]
fn a_key_counts_once() {
    let mut envelope = signed(&[(Role::Author, 1)]);
    for role in [Role::Author, Role::Validator, Role::Owner] {
        assert!(matches!(
            envelope.sign(role, &key(1)),
            Err(EnvelopeError::SignedTwice { .. })
        ));
    }
    // Put in by hand, with a signature that holds.
    let other = signed(&[(Role::Validator, 1)]);
    envelope.signatures.extend(other.signatures);
    assert!(matches!(
        envelope.verify(),
        Err(EnvelopeError::SignedTwice { .. })
    ));
    envelope.signatures[1] = envelope.signatures[0].clone();
    assert!(matches!(
        envelope.verify(),
        Err(EnvelopeError::SignedTwice { .. })
    ));
}

#[test]
fn other_bytes_another_type_or_another_key_do_not_hold() {
    let good = signed(&[(Role::Author, 1)]);
    let mut bad = good.clone();
    bad.payload.push(0);
    assert!(matches!(
        bad.verify(),
        Err(EnvelopeError::BadSignature { .. })
    ));
    let mut bad = good.clone();
    bad.payload_type = "application/vnd.weft.event+dag-cbor".into();
    assert!(matches!(bad.verify(), Err(EnvelopeError::WrongType { .. })));
    let mut bad = good.clone();
    bad.signatures[0].key = did(2);
    assert!(matches!(
        bad.verify(),
        Err(EnvelopeError::BadSignature { .. })
    ));
    let mut bad = good;
    bad.signatures[0].sig[63] ^= 0x80;
    assert!(matches!(
        bad.verify(),
        Err(EnvelopeError::BadSignature { .. })
    ));
}

#[test]
fn one_bad_signature_spoils_the_envelope() {
    let mut envelope = signed(&[(Role::Author, 1), (Role::Validator, 2)]);
    envelope.signatures[1].sig[0] ^= 1;
    assert!(envelope.verify().is_err());
}

#[test]
fn a_small_order_key_signs_nothing() {
    // With the neutral element as key, R = s B holds for any message under lenient verification.
    let mut neutral = [0; 32];
    neutral[0] = 1;
    let mut sig = [0; 64];
    sig[0] = 1;
    let mut envelope = signed(&[]);
    envelope.signatures.push(Signature {
        role: Role::Author,
        key: Did::from_public(neutral),
        sig: ByteArray::new(sig),
    });
    assert!(matches!(
        envelope.verify(),
        Err(EnvelopeError::BadSignature { .. })
    ));
}

#[test]
fn the_publisher_must_be_the_author() {
    for roles in [
        &[(Role::Author, 2)][..],
        &[(Role::Owner, 1)],
        &[(Role::Validator, 1), (Role::Author, 2)],
    ] {
        let envelope = signed(roles);
        assert!(!envelope.verify().unwrap().is_empty());
        assert!(matches!(
            envelope.open(),
            Err(EnvelopeError::NotByPublisher { .. })
        ));
    }
}

#[test]
fn too_many_signatures_are_refused() {
    let mut envelope = signed(&[]);
    for n in 0..64 {
        envelope.sign(Role::Validator, &key(n)).unwrap();
    }
    assert!(matches!(
        envelope.sign(Role::Validator, &key(64)),
        Err(EnvelopeError::TooMany { found: 65 })
    ));
    assert_eq!(envelope.verify().unwrap().len(), 64);
}

#[test]
fn signatures_out_of_order_are_another_encoding() {
    let mut envelope = signed(&[(Role::Author, 1), (Role::Validator, 2)]);
    envelope.signatures.reverse();
    let bytes = envelope.encode().unwrap();
    assert!(matches!(
        Envelope::decode(&bytes),
        Err(EnvelopeError::NotCanonical)
    ));
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(Envelope::decode(&bytes).is_err());
    }

    #[test]
    fn no_changed_byte_opens(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut bytes = signed(&[(Role::Author, 1)]).encode().unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(Envelope::decode(&bytes).and_then(|e| e.open()).is_err());
    }
}
