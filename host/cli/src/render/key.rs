//! Keys, and whom a home trusts.

use super::style::{BAD, DIM, GOOD, HEAD, count, paint};
use super::table::pairs;
use weft_api::key_report::{
    KeyFileReport, KeyReport, TrustKeyReport, TrustReport, TrustRuleReport, TrustTestReport,
};

/// Keys: two lines each, since a DID is there to be copied.
pub fn list(keys: &[KeyReport]) -> String {
    keys.iter().map(line).collect()
}

fn line(key: &KeyReport) -> String {
    let name = if key.name.is_empty() {
        "another's key"
    } else {
        &key.name
    };
    let sealed = if key.encrypted { ", encrypted" } else { "" };
    let style = if key.state == "in use" { GOOD } else { BAD };
    let (name, state) = (paint(HEAD, name), paint(style, &key.state));
    let mut text = format!("{name}  {}{sealed}, {state}\n", key.purpose);
    if let (Some(did), Some(fingerprint)) = (&key.did, &key.fingerprint) {
        text.push_str(&format!("  {}  {fingerprint}\n", paint(DIM, did)));
    }
    if key.state == "unreadable" {
        text.push_str(&format!(
            "  {}\n",
            key.reason.as_deref().unwrap_or_default()
        ));
    }
    text
}

/// One key.
pub fn one(key: &KeyReport) -> String {
    let mut text = line(key);
    let mut rows = Vec::new();
    if let Some(new) = &key.replaced_by {
        rows.push(("replaced by", new.clone()));
    }
    if let Some(at) = &key.ended_at {
        rows.push(("known here since", at.clone()));
    }
    if let Some(reason) = key.reason.as_ref().filter(|_| key.state != "unreadable") {
        rows.push(("reason", reason.clone()));
    }
    if key.statement && !key.name.is_empty() {
        let part = if key.state == "revoked" {
            "revocation"
        } else {
            "rotation"
        };
        let command = format!("weft key export {} --{part} -o FILE", key.name);
        rows.push(("tell others", command));
    }
    if !rows.is_empty() {
        text.push_str(&pairs(&rows));
    }
    text
}

/// A file that was written.
pub fn file(file: &KeyFileReport) -> String {
    format!("{} of `{}` written to {}\n", file.what, file.key, file.path)
}

/// The rules of trust.toml.
pub fn trust(trust: &TrustReport) -> String {
    let mut text = format!("{}\n", paint(HEAD, &trust.path));
    let bundled = count(trust.bundled as usize, "release");
    text.push_str(&format!(
        "  without a rule: {bundled} that came with Weft, and what the owner signed\n  {}\n",
        paint(DIM, &trust.owner)
    ));
    if trust.rules.is_empty() {
        text.push_str("no rules: nobody else is trusted\n");
    }
    text + &trust.rules.iter().map(rule).collect::<String>()
}

fn rule(rule: &TrustRuleReport) -> String {
    let (names, targets) = (rule.names.join(", "), rule.targets.join(", "));
    let number = paint(HEAD, &rule.place.to_string());
    let mut text = format!("{number}  {names} for {targets}");
    if let Some(comment) = &rule.comment {
        text.push_str(&format!(": {comment}"));
    }
    text.push('\n');
    for (what, keys) in [
        ("all of".to_owned(), &rule.all_of),
        (format!("{} of", rule.minimum), &rule.any_of),
        ("not waiting on".to_owned(), &rule.security),
    ] {
        if !keys.is_empty() {
            text.push_str(&format!("  {what}\n"));
            text.extend(keys.iter().map(listed));
        }
    }
    text
}

fn listed(key: &TrustKeyReport) -> String {
    let comment = key.comment.as_deref().map(|c| format!("  {c}"));
    let (role, print) = (&key.role, &key.fingerprint);
    let did = paint(DIM, &key.key);
    format!("    {role} {did}  {print}{}\n", comment.unwrap_or_default())
}

/// Whether a release is trusted.
pub fn test(test: &TrustTestReport) -> String {
    let verdict = if test.trusted {
        paint(GOOD, "trusted")
    } else {
        paint(BAD, "not trusted")
    };
    let mut text = format!("{}  {verdict}: {}\n", paint(HEAD, &test.name), test.because);
    text.push_str(&format!("  release {}\n", test.release));
    text.push_str(&format!(
        "  by {}  {}\n",
        paint(DIM, &test.publisher),
        test.fingerprint
    ));
    if let Some(key) = &test.security {
        text.push_str(&format!("  closes a hole, says {key}: it need not wait\n"));
    }
    if !test.trusted && test.lacks.is_empty() {
        text.push_str("  no rule of trust.toml is for this name and target\n");
    }
    for line in test.lacks.iter().chain(&test.warnings) {
        text.push_str(&format!("  {line}\n"));
    }
    text
}
