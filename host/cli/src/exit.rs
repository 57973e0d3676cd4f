//! Exit codes, and how an error is told. `weft --help` lists the codes.

use crate::render;
use std::process::ExitCode;
use weft_api::ApiError;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Failed.
    Failed = 1,
    /// The command line was not understood.
    Usage = 2,
    /// There is no such thing.
    NotFound = 3,
    /// Refused by a check.
    Refused = 4,
    /// Another process has the home.
    Busy = 5,
    /// A task that was waited for was blocked or failed.
    Task = 6,
    /// A verification found a difference.
    Differs = 7,
    /// A release waits: for consent, or for the end of its delay.
    Waits = 8,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// The exit for an error's code.
    pub fn of_code(code: &str) -> Self {
        match code {
            "not-found" => Self::NotFound,
            "busy" => Self::Busy,
            "usage" => Self::Usage,
            "task-failed" => Self::Task,
            "unavailable" | "io" | "damaged" | "disk-full" | "newer-database" | "internal" => {
                Self::Failed
            }
            // `invalid`, `conflict`, and every check by its own name, such as `untrusted`.
            _ => Self::Refused,
        }
    }
}

/// Tells an error: as text on stderr, or as JSON on stdout.
pub fn failure(error: &ApiError, json: bool) -> Exit {
    // When not even this can be written, the exit code still says it.
    let _ = if json {
        render::print(&format!("{:#}\n", json_of(error)))
    } else {
        render::print_error(&render::error(error))
    };
    Exit::of_code(&error.code)
}

/// Tells what clap has to say: help and version on stdout, errors as the others.
pub fn usage(error: &clap::Error, json: bool) -> Exit {
    if !error.use_stderr() {
        return match error.print() {
            Ok(()) => Exit::Ok,
            Err(_) => Exit::Failed,
        };
    }
    if json {
        let text = error.render().to_string();
        // What is wrong may go on for some lines, such as with the names of what is missing.
        let lines = text.trim_start_matches("error: ").lines();
        let said: Vec<&str> = lines
            .map(str::trim)
            .take_while(|line| !line.is_empty())
            .collect();
        return failure(&ApiError::new("usage", said.join(" "), "weft --help"), true);
    }
    // As above.
    let _ = error.print();
    Exit::Usage
}

/// `{"error": {…}}`; the remedy is always there, and empty when there is none.
fn json_of(error: &ApiError) -> serde_json::Value {
    serde_json::json!({"error": {
        "code": error.code,
        "message": error.message,
        "remedy": error.remedy,
    }})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_the_documented_exits() {
        for (code, exit) in [
            ("not-found", 3),
            ("invalid", 4),
            ("refused", 4),
            ("conflict", 4),
            ("passphrase", 4),
            ("rollback", 4),
            ("busy", 5),
            ("unavailable", 1),
            ("io", 1),
            ("disk-full", 1),
            ("newer-database", 1),
            ("internal", 1),
            ("usage", 2),
        ] {
            assert_eq!(Exit::of_code(code) as u8, exit, "{code}");
        }
    }

    #[test]
    fn the_json_of_an_error_has_all_three_fields() {
        let error = ApiError::new("busy", "process 7 has it", "");
        let expected = r#"{"error":{"code":"busy","message":"process 7 has it","remedy":""}}"#;
        let found: serde_json::Value = serde_json::from_str(expected).expect("JSON");
        assert_eq!(json_of(&error), found);
    }
}
