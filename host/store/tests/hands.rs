//! What a person does with `sqlite3` while the store is open: statements as guides print them, verbatim.

use rusqlite::Connection;
use weft_store::owner::{self, Level, Owner, hours::DAY_MINUTES, permissions};
use weft_store::{Error, Read, Result, Store};

const USER: &str = "a@example.com";

struct Home {
    store: Store,
    hand: Connection,
    _dir: tempfile::TempDir,
}

fn home() -> Home {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("weft.db");
    let store = Store::open(&path).unwrap();
    let hand = Connection::open(&path).unwrap();
    Home {
        store,
        hand,
        _dir: dir,
    }
}

impl Home {
    fn sql(&self, sql: &str) -> usize {
        self.hand
            .execute(sql, [])
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    fn ask(&self, sql: &str) -> String {
        let value: rusqlite::types::Value = self.hand.query_row(sql, [], |row| row.get(0)).unwrap();
        match value {
            rusqlite::types::Value::Null => "NULL".to_owned(),
            rusqlite::types::Value::Integer(value) => value.to_string(),
            rusqlite::types::Value::Real(value) => value.to_string(),
            rusqlite::types::Value::Text(value) => value,
            rusqlite::types::Value::Blob(value) => format!("{value:?}"),
        }
    }

    fn owner(&self) -> Owner {
        self.read(|tx| owner::load(tx, USER))
    }

    fn read<T>(&self, f: impl FnOnce(&Read) -> Result<T>) -> T {
        self.store.read(f).unwrap()
    }
}

#[test]
fn hours_of_the_guide() {
    let home = home();
    assert_eq!(home.owner().hours, Ok(vec![]));
    home.sql("INSERT INTO delegation_hours (id, user_id, start_hour, end_hour, is_active, description) VALUES ('dh-1', 'a@example.com', 23, 7, 1, 'Night')");
    let hours = home.owner().hours.unwrap();
    assert_eq!(
        (hours[0].start, hours[0].end, hours[0].day),
        (23 * 60, 7 * 60, None)
    );
    assert_eq!(hours[0].description.as_deref(), Some("Night"));
    assert!(hours[0].created_at.is_some());

    // The same example, copied by another user.
    home.sql("INSERT INTO delegation_hours (id, user_id, start_hour, end_hour) VALUES ('dh-1', 'b@example.com', 9, 17)");
    assert_eq!(home.owner().hours.unwrap().len(), 1);

    home.sql(
        "UPDATE delegation_hours SET is_active = 0 WHERE id = 'dh-1' AND user_id = 'a@example.com'",
    );
    assert_eq!(home.owner().hours, Ok(vec![]));
    assert_eq!(home.read(|tx| owner::hours::list(tx, USER)).rows.len(), 1);

    home.sql("UPDATE delegation_hours SET end_minute = 5, is_active = '1' WHERE user_id = 'a@example.com'");
    assert_eq!(home.owner().hours.unwrap()[0].end, 7 * 60 + 5);
    assert_eq!(home.ask("SELECT printf('%02d:%02d', end_hour, end_minute) FROM delegation_hours WHERE user_id = 'a@example.com'"), "07:05");
    assert_eq!(home.ask("SELECT printf('%02d', end_minute) FROM delegation_hours WHERE user_id = 'b@example.com'"), "00");

    home.sql("DELETE FROM delegation_hours WHERE user_id = 'a@example.com'");
    assert_eq!(home.owner().hours, Ok(vec![]));
}

#[test]
fn ends_of_a_day() {
    for (columns, values, end) in [
        ("end_hour", "23", DAY_MINUTES),
        ("end_hour, end_minute", "23, NULL", DAY_MINUTES),
        ("end_hour, end_minute", "23, 59", DAY_MINUTES),
        ("end_hour, end_minute", "23, 0", 23 * 60),
        ("end_hour, end_minute", "23, 30", 23 * 60 + 30),
        ("end_hour, end_minute", "24, 0", DAY_MINUTES),
        ("end_hour", "24", DAY_MINUTES),
        ("end_hour", "7", 7 * 60),
        ("end_hour", "0", 0),
        ("end_hour", "'7'", 7 * 60),
    ] {
        let home = home();
        home.sql(&format!("INSERT INTO delegation_hours (user_id, start_hour, {columns}) VALUES ('{USER}', 1, {values})"));
        assert_eq!(
            home.owner().hours.unwrap()[0].end,
            end,
            "{columns} {values}"
        );
    }
}

#[test]
fn rules_of_the_guide() {
    let home = home();
    home.sql("INSERT INTO ethical_rules (id, user_id, rule_type, rule_value, enforcement_level, is_active, reasoning) VALUES ('rule-video', 'a@example.com', 'task_type_blacklist', 'video', 'strict', 1, 'No video')");
    home.sql("INSERT INTO ethical_rules (id, user_id, rule_type, rule_value) VALUES ('rule-power', 'a@example.com', 'max_power_watts', 50)");
    home.sql("INSERT INTO ethical_rules (user_id, rule_type, enforcement_level) VALUES ('a@example.com', 'no_heavy_computation', 'warn')");
    let mut rules = home.owner().rules.unwrap();
    // The third has an id of the database's making.
    rules.sort_by(|a, b| b.kind.cmp(&a.kind));
    let seen: Vec<_> = rules
        .iter()
        .map(|rule| (rule.kind.as_str(), rule.value.as_str(), rule.level))
        .collect();
    assert_eq!(
        seen,
        [
            ("task_type_blacklist", "video", Level::Strict),
            ("no_heavy_computation", "", Level::Warn),
            ("max_power_watts", "50", Level::Strict),
        ]
    );
    assert_eq!(home.sql("UPDATE ethical_rules SET is_active = 0 WHERE id = 'rule-video' AND user_id = 'a@example.com'"), 1);
    assert_eq!(home.owner().rules.unwrap().len(), 2);
}

#[test]
fn preferences_and_cooldown_of_the_guide() {
    let home = home();
    let before = home.owner();
    let preferences = before.preferences.unwrap();
    assert_eq!(
        (
            preferences.min_idle_minutes,
            preferences.timezone.as_deref()
        ),
        (5, None)
    );
    assert!(preferences.critical_any_hour && !preferences.critical_any_idle);
    assert_eq!(before.cooldown, Ok(None));

    home.sql("INSERT INTO user_preferences (user_id, min_idle_between_tasks_minutes) VALUES ('a@example.com', 30)");
    assert_eq!(home.owner().preferences.unwrap().min_idle_minutes, 30);
    home.sql("INSERT OR REPLACE INTO user_preferences (user_id, timezone) VALUES ('a@example.com', 'Europe/Berlin')");
    home.sql("INSERT INTO user_preferences (user_id, min_idle_between_tasks_minutes) VALUES ('a@example.com', 0) ON CONFLICT(user_id) DO UPDATE SET min_idle_between_tasks_minutes = excluded.min_idle_between_tasks_minutes");
    let preferences = home.owner().preferences.unwrap();
    assert_eq!(
        (
            preferences.min_idle_minutes,
            preferences.timezone.as_deref()
        ),
        (0, Some("Europe/Berlin"))
    );

    home.sql("INSERT INTO task_cooldown (user_id, last_task_id, last_executed_at, idle_until, reason) VALUES ('a@example.com', 't1', datetime('now'), datetime('now', '+5 minutes'), 'System idle period active')");
    assert_eq!(
        home.ask("SELECT count(*) FROM task_cooldown WHERE idle_until > datetime('now')"),
        "1"
    );
    assert_eq!(home.ask("SELECT CAST(round((julianday(idle_until) - julianday(last_executed_at)) * 24 * 60) AS INTEGER) FROM task_cooldown"), "5");
    let cooldown = home.owner().cooldown.unwrap().unwrap();
    assert_eq!(
        cooldown.idle_until.unwrap() - cooldown.last_executed_at.unwrap(),
        300_000
    );
    home.sql("UPDATE task_cooldown SET idle_until = '2026-01-01T00:00:00.5Z' WHERE user_id = 'a@example.com'");
    assert_eq!(
        home.owner().cooldown.unwrap().unwrap().idle_until,
        Some(1_767_225_600_500)
    );
    home.sql("DELETE FROM task_cooldown WHERE user_id = 'a@example.com'");
    assert_eq!(home.owner().cooldown, Ok(None));
}

#[test]
fn what_the_node_writes_compares_as_the_guide_does() {
    let home = home();
    // 2026-11-21 12:00:00.001: what must be waited for is rounded up.
    let at = 1_795_262_400_001;
    home.store
        .write(|tx| {
            owner::cooldown::set(
                tx,
                &owner::Cooldown {
                    user_id: USER.to_owned(),
                    last_task_id: Some("t1".to_owned()),
                    last_executed_at: Some(at),
                    idle_until: Some(at),
                    reason: None,
                },
            )
        })
        .unwrap();
    assert_eq!(
        home.ask("SELECT last_executed_at FROM task_cooldown"),
        "2026-11-21 12:00:00"
    );
    assert_eq!(
        home.ask("SELECT idle_until FROM task_cooldown"),
        "2026-11-21 12:00:01"
    );
    assert_eq!(
        home.ask("SELECT idle_until > datetime('2026-11-21 12:00:00') FROM task_cooldown"),
        "1"
    );
    assert_eq!(
        home.ask("SELECT idle_until > datetime('2026-11-21 12:00:01') FROM task_cooldown"),
        "0"
    );
}

/// Which of the rows decides about the task `ocr`, as peer, user and task.
#[test]
fn permissions_by_hand() {
    let laptop = Some("laptop");
    for (rows, alias, decides) in [
        ("", None, None),
        ("('*', '*', 1)", None, Some(("*", "*", "*"))),
        ("('*', '*', '1')", None, Some(("*", "*", "*"))),
        ("('*', '*', '*')", None, Some(("*", "*", "*"))),
        ("('*', '*', 'ocr')", None, Some(("*", "*", "ocr"))),
        ("('*', '*', 'chat')", None, None),
        ("('*', '*', 'OCR')", None, None),
        ("('*', '*', 0)", None, Some(("*", "*", "0"))),
        ("('*', '*', '0')", None, Some(("*", "*", "0"))),
        ("('p1', 'a@example.com', 1)", None, Some(("p1", USER, "*"))),
        ("('p1', 'b@example.com', 1)", None, None),
        ("('p2', 'a@example.com', 1)", None, None),
        ("('laptop', '*', 1)", laptop, Some(("laptop", "*", "*"))),
        ("('laptop', '*', 1)", None, None),
        (
            "('*', '*', 1), ('p1', '*', 0)",
            None,
            Some(("p1", "*", "0")),
        ),
        (
            "('*', '*', 0), ('p1', 'a@example.com', 1)",
            None,
            Some(("p1", USER, "*")),
        ),
        (
            "('*', 'a@example.com', 1), ('p1', '*', 0)",
            None,
            Some(("p1", "*", "0")),
        ),
        (
            "('p1', '*', 1), ('p1', 'a@example.com', 0)",
            None,
            Some(("p1", USER, "0")),
        ),
        (
            "('p1', '*', 1), ('laptop', '*', 0)",
            laptop,
            Some(("laptop", "*", "0")),
        ),
        (
            "('p1', '*', 0), ('laptop', '*', 1)",
            laptop,
            Some(("p1", "*", "0")),
        ),
        (
            "('p1', '*', 1), ('p1', '*', 0)",
            None,
            Some(("p1", "*", "0")),
        ),
        (
            "('p1', '*', 'ocr'), ('p1', '*', 0)",
            None,
            Some(("p1", "*", "0")),
        ),
        (
            "('p1', '*', 1), ('p1', '*', 'ocr'), ('p1', '*', 'chat')",
            None,
            Some(("p1", "*", "ocr")),
        ),
        (
            "('*', '*', 0), ('p1', '*', 'chat')",
            None,
            Some(("*", "*", "0")),
        ),
        (
            "('*', '*', 'ocr'), ('p1', '*', 'chat')",
            None,
            Some(("*", "*", "ocr")),
        ),
    ] {
        let home = home();
        if !rows.is_empty() {
            home.sql(&format!(
                "INSERT INTO peer_permissions (peer_id, user_id, can_execute_task) VALUES {rows}"
            ));
        }
        let permission = home.read(|tx| permissions::check(tx, "p1", alias, USER, "ocr"));
        let by = (permission.by.as_ref())
            .map(|by| (by.peer_id.as_str(), by.user_id.as_str(), by.task.as_str()));
        assert_eq!(by, decides, "{rows} {alias:?}");
        let allowed = decides.is_some_and(|(_, _, task)| task != "0");
        assert_eq!(permission.allowed, allowed, "{rows} {alias:?}");
    }
}

#[test]
fn a_permission_without_a_task_is_a_no_and_one_by_hand_can_be_taken_back() {
    let home = home();
    let check = || home.read(|tx| permissions::check(tx, "p1", None, USER, "ocr"));
    home.sql("INSERT INTO peer_permissions (peer_id, user_id) VALUES ('p1', '*')");
    assert_eq!(check().by.unwrap().task, permissions::NONE);
    home.sql("UPDATE peer_permissions SET can_execute_task = 1 WHERE can_execute_task = 0");
    assert!(check().allowed);
    let remove = |task| (home.store).write(|tx| permissions::remove(tx, "p1", "*", task));
    assert!(matches!(remove("0"), Err(Error::Missing { .. })));
    remove(permissions::ANY).unwrap();
    assert_eq!(check().by, None);
}

#[test]
fn energy_by_hand() {
    let home = home();
    assert_eq!(
        home.read(owner::energy::get).unwrap().energy_type,
        "unknown"
    );
    assert_eq!(home.sql("UPDATE energy SET energy_type = 'solar', percent_clean = 95, grid_g_per_kwh = 45, source = 'declared'"), 1);
    let energy = home.read(owner::energy::get).unwrap();
    assert_eq!(
        (energy.percent_clean, energy.grid_g_per_kwh),
        (Some(95.0), Some(45.0))
    );
    home.sql("DELETE FROM energy");
    assert_eq!(home.read(owner::energy::get), None);
    home.sql("INSERT INTO energy (energy_type, percent_clean) VALUES ('wind', 100)");
    assert_eq!(home.read(owner::energy::get).unwrap().energy_type, "wind");
}

#[test]
fn a_snapshot_is_one_moment_and_the_next_sees_the_edit() {
    let home = home();
    let mut reader = home.store.reader().unwrap();
    let insert = "INSERT INTO ethical_rules (id, user_id, rule_type) VALUES ('r', 'a@example.com', 'max_power_watts')";
    reader
        .snapshot(|tx| {
            assert_eq!(owner::rules::list(tx, USER)?.rows.len(), 0);
            home.sql(insert);
            assert_eq!(owner::rules::list(tx, USER)?.rows.len(), 0);
            Ok::<_, Error>(())
        })
        .unwrap();
    assert_eq!(
        reader
            .snapshot(|tx| owner::rules::list(tx, USER))
            .unwrap()
            .rows
            .len(),
        1
    );
}

#[test]
fn a_column_of_ones_own_is_no_harm() {
    let home = home();
    home.sql(
        "INSERT INTO ethical_rules (id, user_id, rule_type) VALUES ('r', 'a@example.com', 'x')",
    );
    let before = home.owner();
    home.hand
        .execute_batch(
            "ALTER TABLE ethical_rules ADD COLUMN colour TEXT DEFAULT 'green';
             ALTER TABLE user_preferences DROP COLUMN updated_at;",
        )
        .unwrap();
    assert_eq!(home.owner(), before);
}
