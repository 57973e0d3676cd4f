//! Directories that the owner granted to a task's name, and the binaries that were meant by it.
//!
//! `weft.toml` names the task; a grant holds for the binary that the name ran when this home first saw the setting, or
//! else for the first one that a person binds to it.
//! Another binary under the same name, by whatever way it came there, inherits nothing: a person gives it the directory
//! with `weft workload use NAME REF --grant`, or by consenting to its install, where the directory is named.

use crate::error::{NodeError, Result};
use crate::node::Node;
use std::path::Path;
use weft_release::Release;
use weft_store::bound::WORKLOADS;
use weft_store::{Read, Write, grants};

impl Node {
    /// Writes down which binaries new settings mean. What was written down once stays: a setting that comes back later
    /// means no other binary than before.
    pub(crate) fn note_grants(&self) -> Result<()> {
        let set = self.settings.directories();
        let now = self.now();
        self.store.write(|tx| -> Result<()> {
            let known = grants::list(tx)?;
            for (name, directory) in set {
                let is_new = !known
                    .iter()
                    .any(|g| g.name == name && g.directory == directory);
                if is_new && let Some(bound) = WORKLOADS.get(tx, &name)? {
                    let (_, release) = self.find_release(tx, &bound.release_cid)?;
                    self.grant_one(tx, &name, &directory, &release, now)?;
                }
            }
            Ok(())
        })
    }

    /// Gives a binary every directory that a name was granted, or, unless `again`, those that no binary was given yet:
    /// who binds a name to its first binary means that one.
    pub(crate) fn grant(
        &self,
        tx: &Write,
        name: &str,
        release: &Release,
        again: bool,
    ) -> Result<()> {
        let now = self.now();
        let given = grants::list(tx)?;
        for (task, directory) in self.settings.directories() {
            let is_new = !given
                .iter()
                .any(|g| g.name == task && g.directory == directory);
            if task == name && (again || is_new) {
                self.grant_one(tx, name, &directory, release, now)?;
            }
        }
        Ok(())
    }

    fn grant_one(
        &self,
        tx: &Write,
        name: &str,
        directory: &str,
        release: &Release,
        now: i64,
    ) -> Result<()> {
        grants::add(
            tx,
            &grants::Grant {
                name: name.to_owned(),
                directory: directory.to_owned(),
                component_cid: release.component.cid.to_string(),
                by: self.owner.clone(),
                at: now,
            },
        )?;
        Ok(())
    }

    /// The directories of a name that this binary may not have.
    pub(crate) fn not_granted(
        &self,
        tx: &Read,
        name: &str,
        release: &Release,
    ) -> Result<Vec<String>> {
        let component = release.component.cid.to_string();
        let given = grants::list(tx)?;
        Ok(self
            .settings
            .directories()
            .into_iter()
            .filter(|(task, _)| task == name)
            .map(|(_, directory)| directory)
            .filter(|directory| {
                !given.iter().any(|g| {
                    g.name == name && g.directory == *directory && g.component_cid == component
                })
            })
            .collect())
    }

    /// Refuses a directory to a binary that was not meant.
    pub(crate) fn check_granted(
        &self,
        name: &str,
        directory: &Path,
        release: &Release,
    ) -> Result<()> {
        let missing = self.store.read(|tx| self.not_granted(tx, name, release))?;
        let directory = directory.display().to_string();
        if !missing.contains(&directory) {
            return Ok(());
        }
        Err(NodeError::coded(
            "not-granted",
            format!(
                "the directory `{directory}` was granted to `{name}`, but not to this binary: `{}` {} inherits nothing",
                release.name, release.version
            ),
        )
        .try_this(format!(
            "if you mean this binary: weft workload use {name} {} --grant",
            release.name
        )))
    }
}
