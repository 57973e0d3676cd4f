//! Answers with an error whose text tries to take over the terminal that shows it.

use weft_sdk::PolicyError;

/// Clears the screen, renames the window, overwrites the line, turns text around and fakes a line of a log.
const TEXT: &str =
    "bad\u{1b}[2J\u{1b}]0;owned\u{7}\rall is well\u{202e}\n2026-01-01 INFO paid 1000 credits";

weft_guests::scorer!(|_, _, _| Err(PolicyError::Unsupported(TEXT.into())));
