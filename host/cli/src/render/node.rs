//! The node at a glance, its health, its home.

use super::style::{BAD, DIM, GOOD, HEAD, bytes, known, of_status, paint};
use super::table::{Rows, heading, pairs, plain, styled};
use serde_json::Value;
use weft_api::report::{BackupReport, DoctorReport, InitReport, StatusReport};

/// A new home.
pub fn init(init: &InitReport) -> String {
    let made = if init.created {
        "made"
    } else {
        "already there:"
    };
    let mut text = format!("{made} {}\n", paint(HEAD, &init.home));
    text.push_str(&pairs(&[
        ("owner", init.owner.clone()),
        ("device", init.device.clone()),
        ("plugins", format!("{} in service", init.plugins)),
        ("constitution", init.constitution.clone()),
    ]));
    if init.created {
        text.push_str("next:\n  weft energy set --type solar --percent 95\n  weft task submit --name log-digest --input FILE --wait\n",
        );
    }
    text
}

/// The node at a glance.
pub fn status(status: &StatusReport) -> String {
    let daemon = if status.daemon {
        "a daemon serves it"
    } else {
        "no daemon: deferred tasks wait for `weft start`"
    };
    let tasks: Vec<String> = status
        .tasks
        .iter()
        .filter(|(_, n)| **n > 0)
        .map(|(word, n)| format!("{n} {word}"))
        .collect();
    let energy = &status.energy;
    let mut text = format!("{}\n", paint(HEAD, &status.home));
    text.push_str(&pairs(&[
        ("now", daemon.into()),
        ("owner", status.owner.clone()),
        ("device", status.device.clone()),
        (
            "constitution",
            status.constitution.clone().unwrap_or_default(),
        ),
        (
            "tasks",
            if tasks.is_empty() {
                "none yet".into()
            } else {
                tasks.join(", ")
            },
        ),
        ("open votes", status.open_polls.to_string()),
        (
            "energy",
            format!(
                "{}, {} % clean, {} g/kWh ({})",
                energy.kind,
                known(energy.percent_clean, 1),
                known(energy.grid_g_per_kwh, 0),
                energy.known
            ),
        ),
        ("log", format!("{} events", status.log_events)),
    ]));
    text.push_str(&heading("Slots"));
    let mut rows = Rows::new(&["SLOT", "SERVED BY", "MODE"]);
    for slot in &status.slots {
        let names: Vec<String> = slot
            .plugins
            .iter()
            .map(|p| format!("{} {}", p.name, p.version))
            .collect();
        let modes: Vec<&str> = slot.plugins.iter().map(|p| p.mode.as_str()).collect();
        let names = if names.is_empty() {
            "nothing".to_owned()
        } else {
            names.join("\n")
        };
        rows.push(vec![
            plain(&slot.slot),
            plain(names),
            styled(DIM, modes.join("\n")),
        ]);
    }
    text.push_str(&rows.text());
    text.push_str(&heading("Settings"));
    let mut rows = Rows::new(&["SETTING", "VALUE", "FROM"]);
    for setting in &status.settings {
        rows.push(vec![
            plain(&setting.key),
            plain(value(&setting.value)),
            styled(DIM, &setting.source),
        ]);
    }
    text.push_str(&rows.text());
    text
}

/// A setting's value, without quotes.
fn value(value: &Value) -> String {
    match value {
        Value::Null => "not set".into(),
        Value::String(text) if text.is_empty() => "not set".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What doctor found.
pub fn doctor(doctor: &DoctorReport) -> String {
    let mut text = String::new();
    for check in &doctor.checks {
        let result = paint(of_status(&check.result), &format!("{:7}", check.result));
        text.push_str(&format!("{result}  {}: {}\n", check.check, check.found));
        if !check.remedy.is_empty() {
            text.push_str(&format!("         try: {}\n", check.remedy));
        }
    }
    let end = if doctor.ok {
        paint(GOOD, "nothing is broken")
    } else {
        paint(BAD, "something is broken")
    };
    format!("{text}{end}\n")
}

/// A backup or a restore.
pub fn backup(backup: &BackupReport) -> String {
    format!(
        "wrote {} ({})\n",
        paint(HEAD, &backup.path),
        bytes(backup.bytes)
    ) + &pairs(&[("holds", backup.contains.join(", "))])
}
