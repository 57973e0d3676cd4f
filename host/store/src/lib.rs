//! Tables, migrations, event log and block store in SQLite.
