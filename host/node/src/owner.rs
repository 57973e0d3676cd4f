//! An owner's rules: preferences, hours, ethical rules, and whether they can ever allow a task.

use crate::clock::rfc3339;
use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::report::{HoursReport, RuleReport, RulesCheckReport, UserReport};
use data_encoding::HEXLOWER;
use jiff::tz::TimeZone;
use weft_model::slots::ethics::{
    EthicsCall, EthicsTask, Known, Level as RuleLevel, Rule as SlotRule,
};
use weft_model::{SlotCall, SlotReply};
use weft_store::owner::preferences::Change;
use weft_store::owner::{Hours, Level, Rule, hours, preferences, rules};

/// Longest text that an owner may give a rule, in bytes.
const TEXT_BYTES: usize = 1_024;

impl Node {
    /// Changes an owner's preferences.
    ///
    /// # Errors
    /// When the zone does not exist or the rest is too long.
    pub fn user_set(
        &self,
        user: &str,
        idle_minutes: Option<u32>,
        timezone: Option<String>,
        critical_any_hour: Option<bool>,
        critical_any_idle: Option<bool>,
    ) -> Result<UserReport> {
        let user = self.user(user)?;
        if let Some(zone) = &timezone
            && !zone.is_empty()
            && TimeZone::get(zone).is_err()
        {
            let zone = weft_model::text::printable(zone, 80);
            return Err(NodeError::invalid(format!("`{zone}` is no time zone"))
                .try_this("use an IANA name such as Europe/Berlin, or an empty text for the system's zone"));
        }
        let change = Change {
            min_idle_minutes: idle_minutes,
            timezone: timezone.map(|zone| (!zone.is_empty()).then_some(zone)),
            critical_any_hour,
            critical_any_idle,
        };
        let now = self.now();
        self.store
            .write(|tx| preferences::set(tx, &user, &change, now))?;
        self.changed();
        self.user_show(&user)
    }

    /// An owner's preferences.
    ///
    /// # Errors
    /// When the row is malformed.
    pub fn user_show(&self, user: &str) -> Result<UserReport> {
        let user = self.user(user)?;
        let row = self.store.read(|tx| preferences::get(tx, &user))?;
        Ok(UserReport {
            user,
            idle_minutes: i64::from(row.min_idle_minutes),
            timezone: row.timezone,
            critical_any_hour: row.critical_any_hour,
            critical_any_idle: row.critical_any_idle,
        })
    }

    /// Adds a window of hours; an end before the start lies on the next day.
    ///
    /// # Errors
    /// When a time is none, or the id is taken.
    pub fn hours_add(
        &self,
        user: &str,
        id: Option<String>,
        day: Option<u8>,
        from: &str,
        until: &str,
        description: Option<String>,
    ) -> Result<Vec<HoursReport>> {
        let user = self.user(user)?;
        if day.is_some_and(|d| d > 6) {
            return Err(NodeError::invalid("a day is 0 (Sunday) to 6 (Saturday)"));
        }
        let start = minute(from, false)?;
        let end = minute(until, true)?;
        if start == end {
            return Err(
                NodeError::invalid(format!("from {from} until {until} is no time at all"))
                    .try_this("the whole day is 00:00 to 24:00"),
            );
        }
        bounded("description", description.as_deref())?;
        let id = self.row_id(id, "hours")?;
        let row = Hours {
            id,
            user_id: user.clone(),
            day,
            start,
            end,
            active: true,
            description,
            created_at: Some(self.now()),
        };
        self.store.write(|tx| hours::add(tx, &row))?;
        self.changed();
        self.hours_list(&user)
    }

    /// An owner's hours.
    ///
    /// # Errors
    /// When a row is malformed.
    pub fn hours_list(&self, user: &str) -> Result<Vec<HoursReport>> {
        let user = self.user(user)?;
        let rows = self.store.read(|tx| hours::list(tx, &user))?.strict()?;
        Ok(rows
            .into_iter()
            .map(|h| HoursReport {
                id: h.id,
                user: h.user_id,
                day: h.day,
                from: clock(h.start),
                until: clock(h.end),
                active: h.active,
                description: h.description,
            })
            .collect())
    }

    /// Removes a window.
    ///
    /// # Errors
    /// When there is none of that id.
    pub fn hours_remove(&self, user: &str, id: &str) -> Result<Vec<HoursReport>> {
        let user = self.user(user)?;
        self.store.write(|tx| hours::remove(tx, &user, id))?;
        self.changed();
        self.hours_list(&user)
    }

    /// Adds an ethical rule, after the plugins in force agreed that they understand it.
    ///
    /// # Errors
    /// When no plugin understands it, or the id is taken.
    pub fn rules_add(
        &self,
        user: &str,
        id: Option<String>,
        kind: &str,
        value: Option<String>,
        level: &str,
        reasoning: Option<String>,
    ) -> Result<Vec<RuleReport>> {
        let user = self.user(user)?;
        let level = match level {
            "strict" => Level::Strict,
            "warn" => Level::Warn,
            other => {
                let other = weft_model::text::printable(other, 40);
                return Err(NodeError::invalid(format!(
                    "`{other}` is no level; known are strict, warn"
                )));
            }
        };
        bounded("value", value.as_deref())?;
        bounded("reasoning", reasoning.as_deref())?;
        let now = self.now();
        let row = Rule {
            id: self.row_id(id, "rule")?,
            user_id: user.clone(),
            kind: kind.to_owned(),
            value: value.unwrap_or_default(),
            level,
            active: true,
            reasoning,
            created_at: Some(now),
            updated_at: Some(now),
        };
        if let Some(why) = self.rules_refused(std::slice::from_ref(&row)) {
            return Err(NodeError::invalid(format!(
                "the rule is not understood: {why}"
            )));
        }
        self.store.write(|tx| rules::add(tx, &row))?;
        self.changed();
        self.rules_list(&user)
    }

    /// An owner's rules.
    ///
    /// # Errors
    /// When a row is malformed.
    pub fn rules_list(&self, user: &str) -> Result<Vec<RuleReport>> {
        let user = self.user(user)?;
        let rows = self.store.read(|tx| rules::list(tx, &user))?.strict()?;
        Ok(rows
            .into_iter()
            .map(|r| RuleReport {
                id: r.id,
                user: r.user_id,
                kind: r.kind,
                value: r.value,
                level: r.level.as_str().into(),
                active: r.active,
                reasoning: r.reasoning,
            })
            .collect())
    }

    /// Removes a rule.
    ///
    /// # Errors
    /// When there is none of that id.
    pub fn rules_remove(&self, user: &str, id: &str) -> Result<Vec<RuleReport>> {
        let user = self.user(user)?;
        self.store.write(|tx| rules::remove(tx, &user, id))?;
        self.changed();
        self.rules_list(&user)
    }

    /// Why the ethics plugins do not understand these rules; none when they do.
    pub(crate) fn rules_refused(&self, rows: &[Rule]) -> Option<String> {
        self.judge(rows, &[probe("probe")]).err()
    }

    /// Hard violations of each task by these rules, over all ethics plugins in force.
    fn judge(&self, rows: &[Rule], tasks: &[EthicsTask]) -> Result<Vec<bool>, String> {
        let call = SlotCall::Ethics(EthicsCall {
            rules: rows
                .iter()
                .map(|r| SlotRule {
                    id: r.id.clone(),
                    kind: r.kind.clone(),
                    value: r.value.clone(),
                    level: match r.level {
                        Level::Warn => RuleLevel::Warn,
                        Level::Strict => RuleLevel::Strict,
                    },
                })
                .collect(),
            tasks: tasks.to_vec(),
        });
        let table = self.slots.table();
        let answers = self.ask(&table, self.now(), &call, &mut Vec::new());
        self.count_faults().map_err(|e| e.to_string())?;
        let mut blocked = vec![false; tasks.len()];
        for answer in answers {
            match answer.outcome {
                Ok(SlotReply::Ethics(rows)) => {
                    for (blocked, violations) in blocked.iter_mut().zip(rows) {
                        *blocked |= violations.iter().any(|v| v.hard);
                    }
                }
                Ok(_) => return Err("an answer of another slot".into()),
                Err(failed) => return Err(failed.why),
            }
        }
        Ok(blocked)
    }

    /// A static check: can these rules together ever allow a task, and when next?
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn rules_check(&self, user: &str) -> Result<RulesCheckReport> {
        let user = self.user(user)?;
        let now = self.now();
        let (resolved, rows) = self.store.read(|tx| -> Result<_> {
            Ok((
                self.owner_rules(tx, &user, now)?,
                rules::in_force(tx, &user)?,
            ))
        })?;
        let resolved = match resolved {
            Ok(resolved) => resolved,
            Err(malformed) => {
                return Ok(RulesCheckReport {
                    user,
                    possible: false,
                    findings: vec![format!("closed: {malformed}")],
                    next_window_at: None,
                });
            }
        };
        let mut findings = Vec::new();
        let mut possible = true;
        let next = if resolved.hours_set {
            let next = resolved
                .windows
                .iter()
                .find(|w| w.until > now)
                .map(|w| w.from.max(now));
            if next.is_none() {
                possible = false;
                findings.push("hours: no window opens within the next nine days".into());
            }
            next
        } else {
            findings.push("hours: none set, any time is fine".into());
            Some(now)
        };
        let rows = rows.rows;
        let names = candidate_names(&rows);
        let probes: Vec<EthicsTask> = names.iter().map(|name| probe(name)).collect();
        match self.judge(&rows, &probes) {
            Err(why) => {
                possible = false;
                findings.push(format!("ethics: closed, a rule is not understood: {why}"));
            }
            Ok(blocked) => {
                let allowed: Vec<&str> = names
                    .iter()
                    .zip(&blocked)
                    .filter(|(_, blocked)| !**blocked)
                    .map(|(name, _)| name.as_str())
                    .collect();
                if allowed.is_empty() {
                    possible = false;
                    let ids: Vec<&str> = rows.iter().map(|r| r.id.as_str()).collect();
                    findings.push(format!(
                        "ethics: the rules {} together forbid every task, even a small one of 1 W under each \
                         name that they allow",
                        ids.join(", ")
                    ));
                } else if rows.iter().any(|r| r.kind == "task_type_whitelist") {
                    findings.push(format!("ethics: allowed by name: {}", allowed.join(", ")));
                } else {
                    findings.push(format!(
                        "ethics: {} rules in force, a small task passes",
                        rows.len()
                    ));
                }
            }
        }
        Ok(RulesCheckReport {
            user,
            possible,
            findings,
            next_window_at: next.filter(|_| possible).map(rfc3339),
        })
    }

    /// An id given by a person, or one of the system's.
    fn row_id(&self, given: Option<String>, prefix: &str) -> Result<String> {
        match given {
            Some(id) => {
                bounded("id", Some(&id))?;
                if id.trim().is_empty() {
                    return Err(NodeError::invalid("an id can't be empty"));
                }
                Ok(id)
            }
            None => {
                let mut bytes = [0; 4];
                getrandom::fill(&mut bytes).map_err(NodeError::internal)?;
                Ok(format!("{prefix}-{}", HEXLOWER.encode(&bytes)))
            }
        }
    }
}

/// A small task: what passes no other does.
fn probe(name: &str) -> EthicsTask {
    EthicsTask {
        name: name.to_owned(),
        tags: Vec::new(),
        watts: 1.0,
        watts_known: Known::Measured,
        duration: 1_000,
        memory_mb: 1,
    }
}

/// Names that a rule could allow: those that whitelists list, and one that no rule speaks of.
fn candidate_names(rows: &[Rule]) -> Vec<String> {
    let listed: Vec<String> = rows
        .iter()
        .filter(|r| r.kind.contains("whitelist"))
        .flat_map(|r| r.value.split(',').map(|n| n.trim().to_owned()))
        .filter(|n| !n.is_empty())
        .collect();
    if listed.is_empty() {
        vec!["zzqx".into(), "hello".into()]
    } else {
        listed
    }
}

fn bounded(field: &str, text: Option<&str>) -> Result<()> {
    match text {
        Some(t) if t.len() > TEXT_BYTES => Err(NodeError::invalid(format!(
            "{field} has {} bytes, at most {TEXT_BYTES} are allowed",
            t.len()
        ))),
        _ => Ok(()),
    }
}

/// `HH:MM` as a minute of the day; `24:00` only where a window ends.
fn minute(text: &str, is_end: bool) -> Result<u16> {
    let bad = || {
        NodeError::invalid(format!(
            "`{}` is no time; write HH:MM",
            weft_model::text::printable(text, 20)
        ))
    };
    let (hour, minute) = text.split_once(':').ok_or_else(bad)?;
    let hour: u16 = hour.parse().map_err(|_| bad())?;
    let minute: u16 = minute.parse().map_err(|_| bad())?;
    match (hour, minute) {
        (0..=23, 0..=59) => Ok(hour * 60 + minute),
        (24, 0) if is_end => Ok(hours::DAY_MINUTES),
        _ => Err(bad()),
    }
}

fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}
