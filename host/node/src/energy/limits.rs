//! Limits of the energy sources, with their units.

use std::time::Duration;
use weft_model::Instant;

/// Until a reading is this old, it counts although the source fails, in milliseconds: 10 min.
pub const STALE_MS: Instant = 600_000;
/// Longest text that a file or a command gives, in bytes.
pub const TEXT_BYTES: u64 = 64 * 1024;
/// Longest answer over HTTP, in bytes: 1 MiB.
pub const RESPONSE_BYTES: u64 = 1024 * 1024;
/// Longest run of a command.
pub const COMMAND_DEADLINE: Duration = Duration::from_secs(5);
/// How long an answer over HTTP may take, from the name's look-up to the last byte.
pub const RESPONSE_DEADLINE: Duration = Duration::from_secs(10);
/// Most redirections that are followed.
pub const REDIRECTS: u32 = 3;
/// Longest pause between two readings that can be set, in seconds: several readings fit into [`STALE_MS`].
pub const REFRESH_SECONDS_MAX: u64 = 300;
/// How much of a problem is kept and shown, in bytes.
pub const PROBLEM_BYTES: usize = 400;
