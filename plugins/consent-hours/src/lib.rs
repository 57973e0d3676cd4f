//! The owner's hours and the rest between two tasks. The rule in words: README.md.
//!
//! The plugin compares instants. Zones, daylight saving and windows that cross midnight are resolved by the host
//! before the call, and so is the question of who may call a task critical.

use weft_sdk::consent::{Consent, Deferral, Interval, Request, Urgency, Verdict};
use weft_sdk::{Instant, PolicyError};

#[cfg(test)]
mod tests;

weft_sdk::config! {
    /// How the owner's hours are read.
    pub struct Config {
        /// Whether a task must also end inside the window in which it starts.
        pub must_finish_inside: bool = false;
    }
}

/// Why not now: outside of every window.
const OUTSIDE: &str = "Outside delegation hours";
/// Why not now: the window closes before the task would end.
const TOO_LONG: &str = "Outside delegation hours: it would not finish inside the window";
/// Why not now: the owner's rest between two tasks.
const RESTING: &str = "System idle period active";

/// Checks the contract: windows only where hours are set, none empty, sorted, without overlap.
fn check(request: &Request) -> Result<(), PolicyError> {
    let bad = |what: String| Err(PolicyError::BadInput(what));
    if !request.hours_set && !request.windows.is_empty() {
        return bad("`windows` are given though `hours_set` is false".into());
    }
    if let Some(i) = request.windows.iter().position(|w| w.from >= w.until) {
        return bad(format!("`windows[{i}]` ends before it begins"));
    }
    match request
        .windows
        .windows(2)
        .position(|w| w[1].from < w[0].until)
    {
        Some(i) => bad(format!(
            "`windows[{}]` begins before the one ahead of it ends",
            i + 1
        )),
        None => Ok(()),
    }
}

/// The earliest start at or after `from` that the windows allow; windows that touch count as one.
fn earliest(windows: &[Interval], from: Instant, must_fit: Option<u64>) -> Option<Instant> {
    let mut rest = windows;
    while let [first, ..] = rest {
        let touching = rest
            .windows(2)
            .take_while(|w| w[0].until == w[1].from)
            .count();
        let until = rest[touching].until;
        rest = &rest[touching + 1..];
        let start = from.max(first.from);
        let end = start.saturating_add_unsigned(must_fit.unwrap_or(0));
        if start < until && end <= until {
            return Some(start);
        }
    }
    None
}

/// The plugin.
pub struct Hours;

impl Consent for Hours {
    type Config = Config;

    fn judge(now: Instant, config: &Config, request: &Request) -> Result<Verdict, PolicyError> {
        check(request)?;
        let critical = request.urgency == Urgency::Critical;
        let hours_bind = request.hours_set && !(critical && request.critical_any_hour);
        let idle_binds = !(critical && request.critical_any_idle);

        let rested = match request.last_run {
            Some(last) if idle_binds => last.saturating_add_unsigned(request.idle).max(now),
            _ => now,
        };
        let must_fit = config.must_finish_inside.then_some(request.duration);
        let at = |from, must_fit| match hours_bind {
            true => earliest(&request.windows, from, must_fit),
            false => Some(from),
        };

        let until = at(rested, must_fit);
        if until == Some(now) {
            return Ok(Verdict::Allow);
        }
        let (reason, idle_left) = if at(now, None) != Some(now) {
            (OUTSIDE, 0)
        } else if rested > now {
            (RESTING, rested.abs_diff(now))
        } else {
            (TOO_LONG, 0)
        };
        Ok(Verdict::Defer(Deferral {
            until,
            reason: reason.into(),
            idle_left,
        }))
    }
}

weft_sdk::export_consent!(Hours);
