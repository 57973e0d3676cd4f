//! Pins, what is out of date, going back, `weft sync`, and the quarantine.

use super::Wanted;
use super::source::Source;
use super::target::{LockFile, Target};
use crate::clock::rfc3339;
use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::report::{
    ChangeReport, InstallReport, OutdatedLine, OutdatedReport, PinReport, QuarantineReport,
};
use std::path::Path;
use weft_release::{Head, statement};
use weft_store::bound::{BindingChange, SKILLS};
use weft_store::slots::Change;
use weft_store::{installs, publishers, releases};

/// Rows of history that are shown.
const HISTORY_ROWS: u32 = 100;
/// What nothing was heard of for that long is called stale, in milliseconds: 7 days.
const STALE_MS: i64 = 7 * 24 * 3_600_000;

impl Node {
    /// Puts a release that is in this home into a target and keeps it there: no update changes it by itself.
    ///
    /// # Errors
    /// When the release can't serve the target, or is out of service.
    pub fn pin(&self, target: &str, reference: &str) -> Result<PinReport> {
        let (cid, release) = self.store.read(|tx| self.find_release(tx, reference))?;
        let kind = release
            .kind()
            .map_err(|e| NodeError::refused(e.to_string()))?;
        let target = Target::of_kind(target, kind)?;
        let serving = self.store.read(|tx| target.serving(tx))?;
        if !serving.contains(&cid) {
            let done = self.install(&Wanted {
                reference: cid.to_string(),
                target: Some(target.to_string()),
                // Whoever names a target and a release at the keyboard has agreed to it, and may go back.
                consent: true,
                going_back: true,
                ..Wanted::default()
            })?;
            if done.state != "done" {
                return Err(NodeError::refused(done.reason.unwrap_or_default()));
            }
        }
        let now = self.now();
        self.store.write(|tx| -> Result<()> {
            installs::pin(
                tx,
                &installs::Pin {
                    target: target.to_string(),
                    release_cid: cid.to_string(),
                    by: self.owner.clone(),
                    at: now,
                },
            )?;
            self.feed(
                tx,
                "release.pinned",
                Some(&target.to_string()),
                &format!("{target} stays at `{}` {}", release.name, release.version),
            )
        })?;
        self.write_lock();
        self.pins()?
            .into_iter()
            .find(|p| p.target == target.to_string())
            .ok_or_else(|| NodeError::internal("the pin is not there"))
    }

    /// Lets a target follow its publisher again.
    ///
    /// # Errors
    /// When it is not pinned.
    pub fn unpin(&self, target: &str) -> Result<Vec<PinReport>> {
        let key = self.store.read(|tx| Target::find(tx, target))?.to_string();
        if !self.store.write(|tx| installs::unpin(tx, &key))? {
            return Err(
                NodeError::not_found(format!("`{key}` is not pinned")).try_this("weft pin --list")
            );
        }
        self.write_lock();
        self.pins()
    }

    /// All pins.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn pins(&self) -> Result<Vec<PinReport>> {
        self.store.read(|tx| {
            Ok(installs::pins(tx)?
                .into_iter()
                .map(|pin| PinReport {
                    name: self.name_of(tx, &pin.release_cid),
                    target: pin.target,
                    release: pin.release_cid,
                    by: pin.by,
                    at: rfc3339(pin.at),
                })
                .collect())
        })
    }

    /// Goes back to what served a target before its last change. A pin moves along.
    ///
    /// # Errors
    /// When there was nothing before.
    pub fn target_rollback(&self, target: &str) -> Result<Vec<ChangeReport>> {
        let found = self.store.read(|tx| Target::find(tx, target))?;
        match &found {
            Target::Slot(slot) => {
                self.slot_rollback(slot.name())?;
            }
            Target::Workload(name) => {
                self.workload_rollback(name)?;
            }
            Target::Skill(name) => {
                let change = Change {
                    action: "rollback".into(),
                    actor: Some(self.owner.clone()),
                    reason: None,
                    at: self.now(),
                };
                self.store.write(|tx| SKILLS.rollback(tx, name, &change))?;
            }
        }
        let key = found.to_string();
        self.store.write(|tx| -> Result<()> {
            let pinned = installs::pins(tx)?.into_iter().find(|p| p.target == key);
            if let (Some(mut pin), [now]) = (pinned, found.serving(tx)?.as_slice()) {
                pin.release_cid = now.to_string();
                installs::pin(tx, &pin)?;
            }
            Ok(())
        })?;
        self.write_lock();
        self.target_history(&key)
    }

    /// What served a target, newest first.
    ///
    /// # Errors
    /// When there is no such target.
    pub fn target_history(&self, target: &str) -> Result<Vec<ChangeReport>> {
        match self.store.read(|tx| Target::find(tx, target))? {
            Target::Slot(slot) => self.slot_history(slot.name()),
            Target::Workload(name) => self.workload_history(&name),
            Target::Skill(name) => self.store.read(|tx| {
                let report = |c: BindingChange| {
                    let releases: Vec<String> = c.release_cid.into_iter().collect();
                    ChangeReport {
                        at: rfc3339(c.at),
                        action: c.action,
                        names: releases.iter().map(|cid| self.name_of(tx, cid)).collect(),
                        releases,
                        reason: c.reason,
                    }
                };
                let changes = SKILLS.history(tx, &name, HISTORY_ROWS)?;
                Ok(changes.into_iter().map(report).collect())
            }),
        }
    }

    /// Releases that are out of service.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn quarantine_list(&self) -> Result<Vec<QuarantineReport>> {
        self.store.read(|tx| {
            Ok(releases::quarantines(tx)?
                .into_iter()
                .filter(|q| q.lifted_at.is_none())
                .map(|q| QuarantineReport {
                    name: self.name_of(tx, &q.release_cid),
                    release: q.release_cid,
                    reason: q.reason,
                    at: rfc3339(q.at),
                })
                .collect())
        })
    }

    /// Lets a release serve again. What served it before is not put back by that.
    ///
    /// # Errors
    /// When it is not out of service.
    pub fn quarantine_lift(&self, reference: &str) -> Result<Vec<QuarantineReport>> {
        let (cid, release) = self.store.read(|tx| self.find_release(tx, reference))?;
        let now = self.now();
        self.store.write(|tx| -> Result<()> {
            if releases::quarantined(tx, &cid.to_string())?.is_none() {
                return Err(NodeError::not_found(format!(
                    "`{}` is not out of service",
                    release.name
                ))
                .try_this("weft quarantine list"));
            }
            releases::lift(tx, &cid.to_string(), &self.owner, now)?;
            releases::forget_faults(tx, &cid.to_string())?;
            self.feed(
                tx,
                "release.lifted",
                Some(&cid.to_string()),
                &format!("{} let `{}` serve again", self.owner, release.name),
            )
        })?;
        self.reload_slots()?;
        self.changed();
        self.quarantine_list()
    }

    /// What serves, beside the newest that is known of it; a source is asked first where one is given.
    ///
    /// # Errors
    /// When the source can't be read. What is wrong in it is part of the answer.
    pub fn outdated(&self, from: Option<&str>) -> Result<OutdatedReport> {
        let warnings = match from {
            Some(from) => self.take_heads(&Source::at(from)?)?,
            None if self.peering().is_some() => self.heads_of_targets()?,
            None => Vec::new(),
        };
        let now = self.now();
        let targets = self.store.read(|tx| -> Result<_> {
            let pins = installs::pins(tx)?;
            let bundled = crate::trust::bundled(tx)?;
            self.targets(tx)?
                .into_iter()
                .map(|(target, cid, release)| {
                    let key = target.to_string();
                    let head = publishers::head(tx, &release.publisher.to_string(), &release.name)?;
                    let state = match &head {
                        None if bundled.values().any(|b| *b == cid) => "bundled",
                        None => "unverified",
                        Some(h)
                            if head_is_over(&h.envelope, now) || h.revision < release.revision =>
                        {
                            "stale"
                        }
                        Some(h) if h.revision > release.revision => "behind",
                        Some(h) if now - h.checked_at > STALE_MS => "stale",
                        Some(_) => "current",
                    };
                    Ok(OutdatedLine {
                        pinned: pins.iter().any(|p| p.target == key),
                        target: key,
                        name: release.name,
                        release: cid.to_string(),
                        revision: release.revision,
                        newest: head.as_ref().map(|h| h.revision),
                        newest_release: head.as_ref().map(|h| h.release_cid.clone()),
                        checked: head.map(|h| rfc3339(h.checked_at)),
                        state: state.into(),
                    })
                })
                .collect::<Result<Vec<_>>>()
        })?;
        Ok(OutdatedReport { targets, warnings })
    }

    /// Installs what a lock file says, each into its target.
    ///
    /// # Errors
    /// When the lock file does not read; the first release that is refused ends it, and what was done before stays.
    pub fn sync(
        &self,
        lock: &Path,
        from: Option<&str>,
        consent: bool,
    ) -> Result<Vec<InstallReport>> {
        let lock = LockFile::read(lock)?;
        let mut out = Vec::new();
        for locked in lock.targets {
            let named = |e: NodeError| NodeError {
                message: format!("{} ({}): {}", locked.target, locked.name, e.message),
                ..e
            };
            let release = locked
                .release
                .parse()
                .map_err(|e: cid::Error| named(e.into()))?;
            let serves = self.store.read(|tx| -> Result<bool> {
                let serves = Target::find(tx, &locked.target)
                    .and_then(|t| t.serving(tx))
                    .is_ok_and(|s| s.contains(&release));
                if serves {
                    let (_, release) = self.find_release(tx, &locked.release)?;
                    locked.check(&release).map_err(named)?;
                }
                Ok(serves)
            })?;
            if !serves {
                let report = self
                    .install(&Wanted {
                        reference: locked.release.clone(),
                        from: from.map(str::to_owned),
                        target: Some(locked.target.clone()),
                        consent,
                        going_back: true,
                        locked: Some(locked.clone()),
                        ..Wanted::default()
                    })
                    .map_err(named)?;
                let done = report.state == "done";
                out.push(report);
                if !done {
                    continue;
                }
            }
            if locked.pinned {
                self.pin(&locked.target, &locked.release).map_err(named)?;
            }
        }
        Ok(out)
    }
}

impl Node {
    /// Takes the heads that members know of whatever serves here; what was wrong with some.
    fn heads_of_targets(&self) -> Result<Vec<String>> {
        let names: std::collections::BTreeSet<String> = self.store.read(|tx| -> Result<_> {
            let targets = self.targets(tx)?;
            Ok(targets.into_iter().map(|(_, _, r)| r.name).collect())
        })?;
        let mut wrong = Vec::new();
        for name in names {
            if let Some(mirror) = self.mirror_heads(&name)? {
                wrong.extend(self.take_heads(&mirror)?);
            }
        }
        Ok(wrong)
    }
}

/// Whether a head says nothing any more, or can't be read.
pub(super) fn head_is_over(envelope: &[u8], now: i64) -> bool {
    statement::open::<Head>(envelope).map_or(true, |head| head.is_expired(now))
}
