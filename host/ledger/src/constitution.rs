//! The constitution: which release serves each slot with which config, which workload a name means, who witnesses,
//! and the mesh policy. One DAG-CBOR record; all nodes run one version as a whole.

pub mod policy;

pub use policy::MeshPolicy;

use crate::body::check_text;
use crate::limits::{
    CHAIN_PLUGINS, CONFIG_BYTES, CONSTITUTION_BYTES, MAX_INTEGER, NAME_BYTES, WITNESSES, WORKLOADS,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use weft_model::cbor::{self, CborError};
use weft_model::{Cid, Did, Slot, content};

/// One version of a community's rules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constitution {
    /// From 1, rising by one.
    pub version: u64,
    /// The version before; none for the first.
    pub previous: Option<Cid>,
    /// The plugins of each slot, in their order. A slot that is absent has none, and fails as its table says.
    pub slots: BTreeMap<Slot, Vec<Assignment>>,
    /// The release that a task's name means.
    pub workloads: BTreeMap<String, Cid>,
    /// Members who co-sign activations and checkpoints, sorted. Empty: the admins.
    pub witnesses: Vec<Did>,
    /// Everything else that must agree.
    pub mesh: MeshPolicy,
}

/// A plugin in a slot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The release.
    pub release: Cid,
    /// Its config as canonical DAG-CBOR; empty for the defaults.
    #[serde(with = "serde_bytes")]
    pub config: Vec<u8>,
    /// How far it decides.
    pub mode: Mode,
}

/// How far a plugin decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It decides.
    Enforce,
    /// It runs beside the one that decides; its differences are recorded.
    Shadow,
    /// It decides this share of the calls, in per cent (1 to 99).
    Canary(u8),
}

/// A constitution that no community can have.
#[derive(Debug, thiserror::Error)]
pub enum ConstitutionError {
    /// Not DAG-CBOR of this shape.
    #[error("constitution: {0}")]
    Cbor(#[from] CborError),
    /// Too many bytes.
    #[error("a constitution of {found} bytes is over the limit of {CONSTITUTION_BYTES} bytes")]
    TooLarge {
        /// Bytes found.
        found: usize,
    },
    /// Another encoding of what it says.
    #[error("the constitution is not in canonical DAG-CBOR")]
    NotCanonical,
    /// A slot whose plugins don't go together.
    #[error("slot `{slot}`: {why}")]
    Slot {
        /// The slot.
        slot: Slot,
        /// What was found and what is allowed.
        why: String,
    },
    /// Another field.
    #[error("constitution field `{field}`: {why}")]
    Field {
        /// The field.
        field: &'static str,
        /// What was found and what is allowed.
        why: String,
    },
}

impl Assignment {
    /// A release that decides, with its default config.
    pub fn enforce(release: Cid) -> Self {
        Self {
            release,
            config: Vec::new(),
            mode: Mode::Enforce,
        }
    }
}

impl Default for Constitution {
    /// Version 1: no plugin, no workload, the defaults of [`MeshPolicy`].
    fn default() -> Self {
        Self {
            version: 1,
            previous: None,
            slots: BTreeMap::new(),
            workloads: BTreeMap::new(),
            witnesses: Vec::new(),
            mesh: MeshPolicy::default(),
        }
    }
}

impl Constitution {
    /// Its canonical bytes and their CID, if it is valid.
    ///
    /// # Errors
    /// What is not.
    pub fn encode(&self) -> Result<(Vec<u8>, Cid), ConstitutionError> {
        self.validate()?;
        let bytes = cbor::encode(self)?;
        if bytes.len() > CONSTITUTION_BYTES {
            return Err(ConstitutionError::TooLarge { found: bytes.len() });
        }
        let cid = content::record_cid(&bytes);
        Ok((bytes, cid))
    }

    /// Reads canonical bytes and checks them.
    ///
    /// # Errors
    /// When they are too many, of another shape, not canonical, or break a rule.
    pub fn decode(bytes: &[u8]) -> Result<Self, ConstitutionError> {
        if bytes.len() > CONSTITUTION_BYTES {
            return Err(ConstitutionError::TooLarge { found: bytes.len() });
        }
        let constitution: Self = cbor::decode(bytes)?;
        if cbor::encode(&constitution)? != bytes {
            return Err(ConstitutionError::NotCanonical);
        }
        constitution.validate()?;
        Ok(constitution)
    }

    /// The plugins of a slot, in their order.
    pub fn slot(&self, slot: Slot) -> &[Assignment] {
        self.slots.get(&slot).map_or(&[], Vec::as_slice)
    }

    /// The next version, after a change.
    ///
    /// # Errors
    /// When this version or the next is not valid.
    pub fn next(&self, change: impl FnOnce(&mut Self)) -> Result<Self, ConstitutionError> {
        let (_, cid) = self.encode()?;
        let mut next = self.clone();
        change(&mut next);
        next.version = self.version + 1;
        next.previous = Some(cid);
        next.validate()?;
        Ok(next)
    }

    /// The next version with this plugin in place of what decides in the slot (`use`). Enforced, it replaces the
    /// whole slot; as shadow or canary it stands beside what decides and replaces what stood there.
    ///
    /// # Errors
    /// When the next version is not valid.
    pub fn with_slot(&self, slot: Slot, plugin: Assignment) -> Result<Self, ConstitutionError> {
        self.next(|c| {
            let plugins = c.slots.entry(slot).or_default();
            if plugin.mode == Mode::Enforce {
                plugins.clear();
            } else {
                plugins.retain(|p| p.mode == Mode::Enforce);
            }
            plugins.push(plugin);
        })
    }

    /// The next version with this plugin after those of the slot (`use --add`), for the slots that hold a list.
    ///
    /// # Errors
    /// When the next version is not valid.
    pub fn with_added(&self, slot: Slot, plugin: Assignment) -> Result<Self, ConstitutionError> {
        self.next(|c| c.slots.entry(slot).or_default().push(plugin))
    }

    /// The next version in which the slot has no plugin.
    ///
    /// # Errors
    /// When the next version is not valid.
    pub fn without_slot(&self, slot: Slot) -> Result<Self, ConstitutionError> {
        self.next(|c| {
            c.slots.remove(&slot);
        })
    }

    /// The next version in which tasks of this name run this release.
    ///
    /// # Errors
    /// When the next version is not valid.
    pub fn with_workload(&self, name: &str, release: Cid) -> Result<Self, ConstitutionError> {
        self.next(|c| {
            c.workloads.insert(name.to_owned(), release);
        })
    }

    /// Checks every rule that needs nothing but the record itself.
    ///
    /// # Errors
    /// The first that is broken.
    pub fn validate(&self) -> Result<(), ConstitutionError> {
        let bad = |field, why: String| Err(ConstitutionError::Field { field, why });
        if !(1..=MAX_INTEGER).contains(&self.version) {
            return bad(
                "version",
                format!("found {}, allowed is 1 to {MAX_INTEGER}", self.version),
            );
        }
        if self.previous.is_some() != (self.version > 1) {
            return bad(
                "previous",
                "the first version has none, every later one names the one before it".to_owned(),
            );
        }
        for (slot, plugins) in &self.slots {
            check_slot(*slot, plugins)
                .map_err(|why| ConstitutionError::Slot { slot: *slot, why })?;
        }
        if self.workloads.len() > WORKLOADS {
            return bad(
                "workloads",
                format!("{} names, allowed are {WORKLOADS}", self.workloads.len()),
            );
        }
        for name in self.workloads.keys() {
            check_text(name, NAME_BYTES).or_else(|why| bad("workloads", format!("found {why}")))?;
        }
        if self.witnesses.len() > WITNESSES || !self.witnesses.windows(2).all(|w| w[0] < w[1]) {
            return bad(
                "witnesses",
                format!("allowed is a sorted list of at most {WITNESSES}"),
            );
        }
        self.mesh.validate()
    }
}

/// Plugins that go together: a list of deciding ones where the slot holds a list, one elsewhere; beside it at most
/// one canary and any number of shadows; nothing twice; no canary where all members must get one answer.
fn check_slot(slot: Slot, plugins: &[Assignment]) -> Result<(), String> {
    if plugins.is_empty() {
        return Err("an empty list; leave the slot out instead".to_owned());
    }
    if plugins.len() > CHAIN_PLUGINS {
        return Err(format!(
            "{} plugins, allowed are {CHAIN_PLUGINS}",
            plugins.len()
        ));
    }
    if let Some(large) = plugins.iter().find(|p| p.config.len() > CONFIG_BYTES) {
        return Err(format!(
            "a config of {} bytes, allowed are {CONFIG_BYTES}",
            large.config.len()
        ));
    }
    let distinct: BTreeSet<_> = plugins.iter().map(|p| (p.release, &p.config)).collect();
    if distinct.len() != plugins.len() {
        return Err("one plugin twice with the same config".to_owned());
    }
    let deciding = plugins.iter().filter(|p| p.mode == Mode::Enforce).count();
    if deciding == 0 {
        return Err("no plugin that decides; a shadow or canary stands beside one".to_owned());
    }
    if deciding > 1 && !slot.is_chain() {
        return Err(format!(
            "{deciding} plugins that decide; only one can, or use it as shadow"
        ));
    }
    let canaries: Vec<u8> = plugins
        .iter()
        .filter_map(|p| match p.mode {
            Mode::Canary(percent) => Some(percent),
            _ => None,
        })
        .collect();
    if canaries.len() > 1 {
        return Err(format!("{} canaries, allowed is one", canaries.len()));
    }
    if let Some(percent) = canaries.iter().find(|p| !(1..=99).contains(*p)) {
        return Err(format!("a canary of {percent} %, allowed is 1 to 99"));
    }
    if !canaries.is_empty() && !slot.is_local() {
        return Err("a canary, but all members must get one answer here; use shadow".to_owned());
    }
    if !canaries.is_empty() && slot.is_chain() {
        return Err("a canary in a list, where the strictest wins anyway; use shadow".to_owned());
    }
    Ok(())
}
