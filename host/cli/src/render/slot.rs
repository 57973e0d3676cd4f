//! Slots: what serves them, and what did.

use super::style::{DIM, HEAD, count, paint, short};
use super::table::{Rows, plain, styled};
use weft_api::report::{ChangeReport, SlotPlugin, SlotReport};

/// What serves a slot, and the constitution that says so.
pub fn one(slot: &SlotReport) -> String {
    served(slot) + &constitution(slot)
}

/// What serves each.
pub fn list(slots: &[SlotReport]) -> String {
    let mut text: String = slots.iter().map(served).collect();
    if let Some(slot) = slots.last() {
        text.push_str(&constitution(slot));
    }
    text
}

fn served(slot: &SlotReport) -> String {
    let mut text = format!("{}\n", paint(HEAD, &slot.slot));
    if slot.plugins.is_empty() {
        text.push_str("  nothing serves it\n");
    }
    for plugin in &slot.plugins {
        text.push_str(&serving(plugin));
    }
    text
}

fn constitution(slot: &SlotReport) -> String {
    let cid = slot.constitution.as_deref().map(short);
    cid.map_or_else(String::new, |cid| format!("constitution {cid}\n"))
}

fn serving(plugin: &SlotPlugin) -> String {
    let SlotPlugin {
        cid,
        name,
        version,
        mode,
        config,
        since,
    } = plugin;
    let mut text = format!(
        "  {name} {version}  {mode} since {since}\n    {}\n",
        paint(DIM, cid)
    );
    if config.as_object().is_some_and(|fields| !fields.is_empty()) {
        text.push_str(&format!("    config {config}\n"));
    }
    text
}

/// The history of a slot or a binding.
pub fn changes(changes: &[ChangeReport]) -> String {
    if changes.is_empty() {
        return "no changes\n".into();
    }
    let mut rows = Rows::new(&["WHEN", "HOW", "IN FORCE", "RELEASE", "WHY"]);
    for change in changes {
        let releases: Vec<String> = change.releases.iter().map(|cid| short(cid)).collect();
        rows.push(vec![
            plain(&change.at),
            plain(&change.action),
            plain(if change.names.is_empty() {
                "nothing".to_owned()
            } else {
                change.names.join("\n")
            }),
            styled(DIM, releases.join("\n")),
            plain(change.reason.as_deref().unwrap_or_default()),
        ]);
    }
    let mut text = rows.text();
    text.push_str(&paint(
        DIM,
        &format!(
            "{}; --json has the CIDs whole\n",
            count(changes.len(), "change")
        ),
    ));
    text
}
