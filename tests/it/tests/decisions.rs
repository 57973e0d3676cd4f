//! Decisions as their users meet them: the real node with the real plugins, an injected clock, and rows that people
//! write by hand.

mod world;

use rusqlite::Connection;
use weft_api::{Request, Response};
use weft_model::task::TaskSpec;
use world::{ALICE, HOUR, World, task};

fn echo() -> TaskSpec {
    TaskSpec {
        workload: Some("log-digest".into()),
        ..task("digest")
    }
}

#[test]
fn the_guides_statements_are_obeyed_by_the_next_decision() {
    let world = World::new();
    world.clean();
    assert_eq!(world.check(echo()).status, "running");
    world.sql(
        "INSERT INTO delegation_hours (id, user_id, start_hour, end_hour, is_active, description)
         VALUES ('dh-1', 'a@example.com', 23, 7, 1, 'Night')",
    );
    let closed = world.check(echo());
    assert_eq!(closed.status, "deferred", "{closed:?}");
    assert_eq!(closed.reason.as_deref(), Some("Outside delegation hours"));
    assert_eq!(closed.next_window_start.as_deref(), Some("23:00"));
    world.sql(
        "UPDATE delegation_hours SET is_active = 0 WHERE id = 'dh-1' AND user_id = 'a@example.com'",
    );
    assert_eq!(world.check(echo()).status, "running");

    world.sql(
        "INSERT INTO ethical_rules (id, user_id, rule_type, rule_value, enforcement_level, is_active, reasoning)
         VALUES ('rule-video', 'a@example.com', 'task_type_blacklist', 'video', 'strict', 1, 'no video')",
    );
    let blocked = world.check(TaskSpec {
        name: "video-render".into(),
        ..echo()
    });
    assert_eq!(blocked.status, "blocked");
    assert_eq!(
        blocked.reason.as_deref(),
        Some("Hard violation: task_type_blacklist")
    );
    assert_eq!(blocked.violations[0].rule, "rule-video");
    world.sql("UPDATE ethical_rules SET is_active = 0 WHERE id = 'rule-video' AND user_id = 'a@example.com'");
    assert_eq!(
        world
            .check(TaskSpec {
                name: "video-render".into(),
                ..echo()
            })
            .status,
        "running"
    );
}

#[test]
fn malformed_rows_close_their_owners_rules_and_are_named() {
    for (statement, wanted) in [
        (
            "INSERT INTO delegation_hours (id, user_id, start_hour, end_hour) VALUES ('h', 'a@example.com', 27, 7)",
            "delegation_hours",
        ),
        (
            "INSERT INTO ethical_rules (id, user_id, rule_type, enforcement_level) VALUES ('r', 'a@example.com', 'max_power_watts', 'maybe')",
            "enforcement_level",
        ),
        (
            "UPDATE user_preferences SET timezone = 'Mars/Olympus' WHERE user_id = 'a@example.com'",
            "timezone",
        ),
        (
            "UPDATE user_preferences SET min_idle_between_tasks_minutes = -3",
            "min_idle_between_tasks_minutes",
        ),
    ] {
        let world = World::new();
        world.clean();
        world.sql(statement);
        let task = world.check(echo());
        assert!(
            matches!(task.status.as_str(), "deferred" | "blocked"),
            "{statement}: {}",
            task.status
        );
        let reason = task.reason.unwrap_or_default();
        assert!(reason.contains(wanted), "{statement}: {reason}");
    }
}

#[test]
fn an_unknown_rule_type_blocks_and_is_named() {
    let world = World::new();
    world.clean();
    world.sql("INSERT INTO ethical_rules (id, user_id, rule_type, rule_value) VALUES ('odd', 'a@example.com', 'no_fun', 'x')");
    let task = world.check(echo());
    assert_eq!(task.status, "blocked");
    let reason = task.reason.unwrap_or_default();
    for word in ["`ethical_rules`", ALICE, "`rule_type`", "odd", "no_fun"] {
        assert!(reason.contains(word), "{word}: {reason}");
    }
    let Response::Doctor(doctor) = world.ask(Request::Doctor) else {
        panic!("a report");
    };
    let rules = doctor.checks.iter().find(|c| c.check == "rules");
    let rules = rules.expect("the check");
    assert_eq!((doctor.ok, rules.result.as_str()), (false, "broken"));
    let row = "`ethical_rules` row `a@example.com/odd`";
    assert!(rules.found.contains(row), "{rules:?}");
}

#[test]
fn rows_that_do_not_read_hide_no_others_and_are_named() {
    let world = World::new();
    world.clean();
    world.peer("roof", 96.0);
    world.peer("barn", 94.0);
    world.sql("UPDATE peers SET energy_type = 'moon' WHERE peer_id = 'barn'");
    world.sql("UPDATE energy SET percent_clean = 400");
    let Response::Peers(peers) = world.ask(Request::PeerList) else {
        panic!("peers");
    };
    let listed: Vec<&str> = peers.iter().map(|p| p.peer.as_str()).collect();
    assert_eq!(listed, ["roof"]);
    let Response::Doctor(doctor) = world.ask(Request::Doctor) else {
        panic!("a report");
    };
    let tables = doctor.checks.iter().find(|c| c.check == "tables");
    let tables = tables.expect("the check");
    assert!(!doctor.ok, "{doctor:?}");
    for row in ["`peers` row `barn`", "`energy_type`", "`percent_clean`"] {
        assert!(tables.found.contains(row), "{row}: {tables:?}");
    }
}

#[test]
fn a_consensus_written_by_hand_is_reverted_and_said_so() {
    let world = World::new();
    world.ask(Request::EnergySet {
        kind: "coal".into(),
        percent: 1.0,
        grid: None,
    });
    world.ask(Request::VoteOpen {
        name: echo().name,
        minutes: None,
    });
    world.ask(Request::VoteCast {
        poll: echo().name,
        choice: "low".into(),
        voter: None,
    });
    world.sql("UPDATE importance_votes SET consensus = 'critical', confidence = 0.5");
    let task = world.submit(echo());
    assert_eq!(task.importance.as_deref(), Some("low"), "{task:?}");
    assert_eq!(task.status, "deferred");
    assert_eq!(
        world.rows("SELECT consensus || confidence FROM importance_votes"),
        ["low1.0"]
    );
    let said = world.rows("SELECT message FROM mesh_events WHERE kind = 'facts.reverted'");
    assert!(
        matches!(said.as_slice(), [one] if one.contains(&echo().name)),
        "{said:?}"
    );
}

#[test]
fn a_vote_that_is_over_is_closed_by_whoever_looks() {
    let world = World::new();
    for user in ["b@example.com", "c@example.com"] {
        world.ask(Request::MemberAdd {
            user: user.into(),
            did: None,
            role: "member".into(),
        });
    }
    let open = || {
        world.ask(Request::VoteOpen {
            name: "echo".into(),
            minutes: Some(5),
        })
    };
    let cast = |voter: &str| {
        world.ask(Request::VoteCast {
            poll: "echo".into(),
            choice: "critical".into(),
            voter: Some(voter.into()),
        })
    };
    let show = || match world.ask(Request::VoteShow {
        poll: Some("echo".into()),
    }) {
        Response::Poll(poll) => poll,
        other => panic!("{other:?}"),
    };
    open();
    cast(ALICE);
    assert_eq!(show().status, "open");
    world.clock.advance(5 * 60_000);
    assert_eq!(show().status, "decided", "no daemon closes it");
}

#[test]
fn a_task_that_waits_as_before_is_no_attempt() {
    let world = World::new();
    world.ask(Request::EnergySet {
        kind: "coal".into(),
        percent: 1.0,
        grid: None,
    });
    let task = world.submit(echo());
    assert_eq!(task.status, "deferred", "{task:?}");
    let events = || world.rows("SELECT CAST(count(*) AS TEXT) FROM events");
    let before = events();
    for user in ["x@example.com", "y@example.com"] {
        // A permission for nobody here: the world changes, and nothing for this task.
        world.ask(Request::PermitAdd {
            user: user.into(),
            task: "other".into(),
            peer: None,
        });
        for _ in 0..3 {
            world.client.step().expect("a look");
            world.clock.advance(10_000);
        }
    }
    assert_eq!(events(), before, "nothing is signed about it");
    assert_eq!(world.show(&task.task).attempt, 1);
}

#[test]
fn a_task_runs_here_rests_the_device_and_leaves_output_receipt_and_carbon() {
    let world = World::new();
    world.clean();
    let log = world.home.path().join("app.log");
    std::fs::write(&log, "2026-06-18 11:00:00 started\n2026-06-18 11:00:01 user 17 in\n2026-06-18 11:00:02 user 18 in\n")
        .expect("a log");
    let done = world.submit(TaskSpec {
        input: Some(log.display().to_string()),
        ..echo()
    });
    assert_eq!(done.status, "done", "{done:?}");
    let output =
        std::fs::read_to_string(done.output.as_ref().expect("an output")).expect("readable");
    let digest: serde_json::Value = serde_json::from_str(&output).expect("the digest is JSON");
    assert_eq!(digest["lines"], 3);
    assert!(done.receipt.is_some() && done.decision.is_some());
    let Response::Carbon(carbon) = world.ask(Request::CarbonReport {
        month: Some("2026-06".into()),
    }) else {
        panic!("a report");
    };
    assert_eq!(carbon.tasks, 1);
    let rest = world.check(echo());
    assert_eq!(rest.status, "deferred");
    let reason = rest.reason.unwrap_or_default();
    assert!(reason.contains("System idle period active"), "{reason}");
    assert!(reason.contains("System idle period: 5 minutes"), "{reason}");
    world.clock.advance(5 * 60_000);
    assert_eq!(world.check(echo()).status, "running");
}

#[test]
fn a_task_without_a_workload_fails_and_is_never_done() {
    let world = World::new();
    world.clean();
    let failed = world.submit(task("nothing-bound"));
    assert_eq!(failed.status, "failed");
    assert!(
        failed
            .reason
            .unwrap_or_default()
            .contains("no workload is bound")
    );
    assert!(failed.output.is_none() && failed.receipt.is_none());
}

#[test]
fn clean_energy_is_waited_for_and_the_daemon_takes_the_task_up_by_itself() {
    let world = World::new();
    world.ask(Request::EnergySet {
        kind: "coal".into(),
        percent: 10.0,
        grid: Some(800.0),
    });
    world.peer("roof", 40.0);
    world.ask(Request::PermitAdd {
        user: "*".into(),
        task: "*".into(),
        peer: None,
    });
    let waiting = world.submit(task("photos"));
    assert_eq!(waiting.status, "deferred", "{waiting:?}");
    assert_eq!(
        waiting.sla.as_deref(),
        Some("eco"),
        "an open vote means eco"
    );
    world.client.step().expect("a look");
    assert_eq!(world.show(&waiting.task).status, "deferred");
    world.peer("roof", 96.0);
    world.client.step().expect("the change is seen");
    world.clock.advance(1_000);
    world.client.step().expect("and acted on");
    let delegated = world.show(&waiting.task);
    assert_eq!(
        (delegated.status.as_str(), delegated.peer.as_deref()),
        ("delegated", Some("roof"))
    );
    assert!(delegated.receipt.is_none(), "a row peer sends no receipt");
}

#[test]
fn no_permit_means_no_and_a_permit_is_per_task() {
    let world = World::new();
    world.clean();
    world.peer("roof", 96.0);
    assert_eq!(
        world.submit(task("photos")).status,
        "failed",
        "no permit, no workload"
    );
    world.ask(Request::PermitAdd {
        user: ALICE.into(),
        task: "photos".into(),
        peer: Some("roof".into()),
    });
    assert_eq!(world.submit(task("photos")).status, "delegated");
    assert_eq!(world.submit(task("videos")).status, "failed");
    world.sql("INSERT INTO peer_permissions (peer_id, user_id, can_execute_task) VALUES ('roof', '*', '*')");
    assert_eq!(world.submit(task("videos")).status, "delegated");
}

#[test]
fn a_hospital_overrides_a_firewall_does_not_and_rules_still_hold() {
    let world = World::new();
    world.ask(Request::EnergySet {
        kind: "coal".into(),
        percent: 10.0,
        grid: Some(800.0),
    });
    world.peer("roof", 20.0);
    world.ask(Request::PermitAdd {
        user: "*".into(),
        task: "*".into(),
        peer: None,
    });
    world.sql(
        "INSERT INTO delegation_hours (id, user_id, start_hour, end_hour) VALUES ('n', 'a@example.com', 22, 6)",
    );
    let hospital = world.submit(task("hospital-backup"));
    assert_eq!(hospital.status, "delegated", "{hospital:?}");
    assert_eq!(hospital.importance.as_deref(), Some("critical"));
    assert_eq!(
        hospital.reason.as_deref(),
        Some("PUBLIC HEALTH OVERRIDE: hospital-backup")
    );
    for name in ["firewall-update", "hospitality-survey"] {
        assert_eq!(world.submit(task(name)).status, "deferred", "{name}");
    }
    world.sql(
        "INSERT INTO ethical_rules (id, user_id, rule_type, rule_value) VALUES ('b', 'a@example.com', 'task_type_blacklist', 'hospital')",
    );
    assert_eq!(
        world.submit(task("hospital-again")).status,
        "blocked",
        "critical never skips ethics"
    );
}

#[test]
fn over_quota_is_queued_until_midnight() {
    let world = World::new();
    world.clean();
    world.peer("roof", 96.0);
    world.ask(Request::PermitAdd {
        user: "*".into(),
        task: "*".into(),
        peer: None,
    });
    for i in 0..10 {
        assert_eq!(world.submit(task("small")).status, "delegated", "task {i}");
    }
    let eleventh = world.submit(task("small"));
    assert_eq!(eleventh.status, "queued");
    assert_eq!(eleventh.retry_at.as_deref(), Some("2026-06-19T00:00:00Z"));
    world.clock.advance(12 * HOUR);
    world.client.step().expect("after the reset");
    assert_eq!(world.show(&eleventh.task).status, "delegated");
}

#[test]
fn every_decision_can_be_run_again_and_a_changed_record_is_noticed() {
    let world = World::new();
    world.clean();
    let done = world.submit(echo());
    let cid = done.decision.expect("a record");
    let Response::Verify(verify) = world.ask(Request::DecisionVerify { cid: cid.clone() }) else {
        panic!("a verification");
    };
    assert!(verify.equal, "{verify:?}");
    assert!(verify.calls >= 7, "{verify:?}");
    let Response::Decision(shown) = world.ask(Request::DecisionShow { cid: cid.clone() }) else {
        panic!("a record");
    };
    // What lies in the record as bytes is shown as lists.
    let candidates = &shown.record["snapshot"]["candidates"];
    assert_eq!(candidates["permissions"][0], "allowed", "{candidates}");
    assert!(candidates["table"]["energy.percent_clean"][0].is_number());
    assert_eq!(shown.record["decision"]["ranking"][0]["peer"], "self");
    let answers = shown.record["answers"].as_array().expect("answers");
    let scored = &answers.last().expect("the scorer's")[0]["outcome"]["Ok"]["rank"][0]["Score"];
    assert!(scored.is_number(), "{answers:?}");
    world.sql(&format!(
        "UPDATE blocks SET bytes = replace(hex(bytes), '00', '01') WHERE cid = '{cid}'"
    ));
    let again = world.client.call(Request::DecisionVerify { cid });
    match again {
        Ok(Response::Verify(v)) => assert!(!v.equal, "{v:?}"),
        Ok(other) => panic!("{other:?}"),
        Err(e) => assert_eq!(e.code, "invalid"),
    }
}

#[test]
fn the_voting_method_is_swapped_by_cid_and_changes_an_outcome() {
    let world = World::new();
    for user in ["b@example.com", "c@example.com"] {
        world.ask(Request::MemberAdd {
            user: user.into(),
            did: None,
            role: "member".into(),
        });
    }
    world.ask(Request::TierDonate {
        user: "b@example.com".into(),
        amount: 900.0,
        by: None,
    });
    let vote = || {
        world.ask(Request::VoteOpen {
            name: "model".into(),
            minutes: None,
        });
        for (voter, choice) in [
            (ALICE, "low"),
            ("b@example.com", "high"),
            ("c@example.com", "low"),
        ] {
            world.ask(Request::VoteCast {
                poll: "model".into(),
                choice: choice.into(),
                voter: Some(voter.into()),
            });
        }
        match world.ask(Request::VoteShow {
            poll: Some("model".into()),
        }) {
            Response::Poll(poll) => poll,
            other => panic!("{other:?}"),
        }
    };
    let equal = vote();
    assert_eq!(equal.consensus.as_deref(), Some("low"), "{equal:?}");
    let Response::Releases(releases) = world.ask(Request::ReleaseList {
        kind: Some("policy".into()),
    }) else {
        panic!("releases");
    };
    let stake = releases
        .iter()
        .find(|r| r.name == "voting-stake")
        .expect("it is in the bundle");
    world.ask(Request::SlotUse {
        slot: "voting".into(),
        target: stake.cid.clone(),
        config: None,
        add: false,
    });
    world.clock.advance(1_000);
    let by_stake = vote();
    assert_eq!(by_stake.consensus.as_deref(), Some("high"), "{by_stake:?}");
    assert_eq!(by_stake.method_cid.as_deref(), Some(stake.cid.as_str()));
    world.ask(Request::SlotRollback {
        slot: "voting".into(),
    });
    world.clock.advance(1_000);
    assert_eq!(vote().consensus.as_deref(), Some("low"));
}

#[test]
fn a_tally_whose_method_fails_is_aborted_and_never_guessed() {
    let world = World::new();
    let method = world.add("voting-traps");
    world.slot_use("voting", &method);
    for round in 1..=3 {
        world.ask(Request::VoteOpen {
            name: "model".into(),
            minutes: None,
        });
        world.ask(Request::VoteCast {
            poll: "model".into(),
            choice: "high".into(),
            voter: None,
        });
        world.clock.advance(6 * 60_000);
        world.client.step().expect("the vote is over");
        let poll = match world.ask(Request::VoteShow {
            poll: Some("model".into()),
        }) {
            Response::Poll(poll) => poll,
            other => panic!("{other:?}"),
        };
        assert_eq!(
            (poll.status.as_str(), poll.consensus.as_deref()),
            ("aborted", None),
            "round {round}: {poll:?}"
        );
        assert_eq!(
            world
                .rows("SELECT message FROM mesh_events WHERE kind = 'vote.aborted'")
                .len(),
            round
        );
        assert_eq!(
            world.rows("SELECT release_cid FROM faults").len(),
            round,
            "it counts"
        );
    }
}

#[test]
fn carbon_that_no_plugin_can_judge_is_recorded_as_unknown() {
    let world = World::new();
    world.clean();
    world.peer("roof", 96.0);
    world.permit_all();
    let judge = world.add("carbon-traps");
    world.slot_use("carbon", &judge);
    assert_eq!(world.submit(task("photos")).status, "delegated");
    let rows = world.rows(
        "SELECT coalesce(emitted_mg, 'unknown') || ' ' || coalesce(avoided_mg, 'unknown') || ' ' || quality
            FROM carbon_impact",
    );
    assert_eq!(rows, ["unknown unknown unknown"]);
    assert_eq!(world.rows("SELECT slot FROM faults"), ["carbon"]);
}

#[test]
fn every_event_of_the_log_counts_when_it_is_folded() {
    let world = World::new();
    world.clean();
    for user in ["b@example.com", "c@example.com"] {
        world.ask(Request::MemberAdd {
            user: user.into(),
            did: None,
            role: "member".into(),
        });
    }
    world.ask(Request::TierDonate {
        user: "b@example.com".into(),
        amount: 900.0,
        by: None,
    });
    world.submit(task("hospital-backup"));
    world.submit(echo());
    for (voter, choice) in [
        ("b@example.com", "low"),
        ("b@example.com", "high"),
        ("c@example.com", "high"),
    ] {
        world.ask(Request::VoteCast {
            poll: "digest".into(),
            choice: choice.into(),
            voter: Some(voter.into()),
        });
    }
    world.clock.advance(6 * 60_000);
    world.client.step().expect("the vote is over");
    let database = world.home.path().join("home/weft.db");
    let connection = Connection::open(database).expect("the database");
    let block = |key: &str| -> Vec<u8> {
        connection
            .query_row(
                "SELECT bytes FROM blocks JOIN meta ON blocks.cid = meta.value WHERE meta.key = ?1",
                [key],
                |row| row.get(0),
            )
            .expect("a block")
    };
    let genesis = weft_ledger::Genesis::decode(&block("network")).expect("a genesis record");
    let mut state = weft_ledger::State::new(genesis).expect("a network");
    let mut events = connection
        .prepare("SELECT kind, bytes FROM events ORDER BY seq")
        .expect("the log");
    let rows = events
        .query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?))
        })
        .expect("events");
    let mut kinds = Vec::new();
    for row in rows {
        let (kind, bytes) = row.expect("an event");
        let signed = weft_ledger::SignedEvent::decode(&bytes).expect("a signed event");
        let outcome = state
            .apply(&signed)
            .unwrap_or_else(|e| panic!("{kind}: {e}"));
        assert_eq!(outcome, weft_ledger::Outcome::Counted, "{kind}");
        kinds.push(kind);
    }
    for wanted in [
        "member-added",
        "donation",
        "override-used",
        "decision-committed",
        "poll-opened",
        "ballot",
        "poll-closed",
    ] {
        assert!(
            kinds.iter().any(|k| k == wanted),
            "no {wanted} in {kinds:?}"
        );
    }
}

#[test]
fn a_donation_written_by_hand_is_reverted_and_said_so() {
    let world = World::new();
    world.clean();
    let donate = |user: &str, by: Option<&str>| {
        world.client.call(Request::TierDonate {
            user: user.into(),
            amount: 5.0,
            by: by.map(Into::into),
        })
    };
    world.ask(Request::MemberAdd {
        user: "b@example.com".into(),
        did: None,
        role: "admin".into(),
    });
    for (user, by) in [
        (ALICE, None),
        (ALICE, Some("b@example.com")),
        ("b@example.com", Some("x@example.com")),
    ] {
        let refused = donate(user, by).expect_err("never for oneself, never in another's name");
        assert_eq!(refused.code, "refused", "{refused:?}");
    }
    donate("b@example.com", None).expect("an admin records it");
    world.sql("UPDATE user_tiers SET donations = 1000000, granted = 'contributor' WHERE user_id = 'b@example.com'");
    world.submit(echo());
    let Response::Tiers(tiers) = world.ask(Request::TierShow {
        user: Some("b@example.com".into()),
    }) else {
        panic!("tiers");
    };
    assert_eq!(
        (tiers[0].donations, tiers[0].tier.as_str()),
        (5.0, "supporter")
    );
    let connection =
        Connection::open(world.home.path().join("home/weft.db")).expect("the database");
    let said: String = connection
        .query_row(
            "SELECT message FROM mesh_events WHERE kind = 'facts.reverted'",
            [],
            |row| row.get(0),
        )
        .expect("an alarm");
    assert!(said.contains("b@example.com"), "{said}");
}
