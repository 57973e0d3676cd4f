//! The community's figures are the constitution's: each of them, changed there, changes what the node does.

mod world;

use weft_api::report::PollReport;
use weft_api::{Request, Response};
use weft_model::task::TaskSpec;
use world::{ALICE, HOUR, World, task};

/// Milliseconds in a minute.
const MINUTE: i64 = 60_000;

fn digest() -> TaskSpec {
    TaskSpec {
        workload: Some("log-digest".into()),
        ..task("digest")
    }
}

fn open_vote(world: &World, name: &str) -> PollReport {
    match world.ask(Request::VoteOpen {
        name: name.into(),
        minutes: None,
    }) {
        Response::Poll(poll) => poll,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_vote_is_open_for_as_long_as_the_constitution_says() {
    let world = World::new();
    assert_eq!(open_vote(&world, "first").closes_at, "2026-06-18T12:05:00Z");
    world.constitution(|mesh| mesh.importance.window_ms = 60_000);
    assert_eq!(
        open_vote(&world, "second").closes_at,
        "2026-06-18T12:01:00Z"
    );
    let task = world.submit(digest());
    let Response::Poll(poll) = world.ask(Request::VoteShow { poll: task.poll }) else {
        panic!("a task opens a vote");
    };
    assert_eq!(poll.closes_at, "2026-06-18T12:01:00Z");
}

#[test]
fn a_consensus_counts_for_as_long_as_the_constitution_says() {
    let world = World::new();
    world.clean();
    open_vote(&world, "digest");
    world.ask(Request::VoteCast {
        poll: "digest".into(),
        choice: "high".into(),
        voter: None,
    });
    let importance = || world.check(digest()).importance;
    world.clock.advance(2 * HOUR);
    assert_eq!(importance().as_deref(), Some("high"));
    world.constitution(|mesh| mesh.importance.consensus_ms = 3_600_000);
    assert_ne!(importance().as_deref(), Some("high"), "it is forgotten");
    world.constitution(|mesh| mesh.importance.consensus_ms = 3 * 3_600_000);
    assert_eq!(importance().as_deref(), Some("high"));
}

#[test]
fn a_community_can_do_without_votes() {
    let world = World::new();
    world.clean();
    assert_eq!(world.check(digest()).sla.as_deref(), Some("eco"));
    world.constitution(|mesh| mesh.importance.voting = false);
    assert_eq!(world.check(digest()).sla.as_deref(), Some("normal"));
}

#[test]
fn as_many_tasks_wait_as_the_constitution_says() {
    let world = World::new();
    world.sql(
        "INSERT INTO delegation_hours (id, user_id, start_hour, end_hour) VALUES ('night', 'a@example.com', 1, 2)",
    );
    world.constitution(|mesh| mesh.scheduling.queue = 2);
    for _ in 0..2 {
        assert_eq!(world.submit(digest()).status, "deferred");
    }
    let refused = world.refused(Request::TaskSubmit {
        spec: digest(),
        wait: false,
    });
    assert_eq!(refused.code, "unavailable");
    assert!(refused.message.contains("2 is the most"), "{refused:?}");
    world.constitution(|mesh| mesh.scheduling.queue = 3);
    assert_eq!(world.submit(digest()).status, "deferred");
}

#[test]
fn quotas_begin_anew_at_midnight_in_the_constitutions_zone() {
    let world = World::new();
    world.clean();
    let tier = || match world.ask(Request::TierShow {
        user: Some(ALICE.into()),
    }) {
        Response::Tiers(tiers) => (tiers[0].used_today, tiers[0].resets_at.clone()),
        other => panic!("{other:?}"),
    };
    assert_eq!(world.submit(digest()).status, "done");
    assert_eq!(tier(), (1, "2026-06-19T00:00:00Z".into()));
    // Noon in UTC is 21:00 in Tokyo.
    world.constitution(|mesh| mesh.zone = "Asia/Tokyo".into());
    assert_eq!(tier(), (1, "2026-06-18T15:00:00Z".into()));
    world.clock.advance(3 * HOUR);
    assert_eq!(
        tier(),
        (0, "2026-06-19T15:00:00Z".into()),
        "a new day there"
    );
    world.constitution(|mesh| mesh.zone = "UTC".into());
    assert_eq!(
        tier(),
        (1, "2026-06-19T00:00:00Z".into()),
        "the same day here"
    );
}

#[test]
fn a_zone_that_nobody_knows_is_refused_and_not_replaced_by_another() {
    let world = World::new();
    world.constitution(|mesh| mesh.zone = "Mars/Olympus".into());
    let refused = world.refused(Request::TierShow { user: None });
    assert!(refused.message.contains("Mars/Olympus"), "{refused:?}");
}

#[test]
fn off_peak_begins_when_the_constitution_says() {
    let world = World::new();
    world.clean();
    let retry = |minute: u16| {
        world.constitution(|mesh| mesh.energy.off_peak_minute = minute);
        let task = world.check(TaskSpec {
            cores: 4_000.0,
            ..digest()
        });
        let at = task.retry_at.unwrap_or_else(|| panic!("{:?}", task.reason));
        let minute_of_day: i64 = at[11..13].parse::<i64>().expect("hours") * 60
            + at[14..16].parse::<i64>().expect("minutes");
        minute_of_day
    };
    let (two, half_past_four) = (retry(120), retry(270));
    assert_eq!((half_past_four - two).rem_euclid(24 * 60), 150);
}

#[test]
fn a_task_without_a_figure_is_modelled_with_the_constitutions_watts() {
    let world = World::new();
    world.ask(Request::EnergySet {
        kind: "coal".into(),
        percent: 1.0,
        grid: Some(820.0),
    });
    world.peer("roof", 96.0);
    world.permit_all();
    let emitted = || {
        let task = world.submit(TaskSpec {
            duration_ms: (5 * MINUTE) as u64,
            ..task("photos")
        });
        assert_eq!(task.status, "delegated", "{task:?}");
        let rows = world.rows(
            "SELECT CAST(carbon_emitted_kg AS TEXT) FROM carbon_impact ORDER BY rowid DESC LIMIT 1",
        );
        rows[0].parse::<f64>().expect("kilograms")
    };
    let usual = emitted();
    assert!(usual > 0.0);
    world.constitution(|mesh| mesh.energy.modelled_watts = 45.0);
    let thrice = emitted();
    assert!((thrice / usual - 3.0).abs() < 0.05, "{usual} {thrice}");
}
