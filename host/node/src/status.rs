//! The node at a glance, and what is wrong with it.

use crate::clock::rfc3339;
use crate::error::Result;
use crate::keys;
use crate::node::Node;
use crate::report::{CheckReport, DoctorReport, StatusReport};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use weft_model::task::Status;
use weft_store::{events, owner, polls, releases, tasks};

impl Node {
    /// The node at a glance.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn status(&self) -> Result<StatusReport> {
        let slots = self.slot_list()?;
        let energy = self.energy_show()?;
        self.store.read(|tx| {
            let mut by_status = BTreeMap::new();
            for status in Status::ALL {
                by_status.insert(status.word().to_owned(), tasks::count(tx, status.word())?);
            }
            let open = polls::list(tx, Some(polls::OPEN), weft_store::limits::LIST_ROWS_MAX)?;
            Ok(StatusReport {
                home: self.home.root().display().to_string(),
                daemon: false,
                device: keys::did(&self.device_key).to_string(),
                owner: self.owner.clone(),
                constitution: self.slots.table().constitution.map(|c| c.to_string()),
                slots,
                tasks: by_status,
                open_polls: open.rows.len() as u64,
                energy,
                settings: self.settings.report(),
                log_events: events::len(tx)?,
            })
        })
    }

    /// Looks for what is wrong, and says what to do about it.
    ///
    /// # Errors
    /// When the database can't be read at all.
    pub fn doctor(&self) -> Result<DoctorReport> {
        let mut checks = Vec::new();
        let damage = self.store.integrity()?;
        checks.push(check(
            "database",
            damage.is_empty(),
            if damage.is_empty() {
                "sound".into()
            } else {
                damage.join("; ")
            },
            "stop the node and restore a backup with `weft restore`",
        ));
        let malformed = self.store.read(owner::malformed)?;
        checks.push(check(
            "tables",
            malformed.is_empty(),
            match &malformed[..] {
                [] => "every row can be read".into(),
                rows => rows
                    .iter()
                    .map(ToString::to_string)
                    .collect::<Vec<_>>()
                    .join("; "),
            },
            "correct or delete these rows; until then their owners' rules are closed, and peers and votes are left out",
        ));
        checks.push(self.check_rules()?);
        checks.push(self.check_zones()?);
        checks.push(self.check_content()?);
        checks.push(self.check_keys());
        let quarantined = self.store.read(releases::quarantines)?;
        let out: Vec<String> = quarantined
            .iter()
            .filter(|q| q.lifted_at.is_none())
            .map(|q| format!("{} since {}: {}", q.release_cid, rfc3339(q.at), q.reason))
            .collect();
        checks.push(check(
            "plugins",
            out.is_empty(),
            if out.is_empty() {
                "none is quarantined".into()
            } else {
                out.join("; ")
            },
            "use another version with `weft plugin use`",
        ));
        let table = self.slots.table();
        let empty: Vec<&str> = weft_model::Slot::ALL
            .into_iter()
            .filter(|s| !table.active.contains_key(s))
            .map(weft_model::Slot::name)
            .collect();
        checks.push(check(
            "slots",
            empty.is_empty(),
            if empty.is_empty() {
                "each is served".into()
            } else {
                format!("nothing serves {}", empty.join(", "))
            },
            "put a plugin there with `weft plugin use SLOT CID`",
        ));
        checks.push(self.check_energy());
        checks.extend(self.check_surroundings()?);
        Ok(DoctorReport {
            ok: checks.iter().all(|c| c.result != "broken"),
            checks,
        })
    }

    /// Rules that a person wrote by hand and that no plugin in force understands: a decision is closed by them, too.
    fn check_rules(&self) -> Result<CheckReport> {
        let rules = self.store.read(owner::rules::all)?.rows;
        let bad: Vec<String> = rules
            .iter()
            .filter(|rule| rule.active)
            .filter_map(|rule| {
                let why = self.rules_refused(std::slice::from_ref(rule))?;
                Some(format!(
                    "`ethical_rules` row `{}/{}`: `rule_type` or `rule_value`: {why}",
                    rule.user_id, rule.id
                ))
            })
            .collect();
        Ok(check(
            "rules",
            bad.is_empty(),
            match bad.is_empty() {
                true => "each is understood".into(),
                false => bad.join("; "),
            },
            "correct or remove them: weft user rules remove --user USER ID; until then their owners' rules are closed",
        ))
    }

    fn check_energy(&self) -> CheckReport {
        let (known, what) = match self.energy_show() {
            Ok(energy) => match energy.problem {
                Some(problem) => (false, format!("its source fails: {problem}")),
                None if energy.known == "unknown" => (
                    false,
                    "unknown: prefer-clean and clean-only tasks will wait".to_owned(),
                ),
                None => (true, "known".to_owned()),
            },
            Err(e) => (false, e.message),
        };
        let remedy = "weft energy set --type solar --percent 95, or mend `energy_source`";
        warning("energy", known, what, remedy)
    }

    fn check_zones(&self) -> Result<CheckReport> {
        let users = self.store.read(owner::preferences::all)?.rows;
        let bad: Vec<String> = users
            .into_iter()
            .filter_map(|(user, p)| {
                let zone = p.timezone.as_deref()?;
                TimeZone::get(zone)
                    .is_err()
                    .then(|| p.unknown_zone(&user).to_string())
            })
            .collect();
        Ok(check(
            "time zones",
            bad.is_empty(),
            if bad.is_empty() {
                "all exist".into()
            } else {
                bad.join("; ")
            },
            "weft user set --user USER --timezone Europe/Berlin",
        ))
    }

    /// What was found damaged, and files that are gone or of another size; nothing is rehashed here.
    fn check_content(&self) -> Result<CheckReport> {
        let mut bad = Vec::new();
        for stat in self.content.list()? {
            if !self.content.has(&stat.cid.parse()?)? {
                bad.push(stat.cid);
            }
        }
        Ok(check(
            "content",
            bad.is_empty(),
            if bad.is_empty() {
                "every file is there".into()
            } else {
                format!("damaged or missing: {}", bad.join(", "))
            },
            "look at it with `weft content verify CID`; add it again from its file",
        ))
    }

    fn check_keys(&self) -> CheckReport {
        let open: Vec<String> = std::fs::read_dir(self.home.keys())
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let mode = std::fs::metadata(&path).ok()?.permissions().mode() & 0o077;
                (mode != 0).then(|| path.display().to_string())
            })
            .collect();
        check(
            "keys",
            open.is_empty(),
            if open.is_empty() {
                "readable by their owner alone".into()
            } else {
                open.join(", ")
            },
            "chmod 600 these files",
        )
    }
}

/// A check; what fails it is broken.
pub(crate) fn check(what: &str, fine: bool, found: String, remedy: &str) -> CheckReport {
    report(what, fine, "broken", found, remedy)
}

/// A check; what fails it should be looked at.
pub(crate) fn warning(what: &str, fine: bool, found: String, remedy: &str) -> CheckReport {
    report(what, fine, "warning", found, remedy)
}

fn report(what: &str, fine: bool, otherwise: &str, found: String, remedy: &str) -> CheckReport {
    CheckReport {
        check: what.into(),
        result: if fine { "ok" } else { otherwise }.into(),
        found,
        remedy: if fine { String::new() } else { remedy.into() },
    }
}
