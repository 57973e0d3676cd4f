//! Heads, equivocations, and when a release was first seen.

use weft_store::publishers::{self, Equivocation, Head};

use crate::check;

fn head(revision: u64, cid: &str, at: i64) -> Head {
    Head {
        publisher: "did:p".into(),
        name: "scorer-green".into(),
        revision,
        release_cid: cid.into(),
        published_at: 500,
        seen_at: at,
        checked_at: at,
        source: "/a".into(),
        envelope: vec![1],
    }
}

/// A head whose moments are whole seconds, as tables keep them.
fn whole(revision: u64, cid: &str, at: i64) -> Head {
    Head {
        published_at: 0,
        ..head(revision, cid, at)
    }
}

#[test]
fn a_head_only_rises() {
    check(|tx| {
        assert!(publishers::put_head(tx, &head(3, "r3", 1_000))?);
        assert!(!publishers::put_head(tx, &head(2, "r2", 2_000))?);
        assert!(!publishers::put_head(tx, &head(3, "other", 3_000))?);
        let found = publishers::head(tx, "did:p", "scorer-green")?;
        assert_eq!(found, Some(whole(3, "r3", 1_000)));
        // Given again, by another source.
        let again = Head {
            source: "/b".into(),
            ..head(3, "r3", 4_000)
        };
        assert!(!publishers::put_head(tx, &again)?);
        let found = publishers::head(tx, "did:p", "scorer-green")?.unwrap();
        assert_eq!(
            (found.seen_at, found.checked_at, found.source.as_str()),
            (1_000, 4_000, "/b")
        );
        assert!(publishers::put_head(tx, &head((1 << 53) - 1, "r9", 5_000))?);
        assert_eq!(publishers::head(tx, "did:q", "scorer-green")?, None);
        assert_eq!(publishers::heads(tx)?, [whole((1 << 53) - 1, "r9", 5_000)]);
        Ok(())
    });
}

#[test]
fn proofs_stay() {
    let proof = |second: &str, at: i64| Equivocation {
        publisher: "did:p".into(),
        name: "scorer-green".into(),
        revision: 3,
        first_cid: "a".into(),
        second_cid: second.into(),
        first: vec![1],
        second: vec![2],
        seen_at: at,
    };
    check(|tx| {
        assert!(publishers::add_equivocation(tx, &proof("b", 1_000))?);
        assert!(!publishers::add_equivocation(tx, &proof("b", 9_000))?);
        assert!(publishers::add_equivocation(tx, &proof("c", 2_000))?);
        let all = [proof("c", 2_000), proof("b", 1_000)];
        assert_eq!(publishers::equivocations(tx, None)?, all);
        assert_eq!(publishers::equivocations(tx, Some("did:p"))?, all);
        assert_eq!(publishers::equivocations(tx, Some("did:q"))?, []);
        Ok(())
    });
}

#[test]
fn a_release_is_first_seen_once() {
    check(|tx| {
        assert_eq!(publishers::first_seen(tx, "r")?, None);
        assert_eq!(publishers::see(tx, "r", 1_000)?, 1_000);
        assert_eq!(publishers::see(tx, "r", 9_000)?, 1_000);
        assert_eq!(publishers::first_seen(tx, "r")?, Some(1_000));
        Ok(())
    });
}
