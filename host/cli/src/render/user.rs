//! Members, tiers, and an owner's rules.

use super::style::{BAD, DIM, GOOD, HEAD, number, paint};
use super::table::{Rows, pairs, plain, styled};
use crate::parse::day_name;
use weft_api::report::{
    HoursReport, MemberReport, RuleReport, RulesCheckReport, TierReport, UserReport,
};

/// Members: two lines each, since a key is there to be copied.
pub fn members(members: &[MemberReport]) -> String {
    let line = |m: &MemberReport| {
        let own = if m.is_self { ", this home's owner" } else { "" };
        let did = m.did.as_deref().unwrap_or("no key: known here only");
        let (user, role, since) = (paint(HEAD, &m.user), &m.role, &m.joined_at);
        let mut text = format!(
            "{user}  {role}{own}, since {since}\n  {}\n",
            paint(DIM, did)
        );
        if let Some(key) = &m.key {
            text.push_str(&format!("  speaks by {}\n", paint(DIM, key)));
        }
        for key in &m.asked {
            text.push_str(&format!("  asks to speak by {}\n", paint(DIM, key)));
        }
        text
    };
    if members.is_empty() {
        "no members\n".into()
    } else {
        members.iter().map(line).collect()
    }
}

/// Tiers, and what they rest on.
pub fn tiers(tiers: &[TierReport]) -> String {
    let mut rows = Rows::new(&[
        "MEMBER",
        "TIER",
        ">TODAY",
        ">TASKS",
        ">VOTES",
        ">DONATED",
        "COUNTS ANEW",
    ]);
    for tier in tiers {
        rows.push(vec![
            plain(&tier.user),
            plain(&tier.tier),
            plain(tier.used_today),
            plain(tier.tasks),
            plain(tier.votes),
            plain(number(tier.donations, 2)),
            plain(&tier.resets_at),
        ]);
    }
    rows.text()
}

/// An owner's settings.
pub fn one(user: &UserReport) -> String {
    let yes_no = |flag: bool| if flag { "yes" } else { "no" }.to_owned();
    format!("{}\n", paint(HEAD, &user.user))
        + &pairs(&[
            ("rest between tasks", format!("{} min", user.idle_minutes)),
            (
                "zone",
                user.timezone
                    .clone()
                    .unwrap_or_else(|| "the system's".into()),
            ),
            (
                "critical tasks pass the hours",
                yes_no(user.critical_any_hour),
            ),
            (
                "critical tasks pass the rest",
                yes_no(user.critical_any_idle),
            ),
        ])
}

/// An owner's hours.
pub fn hours(hours: &[HoursReport]) -> String {
    if hours.is_empty() {
        return "no hours set: tasks may run at any time\n".into();
    }
    let mut rows = Rows::new(&["ID", "DAY", "FROM", "UNTIL", "COUNTS", "FOR"]);
    for window in hours {
        rows.push(vec![
            plain(&window.id),
            plain(window.day.map_or("every", day_name)),
            plain(&window.from),
            plain(&window.until),
            plain(if window.active { "yes" } else { "no" }),
            plain(window.description.as_deref().unwrap_or_default()),
        ]);
    }
    rows.text()
}

/// An owner's ethical rules.
pub fn rules(rules: &[RuleReport]) -> String {
    if rules.is_empty() {
        return "no rules\n".into();
    }
    let mut rows = Rows::new(&["ID", "TYPE", "VALUE", "LEVEL", "COUNTS", "WHY"]);
    for rule in rules {
        rows.push(vec![
            plain(&rule.id),
            plain(&rule.kind),
            plain(&rule.value),
            plain(&rule.level),
            plain(if rule.active { "yes" } else { "no" }),
            styled(DIM, rule.reasoning.as_deref().unwrap_or_default()),
        ]);
    }
    rows.text()
}

/// Whether the rules can ever allow a task.
pub fn rules_check(check: &RulesCheckReport) -> String {
    let mut text = if check.possible {
        format!(
            "{}: the rules of {} can allow a task\n",
            paint(GOOD, "ok"),
            check.user
        )
    } else {
        format!(
            "{}: the rules of {} allow no task, ever\n",
            paint(BAD, "broken"),
            check.user
        )
    };
    for finding in &check.findings {
        text.push_str(&format!("  {finding}\n"));
    }
    if let Some(at) = &check.next_window_at {
        text.push_str(&format!("  next allowed moment {at}\n"));
    }
    text
}
