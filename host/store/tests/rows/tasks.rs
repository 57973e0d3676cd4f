//! Tasks, their history, leases and feedback.

use weft_store::Error;
use weft_store::members::{self, Role};
use weft_store::tasks::{self, Delegation, Feedback, Filter, HistoryEntry, Task};

use crate::{A, B, DAY_MS, check, member, task, text};

#[test]
fn tasks_come_back_whole() {
    check(|tx| {
        let full = Task {
            tags: vec!["ü".to_owned(), "\"b\"".to_owned()],
            spec: "{\"a\":1}".to_owned(),
            status: "running".to_owned(),
            reason: text("r"),
            warning: text("w"),
            importance: text("high"),
            urgency: text("critical"),
            sla: text("eco"),
            poll_id: text("p"),
            attempt: 3,
            duration_ms: 1_500,
            memory_mb: 64,
            next_window_start: Some(7_000),
            retry_at: Some(8_000),
            decision_cid: text("d"),
            violations: "[{}]".to_owned(),
            peer: text("peer"),
            output_path: text("/o"),
            output_cid: text("o"),
            summary: text("s"),
            receipt_cid: text("rc"),
            admitted_at: Some(2_000),
            started_at: Some(3_000),
            finished_at: Some(4_000),
            ..task("t1", A, 1_000)
        };
        tasks::insert(tx, &full)?;
        assert_eq!(tasks::get(tx, "t1")?, Some(full.clone()));
        assert_eq!(tasks::get(tx, "t")?, None);
        assert!(matches!(
            tasks::insert(tx, &full),
            Err(Error::Exists { what: "tasks", .. })
        ));
        let bare = task("t1", B, 9_000);
        tasks::update(tx, &bare)?;
        assert_eq!(tasks::get(tx, "t1")?, Some(bare));
        assert!(matches!(
            tasks::update(tx, &task("t2", A, 0)),
            Err(Error::Missing { .. })
        ));
        Ok(())
    });
}

#[test]
fn an_instant_to_wait_for_never_comes_back_early() {
    check(|tx| {
        let waiting = Task {
            retry_at: Some(1_001),
            submitted_at: 1_999,
            ..task("t1", A, 0)
        };
        tasks::insert(tx, &waiting)?;
        let back = tasks::get(tx, "t1")?.unwrap();
        assert_eq!((back.retry_at, back.submitted_at), (Some(2_000), 1_000));
        Ok(())
    });
}

#[test]
fn tasks_are_listed_newest_first_and_moved_by_status() {
    check(|tx| {
        tasks::insert(tx, &task("old", A, 1_000))?;
        tasks::insert(tx, &task("new", A, 2_000))?;
        tasks::insert(
            tx,
            &Task {
                finished_at: Some(4_000),
                status: "failed".into(),
                ..task("other", B, 3_000)
            },
        )?;
        let ids = |filter: Filter| -> Result<Vec<String>, Error> {
            Ok(tasks::list(tx, &filter)?
                .rows
                .into_iter()
                .map(|task| task.id)
                .collect())
        };
        assert_eq!(ids(Filter::default())?, ["other", "new", "old"]);
        assert_eq!(
            ids(Filter {
                user_id: text(A),
                ..Filter::default()
            })?,
            ["new", "old"]
        );
        assert_eq!(
            ids(Filter {
                status: text("failed"),
                ..Filter::default()
            })?,
            ["other"]
        );
        assert_eq!(
            ids(Filter {
                unfinished: true,
                limit: Some(1),
                ..Filter::default()
            })?,
            ["new"]
        );
        assert_eq!(tasks::ids_like(tx, "o", 10)?, ["other", "old"]);
        assert_eq!(tasks::ids_like(tx, "%", 10)?, Vec::<String>::new());

        assert!(tasks::set_status(
            tx,
            "old",
            &["queued", "deferred"],
            "cancelled",
            Some("asked"),
            5_000
        )?);
        assert!(!tasks::set_status(
            tx,
            "old",
            &["queued", "deferred"],
            "running",
            None,
            6_000
        )?);
        let old = tasks::get(tx, "old")?.unwrap();
        assert_eq!(
            (old.status.as_str(), old.reason.as_deref(), old.updated_at),
            ("cancelled", Some("asked"), 5_000)
        );
        assert_eq!(tasks::count(tx, "queued")?, 1);
        Ok(())
    });
}

#[test]
fn due_tasks() {
    check(|tx| {
        for (id, status, retry_at) in [
            ("later", "deferred", Some(5_000)),
            ("now", "queued", Some(3_000)),
            ("past", "deferred", Some(1_000)),
            ("event", "deferred", None),
            ("running", "running", Some(1_000)),
        ] {
            tasks::insert(
                tx,
                &Task {
                    status: status.to_owned(),
                    retry_at,
                    ..task(id, A, 0)
                },
            )?;
        }
        let ids = |now, limit| -> Result<Vec<String>, Error> {
            Ok(tasks::due(tx, now, limit)?
                .rows
                .into_iter()
                .map(|task| task.id)
                .collect())
        };
        assert_eq!(ids(999, 10)?, Vec::<String>::new());
        assert_eq!(ids(3_000, 10)?, ["past", "now"]);
        assert_eq!(ids(9_000, 2)?, ["past", "now"]);
        assert_eq!(ids(9_000, 10)?, ["past", "now", "later"]);
        assert_eq!(tasks::next_due(tx)?, Some(1_000));
        Ok(())
    });
}

#[test]
fn usage_counts_per_member_not_per_name() {
    check(|tx| {
        members::put(tx, &member(A, Some("did:1"), Role::Member, 0))?;
        members::put(
            tx,
            &member("a2@example.com", Some("did:1"), Role::Member, 0),
        )?;
        members::put(tx, &member(B, None, Role::Member, 0))?;
        members::put(tx, &member("c@example.com", None, Role::Member, 0))?;
        for (id, user, admitted_at, finished_at) in [
            ("1", A, Some(DAY_MS), None),
            (
                "2",
                "a2@example.com",
                Some(DAY_MS + 1_000),
                Some(DAY_MS + 2_000),
            ),
            ("3", A, Some(DAY_MS - 1_000), None),
            ("4", A, None, None),
            ("5", B, Some(DAY_MS), None),
        ] {
            tasks::insert(
                tx,
                &Task {
                    admitted_at,
                    finished_at,
                    ..task(id, user, 0)
                },
            )?;
        }
        for (user, admitted, in_flight) in [
            (A, 2, 1),
            ("a2@example.com", 2, 1),
            (B, 1, 1),
            ("c@example.com", 0, 0),
            ("new", 0, 0),
        ] {
            assert_eq!(
                tasks::usage(tx, user, DAY_MS)?,
                tasks::Usage {
                    admitted,
                    in_flight
                },
                "{user}"
            );
        }
        Ok(())
    });
}

#[test]
fn history_leases_and_feedback() {
    check(|tx| {
        for status in ["deferred", "running"] {
            tasks::add_history(
                tx,
                &HistoryEntry {
                    task_id: "t1".into(),
                    status: status.into(),
                    reasoning: text("Outside delegation hours"),
                    timestamp: 1_000,
                },
            )?;
        }
        let statuses: Vec<_> = tasks::history(tx, "t1")?
            .rows
            .into_iter()
            .map(|entry| entry.status)
            .collect();
        assert_eq!(statuses, ["deferred", "running"]);

        let lease = Delegation {
            id: "l1".into(),
            task_id: "t1".into(),
            task_name: text("ocr"),
            user_id: text(A),
            from_device: text("p0"),
            to_device: text("p1"),
            attempt: 1,
            score: Some(71.5),
            status: "leased".into(),
            reason: None,
            delegated_at: 1_000,
            finished_at: None,
            receipt_cid: None,
        };
        tasks::put_delegation(tx, &lease)?;
        let lost = Delegation {
            status: "lost".into(),
            finished_at: Some(2_000),
            ..lease
        };
        tasks::put_delegation(tx, &lost)?;
        assert_eq!(tasks::delegations(tx, "t1")?.rows, [lost]);

        let feedback = Feedback {
            task_id: "t1".into(),
            user_id: text(A),
            rating: Some(5),
            comment: text("good"),
            created_at: 3_000,
        };
        tasks::add_feedback(tx, &feedback)?;
        assert_eq!(tasks::feedback(tx, "t1")?.rows, [feedback]);
        Ok(())
    });
}
