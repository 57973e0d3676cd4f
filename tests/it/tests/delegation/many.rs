//! Many tasks at a time, each once.

use super::lab::{becomes, did, leases, rows, submit, two};
use std::time::Instant;

/// Tasks at once.
const TASKS: usize = 16;
/// Round trips that are measured.
const TRIPS: usize = 200;

#[test]
fn sixteen_tasks_at_once_are_all_done_and_none_twice() {
    let [alice, bob] = two(&[]);
    let ids: Vec<String> = std::thread::scope(|s| {
        let one = || submit(&alice, &["--name", "log-digest"]);
        let all: Vec<_> = (0..TASKS).map(|_| s.spawn(one)).collect();
        all.into_iter()
            .map(|t| t.join().expect("submitted"))
            .collect()
    });
    for id in &ids {
        let task = becomes(&alice, id, "done");
        assert_eq!(task["peer"], *did(&bob), "{task}");
        assert_eq!(
            leases(&alice, id),
            [[did(&bob), "done".to_owned(), String::new()]]
        );
    }
    // Each run leaves a row of its own, whatever became of it.
    let runs = rows::<1>(&bob, "SELECT task_id FROM carbon_impact ORDER BY task_id");
    let mut expected: Vec<[String; 1]> = ids.into_iter().map(|id| [id]).collect();
    expected.sort();
    assert_eq!(runs, expected);
    assert_eq!(
        rows::<1>(&alice, "SELECT count(*) FROM carbon_impact"),
        [[TASKS.to_string()]]
    );
}

/// Round trips of an empty task, from the request to the kept result: a measurement, not a test.
#[test]
#[ignore = "a measurement"]
fn round_trips() {
    for in_flight in [1, 16] {
        // A street each: a day's quota has just as many tasks.
        let [alice, _bob] = two(&[]);
        let mut ms: Vec<f64> = std::thread::scope(|s| {
            let some = || {
                let trips = (0..TRIPS / in_flight).map(|_| {
                    let begun = Instant::now();
                    let client = weft_api::Client::of_daemon(alice.home().path()).expect("it runs");
                    let spec = super::world::task("log-digest");
                    let spec = weft_model::task::TaskSpec {
                        user: super::lab::ALICE.into(),
                        ..spec
                    };
                    let done = client.call(weft_api::Request::TaskSubmit { spec, wait: true });
                    done.expect("an answer");
                    begun.elapsed().as_secs_f64() * 1_000.0
                });
                trips.collect::<Vec<_>>()
            };
            let all: Vec<_> = (0..in_flight).map(|_| s.spawn(some)).collect();
            all.into_iter()
                .flat_map(|t| t.join().expect("measured"))
                .collect()
        });
        ms.sort_by(f64::total_cmp);
        let at = |share: f64| ms[((ms.len() - 1) as f64 * share) as usize];
        println!(
            "{in_flight} in flight, {} trips: p50 {:.1} ms, p99 {:.1} ms",
            ms.len(),
            at(0.5),
            at(0.99)
        );
    }
}
