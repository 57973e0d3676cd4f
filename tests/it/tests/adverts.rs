//! What a device announces about itself, made by a real home.

mod world;

use std::fs;
use std::sync::Arc;
use tempfile::TempDir;
use weft_api::{ManualClock, Node, Request};
use weft_model::advert::{ADVERT_BYTES, Advert, DISK_MB_MAX, PINS_MAX, Serves, TASKS_MAX, Window};
use weft_model::task::TaskSpec;
use weft_node::OpenOptions;
use world::{NOON, World, bundle, task};

/// A world's node, its clock, and the folder that holds its home.
fn node(world: World) -> (Arc<Node>, Arc<ManualClock>, TempDir) {
    let World {
        home,
        client,
        clock,
        ..
    } = world;
    let node = client.into_node().expect("it is hosted here");
    (node, clock, home)
}

fn advert(world: World) -> Advert {
    let (node, _clock, _home) = node(world);
    let advert = node.advert().expect("an advert");
    let bytes = advert.encode().expect("it is valid");
    assert_eq!(Advert::decode(&bytes).expect("canonical"), advert);
    advert
}

#[test]
fn a_home_announces_what_its_settings_and_its_machine_say() {
    let world = World::with_settings(
        "peer_name = 'roof'\npeer_location = 'Köln'\nenergy_type = 'wind'\nenergy_percent_clean = 80.0\n\
         allowed_tasks = 'ocr, digest,,ocr'\nmax_task_duration_ms = 60000\ntask_cost = 7\nrelay = true\n",
    );
    let (node, clock, _home) = node(world);
    let advert = node.advert().expect("an advert");
    assert_eq!((advert.seq, advert.at), (1, NOON));
    assert_eq!(
        (advert.name.as_str(), advert.location.as_str()),
        ("roof", "Köln")
    );
    assert_eq!(advert.energy.kind, "wind");
    assert_eq!(advert.energy.percent_clean, Some(80.0));
    assert_eq!(advert.energy.known, "declared");
    assert_eq!(advert.allowed_tasks, ["digest", "ocr"]);
    assert_eq!(advert.max_task_duration_ms, 60_000);
    assert_eq!((advert.cost, advert.relay), (Some(7), true));
    assert_eq!((advert.queue_depth, advert.running), (0, 0));
    assert_eq!(advert.hours, None, "no hours are set");
    assert_eq!(
        (advert.utc_offset_minutes, advert.zone.as_deref()),
        (0, Some("UTC"))
    );
    assert_eq!(advert.hardware.arch, std::env::consts::ARCH);
    let disk = advert.capacity.disk_free_mb.expect("a disk");
    assert!(disk > 0.0 && disk < DISK_MB_MAX, "{disk}");

    let scorer = advert.pins.iter().find(|pin| pin.name == "scorer");
    let scorer = scorer.expect("a scorer serves");
    assert_eq!(scorer.serves, Serves::Slot);
    let table = node.table();
    assert_eq!(
        scorer.release,
        table.active[&weft_model::Slot::Scorer][0].release
    );
    let digest = advert.pins.iter().find(|pin| pin.name == "log-digest");
    assert_eq!(digest.expect("a workload").serves, Serves::Task);

    clock.advance(20_000);
    let next = node.advert().expect("another");
    assert_eq!((next.seq, next.at), (2, NOON + 20_000));
    assert_eq!(next.device, advert.device);
}

#[test]
fn the_number_rises_over_a_restart() {
    let (first, clock, home) = node(World::new());
    assert_eq!(first.advert().expect("an advert").seq, 1);
    assert_eq!(first.advert().expect("an advert").seq, 2);
    drop(first);
    let again = Node::open(&OpenOptions {
        home: home.path().join("home"),
        bundle: bundle(),
        clock,
        compile_worker: None,
    });
    let again = again.expect("it opens again");
    assert_eq!(again.advert().expect("an advert").seq, 3);
}

#[test]
fn energy_that_was_said_by_hand_and_energy_of_a_source_are_announced() {
    let world = World::new();
    world.clean();
    let energy = advert(world).energy;
    assert_eq!(
        (energy.kind.as_str(), energy.known.as_str()),
        ("solar", "declared")
    );
    assert_eq!(
        (energy.percent_clean, energy.grid_g_per_kwh),
        (Some(95.0), Some(45.0))
    );

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("energy.json");
    let text = r#"{"type":"hydro","percent_clean":70,"battery_percent":33,"plugged_in":false}"#;
    fs::write(&path, text).expect("written");
    let source = format!("energy_source = 'file:{}'\n", path.display());
    let energy = advert(World::with_settings(&source)).energy;
    assert_eq!(
        (energy.kind.as_str(), energy.known.as_str()),
        ("hydro", "declared")
    );
    assert_eq!(
        (energy.battery_percent, energy.plugged_in),
        (Some(33.0), Some(false))
    );

    fs::write(&path, "broken").expect("written");
    let energy = advert(World::with_settings(&source)).energy;
    assert_eq!(
        (energy.kind.as_str(), energy.known.as_str()),
        ("unknown", "unknown")
    );
    assert_eq!(energy.percent_clean, None);
}

#[test]
fn free_hours_are_the_owners_in_the_owners_zone_and_rows_that_make_no_sense_close_them() {
    let world = World::new();
    world.sql(
        "UPDATE user_preferences SET timezone = 'Asia/Tokyo';
         INSERT INTO delegation_hours (id, user_id, day_of_week, start_hour, end_hour, end_minute) VALUES
         ('night', 'a@example.com', 5, 22, 7, 30), ('off', 'a@example.com', 5, 9, 9, 0);
         INSERT INTO delegation_hours (id, user_id, start_hour, end_hour) VALUES
         ('noon', 'a@example.com', 12, 13), ('noon', 'b@example.com', 1, 2);",
    );
    let (node, _clock, home) = node(world);
    let advert = node.advert().expect("an advert");
    assert_eq!(
        (advert.utc_offset_minutes, advert.zone.as_deref()),
        (540, Some("Asia/Tokyo"))
    );
    let noon = |day| Window {
        day,
        from: 720,
        until: 780,
    };
    let mut wanted: Vec<Window> = (0..7).map(noon).collect();
    wanted.insert(
        6,
        Window {
            day: 5,
            from: 1_320,
            until: 450,
        },
    );
    assert_eq!(advert.hours.as_deref(), Some(&wanted[..]));

    let database = rusqlite::Connection::open(home.path().join("home/weft.db")).expect("database");
    let edit = |statement: &str| database.execute_batch(statement).expect(statement);
    edit("UPDATE delegation_hours SET start_hour = 27 WHERE id = 'night'");
    let closed = node.advert().expect("an advert").hours;
    assert_eq!(closed.as_deref(), Some(&[][..]), "never");
    edit("DELETE FROM delegation_hours");
    assert_eq!(node.advert().expect("an advert").hours, None);
    edit("UPDATE user_preferences SET timezone = 'Mars/Olympus'");
    let closed = node.advert().expect("an advert").hours;
    assert_eq!(closed.as_deref(), Some(&[][..]), "never");
}

#[test]
fn tasks_that_wait_for_a_place_are_counted_and_others_are_not() {
    let world = World::new();
    world.sql(
        "INSERT INTO delegation_hours (id, user_id, start_hour, end_hour) VALUES ('night', 'a@example.com', 1, 2)",
    );
    for _ in 0..3 {
        let spec = TaskSpec {
            workload: Some("log-digest".into()),
            ..task("digest")
        };
        assert_eq!(world.submit(spec).status, "deferred");
    }
    // Two of them were decided to run here and found no place; the third waits for its owner's hours.
    world.sql(
        "UPDATE tasks SET status = 'queued', peer = 'self' WHERE id IN (SELECT id FROM tasks LIMIT 2)",
    );
    assert_eq!(advert(world).queue_depth, 2);
}

#[test]
fn an_advert_of_too_much_is_shortened_until_it_fits() {
    let names: Vec<String> = (0..2 * TASKS_MAX)
        .map(|i| format!("task-{i:03}-{}", "n".repeat(20)))
        .collect();
    let world = World::with_settings(&format!("allowed_tasks = '{}'\n", names.join(",")));
    let digest = world.releases("workload")[0].cid.clone();
    for i in 0..2 * PINS_MAX {
        let name = format!("bound-{i:03}-{}", "n".repeat(200));
        world.ask(Request::WorkloadUse {
            name,
            target: digest.clone(),
            grant: false,
        });
    }
    let advert = advert(world);
    let size = advert.encode().expect("it is valid").len();
    assert!(size <= ADVERT_BYTES, "{size}");
    assert_eq!(advert.allowed_tasks.len(), TASKS_MAX);
    assert!(advert.pins.iter().any(|pin| pin.name == "scorer"));
    assert!(advert.pins.len() < PINS_MAX, "{}", advert.pins.len());
}
