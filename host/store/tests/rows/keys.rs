//! Revoked and replaced keys.

use weft_store::Error;
use weft_store::keys::{self, Revocation, Rotation};

use crate::{check, text};

fn revocation(did: &str, seen_at: i64) -> Revocation {
    Revocation {
        did: did.into(),
        seen_at,
        reason: text("lost"),
        statement: None,
    }
}

fn rotation(old: &str, new: &str, seen_at: i64) -> Rotation {
    Rotation {
        old_did: old.into(),
        new_did: new.into(),
        seen_at,
        statement: vec![1],
    }
}

#[test]
fn a_revocation_keeps_its_first_moment_and_gains_its_statement() {
    check(|tx| {
        assert!(keys::revoke(tx, &revocation("did:1", 1_000))?);
        assert!(!keys::revoke(tx, &revocation("did:1", 9_000))?);
        let signed = Revocation {
            reason: text("stolen"),
            statement: Some(vec![7]),
            ..revocation("did:1", 9_000)
        };
        assert!(keys::revoke(tx, &signed)?);
        let kept = Revocation {
            seen_at: 1_000,
            ..signed.clone()
        };
        assert_eq!(keys::revocation(tx, "did:1")?, Some(kept.clone()));
        let other = Revocation {
            statement: Some(vec![8]),
            ..signed
        };
        assert!(!keys::revoke(tx, &other)?);
        assert_eq!(keys::revocation(tx, "did:1")?, Some(kept.clone()));
        assert_eq!(keys::revocation(tx, "did:2")?, None);
        keys::revoke(tx, &revocation("did:2", 2_000))?;
        assert_eq!(keys::revocations(tx)?, [revocation("did:2", 2_000), kept]);
        Ok(())
    });
}

#[test]
fn a_key_gives_its_place_away_once() {
    check(|tx| {
        assert!(keys::rotate(tx, &rotation("did:1", "did:2", 1_000))?);
        assert!(!keys::rotate(tx, &rotation("did:1", "did:2", 5_000))?);
        assert!(matches!(
            keys::rotate(tx, &rotation("did:1", "did:3", 5_000)),
            Err(Error::Exists { .. })
        ));
        let first = rotation("did:1", "did:2", 1_000);
        assert_eq!(keys::rotation(tx, "did:1")?, Some(first.clone()));
        assert_eq!(keys::rotation(tx, "did:2")?, None);
        keys::rotate(tx, &rotation("did:2", "did:3", 2_000))?;
        assert_eq!(
            keys::rotations(tx)?,
            [rotation("did:2", "did:3", 2_000), first]
        );
        Ok(())
    });
}
