//! Tasks.

use super::style::{WARN, bytes, of_status, paint, short, word};
use super::table::{Rows, pairs, plain, styled};
use weft_api::report::TaskReport;

/// One task: status and reason, then what came of it.
pub fn one(task: &TaskReport) -> String {
    let mut text = headline(task);
    text.push_str(&facts(task));
    for violation in &task.violations {
        let kind = if violation.hard {
            "forbidden"
        } else {
            "against a rule"
        };
        let rule = &violation.rule;
        let (kind_of, seen, limit) = (&violation.kind, &violation.observed, &violation.limit);
        text.push_str(&format!(
            "  {kind} by rule `{rule}` ({kind_of}): seen {seen}, allowed {limit}\n"
        ));
    }
    if task.decision.is_some() {
        text.push_str(&format!("  for the whole story: weft why {}\n", task.task));
    }
    text
}

/// `deferred: Outside delegation hours`, and the warning below.
pub fn headline(task: &TaskReport) -> String {
    let mut status = paint(of_status(&task.status), &task.status);
    if let Some(with) = &task.with_peer {
        let verb = if with.running {
            "running on"
        } else {
            "offered to"
        };
        status = paint(of_status(&task.status), &format!("{verb} {}", with.name));
        if let Some(n) = with.written.filter(|n| *n > 0) {
            status.push_str(&format!(", {} of output so far", bytes(n)));
        }
    }
    let mut text = match task.reason.as_deref().filter(|r| !r.is_empty()) {
        Some(reason) => format!("{status}: {reason}\n"),
        None => format!("{status}\n"),
    };
    if let Some(warning) = &task.warning {
        text.push_str(&format!("  {} {warning}\n", paint(WARN, "warning:")));
    }
    text
}

fn facts(task: &TaskReport) -> String {
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let shortened = |cid: &Option<String>| cid.as_deref().map(short).unwrap_or_default();
    pairs(&[
        (
            "task",
            format!("{} ({} by {})", task.task, task.name, task.user),
        ),
        ("terms", terms(task)),
        ("peer", or_empty(&task.peer)),
        ("output", or_empty(&task.output)),
        ("summary", or_empty(&task.summary)),
        ("next window", window(task)),
        ("decided again", again(task)),
        (
            "vote",
            task.poll.as_ref().map(|_| vote(task)).unwrap_or_default(),
        ),
        ("decision", shortened(&task.decision)),
        ("receipt", shortened(&task.receipt)),
    ])
}

/// Importance, urgency and class that count, and whether it is private.
pub fn terms(task: &TaskReport) -> String {
    let words = [
        ("importance", &task.importance),
        ("urgency", &task.urgency),
        ("class", &task.sla),
    ];
    let known = words
        .iter()
        .filter_map(|(what, word)| word.as_ref().map(|w| format!("{what} {w}")))
        .chain(task.private.then(|| "private".to_owned()));
    known.collect::<Vec<_>>().join(", ")
}

/// The next window: local time first, then the instant.
fn window(task: &TaskReport) -> String {
    match (&task.next_window_start, &task.next_window_at) {
        (Some(local), Some(at)) => format!("{local} ({at})"),
        (Some(one), None) | (None, Some(one)) => one.clone(),
        (None, None) => String::new(),
    }
}

/// When it is decided again, where the next window does not say it.
fn again(task: &TaskReport) -> String {
    let at = task
        .retry_at
        .clone()
        .filter(|at| task.next_window_at.as_ref() != Some(at));
    at.unwrap_or_default()
}

fn vote(task: &TaskReport) -> String {
    format!("open; to vote: weft vote cast {} CHOICE", word(&task.name))
}

/// Many tasks.
pub fn list(tasks: &[TaskReport]) -> String {
    if tasks.is_empty() {
        return "no tasks\n".into();
    }
    let mut rows = Rows::new(&["TASK", "NAME", "STATUS", "WHY", "NEXT"]);
    for task in tasks {
        let next = task
            .next_window_start
            .clone()
            .or_else(|| task.retry_at.clone());
        rows.push(vec![
            plain(&task.task),
            plain(&task.name),
            styled(of_status(&task.status), &task.status),
            plain(task.reason.as_deref().unwrap_or_default()),
            plain(next.unwrap_or_default()),
        ]);
    }
    rows.text()
}
