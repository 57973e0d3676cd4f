//! What a release can serve: a slot, a task's name, a skill's name; and `weft.lock`, which says what serves now.

use crate::error::{NodeError, Result};
use crate::home::write_whole;
use crate::node::Node;
use serde::{Deserialize, Serialize};
use std::fmt;
use weft_model::{Cid, Did, Slot};
use weft_release::{Kind, Release};
use weft_store::bound::{SKILLS, WORKLOADS};
use weft_store::slots::Mode;
use weft_store::{Read, installs, slots};

/// What a release serves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// A slot.
    Slot(Slot),
    /// A task's name.
    Workload(String),
    /// A skill's name.
    Skill(String),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slot(slot) => write!(f, "{slot}"),
            Self::Workload(name) => write!(f, "workload/{name}"),
            Self::Skill(name) => write!(f, "skill/{name}"),
        }
    }
}

impl Target {
    /// The target that a person means, for a release of this kind.
    ///
    /// # Errors
    /// When the release can't serve it.
    pub(crate) fn of_kind(text: &str, kind: Kind) -> Result<Self> {
        let max = weft_model::limits::NAME_BYTES;
        let named = |prefix: &str| -> Result<String> {
            let name = text.strip_prefix(prefix).unwrap_or(text);
            if name.trim().is_empty()
                || name.len() > max
                || name.contains('/')
                || name.chars().any(weft_model::text::is_unsafe)
            {
                return Err(NodeError::invalid(format!(
                    "a target is a slot, or a name of 1 to {max} bytes without slashes"
                )));
            }
            Ok(name.to_owned())
        };
        match kind {
            Kind::Policy(slot) if text.parse::<Slot>().is_ok_and(|s| s == slot) => {
                Ok(Self::Slot(slot))
            }
            Kind::Policy(slot) => Err(NodeError::coded(
                "wrong-software",
                format!("the release is a plugin of the slot `{slot}`, not of `{text}`"),
            )
            .try_this(format!("name the slot `{slot}`, or another release"))),
            Kind::Workload if text.starts_with("skill/") || text.parse::<Slot>().is_ok() => {
                Err(NodeError::coded(
                    "wrong-software",
                    format!("the release is a workload, it can't serve `{text}`"),
                )
                .try_this("name a task, such as `workload/nightly-digest`"))
            }
            Kind::Workload => Ok(Self::Workload(named("workload/")?)),
            Kind::Skill if text.starts_with("workload/") || text.parse::<Slot>().is_ok() => {
                Err(NodeError::coded(
                    "wrong-software",
                    format!("the release is a skill, it can't serve `{text}`"),
                )
                .try_this("name a skill, such as `skill/first-aid`"))
            }
            Kind::Skill => Ok(Self::Skill(named("skill/")?)),
        }
    }

    /// The target that a person means, among those that this home has or had.
    ///
    /// # Errors
    /// When there is none of that name, or a task and a skill both have it.
    pub(crate) fn find(tx: &Read, text: &str) -> Result<Self> {
        if let Ok(slot) = text.parse() {
            return Ok(Self::Slot(slot));
        }
        let workload = text.strip_prefix("workload/");
        let skill = text.strip_prefix("skill/");
        let task = |name: &str| -> Result<bool> {
            Ok(!WORKLOADS.history(tx, name, 1)?.is_empty() || WORKLOADS.get(tx, name)?.is_some())
        };
        let known = |name: &str| -> Result<bool> {
            Ok(!SKILLS.history(tx, name, 1)?.is_empty() || SKILLS.get(tx, name)?.is_some())
        };
        let is_task = skill.is_none() && task(workload.unwrap_or(text))?;
        let is_skill = workload.is_none() && known(skill.unwrap_or(text))?;
        match (is_task, is_skill) {
            (true, false) => Ok(Self::Workload(workload.unwrap_or(text).to_owned())),
            (false, true) => Ok(Self::Skill(skill.unwrap_or(text).to_owned())),
            (true, true) => Err(NodeError::invalid(format!(
                "a task and a skill are both named `{text}`"
            ))
            .try_this(format!("name `workload/{text}` or `skill/{text}`"))),
            (false, false) => Err(NodeError::not_found(format!(
                "there is no slot, task or skill `{text}` in this home"
            ))
            .try_this("list them with `weft plugin list --slots`, `weft workload list`")),
        }
    }

    /// The releases that serve it now: several where the slot is a chain. What is on trial does not serve.
    pub(crate) fn serving(&self, tx: &Read) -> Result<Vec<Cid>> {
        let parse = |text: &str| -> Result<Cid> { Ok(text.parse()?) };
        match self {
            Self::Slot(slot) => slots::get(tx, slot.name())?
                .iter()
                .filter(|b| b.mode == Mode::Enforce)
                .map(|b| parse(&b.release_cid))
                .collect(),
            Self::Workload(name) => WORKLOADS
                .get(tx, name)?
                .iter()
                .map(|b| parse(&b.release_cid))
                .collect(),
            Self::Skill(name) => SKILLS
                .get(tx, name)?
                .iter()
                .map(|b| parse(&b.release_cid))
                .collect(),
        }
    }
}

/// What serves, as `weft.lock` has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockFile {
    /// [`LOCK_VERSION`].
    pub version: u32,
    /// One per target, by target.
    #[serde(default, rename = "target")]
    pub targets: Vec<Locked>,
}

/// One target of `weft.lock`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// A slot, `workload/NAME` or `skill/NAME`.
    pub target: String,
    /// The release's name.
    pub name: String,
    /// Who publishes it.
    pub publisher: Did,
    /// Its revision.
    pub revision: u64,
    /// Its CID, as text.
    pub release: String,
    /// Whether it is pinned.
    #[serde(default)]
    pub pinned: bool,
}

impl Locked {
    /// The release with its CID is what the lock file calls it.
    ///
    /// # Errors
    /// `wrong-software`.
    pub(super) fn check(&self, release: &Release) -> Result<()> {
        let found = (&release.name, release.publisher, release.revision);
        if found == (&self.name, self.publisher, self.revision) {
            return Ok(());
        }
        Err(NodeError::coded(
            "wrong-software",
            format!(
                "the lock file calls the release `{}` revision {} by {}, it is `{}` revision {} by {}",
                self.name, self.revision, self.publisher, release.name, release.revision, release.publisher
            ),
        )
        .try_this("take the lock file anew from the home that it describes"))
    }
}

/// The version of `weft.lock` that is written and read.
pub const LOCK_VERSION: u32 = 1;
/// Largest `weft.lock` that is read, in bytes.
const LOCK_BYTES: u64 = 1 << 20;

impl LockFile {
    /// Reads a lock file.
    ///
    /// # Errors
    /// When it is too large, no TOML, of another version, or lacks a field.
    pub(crate) fn read(path: &std::path::Path) -> Result<Self> {
        let io = |e: std::io::Error| NodeError::file(path, &e);
        let size = std::fs::metadata(path).map_err(io)?.len();
        if size > LOCK_BYTES {
            return Err(NodeError::refused(format!(
                "`{}` has {size} bytes, a lock file has at most {LOCK_BYTES}",
                path.display()
            )));
        }
        let text = std::fs::read_to_string(path).map_err(io)?;
        let lock: Self = toml::from_str(&text).map_err(|e| {
            let line = e
                .span()
                .map_or(1, |span| text[..span.start].lines().count().max(1));
            let (path, why) = (path.display(), e.message().replace('\n', " "));
            NodeError::invalid(format!("`{path}` is no lock file: line {line}: {why}"))
                .try_this("take the `weft.lock` of a home as it is")
        })?;
        if lock.version != LOCK_VERSION {
            return Err(NodeError::invalid(format!(
                "`{}` is a lock file of version {}, this program reads version {LOCK_VERSION}",
                path.display(),
                lock.version
            )));
        }
        Ok(lock)
    }
}

impl Node {
    /// All targets that something serves, with their releases; what is on trial is not among them.
    pub(crate) fn targets(&self, tx: &Read) -> Result<Vec<(Target, Cid, Release)>> {
        let mut out = Vec::new();
        let mut add = |target: Target, cid: &str| -> Result<()> {
            let (cid, release) = self.find_release(tx, cid)?;
            out.push((target, cid, release));
            Ok(())
        };
        for (slot, binding) in slots::all(tx)? {
            if binding.mode == Mode::Enforce
                && let Ok(slot) = slot.parse()
            {
                add(Target::Slot(slot), &binding.release_cid)?;
            }
        }
        for bound in WORKLOADS.list(tx)?.rows {
            add(Target::Workload(bound.name), &bound.release_cid)?;
        }
        for bound in SKILLS.list(tx)?.rows {
            add(Target::Skill(bound.name), &bound.release_cid)?;
        }
        Ok(out)
    }

    /// What serves now.
    pub(crate) fn lock_file(&self) -> Result<LockFile> {
        self.store.read(|tx| {
            let pins = installs::pins(tx)?;
            let targets = self
                .targets(tx)?
                .into_iter()
                .map(|(target, cid, release)| {
                    let target = target.to_string();
                    Locked {
                        pinned: pins.iter().any(|p| p.target == target),
                        target,
                        name: release.name,
                        publisher: release.publisher,
                        revision: release.revision,
                        release: cid.to_string(),
                    }
                })
                .collect();
            Ok(LockFile {
                version: LOCK_VERSION,
                targets,
            })
        })
    }

    /// Writes `weft.lock` anew. It follows from the database, so one that could not be written is only late.
    pub(crate) fn write_lock(&self) {
        let write = || -> Result<()> {
            let text = toml::to_string(&self.lock_file()?).map_err(NodeError::internal)?;
            let text = format!(
                "# What serves in this home. `weft sync FILE --from SOURCE` restores it on another machine.\n{text}"
            );
            write_whole(&self.home.lock_list(), text.as_bytes(), 0o600)
        };
        if let Err(e) = write() {
            tracing::warn!("weft.lock is out of date: {e}");
        }
    }
}
