//! Footprints, the feed and figures.

use weft_store::carbon::{self, Impact};
use weft_store::feed::{self, Entry, Metric, Severity};

use crate::{DAY_MS, check, text};

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
fn footprints_of_a_range() {
    check(|tx| {
        for (delegated_at, id) in [(3_000, "c"), (1_000, "a"), (-5_000, "z"), (1_000, "b")] {
            let impact = Impact {
                delegated_at,
                task_id: text(id),
                task_name: None,
                from_device: None,
                to_device: None,
                grid_carbon: None,
                renewable_percent: None,
                energy_wh: None,
                emitted_mg: None,
                avoided_mg: None,
                quality: "unknown".into(),
            };
            carbon::add(tx, &impact)?;
        }
        for (from, until, ids) in [
            (i64::MIN, i64::MAX, "zabc"),
            (i64::MIN / 2, i64::MAX / 2, "zabc"),
            (1_000, 3_000, "ab"),
            (1_001, 3_001, "ab"),
            (3_000, 4_000, "c"),
            (3_000, 1_000, ""),
        ] {
            let found = carbon::between(tx, from, until)?.strict()?;
            let found: String = found
                .into_iter()
                .filter_map(|found| found.task_id)
                .collect();
            assert_eq!(found, ids, "{from} {until}");
        }
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
        for (kind, subject, since, count) in [
            ("task.deferred", None, 1_999, 4),
            ("task.deferred", None, i64::MIN, 4),
            ("task.deferred", None, 2_000, 0),
            ("task.deferred", Some("t1"), 0, 3),
            ("task.deferred", Some("t3"), 0, 0),
            ("task", Some("t1"), 0, 0),
        ] {
            assert_eq!(
                feed::count(tx, kind, subject, since)?,
                count,
                "{kind} {subject:?} {since}"
            );
        }
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
