//! `schema.sql` is what the migrations make, and every column in it says what it is.

use std::fmt::Write as _;
use std::path::Path;

use rusqlite::Connection;
use weft_store::Store;

/// Set to write `schema.sql` anew.
const RENEW: &str = "WEFT_RENEW_SCHEMA";

fn schema() -> String {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("weft.db");
    let _store = Store::open(&path).unwrap();
    let conn = Connection::open(&path).unwrap();
    let mut statement = conn
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY tbl_name, type DESC, name")
        .unwrap();
    let statements = statement
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap();
    let mut text = format!(
        "-- The schema that the migrations make, for reading. Renewed by `{RENEW}=1 cargo test -p weft-store --test schema`.\n"
    );
    for sql in statements {
        write!(text, "\n{};\n", sql.unwrap()).unwrap();
    }
    text
}

#[test]
fn schema_file_is_what_the_migrations_make() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.sql");
    let made = schema();
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(&file, &made).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(
        kept, made,
        "schema.sql is not what the migrations make; set {RENEW}=1 and run this test once"
    );
}

#[test]
fn every_column_has_a_comment() {
    for line in schema().lines().filter(|line| line.starts_with("    ")) {
        let line = line.trim();
        if line.starts_with("PRIMARY KEY") || line.starts_with("UNIQUE") {
            continue;
        }
        let comment = line.split_once("-- ").map(|(_, comment)| comment.trim());
        assert!(
            comment.is_some_and(|comment| !comment.is_empty()),
            "no comment: {line}"
        );
    }
}

/// The `sqlite3` of long-lived systems (3.34) reads no file in which a table is STRICT.
#[test]
fn older_sqlite3_can_read_the_file() {
    assert!(!schema().contains("STRICT"));
}

/// Columns that people already use.
#[test]
fn known_columns_are_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("weft.db");
    let _store = Store::open(&path).unwrap();
    let conn = Connection::open(&path).unwrap();
    for (table, columns) in [
        (
            "user_preferences",
            "user_id, min_idle_between_tasks_minutes, timezone, critical_any_hour, critical_any_idle",
        ),
        (
            "task_cooldown",
            "user_id, last_task_id, last_executed_at, idle_until, reason",
        ),
        (
            "delegation_hours",
            "id, user_id, day_of_week, start_hour, start_minute, end_hour, end_minute, is_active, description, created_at",
        ),
        (
            "ethical_rules",
            "id, user_id, rule_type, rule_value, enforcement_level, is_active, reasoning, created_at, updated_at",
        ),
        ("peer_permissions", "peer_id, user_id, can_execute_task"),
        (
            "execution_history",
            "id, task_id, status, reasoning, timestamp",
        ),
        (
            "carbon_impact",
            "delegated_at, task_name, from_device, to_device, grid_carbon_at_execution, \
             renewable_percent_at_execution, carbon_emitted_kg, carbon_saved_kg",
        ),
        ("user_tiers", "user_id, tier"),
        ("peers", "peer_id, alias"),
        (
            "importance_votes",
            "id, task_name, status, consensus, confidence, method",
        ),
        ("votes", "poll_id, member, choice, weight"),
        (
            "task_delegations",
            "task_id, from_device, to_device, status",
        ),
        (
            "mesh_events",
            "id, timestamp, kind, severity, subject, message, details",
        ),
        (
            "tasks",
            "id, user_id, name, status, reason, next_window_start, retry_at",
        ),
        ("feedback", "task_id, rating, comment"),
        ("metrics", "name, value, unit"),
        ("members", "user_id, did, role"),
    ] {
        conn.prepare(&format!("SELECT {columns} FROM {table}"))
            .unwrap_or_else(|error| panic!("{table}: {error}"));
    }
}
