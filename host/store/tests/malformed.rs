//! Rows that can't be read name their table, row and column, and close what they belong to.

use rusqlite::Connection;
use weft_store::owner::{self, Owner, permissions};
use weft_store::{
    Error, Malformed, Result, Store, carbon, feed, members, peers, polls, slots, tasks, tiers,
};

const USER: &str = "a@example.com";

fn home(sql: &str) -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("weft.db");
    let store = Store::open(&path).unwrap();
    Connection::open(&path)
        .unwrap()
        .execute_batch(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    (dir, store)
}

fn place(malformed: &Malformed) -> (&str, &str, &str, &str) {
    (
        &malformed.table,
        &malformed.row,
        &malformed.column,
        &malformed.value,
    )
}

#[test]
fn owners_rows() {
    let hours = |columns: &str, values: &str| {
        format!(
            "INSERT INTO delegation_hours (id, user_id, {columns}) VALUES ('h', '{USER}', {values})"
        )
    };
    let rule = |columns: &str, values: &str| {
        format!(
            "INSERT INTO ethical_rules (id, user_id, {columns}) VALUES ('r', '{USER}', {values})"
        )
    };
    let prefs = |columns: &str, values: &str| {
        format!("INSERT INTO user_preferences (user_id, {columns}) VALUES ('{USER}', {values})")
    };
    let rest = |columns: &str, values: &str| {
        format!("INSERT INTO task_cooldown (user_id, {columns}) VALUES ('{USER}', {values})")
    };
    let keyed = |id: &str| format!("{USER}/{id}");
    for (sql, table, row, column, value) in [
        (
            hours("start_hour, end_hour", "27, 7"),
            "delegation_hours",
            keyed("h"),
            "start_hour",
            "27",
        ),
        (
            hours("start_hour, end_hour", "-1, 7"),
            "delegation_hours",
            keyed("h"),
            "start_hour",
            "-1",
        ),
        (
            hours("start_hour, end_hour", "24, 7"),
            "delegation_hours",
            keyed("h"),
            "start_hour",
            "24",
        ),
        (
            hours("start_hour, end_hour", "'ten', 7"),
            "delegation_hours",
            keyed("h"),
            "start_hour",
            "ten",
        ),
        (
            hours("start_hour, end_hour", "9.5, 7"),
            "delegation_hours",
            keyed("h"),
            "start_hour",
            "9.5",
        ),
        (
            hours("end_hour", "7"),
            "delegation_hours",
            keyed("h"),
            "start_hour",
            "NULL",
        ),
        (
            hours("start_hour", "7"),
            "delegation_hours",
            keyed("h"),
            "end_hour",
            "NULL",
        ),
        (
            hours("start_hour, end_hour", "1, 25"),
            "delegation_hours",
            keyed("h"),
            "end_hour",
            "25",
        ),
        (
            hours("start_hour, start_minute, end_hour", "1, 60, 2"),
            "delegation_hours",
            keyed("h"),
            "start_minute",
            "60",
        ),
        (
            hours("start_hour, start_minute, end_hour", "1, NULL, 2"),
            "delegation_hours",
            keyed("h"),
            "start_minute",
            "NULL",
        ),
        (
            hours("start_hour, end_hour, end_minute", "1, 2, 99"),
            "delegation_hours",
            keyed("h"),
            "end_minute",
            "99",
        ),
        (
            hours("start_hour, end_hour, end_minute", "1, 24, 30"),
            "delegation_hours",
            keyed("h"),
            "end_minute",
            "30",
        ),
        (
            hours("start_hour, end_hour, day_of_week", "1, 2, 7"),
            "delegation_hours",
            keyed("h"),
            "day_of_week",
            "7",
        ),
        (
            hours("start_hour, end_hour, day_of_week", "1, 2, 'Mon'"),
            "delegation_hours",
            keyed("h"),
            "day_of_week",
            "Mon",
        ),
        (
            hours("start_hour, end_hour, is_active", "1, 2, 'yes'"),
            "delegation_hours",
            keyed("h"),
            "is_active",
            "yes",
        ),
        (
            hours("start_hour, end_hour, is_active", "1, 2, NULL"),
            "delegation_hours",
            keyed("h"),
            "is_active",
            "NULL",
        ),
        (
            hours("start_hour, end_hour, is_active", "1, 2, 2"),
            "delegation_hours",
            keyed("h"),
            "is_active",
            "2",
        ),
        (
            rule("rule_value", "'5'"),
            "ethical_rules",
            keyed("r"),
            "rule_type",
            "NULL",
        ),
        (
            rule("rule_type", "' '"),
            "ethical_rules",
            keyed("r"),
            "rule_type",
            " ",
        ),
        (
            rule("rule_type, enforcement_level", "'x', 'hard'"),
            "ethical_rules",
            keyed("r"),
            "enforcement_level",
            "hard",
        ),
        (
            rule("rule_type, enforcement_level", "'x', NULL"),
            "ethical_rules",
            keyed("r"),
            "enforcement_level",
            "NULL",
        ),
        (
            rule("rule_type, is_active", "'x', 'on'"),
            "ethical_rules",
            keyed("r"),
            "is_active",
            "on",
        ),
        (
            rule("rule_type, rule_value", "'x', x'00ff'"),
            "ethical_rules",
            keyed("r"),
            "rule_value",
            "2 bytes",
        ),
        (
            prefs("min_idle_between_tasks_minutes", "-5"),
            "user_preferences",
            USER.into(),
            "min_idle_between_tasks_minutes",
            "-5",
        ),
        (
            prefs("min_idle_between_tasks_minutes", "'soon'"),
            "user_preferences",
            USER.into(),
            "min_idle_between_tasks_minutes",
            "soon",
        ),
        (
            prefs("min_idle_between_tasks_minutes", "0.5"),
            "user_preferences",
            USER.into(),
            "min_idle_between_tasks_minutes",
            "0.5",
        ),
        (
            prefs("critical_any_hour", "'maybe'"),
            "user_preferences",
            USER.into(),
            "critical_any_hour",
            "maybe",
        ),
        (
            rest("idle_until", "'tomorrow'"),
            "task_cooldown",
            USER.into(),
            "idle_until",
            "tomorrow",
        ),
        (
            rest("idle_until", "1700000000"),
            "task_cooldown",
            USER.into(),
            "idle_until",
            "1700000000",
        ),
        (
            rest("last_executed_at", "'2026-02-30 00:00:00'"),
            "task_cooldown",
            USER.into(),
            "last_executed_at",
            "2026-02-30 00:00:00",
        ),
    ] {
        let (_dir, store) = home(&sql);
        let owner: Owner = store.read(|tx| owner::load(tx, USER)).unwrap();
        let errors = [
            owner.hours.err(),
            owner.rules.err(),
            owner.preferences.err(),
            owner.cooldown.err(),
        ];
        let errors: Vec<Malformed> = errors.into_iter().flatten().collect();
        assert_eq!(errors.len(), 1, "{sql}");
        assert_eq!(
            place(&errors[0]),
            (table, row.as_str(), column, value),
            "{sql}"
        );
        let message = errors[0].to_string();
        assert!(
            message.contains(table) && message.contains(&row) && message.contains(column),
            "{message}"
        );
        assert_eq!(store.read(owner::malformed).unwrap(), errors, "{sql}");
    }
}

#[test]
fn a_broken_row_that_is_switched_off_is_no_harm() {
    let (_dir, store) = home(
        "INSERT INTO delegation_hours (id, user_id, start_hour, end_hour, is_active) VALUES
             ('bad', 'a@example.com', 27, 7, 0), ('good', 'a@example.com', 9, 17, 1);
         INSERT INTO ethical_rules (id, user_id, rule_type, enforcement_level, is_active) VALUES
             ('bad', 'a@example.com', NULL, 'loud', 0)",
    );
    let owner = store.read(|tx| owner::load(tx, USER)).unwrap();
    assert_eq!(owner.hours.unwrap().len(), 1);
    assert_eq!(owner.rules.unwrap().len(), 0);
    // The list still shows what is wrong with it.
    let listed = store.read(|tx| owner::hours::list(tx, USER)).unwrap();
    assert_eq!((listed.rows.len(), listed.malformed.len()), (1, 1));
}

#[test]
fn one_users_broken_row_is_no_others_harm() {
    let (_dir, store) = home(
        "INSERT INTO delegation_hours (id, user_id, start_hour, end_hour) VALUES ('h', 'b@example.com', 27, 7)",
    );
    assert_eq!(
        store.read(|tx| owner::load(tx, USER)).unwrap().hours,
        Ok(vec![])
    );
}

#[test]
fn single_answers() {
    fn check<T: std::fmt::Debug>(
        result: Result<T>,
        table: &str,
        row: &str,
        column: &str,
        value: &str,
    ) {
        match result.unwrap_err() {
            Error::Malformed(malformed) => {
                assert_eq!(place(&malformed), (table, row, column, value))
            }
            error => panic!("{error}"),
        }
    }
    let (_dir, store) = home(
        "INSERT INTO peer_permissions VALUES ('p1', '*', '', NULL), ('p2', '*', NULL, NULL), ('p3', '*', x'00', NULL);
         UPDATE energy SET percent_clean = 150;
         INSERT INTO slots (slot, release_cid, mode) VALUES ('scorer', 'cid', 'canary 120%'), ('sla', NULL, 'enforce');
         INSERT INTO user_tiers (user_id, tier) VALUES ('a@example.com', '');
         INSERT INTO members (user_id, role) VALUES ('a@example.com', 'king');
         INSERT INTO tasks (id, user_id, name, tags) VALUES ('t1', 'a@example.com', 'x', 'not json');
         INSERT INTO importance_votes (id, task_name, status) VALUES ('v1', 'x', 'perhaps');",
    );
    store
        .read(|tx| {
            check(
                permissions::check(tx, "p1", None, USER, "ocr"),
                "peer_permissions",
                "p1/*/",
                "can_execute_task",
                "",
            );
            check(
                permissions::check(tx, "p2", None, USER, "ocr"),
                "peer_permissions",
                "p2/*/NULL",
                "can_execute_task",
                "NULL",
            );
            check(
                permissions::check(tx, "p3", None, USER, "ocr"),
                "peer_permissions",
                "p3/*/1 bytes",
                "can_execute_task",
                "1 bytes",
            );
            check(
                owner::energy::get(tx),
                "energy",
                "self",
                "percent_clean",
                "150",
            );
            check(
                slots::get(tx, "scorer"),
                "slots",
                "scorer/0",
                "mode",
                "canary 120%",
            );
            check(
                slots::get(tx, "sla"),
                "slots",
                "sla/0",
                "release_cid",
                "NULL",
            );
            check(tiers::get(tx, USER), "user_tiers", USER, "tier", "");
            check(members::get(tx, USER), "members", USER, "role", "king");
            check(tasks::get(tx, "t1"), "tasks", "t1", "tags", "not json");
            check(
                polls::get(tx, "v1"),
                "importance_votes",
                "v1",
                "status",
                "perhaps",
            );
            Ok::<_, Error>(())
        })
        .unwrap();
}

#[test]
fn lists_keep_the_broken_apart() {
    let (_dir, store) = home(
        "INSERT INTO peers (peer_id, percent_clean) VALUES ('p1', 80), ('p2', 'lots'), ('p3', 900);
         INSERT INTO tasks (id, user_id, name, status, retry_at) VALUES
             ('t1', 'u', 'x', 'deferred', '1970-01-01 00:00:00'), ('t2', 'u', 'x', 'deferred', 'soon');
         INSERT INTO importance_votes (id, task_name, closes_at) VALUES
             ('v1', 'x', '1970-01-01 00:00:00'), ('v2', 'x', 'soon');
         INSERT INTO carbon_impact (emitted_mg) VALUES (1), ('much');",
    );
    store
        .read(|tx| {
            let peers = peers::list(tx)?;
            assert_eq!(peers.rows.len(), 1);
            let places: Vec<_> = peers.malformed.iter().map(place).collect();
            assert_eq!(
                places,
                [
                    ("peers", "p2", "percent_clean", "lots"),
                    ("peers", "p3", "percent_clean", "900")
                ]
            );
            // What waits for an instant that can't be read is not forgotten.
            let due = tasks::due(tx, 1_000, 10)?;
            assert_eq!(due.rows.len(), 1);
            assert_eq!(
                place(&due.malformed[0]),
                ("tasks", "t2", "retry_at", "soon")
            );
            let due = polls::due(tx, 1_000)?;
            assert_eq!(due.rows.len(), 1);
            assert_eq!(
                place(&due.malformed[0]),
                ("importance_votes", "v2", "closes_at", "soon")
            );
            let impacts = carbon::last(tx, 10)?;
            assert_eq!((impacts.rows.len(), impacts.malformed.len()), (1, 1));
            Ok::<_, Error>(())
        })
        .unwrap();
}

#[test]
fn times_that_cannot_be_read_are_in_every_range() {
    let (_dir, store) = home(
        "INSERT INTO carbon_impact (delegated_at) VALUES ('1970-01-01 00:00:01'), ('soon');
         INSERT INTO mesh_events (timestamp, kind) VALUES ('1970-01-01 00:00:01', 'k'), ('soon', 'k');
         INSERT INTO importance_votes (id, task_name, status) VALUES ('v1', 'x', 'closed')",
    );
    store
        .read(|tx| {
            let impacts = carbon::between(tx, 5_000, 9_000)?;
            assert_eq!((impacts.rows.len(), impacts.malformed.len()), (0, 1));
            assert_eq!(feed::count(tx, "k", None, 5_000)?, 1);
            match polls::closed_since(tx, "x", 5_000) {
                Err(Error::Malformed(malformed)) => assert_eq!(malformed.column, "closed_at"),
                other => panic!("{other:?}"),
            }
            Ok::<_, Error>(())
        })
        .unwrap();
}

#[test]
fn callers_report_zones_and_kinds_in_the_same_way() {
    let (_dir, store) = home(
        "INSERT INTO user_preferences (user_id, timezone) VALUES ('a@example.com', 'Mars/Olympus');
         INSERT INTO ethical_rules (id, user_id, rule_type) VALUES ('r', 'a@example.com', 'max_fun')",
    );
    let owner = store.read(|tx| owner::load(tx, USER)).unwrap();
    let zone = owner.preferences.unwrap().unknown_zone(USER);
    assert_eq!(
        place(&zone),
        ("user_preferences", USER, "timezone", "Mars/Olympus")
    );
    let kind = owner.rules.unwrap()[0].unknown_kind("max_power_watts");
    assert_eq!(
        place(&kind),
        ("ethical_rules", "a@example.com/r", "rule_type", "max_fun")
    );
}

#[test]
fn a_table_without_a_column_is_an_error_not_a_default() {
    let (_dir, store) = home(
        "INSERT INTO ethical_rules (id, user_id, rule_type) VALUES ('r', 'a@example.com', 'x');
         ALTER TABLE ethical_rules DROP COLUMN enforcement_level",
    );
    assert!(matches!(
        store.read(|tx| owner::load(tx, USER)),
        Err(Error::Sqlite(_))
    ));
}
