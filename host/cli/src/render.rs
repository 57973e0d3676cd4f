//! Text for people, from the same values as `--json`.
//!
//! Text that came from elsewhere is made safe first, in one place, so that no name or description can move a
//! terminal's cursor. Colour is written always and taken out again where the stream is no terminal or NO_COLOR is
//! set. Lines aim at 80 columns. CIDs that a person copies are whole, others are shortened.

mod carbon;
mod content;
mod decision;
mod install;
mod key;
mod model;
mod network;
mod node;
mod peer;
mod project;
mod release;
mod slot;
mod style;
mod table;
mod task;
mod trial;
mod user;
mod vote;
mod watch;
mod why;

pub use model::{embeddings, indexed, page};
pub use network::qr;
pub use node::init;
pub use project::{built, bundle, bundle_check};

use serde_json::{Value, json};
use std::io::{self, Write};
use weft_api::report::FeedEntry;
use weft_api::{ApiError, Response};
use weft_model::text::is_unsafe;

/// What `--json` prints of a response.
///
/// # Errors
/// When it is no JSON, which is a mistake in Weft.
pub fn inner(response: &Response) -> Result<Value, ApiError> {
    if let Response::Done(text) = response {
        return Ok(json!({"done": text}));
    }
    let value = match response {
        Response::Content(content) => serde_json::to_value(content),
        Response::Package(package) => serde_json::to_value(package),
        Response::Network(network) => serde_json::to_value(network),
        Response::Model(model) => serde_json::to_value(model),
        response => serde_json::to_value(response),
    };
    let mut value = value.map_err(|e| internal(&e))?;
    Ok(value.get_mut("value").map_or(Value::Null, Value::take))
}

/// What a person sees of a response.
///
/// # Errors
/// As [`inner`].
pub fn text(response: &Response) -> Result<String, ApiError> {
    Ok(match safe(response)? {
        Response::Done(text) => format!("{text}\n"),
        Response::Status(status) => node::status(&status),
        Response::Doctor(doctor) => node::doctor(&doctor),
        Response::Happened(report) => report.entries.iter().map(watch::line).collect(),
        Response::Release(release) => release::one(&release),
        Response::Releases(releases) => release::list(&releases),
        Response::Slot(slot) => slot::one(&slot),
        Response::Slots(slots) => slot::list(&slots),
        Response::Changes(changes) => slot::changes(&changes),
        Response::Trial(trial) => trial::report(&trial),
        Response::Run(run) => release::run(&run),
        Response::Bench(bench) => release::bench(&bench),
        Response::Task(task) => task::one(&task),
        Response::Tasks(tasks) => task::list(&tasks),
        Response::Why(why) => why::why(&why),
        Response::Decision(decision) => decision::record(&decision),
        Response::Verify(verify) => decision::verify(&verify),
        Response::Poll(poll) => vote::one(&poll),
        Response::Polls(polls) => vote::list(&polls),
        Response::Member(member) => user::members(&[member]),
        Response::Members(members) => user::members(&members),
        Response::Tiers(tiers) => user::tiers(&tiers),
        Response::User(user) => user::one(&user),
        Response::Hours(hours) => user::hours(&hours),
        Response::Rules(rules) => user::rules(&rules),
        Response::RulesCheck(check) => user::rules_check(&check),
        Response::Peer(peer) => peer::list(&[*peer]),
        Response::Peers(peers) => peer::list(&peers),
        Response::Best(best) => peer::best(&best),
        Response::Permits(permits) => peer::permits(&permits),
        Response::Energy(energy) => carbon::energy(&energy),
        Response::Carbon(report) => carbon::report(&report),
        Response::Key(key) => key::one(&key),
        Response::Keys(keys) => key::list(&keys),
        Response::KeyFile(file) => key::file(&file),
        Response::Trust(trust) => key::trust(&trust),
        Response::TrustTest(test) => key::test(&test),
        Response::Backup(backup) => node::backup(&backup),
        Response::Content(content) => content::text(&content),
        Response::Network(network) => network::text(&network),
        Response::Package(package) => install::text(&package),
        Response::Model(model) => model::text(&model),
        Response::Receipt(receipt) => model::receipt(&receipt),
        Response::Tail(tail) => tail.text,
    })
}

/// The response with all text made safe to show.
///
/// # Errors
/// As [`inner`].
pub fn safe(response: &Response) -> Result<Response, ApiError> {
    let mut value = serde_json::to_value(response).map_err(|e| internal(&e))?;
    make_safe(&mut value);
    serde_json::from_value(value).map_err(|e| internal(&e))
}

/// A release with the schema of its config: what `inspect` shows.
///
/// # Errors
/// As [`inner`].
pub fn inspected(response: &Response) -> Result<String, ApiError> {
    match safe(response)? {
        Response::Release(release) => Ok(release::full(&release)),
        other => text(&other),
    }
}

/// A release whose golden vectors were run: what `test` shows.
///
/// # Errors
/// As [`inner`].
pub fn tested(response: &Response) -> Result<String, ApiError> {
    match safe(response)? {
        Response::Release(release) => Ok(release::tested(&release)),
        other => text(&other),
    }
}

/// An error: what and why, then what to do.
pub fn error(error: &ApiError) -> String {
    let bad = style::BAD;
    let mut text = format!("{bad}error{bad:#}: {}\n", safe_lines(&error.message));
    if !error.remedy.is_empty() {
        text.push_str(&format!("  try: {}\n", safe_lines(&error.remedy)));
    }
    text
}

/// Empties the terminal, where there is one.
///
/// # Errors
/// When it can't be written.
pub fn clear() -> Result<(), ApiError> {
    if io::IsTerminal::is_terminal(&io::stdout()) {
        print("\u{1b}[2J\u{1b}[H")?;
    }
    Ok(())
}

/// Something that happened: a line for a person, or an object in one line.
///
/// # Errors
/// As [`inner`].
pub fn happened(entry: &FeedEntry, json: bool) -> Result<String, ApiError> {
    let mut value = serde_json::to_value(entry).map_err(|e| internal(&e))?;
    if json {
        return Ok(format!("{value}\n"));
    }
    make_safe(&mut value);
    let entry = serde_json::from_value(value).map_err(|e| internal(&e))?;
    Ok(watch::line(&entry))
}

/// Writes to stdout, at once. Returns whether somebody still reads.
///
/// # Errors
/// When it can't be written.
pub fn line(text: &str) -> Result<bool, ApiError> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(e) => Err(ApiError::new("io", e.to_string(), "")),
    }
}

/// Writes to stdout. A reader that has seen enough, such as `head`, is no error.
///
/// # Errors
/// When it can't be written.
pub fn print(text: &str) -> Result<(), ApiError> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(ApiError::new(
            "io",
            format!("the answer can't be written: {e}"),
            "",
        )),
        _ => Ok(()),
    }
}

/// Writes to stderr.
///
/// # Errors
/// When it can't be written.
pub fn print_error(text: &str) -> Result<(), ApiError> {
    let mut out = anstream::stderr().lock();
    out.write_all(text.as_bytes())
        .map_err(|e| ApiError::new("io", e.to_string(), ""))
}

/// Replaces what could harm a terminal in every text of a value, keys included.
fn make_safe(value: &mut Value) {
    match value {
        Value::String(text) if text.contains(is_unsafe) => {
            *text = text.replace(is_unsafe, "\u{fffd}")
        }
        Value::Array(items) => items.iter_mut().for_each(make_safe),
        Value::Object(fields) => {
            fields.values_mut().for_each(make_safe);
            if fields.keys().any(|key| key.contains(is_unsafe)) {
                let old = std::mem::take(fields);
                let safe =
                    |(key, value): (String, Value)| (key.replace(is_unsafe, "\u{fffd}"), value);
                *fields = old.into_iter().map(safe).collect();
            }
        }
        _ => {}
    }
}

/// An error's text may have lines: a compiler's output has.
fn safe_lines(text: &str) -> String {
    text.replace(|c: char| is_unsafe(c) && c != '\n' && c != '\t', "\u{fffd}")
}

fn internal(error: &serde_json::Error) -> ApiError {
    ApiError::new(
        "internal",
        format!("internal: the answer can't be shown: {error}"),
        "report this",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_from_elsewhere_reaches_a_terminal_as_it_is() {
        let text = text(&Response::Done("a\u{1b}[2Jb\u{202e}c\nd".into())).expect("text");
        assert_eq!(text, "a\u{fffd}[2Jb\u{fffd}c\u{fffd}d\n");
        let mut value = json!({"a\u{1b}": ["\u{7}", {"b": "c\u{8}"}], "n": 1});
        make_safe(&mut value);
        assert_eq!(
            value,
            json!({"a\u{fffd}": ["\u{fffd}", {"b": "c\u{fffd}"}], "n": 1})
        );
    }

    #[test]
    fn an_error_says_what_to_do_and_keeps_its_lines() {
        let told = error(&ApiError::new("busy", "process 7\nhas it\u{1b}", "wait"));
        let plain = anstream::adapter::strip_str(&told).to_string();
        assert_eq!(plain, "error: process 7\nhas it\u{fffd}\n  try: wait\n");
        let bare = error(&ApiError::new("busy", "no", ""));
        assert_eq!(
            anstream::adapter::strip_str(&bare).to_string(),
            "error: no\n"
        );
    }

    #[test]
    fn json_is_what_is_inside() {
        assert_eq!(
            inner(&Response::Done("ok".into())).expect("JSON"),
            json!({"done": "ok"})
        );
        assert_eq!(inner(&Response::Permits(vec![])).expect("JSON"), json!([]));
    }
}
