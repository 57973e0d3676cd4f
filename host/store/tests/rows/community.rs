//! Polls, the roster and tiers.

use proptest::prelude::*;
use weft_store::members::{self, Member, Role};
use weft_store::polls::{self, Closing, Poll};
use weft_store::tasks::{self, Task};
use weft_store::tiers::{self, Tier, Work};
use weft_store::{Error, Write};

use crate::{A, B, check, member, task, text, vote};

fn poll(id: &str, name: &str, opened_at: i64) -> Poll {
    Poll {
        id: id.into(),
        task_name: name.into(),
        opener: text(A),
        opened_at,
        closes_at: Some(opened_at + 300_000),
        status: polls::OPEN.into(),
        method: None,
        consensus: None,
        confidence: None,
        closed_at: None,
        event_cid: None,
    }
}

#[test]
fn a_poll_from_opening_to_consensus() {
    check(|tx| {
        polls::open(tx, &poll("v1", "ocr", 0))?;
        assert!(matches!(
            polls::open(tx, &poll("v1", "x", 0)),
            Err(Error::Exists { .. })
        ));
        assert_eq!(polls::open_for(tx, "ocr", 299_000)?.unwrap().id, "v1");
        assert_eq!(polls::open_for(tx, "ocr", 300_000)?, None);
        assert_eq!(polls::open_for(tx, "chat", 0)?, None);
        assert_eq!(polls::next_due(tx)?, Some(300_000));
        assert!(polls::cast(tx, &vote("did:1", "high", 1, "c1"))?);
        assert!(polls::cast(tx, &vote("did:2", "low", 1, "c2"))?);
        assert_eq!(
            (
                polls::counter(tx, "v1", "did:1")?,
                polls::counter(tx, "v1", "did:3")?
            ),
            (1, 0)
        );
        assert_eq!(polls::due(tx, 299_000)?.rows.len(), 0);
        assert_eq!(polls::due(tx, 300_000)?.rows.len(), 1);

        let closing = Closing {
            status: polls::CLOSED.into(),
            method: text("bafy"),
            consensus: text("high"),
            confidence: Some(0.75),
            weights: vec![("did:1".into(), 3.0), ("did:2".into(), 1.0)],
            event_cid: text("e"),
        };
        polls::close(tx, "v1", &closing, 301_000)?;
        assert!(matches!(
            polls::close(tx, "v1", &closing, 0),
            Err(Error::Missing {
                what: "open poll",
                ..
            })
        ));
        let weights: Vec<_> = polls::votes(tx, "v1")?
            .rows
            .iter()
            .map(|vote| vote.weight)
            .collect();
        assert_eq!(weights, [Some(3.0), Some(1.0)]);
        let closed = polls::consensus_for(tx, "ocr", 301_000)?.unwrap();
        assert_eq!(
            (closed.consensus.as_deref(), closed.closed_at),
            (Some("high"), Some(301_000))
        );
        assert_eq!(polls::consensus_for(tx, "ocr", 302_000)?, None);
        assert_eq!(polls::get(tx, "v1")?, Some(closed));
        assert!(polls::closed_since(tx, "ocr", 301_999)?);
        assert!(!polls::closed_since(tx, "ocr", 302_000)?);
        assert!(!polls::closed_since(tx, "chat", 0)?);
        polls::open(tx, &poll("v2", "chat", 0))?;
        assert!(!polls::closed_since(tx, "chat", i64::MIN)?, "open");
        let aborted = Closing {
            status: polls::ABORTED.into(),
            ..Closing::default()
        };
        polls::close(tx, "v2", &aborted, 5_000)?;
        assert!(polls::closed_since(tx, "chat", 5_000)?);
        assert_eq!(polls::list(tx, Some(polls::OPEN), 10)?.rows.len(), 0);
        assert_eq!(polls::list(tx, None, 10)?.rows.len(), 2);
        Ok(())
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever the order in which ballots arrive: highest counter, then lowest CID.
    #[test]
    fn the_same_ballot_counts_in_any_order(
        ballots in prop::collection::vec((0u64..4, "[a-c]{2}"), 1..8).prop_shuffle()
    ) {
        let (counter, cid) = ballots.iter().min_by_key(|(counter, cid)| (u64::MAX - counter, cid.clone())).unwrap();
        check(|tx| {
            for (counter, cid) in &ballots {
                polls::cast(tx, &vote("did:1", cid, *counter, cid))?;
            }
            let votes = polls::votes(tx, "v1")?.rows;
            assert_eq!(votes.len(), 1);
            assert_eq!((&votes[0].counter, votes[0].event_cid.as_ref(), &votes[0].choice), (counter, Some(cid), cid));
            Ok(())
        });
    }
}

#[test]
fn the_roster_and_the_electorate() {
    check(|tx| {
        members::put(
            tx,
            &Member {
                is_self: true,
                ..member(A, Some("did:1"), Role::Admin, 1_000)
            },
        )?;
        members::put(
            tx,
            &member("alias@example.com", Some("did:1"), Role::Member, 2_000),
        )?;
        members::put(tx, &member(B, None, Role::Member, 3_000))?;
        members::put(tx, &member("guest", None, Role::Guest, 4_000))?;
        let voters = |tx: &Write| -> Result<Vec<String>, Error> {
            Ok(members::electorate(tx)?
                .rows
                .iter()
                .map(|member| member.key().to_owned())
                .collect())
        };
        assert_eq!(voters(tx)?, ["did:1", B]);
        assert_eq!(members::owner(tx)?.unwrap().user_id, A);
        assert_eq!(members::by_did(tx, "did:1")?.unwrap().user_id, A);
        members::remove(tx, A, 5_000)?;
        assert!(matches!(
            members::remove(tx, A, 5_000),
            Err(Error::Missing { what: "member", .. })
        ));
        assert_eq!(voters(tx)?, ["did:1", B], "under its other name");
        assert_eq!(
            members::by_did(tx, "did:1")?.unwrap().user_id,
            "alias@example.com"
        );
        assert_eq!(members::get(tx, A)?.unwrap().removed_at, Some(5_000));
        assert_eq!(members::list(tx)?.rows.len(), 3);
        assert_eq!(members::owner(tx)?, None);
        assert_eq!(Role::parse("admin"), Some(Role::Admin));
        assert_eq!(Role::parse("king"), None);
        Ok(())
    });
}

#[test]
fn tiers_and_the_work_behind_them() {
    check(|tx| {
        assert_eq!(tiers::get(tx, A)?, Tier::new(A));
        tiers::donate(tx, A, 10.0, 5_000)?;
        tiers::donate(tx, A, 2.5, 3_000)?;
        let tier = tiers::get(tx, A)?;
        assert_eq!(
            (tier.donations, tier.donated_at, tier.tier.as_str()),
            (12.5, Some(5_000), "free")
        );
        let tier = Tier {
            tier: "supporter".into(),
            tasks: 4,
            votes: 2,
            granted: text("supporter"),
            ..tier
        };
        tiers::put(tx, &tier, 6_000)?;
        assert_eq!(tiers::list(tx)?.rows, [tier]);

        members::put(tx, &member(A, Some("did:1"), Role::Member, 0))?;
        members::put(tx, &member("a2", Some("did:1"), Role::Member, 0))?;
        for (id, user, status) in [
            ("1", A, tasks::DONE),
            ("2", "a2", tasks::DONE),
            ("3", A, "failed"),
            ("4", B, tasks::DONE),
        ] {
            tasks::insert(
                tx,
                &Task {
                    status: status.into(),
                    ..task(id, user, 0)
                },
            )?;
        }
        polls::cast(tx, &vote("did:1", "high", 1, "c1"))?;
        polls::cast(tx, &vote(B, "high", 1, "c2"))?;
        assert_eq!(tiers::work(tx, A)?, Work { tasks: 2, votes: 1 });
        assert_eq!(tiers::work(tx, B)?, Work { tasks: 1, votes: 1 });
        Ok(())
    });
}
