//! The log, decisions and blocks.

use weft_store::decisions::{self, Decision};
use weft_store::events::{self, Event};
use weft_store::{Error, blocks};

use crate::check;

fn event(author: &str, seq: u64, cid: &str, prev: Option<&str>) -> Event {
    Event {
        cid: cid.into(),
        author: author.into(),
        seq,
        prev: prev.map(str::to_owned),
        at: 1_000,
        kind: "ballot".into(),
        bytes: vec![0xa1, 0x61],
    }
}

#[test]
fn a_chain_grows_only_at_its_end() {
    check(|tx| {
        assert_eq!(events::head(tx, "x")?, None);
        assert!(matches!(
            events::append(tx, &event("x", 0, "e0", None)),
            Err(Error::Gap {
                seq: 0,
                next: 1,
                ..
            })
        ));
        assert!(matches!(
            events::append(tx, &event("x", 1, "e1", Some("?"))),
            Err(Error::Fork { .. })
        ));
        assert!(events::append(tx, &event("x", 1, "e1", None))?);
        assert!(!events::append(tx, &event("x", 1, "e1", None))?, "again");
        assert!(matches!(
            events::append(tx, &event("x", 3, "e3", Some("e2"))),
            Err(Error::Gap { next: 2, .. })
        ));
        assert!(matches!(
            events::append(tx, &event("x", 2, "e2", Some("other"))),
            Err(Error::Fork { .. })
        ));
        assert!(matches!(
            events::append(tx, &event("x", 2, "e2", None)),
            Err(Error::Fork { .. })
        ));
        assert!(events::append(tx, &event("x", 2, "e2", Some("e1")))?);
        match events::append(tx, &event("x", 2, "e2b", Some("e1"))) {
            Err(Error::Fork { other, .. }) => assert_eq!(other, "e2"),
            other => panic!("{other:?}"),
        }
        assert!(events::append(tx, &event("y", 1, "f1", None))?);
        let heads: Vec<_> = events::heads(tx)?
            .into_iter()
            .map(|head| (head.author, head.seq, head.cid))
            .collect();
        assert_eq!(
            heads,
            [("x".into(), 2, "e2".into()), ("y".into(), 1, "f1".into())]
        );
        assert_eq!(
            events::get(tx, "e2")?,
            Some(event("x", 2, "e2", Some("e1")))
        );
        let cids = |from, limit| -> Result<Vec<String>, Error> {
            Ok(events::chain(tx, "x", from, limit)?
                .into_iter()
                .map(|event| event.cid)
                .collect())
        };
        assert_eq!(
            (cids(0, 10)?, cids(2, 10)?, cids(1, 1)?),
            (
                vec!["e1".into(), "e2".into()],
                vec!["e2".into()],
                vec!["e1".into()]
            )
        );
        assert_eq!(events::len(tx)?, 3);
        Ok(())
    });
}

#[test]
fn decisions_records_and_traces() {
    check(|tx| {
        for attempt in 1..=3 {
            let decision = Decision {
                cid: format!("d{attempt}"),
                task_id: "t1".into(),
                attempt,
                at: 1_000,
                verdict: "defer".into(),
            };
            decisions::record(tx, &decision, &[attempt as u8], "{}")?;
            decisions::record(tx, &decision, &[attempt as u8], "{\"again\":1}")?;
        }
        let attempts: Vec<_> = decisions::of_task(tx, "t1")?
            .iter()
            .map(|decision| decision.attempt)
            .collect();
        assert_eq!(attempts, [1, 2, 3]);
        assert_eq!(decisions::last(tx, 1)?[0].cid, "d3");
        assert_eq!(blocks::get(tx, "d2")?, Some(vec![2]));
        assert_eq!(
            decisions::trace(tx, "d2")?.as_deref(),
            Some("{\"again\":1}")
        );
        assert_eq!(decisions::prune(tx, 2)?, 1);
        assert_eq!(decisions::get(tx, "d1")?, None);
        assert!(!blocks::has(tx, "d1")? && blocks::has(tx, "d2")?);
        assert_eq!(decisions::trace(tx, "d1")?, None);
        assert_eq!(decisions::prune(tx, 2)?, 0);
        assert!(blocks::remove(tx, "d2")? && !blocks::remove(tx, "d2")?);
        Ok(())
    });
}
