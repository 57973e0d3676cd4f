//! Which workload runs tasks of which name.

use crate::clock::rfc3339;
use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::report::{ChangeReport, ReleaseReport};
use weft_store::bound::WORKLOADS;
use weft_store::slots::Change;

/// Rows of history that are shown.
const HISTORY_ROWS: u32 = 100;

impl Node {
    /// Binds a task name to a workload. `grant`: it is given the directories that the name was granted; else another
    /// binary than the one that was meant is not.
    ///
    /// # Errors
    /// When the release is no workload, or the name is none.
    pub fn workload_use(&self, name: &str, target: &str, grant: bool) -> Result<ReleaseReport> {
        let max = weft_model::limits::NAME_BYTES;
        if name.trim().is_empty() || name.len() > max {
            return Err(NodeError::invalid(format!(
                "a task's name has 1 to {max} bytes"
            )));
        }
        let (cid, release) = self.store.read(|tx| self.find_release(tx, target))?;
        if let Some(slot) = release.slot() {
            return Err(NodeError::invalid(format!(
                "`{}` is a plugin of `{slot}`, not a workload",
                release.name
            ))
            .try_this(format!("weft plugin use {slot} {cid}")));
        }
        if !release.is_workload() {
            return Err(NodeError::invalid(format!(
                "`{}` is a skill, not a workload",
                release.name
            ))
            .try_this(format!("weft pin skill/{} {cid}", release.name)));
        }
        let change = self.change("use");
        self.reconstitute(&format!("{name} runs {}", release.name), |tx| {
            WORKLOADS.set(tx, name, Some(&cid.to_string()), "owner", &change)?;
            self.grant(tx, name, &release, grant)?;
            Ok(())
        })?;
        self.release_report(&cid)
    }

    /// Goes back to what a name was bound to before.
    ///
    /// # Errors
    /// When there was nothing before.
    pub fn workload_rollback(&self, name: &str) -> Result<Vec<ChangeReport>> {
        let change = self.change("rollback");
        self.reconstitute(&format!("{name}: rolled back"), |tx| {
            Ok(WORKLOADS.rollback(tx, name, &change)?)
        })?;
        self.workload_history(name)
    }

    /// What a name was bound to, newest first.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn workload_history(&self, name: &str) -> Result<Vec<ChangeReport>> {
        self.store.read(|tx| {
            Ok(WORKLOADS
                .history(tx, name, HISTORY_ROWS)?
                .into_iter()
                .map(|c| {
                    let releases: Vec<String> = c.release_cid.into_iter().collect();
                    ChangeReport {
                        at: rfc3339(c.at),
                        action: c.action,
                        names: releases.iter().map(|cid| self.name_of(tx, cid)).collect(),
                        releases,
                        reason: c.reason,
                    }
                })
                .collect())
        })
    }

    fn change(&self, action: &str) -> Change {
        Change {
            action: action.into(),
            actor: Some(self.owner.clone()),
            reason: None,
            at: self.now(),
        }
    }
}
