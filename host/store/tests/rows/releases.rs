//! Releases, their high water, faults, quarantine and native code.

use weft_store::Error;
use weft_store::releases::{self, Fault, HighWater, Release};

use crate::{A, check, text};

fn release(cid: &str, revision: u64) -> Release {
    Release {
        cid: cid.into(),
        name: "scorer-green".into(),
        publisher: "did:p".into(),
        version: "1.0.0".into(),
        revision,
        kind: "policy".into(),
        world: "weft:scorer/scorer@0.1.0".into(),
        slot: text("scorer"),
        record: vec![0xa0],
        envelope: vec![1, 2],
        component_cid: "bafcomp".into(),
        imports: vec!["weft:model/types@0.1.0".into()],
        features: vec!["rtt_ms".into()],
        description: text("d"),
        state: "fetched".into(),
        note: None,
        added_at: 1_000,
        updated_at: 1_000,
    }
}

#[test]
fn releases_and_their_guards() {
    check(|tx| {
        assert!(releases::add(tx, &release("r1", 1))?);
        assert!(!releases::add(
            tx,
            &Release {
                name: "other".into(),
                ..release("r1", 9)
            }
        )?);
        assert_eq!(releases::get(tx, "r1")?, Some(release("r1", 1)));
        releases::add(tx, &release("r2", 2))?;
        releases::add(
            tx,
            &Release {
                kind: "workload".into(),
                slot: None,
                ..release("r3", 3)
            },
        )?;
        let cids = |list: Vec<Release>| {
            list.into_iter()
                .map(|release| release.cid)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            cids(releases::named(tx, "scorer-green")?),
            ["r3", "r2", "r1"]
        );
        assert_eq!(cids(releases::list(tx, Some("policy"))?), ["r2", "r1"]);
        assert_eq!(cids(releases::list(tx, None)?), ["r2", "r1", "r3"]);
        releases::set_state(tx, "r1", "verified", Some("ok"), 2_000)?;
        releases::set_envelope(tx, "r1", &[3])?;
        assert_eq!(cids(releases::in_state(tx, "verified")?), ["r1"]);
        assert_eq!(releases::get(tx, "r1")?.unwrap().envelope, [3]);
        assert!(matches!(
            releases::set_state(tx, "r9", "x", None, 0),
            Err(Error::Missing { .. })
        ));
        assert!(releases::remove(tx, "r1")? && !releases::remove(tx, "r1")?);

        let mark = |revision, cid: &str| HighWater {
            revision,
            release_cid: cid.into(),
        };
        assert_eq!(releases::high_water(tx, "did:p", "n")?, None);
        for (next, raised) in [
            (mark(5, "a"), true),
            (mark(5, "b"), false),
            (mark(4, "c"), false),
            (mark(6, "d"), true),
        ] {
            assert_eq!(
                releases::raise_high_water(tx, "did:p", "n", &next, 0)?,
                raised,
                "{next:?}"
            );
        }
        assert_eq!(releases::high_water(tx, "did:p", "n")?, Some(mark(6, "d")));

        for at in [1_000, 1_500, 70_000] {
            let fault = Fault {
                release_cid: "r2".into(),
                slot: None,
                at,
                kind: "trap".into(),
                message: None,
            };
            releases::add_fault(tx, &fault)?;
        }
        assert_eq!(
            (
                releases::faults_since(tx, "r2", 1_500)?,
                releases::faults_since(tx, "r3", 0)?
            ),
            (2, 0)
        );
        assert_eq!(releases::prune_faults(tx, 1_500)?, 1);
        releases::quarantine(tx, "r2", "3 traps in 60 s", 1_000)?;
        assert_eq!(
            releases::quarantined(tx, "r2")?.unwrap().reason,
            "3 traps in 60 s"
        );
        releases::lift(tx, "r2", A, 2_000)?;
        assert_eq!(releases::quarantined(tx, "r2")?, None);
        assert!(matches!(
            releases::lift(tx, "r2", A, 2_000),
            Err(Error::Missing { .. })
        ));
        assert_eq!(releases::quarantines(tx)?[0].lifted_by.as_deref(), Some(A));
        releases::quarantine(tx, "r2", "again", 3_000)?;
        assert!(releases::quarantined(tx, "r2")?.is_some());

        releases::put_native(tx, "comp", "profile", "aa", 1_000)?;
        releases::put_native(tx, "comp", "profile", "bb", 2_000)?;
        assert_eq!(
            releases::native(tx, "comp", "profile")?.unwrap().digest,
            "bb"
        );
        assert_eq!(releases::native(tx, "comp", "other")?, None);
        assert_eq!(releases::forget_native(tx, "comp")?, 1);
        Ok(())
    });
}
