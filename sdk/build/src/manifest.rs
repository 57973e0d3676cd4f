//! What a crate builds: `[package]` and `[package.metadata.weft]`.

use crate::cargo::{self, Metadata, Package};
use crate::component::Limits;
use crate::error::BuildError;
use crate::target::{CORE_TARGET, WASI_TARGET};
use serde::Deserialize;
use std::path::{Path, PathBuf};

/// Each slot and its WIT package; `override` is a reserved word in several guest languages.
pub const SLOTS: [(&str, &str); 11] = [
    ("override", "emergency"),
    ("voting", "voting"),
    ("sla", "sla"),
    ("consent", "consent"),
    ("ethics", "ethics"),
    ("quota", "quota"),
    ("scorer", "scorer"),
    ("reward", "reward"),
    ("reputation", "reputation"),
    ("carbon", "carbon"),
    ("demand", "demand"),
];

/// The worlds of workloads.
const WORKLOAD_WORLDS: [&str; 4] = ["workload", "embeddings", "chat", "ocr"];

/// The slots' names, for messages.
pub(crate) fn slot_names() -> String {
    SLOTS.map(|(slot, _)| slot).join(", ")
}

/// What a crate builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A policy for a slot, such as `scorer`.
    Policy {
        /// The slot's name.
        slot: String,
    },
    /// A workload of a world, such as `workload`.
    Workload {
        /// The world's name.
        world: String,
    },
}

impl Kind {
    /// The WIT package, which is also the name of its world.
    pub fn package(&self) -> &str {
        match self {
            Self::Policy { slot } => SLOTS
                .iter()
                .find(|(name, _)| name == slot)
                .map_or(slot.as_str(), |(_, package)| package),
            Self::Workload { world } => world,
        }
    }

    /// The slot's name; none for a workload.
    pub fn slot(&self) -> Option<&str> {
        match self {
            Self::Policy { slot } => Some(slot),
            Self::Workload { .. } => None,
        }
    }

    /// The interface that the component must export, without package and version.
    pub(crate) fn interface(&self) -> &'static str {
        match self {
            Self::Policy { .. } => "policy",
            Self::Workload { world } if world == "workload" => "job",
            Self::Workload { .. } => "model",
        }
    }
}

/// A crate, as its `Cargo.toml` describes it.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The package's name; also the component's.
    pub name: String,
    /// Its semantic version.
    pub version: String,
    /// Its description; empty when it has none.
    pub description: String,
    /// Its SPDX licence; empty when it has none.
    pub license: String,
    /// What it builds.
    pub kind: Kind,
    /// The wasm target.
    pub target: String,
    /// Whether it is compiled with 128-bit SIMD.
    pub simd: bool,
    /// The limits that it asks for; none: the slot's.
    pub limits: Option<Limits>,
    /// The crate's folder, absolute.
    pub dir: PathBuf,
    /// The folder of its workspace, absolute.
    pub workspace: PathBuf,
    /// Where cargo builds by default.
    pub target_dir: PathBuf,
}

/// `[package.metadata.weft]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    slot: Option<String>,
    world: Option<String>,
    target: Option<String>,
    #[serde(default)]
    simd: bool,
    limits: Option<Limits>,
}

impl Manifest {
    /// Reads the crate in `dir`.
    ///
    /// # Errors
    /// When cargo can't read it, or `[package.metadata.weft]` is missing or says something that can't be built.
    pub fn read(dir: &Path) -> Result<Self, BuildError> {
        let dir = std::fs::canonicalize(dir).map_err(BuildError::io("find", dir))?;
        let path = dir.join("Cargo.toml");
        let bad = |what: String| BuildError::Manifest {
            path: path.clone(),
            what,
        };
        if !path.is_file() {
            return Err(bad(
                "there is no such file; give the folder of a plugin or a workload, or make one with \
                 `weft plugin new`"
                    .into(),
            ));
        }
        let Metadata {
            packages,
            workspace_root,
            target_directory,
        } = cargo::metadata(&dir, false)?;
        let package = packages
            .into_iter()
            .find(|p| std::fs::canonicalize(&p.manifest_path).is_ok_and(|p| p == path))
            .ok_or_else(|| bad("it holds no [package]".into()))?;
        let (kind, table) = weft_table(&package).map_err(bad)?;
        Ok(Self {
            name: package.name,
            version: package.version,
            description: package.description.unwrap_or_default(),
            license: package.license.unwrap_or_default(),
            kind,
            target: table.target.unwrap_or_else(|| CORE_TARGET.into()),
            simd: table.simd,
            limits: table.limits,
            dir,
            workspace: workspace_root,
            target_dir: target_directory,
        })
    }
}

fn weft_table(package: &Package) -> Result<(Kind, Table), String> {
    let table = package.metadata.get("weft").ok_or(
        "[package.metadata.weft] is missing; add it with `slot = \"scorer\"` (or another slot) or `world = \"workload\"`",
    )?;
    let table: Table = serde_json::from_value(table.clone())
        .map_err(|e| format!("[package.metadata.weft]: {e}"))?;
    let kind = match (table.slot.clone(), table.world.clone()) {
        (Some(slot), None) if SLOTS.iter().any(|(name, _)| *name == slot) => Kind::Policy { slot },
        (Some(slot), None) => {
            return Err(format!(
                "`{slot}` is no slot; the slots are {}",
                slot_names()
            ));
        }
        (None, Some(world)) if WORKLOAD_WORLDS.contains(&world.as_str()) => {
            Kind::Workload { world }
        }
        (None, Some(world)) => {
            let known = WORKLOAD_WORLDS.join(", ");
            return Err(format!("`{world}` is no world of a workload; take {known}"));
        }
        (Some(_), Some(_)) | (None, None) => {
            return Err("[package.metadata.weft] needs `slot` or `world`, one of them".into());
        }
    };
    let target = table.target.as_deref().unwrap_or(CORE_TARGET);
    match (&kind, target) {
        (Kind::Policy { .. }, _) if table.simd => {
            Err("a policy is computed without SIMD: leave `simd` out".into())
        }
        (_, CORE_TARGET) | (Kind::Workload { .. }, WASI_TARGET) => Ok((kind, table)),
        (Kind::Policy { .. }, _) => Err(format!(
            "a policy has no imports, so its target is `{CORE_TARGET}`, not `{target}`"
        )),
        (Kind::Workload { .. }, _) => Err(format!(
            "`{target}` is no target of a workload; take `{CORE_TARGET}`, or `{WASI_TARGET}` to read models"
        )),
    }
}
