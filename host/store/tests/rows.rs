//! Every kind of row goes in and comes back, and the questions that the node asks of them are answered.

use proptest::prelude::*;
use weft_store::carbon::{self, Impact};
use weft_store::decisions::{self, Decision};
use weft_store::events::{self, Event};
use weft_store::feed::{self, Entry, Metric, Severity};
use weft_store::members::{self, Member, Role};
use weft_store::owner::{self, Hours, Level, Permit, Rule, hours, permissions, preferences, rules};
use weft_store::peers::{self, Peer};
use weft_store::polls::{self, Closing, Poll, Vote};
use weft_store::releases::{self, Fault, HighWater, Release};
use weft_store::slots::{self, Binding, Change, Mode};
use weft_store::tasks::{self, Delegation, Feedback, Filter, HistoryEntry, Task};
use weft_store::tiers::{self, Tier, Work};
use weft_store::{Error, Store, Write, blocks, workloads};

const A: &str = "a@example.com";
const B: &str = "b@example.com";
const DAY_MS: i64 = 86_400_000;

/// Runs `f` in one transaction of a new database.
fn check(f: impl FnOnce(&Write) -> Result<(), Error>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path().join("weft.db")).unwrap();
    store.write(f).unwrap();
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn task(id: &str, user: &str, at: i64) -> Task {
    Task::new(id, user, "ocr", at)
}

fn member(user: &str, did: Option<&str>, role: Role, joined_at: i64) -> Member {
    Member {
        user_id: user.to_owned(),
        did: did.map(str::to_owned),
        role,
        device_did: None,
        is_self: false,
        joined_at,
        removed_at: None,
    }
}

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

#[test]
fn owners_rows() {
    check(|tx| {
        let window = Hours {
            id: "night".into(),
            user_id: A.into(),
            day: Some(6),
            start: 22 * 60 + 30,
            end: 24 * 60,
            active: true,
            description: text("night"),
            created_at: Some(1_000),
        };
        hours::add(tx, &window)?;
        assert!(matches!(hours::add(tx, &window), Err(Error::Exists { .. })));
        hours::add(
            tx,
            &Hours {
                user_id: B.into(),
                ..window.clone()
            },
        )?;
        assert_eq!(hours::in_force(tx, A)?.rows, [window]);
        hours::remove(tx, A, "night")?;
        assert!(matches!(
            hours::remove(tx, A, "night"),
            Err(Error::Missing { .. })
        ));
        assert_eq!(hours::all(tx)?.rows.len(), 1);

        let rule = Rule {
            id: "r".into(),
            user_id: A.into(),
            kind: "max_power_watts".into(),
            value: "50".into(),
            level: Level::Warn,
            active: true,
            reasoning: None,
            created_at: Some(1_000),
            updated_at: Some(1_000),
        };
        rules::add(tx, &rule)?;
        assert_eq!(rules::in_force(tx, A)?.rows, [rule]);
        rules::set_active(tx, A, "r", false, 2_000)?;
        assert_eq!(rules::in_force(tx, A)?.rows, []);
        assert_eq!(rules::list(tx, A)?.rows[0].updated_at, Some(2_000));
        rules::remove(tx, A, "r")?;
        assert!(matches!(
            rules::remove(tx, A, "r"),
            Err(Error::Missing { what: "rule", .. })
        ));

        let change = preferences::Change {
            critical_any_idle: Some(true),
            ..Default::default()
        };
        preferences::set(tx, A, &change, 0)?;
        let change = preferences::Change {
            timezone: Some(text("Asia/Tokyo")),
            ..Default::default()
        };
        preferences::set(tx, A, &change, 0)?;
        let now = preferences::get(tx, A)?;
        assert_eq!(
            (now.min_idle_minutes, now.timezone.as_deref()),
            (5, Some("Asia/Tokyo"))
        );
        assert!(now.critical_any_idle && now.critical_any_hour);
        preferences::set(
            tx,
            A,
            &preferences::Change {
                timezone: Some(None),
                ..Default::default()
            },
            0,
        )?;
        assert_eq!(preferences::get(tx, A)?.timezone, None);

        let permit = Permit {
            peer_id: "p1".into(),
            user_id: "*".into(),
            allowed: true,
        };
        permissions::set(tx, &permit, 0)?;
        assert_eq!(permissions::check(tx, "p1", None, A)?.by, Some(permit));
        permissions::remove(tx, "p1", "*")?;
        assert!(!permissions::check(tx, "p1", None, A)?.allowed);
        assert!(matches!(
            permissions::remove(tx, "p1", "*"),
            Err(Error::Missing { .. })
        ));

        let energy = owner::Energy {
            energy_type: "wind".into(),
            percent_clean: Some(99.5),
            grid_g_per_kwh: None,
            source: "measured".into(),
            updated_at: Some(5_000),
        };
        owner::energy::set(tx, &energy, 5_000)?;
        assert_eq!(owner::energy::get(tx)?, Some(energy));
        Ok(())
    });
}

#[test]
fn peers_by_id_and_alias() {
    check(|tx| {
        let full = Peer {
            alias: text("laptop"),
            name: text("n"),
            user_id: text(A),
            did: text("did:d"),
            addresses: vec!["/ip4/10.0.0.1/tcp/9001".to_owned()],
            location: text("attic"),
            energy_type: "solar".into(),
            percent_clean: Some(90.0),
            grid_g_per_kwh: Some(45.0),
            cpu_free: Some(3.5),
            memory_free_mb: Some(2048.0),
            disk_free_mb: Some(1.0),
            battery_percent: Some(50.0),
            plugged_in: Some(true),
            thermal_headroom: Some(-2.0),
            idle: Some(false),
            rtt_ms: Some(1.25),
            path_class: text("lan"),
            cost: Some(2.0),
            reputation: Some(0.5),
            timezone: text("UTC"),
            online: false,
            origin: "advert".into(),
            last_seen: Some(1_000),
            updated_at: Some(2_000),
            ..Peer::new("p1")
        };
        peers::put(tx, &full, 2_000)?;
        assert_eq!(peers::get(tx, "p1")?, Some(full.clone()));
        assert_eq!(peers::get(tx, "laptop")?, Some(full));
        // An alias never hides a peer's id.
        peers::put(
            tx,
            &Peer {
                alias: text("p1"),
                ..Peer::new("p2")
            },
            0,
        )?;
        assert_eq!(peers::get(tx, "p1")?.unwrap().peer_id, "p1");

        peers::seen(tx, "p1", true, 5_000)?;
        peers::seen(tx, "p1", false, 6_000)?;
        let peer = peers::get(tx, "p1")?.unwrap();
        assert_eq!(
            (peer.online, peer.last_seen, peer.updated_at),
            (false, Some(5_000), Some(6_000))
        );
        peers::remove(tx, "p2")?;
        assert!(matches!(
            peers::seen(tx, "p2", true, 0),
            Err(Error::Missing { what: "peer", .. })
        ));
        assert_eq!(peers::list(tx)?.rows.len(), 1);
        Ok(())
    });
}

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

fn vote(member: &str, choice: &str, counter: u64, cid: &str) -> Vote {
    Vote {
        poll_id: "v1".into(),
        member: member.into(),
        user_id: None,
        choice: choice.into(),
        counter,
        weight: None,
        cast_at: 0,
        event_cid: text(cid),
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
        assert_eq!(polls::list(tx, Some(polls::OPEN), 10)?.rows.len(), 0);
        assert_eq!(polls::list(tx, None, 10)?.rows.len(), 1);
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
            ("1", A, "completed"),
            ("2", "a2", "completed"),
            ("3", A, "failed"),
            ("4", B, "completed"),
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

fn binding(cid: &str) -> Binding {
    Binding {
        release_cid: cid.into(),
        config: vec![0xa0],
        mode: Mode::Enforce,
        origin: "owner".into(),
        activated_at: 1_500,
    }
}

fn change(action: &str) -> Change {
    Change {
        action: action.into(),
        actor: text(A),
        reason: None,
        at: 1_000,
    }
}

#[test]
fn a_slot_goes_forth_and_back() {
    check(|tx| {
        let served = |tx: &Write| -> Result<Vec<String>, Error> {
            Ok(slots::get(tx, "scorer")?
                .into_iter()
                .map(|binding| binding.release_cid)
                .collect())
        };
        let missing = slots::rollback(tx, "scorer", &change("rollback"));
        assert!(matches!(missing, Err(Error::Missing { .. })));
        slots::set(tx, "scorer", &[binding("a")], &change("genesis"))?;
        assert!(matches!(
            slots::rollback(tx, "scorer", &change("rollback")),
            Err(Error::Missing { .. })
        ));
        slots::set(tx, "scorer", &[binding("b")], &change("use"))?;
        let canary = Binding {
            mode: Mode::Canary(10),
            ..binding("c")
        };
        slots::set(tx, "scorer", &[binding("b"), canary], &change("add"))?;
        assert_eq!(served(tx)?, ["b", "c"]);
        slots::rollback(tx, "scorer", &change("rollback"))?;
        assert_eq!(served(tx)?, ["b"]);
        slots::rollback(tx, "scorer", &change("rollback"))?;
        assert_eq!(served(tx)?, ["a"]);
        assert!(matches!(
            slots::rollback(tx, "scorer", &change("rollback")),
            Err(Error::Missing { .. })
        ));
        // After going back, a new change can be undone, too.
        slots::set(tx, "scorer", &[binding("d")], &change("use"))?;
        slots::rollback(tx, "scorer", &change("rollback"))?;
        assert_eq!(served(tx)?, ["a"]);
        let actions: Vec<_> = slots::history(tx, "scorer", 3)?
            .into_iter()
            .map(|change| change.action)
            .collect();
        assert_eq!(actions, ["rollback", "use", "rollback"]);
        slots::set(tx, "ethics", &[binding("e")], &change("use"))?;
        let all: Vec<_> = slots::all(tx)?
            .into_iter()
            .map(|(slot, binding)| (slot, binding.release_cid))
            .collect();
        assert_eq!(
            all,
            [
                ("ethics".to_owned(), "e".to_owned()),
                ("scorer".to_owned(), "a".to_owned())
            ]
        );
        Ok(())
    });
}

#[test]
fn a_slot_pinned_by_hand_goes_back_to_its_history() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("weft.db");
    let store = Store::open(&path).unwrap();
    store
        .write(|tx| slots::set(tx, "scorer", &[binding("a")], &change("genesis")))
        .unwrap();
    let hand = rusqlite::Connection::open(&path).unwrap();
    hand.execute(
        "UPDATE slots SET release_cid = 'mine', mode = 'shadow' WHERE slot = 'scorer'",
        [],
    )
    .unwrap();
    let pinned = store.read(|tx| slots::get(tx, "scorer")).unwrap();
    assert_eq!(
        (pinned[0].release_cid.as_str(), pinned[0].mode),
        ("mine", Mode::Shadow)
    );
    hand.execute("UPDATE slots SET mode = 'often' WHERE slot = 'scorer'", [])
        .unwrap();
    let back = store
        .write(|tx| slots::rollback(tx, "scorer", &change("rollback")))
        .unwrap();
    assert_eq!(back[0].release_cid, "a");
}

#[test]
fn modes_by_word() {
    for (word, mode) in [
        ("enforce", Some(Mode::Enforce)),
        ("shadow", Some(Mode::Shadow)),
        ("canary 1%", Some(Mode::Canary(1))),
        ("canary 99%", Some(Mode::Canary(99))),
        ("canary 0%", None),
        ("canary 100%", None),
        ("canary 300%", None),
        ("canary", None),
        ("Enforce", None),
        ("", None),
    ] {
        assert_eq!(Mode::parse(word), mode, "{word:?}");
        if let Some(mode) = mode {
            assert_eq!(mode.to_string(), word);
        }
    }
}

#[test]
fn a_workload_goes_forth_and_back() {
    check(|tx| {
        let bound = |tx: &Write| -> Result<Option<String>, Error> {
            Ok(workloads::get(tx, "ocr")?.map(|workload| workload.release_cid))
        };
        assert_eq!(bound(tx)?, None);
        workloads::set(tx, "ocr", Some("a"), "genesis", &change("genesis"))?;
        workloads::set(tx, "ocr", Some("b"), "owner", &change("use"))?;
        workloads::set(tx, "ocr", None, "owner", &change("remove"))?;
        assert_eq!(bound(tx)?, None);
        assert_eq!(
            workloads::rollback(tx, "ocr", &change("rollback"))?.as_deref(),
            Some("b")
        );
        assert_eq!(
            workloads::rollback(tx, "ocr", &change("rollback"))?.as_deref(),
            Some("a")
        );
        assert_eq!(bound(tx)?.as_deref(), Some("a"));
        assert!(matches!(
            workloads::rollback(tx, "ocr", &change("rollback")),
            Err(Error::Missing { .. })
        ));
        assert_eq!(workloads::history(tx, "ocr", 10)?.len(), 5);
        assert_eq!(workloads::list(tx)?.rows.len(), 1);
        Ok(())
    });
}

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
            events::append(tx, &event("x", 0, "e0", Some("?"))),
            Err(Error::Fork { .. })
        ));
        assert!(events::append(tx, &event("x", 0, "e0", None))?);
        assert!(!events::append(tx, &event("x", 0, "e0", None))?, "again");
        assert!(matches!(
            events::append(tx, &event("x", 2, "e2", Some("e1"))),
            Err(Error::Gap { next: 1, .. })
        ));
        assert!(matches!(
            events::append(tx, &event("x", 1, "e1", Some("other"))),
            Err(Error::Fork { .. })
        ));
        assert!(matches!(
            events::append(tx, &event("x", 1, "e1", None)),
            Err(Error::Fork { .. })
        ));
        assert!(events::append(tx, &event("x", 1, "e1", Some("e0")))?);
        match events::append(tx, &event("x", 1, "e1b", Some("e0"))) {
            Err(Error::Fork { other, .. }) => assert_eq!(other, "e1"),
            other => panic!("{other:?}"),
        }
        assert!(events::append(tx, &event("y", 0, "f0", None))?);
        let heads: Vec<_> = events::heads(tx)?
            .into_iter()
            .map(|head| (head.author, head.seq, head.cid))
            .collect();
        assert_eq!(
            heads,
            [("x".into(), 1, "e1".into()), ("y".into(), 0, "f0".into())]
        );
        assert_eq!(
            events::get(tx, "e1")?,
            Some(event("x", 1, "e1", Some("e0")))
        );
        let cids = |from, limit| -> Result<Vec<String>, Error> {
            Ok(events::chain(tx, "x", from, limit)?
                .into_iter()
                .map(|event| event.cid)
                .collect())
        };
        assert_eq!(
            (cids(0, 10)?, cids(1, 10)?, cids(0, 1)?),
            (
                vec!["e0".into(), "e1".into()],
                vec!["e1".into()],
                vec!["e0".into()]
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

#[test]
fn carbon_by_month_and_quality() {
    check(|tx| {
        let impact = Impact {
            delegated_at: 0,
            task_id: text("t1"),
            task_name: text("ocr"),
            from_device: text("p0"),
            to_device: text("p1"),
            grid_carbon: Some(45.0),
            renewable_percent: Some(90.0),
            energy_wh: Some(12.0),
            emitted_mg: Some(540),
            avoided_mg: Some(-40),
            quality: "modelled".into(),
        };
        carbon::add(tx, &impact)?;
        assert_eq!(carbon::last(tx, 5)?.rows, std::slice::from_ref(&impact));
        carbon::add(
            tx,
            &Impact {
                delegated_at: 30 * DAY_MS,
                ..impact.clone()
            },
        )?;
        carbon::add(
            tx,
            &Impact {
                delegated_at: 31 * DAY_MS,
                quality: "measured".into(),
                ..impact.clone()
            },
        )?;
        carbon::add(
            tx,
            &Impact {
                emitted_mg: None,
                avoided_mg: None,
                quality: "unknown".into(),
                ..impact
            },
        )?;
        let rows: Vec<_> = carbon::by_month(tx, 0, 60 * DAY_MS)?
            .into_iter()
            .map(|sum| {
                (
                    sum.month,
                    sum.quality,
                    sum.tasks,
                    sum.emitted_mg,
                    sum.avoided_mg,
                    sum.unknown,
                )
            })
            .collect();
        assert_eq!(
            rows,
            [
                ("1970-01".into(), "modelled".into(), 2, 1_080, -80, 0),
                ("1970-01".into(), "unknown".into(), 1, 0, 0, 1),
                ("1970-02".into(), "measured".into(), 1, 540, -40, 0),
            ]
        );
        let sums = carbon::report(tx, 0, 30 * DAY_MS)?;
        assert_eq!(sums.iter().map(|sum| sum.tasks).collect::<Vec<_>>(), [1, 1]);
        Ok(())
    });
}

#[test]
fn the_feed_can_be_followed_and_bounded() {
    check(|tx| {
        for n in 1..=4 {
            let entry = Entry {
                id: 0,
                timestamp: 1_000,
                kind: "task.deferred".into(),
                severity: Severity::Warning,
                subject: text(if n == 2 { "t2" } else { "t1" }),
                message: format!("m{n}"),
                details: "{}".into(),
            };
            assert_eq!(feed::add(tx, &entry)?, n);
        }
        let ids = |rows: weft_store::Rows<Entry>| {
            rows.rows
                .into_iter()
                .map(|entry| entry.id)
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(feed::since(tx, 2, 10)?), [3, 4]);
        assert_eq!(ids(feed::last(tx, None, 2)?), [4, 3]);
        assert_eq!(ids(feed::last(tx, Some("t2"), 2)?), [2]);
        assert_eq!(feed::prune(tx, 1)?, 3);
        assert_eq!(ids(feed::since(tx, 0, 10)?), [4]);
        let metric = Metric {
            name: "n".into(),
            value: 1.5,
            unit: text("ms"),
            labels: "{}".into(),
            timestamp: 1_000,
        };
        feed::add_metric(tx, &metric)?;
        feed::add_metric(
            tx,
            &Metric {
                value: 2.5,
                ..metric.clone()
            },
        )?;
        assert_eq!(feed::prune_metrics(tx, 1)?, 1);
        assert_eq!(
            feed::metrics(tx, "n", 10)?.rows,
            [Metric {
                value: 2.5,
                ..metric
            }]
        );
        Ok(())
    });
}
