//! Signed reports of trials.

use ed25519_dalek::SigningKey;
use weft_model::cbor;
use weft_model::{Did, Slot, content};
use weft_release::{Envelope, Role, TrialError, TrialExample, TrialRecord};

fn record() -> TrialRecord {
    TrialRecord {
        format: 1,
        slot: Slot::Scorer,
        release: content::record_cid(b"release"),
        mode: "canary 10%".into(),
        decisions: 10,
        agreed: 6,
        differed: 3,
        failed: 1,
        refused: 2,
        started: 1,
        ended: Some(2),
        outcome: Some("returned".into()),
        examples: vec![TrialExample {
            decision: content::record_cid(b"decision"),
            task: "photos".into(),
            serving: "runs here".into(),
            trial: "waits".into(),
            at: 1,
        }],
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

#[test]
fn a_report_is_opened_by_anyone_and_says_who_signed() {
    let (bytes, cid) = record().seal(&key()).expect("a report");
    assert_eq!(cid, content::record_cid(&bytes));
    assert_eq!(record().seal(&key()).expect("a report").1, cid);
    let (opened, by) = TrialRecord::open(&bytes).expect("it holds");
    assert_eq!(opened, record());
    assert_eq!(by, Did::from_public(key().verifying_key().to_bytes()));
}

#[test]
fn no_changed_byte_goes_unnoticed() {
    let (bytes, _) = record().seal(&key()).expect("a report");
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        TrialRecord::open(&changed).expect_err("a byte was changed");
    }
    TrialRecord::open(&bytes[..bytes.len() - 1]).expect_err("cut off");
}

#[test]
fn a_signature_over_something_else_is_none_over_a_report() {
    // The same bytes, signed as a release.
    let mut envelope = Envelope::new(cbor::encode(&record()).expect("CBOR"));
    envelope.sign(Role::Owner, &key()).expect("a signature");
    let bytes = cbor::encode(&envelope).expect("CBOR");
    TrialRecord::open(&bytes).expect_err("it is a release's envelope");
}

#[test]
fn counts_add_up() {
    for wrong in [
        TrialRecord {
            decisions: 11,
            ..record()
        },
        TrialRecord {
            refused: 10,
            ..record()
        },
        TrialRecord {
            format: 2,
            ..record()
        },
        TrialRecord {
            agreed: u64::MAX,
            ..record()
        },
    ] {
        assert!(matches!(
            wrong.seal(&key()),
            Err(TrialError::Malformed(_) | TrialError::Cbor(_))
        ));
    }
}
