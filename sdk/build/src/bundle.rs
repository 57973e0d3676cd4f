//! The bundle: the default components as committed content, with a lock that says what each was made from.
//!
//! [`bundle`] renews it, [`stale`] tells without a build whether sources and lock agree, [`bundle_check`] builds again
//! and compares the bits. Nothing here signs a component or decides which slot it fills.

use crate::cargo;
use crate::compile::{BuildOptions, build};
use crate::digest::{source_digest, table, weft_metadata};
use crate::error::BuildError;
use crate::limits::RAW_BLOCK_BYTES;
use cid::Cid;
use multihash_codetable::{Code, MultihashDigest};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The lock's name, beside the folder of the components.
pub const LOCK_FILE: &str = "bundle.lock";

/// The folder of the components in a bundle.
pub const COMPONENTS_DIR: &str = "components";

/// Where a workspace has the crates of its bundle.
const CRATE_FOLDERS: [&str; 2] = ["plugins", "workloads"];

/// The multicodec of raw bytes, for a CID.
const RAW_CODEC: u64 = 0x55;

const LOCK_HEADER: &str =
    "# Written by `weft plugin bundle`; renew it in the commit that changes a plugin.\n\n";

/// `bundle.lock`: what was built, from what, by which compiler.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    /// The compiler's version, such as `rustc 1.95.0 (59807616e 2026-04-14)`.
    pub compiler: String,
    /// The components, by name.
    #[serde(rename = "component")]
    pub components: Vec<Locked>,
}

/// One component of a [`Lock`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Locked {
    /// Its name; its file is `components/<name>.wasm`.
    pub name: String,
    /// Its slot, or `workload`.
    pub kind: String,
    /// The file's CID, or `sha256:<hex>` of one of more than a block: [`name_of`].
    pub cid: String,
    /// The file's size in bytes.
    pub size: u64,
    /// [`source_digest`] of what it was built from.
    pub sources: String,
}

impl Lock {
    /// Reads the lock of the bundle in `dir`.
    ///
    /// # Errors
    /// When it is missing or does not read.
    pub fn read(dir: &Path) -> Result<Self, BuildError> {
        let path = dir.join(LOCK_FILE);
        let text = std::fs::read_to_string(&path).map_err(BuildError::io("read", &path))?;
        toml::from_str(&text).map_err(|e| BuildError::Lock {
            path,
            what: e.to_string(),
        })
    }

    fn write(&self, dir: &Path) -> Result<(), BuildError> {
        let path = dir.join(LOCK_FILE);
        let text = toml::to_string(self).expect("a table of strings and numbers serialises");
        std::fs::write(&path, format!("{LOCK_HEADER}{text}"))
            .map_err(BuildError::io("write", &path))
    }
}

/// The name of a component's bytes: of at most one block (1 MiB) the CID (CIDv1, raw, sha2-256, base32), of more
/// `sha256:<hex>` of the whole, as receipts name them.
pub fn name_of(bytes: &[u8]) -> String {
    let digest = Code::Sha2_256.digest(bytes);
    if bytes.len() > RAW_BLOCK_BYTES {
        let hex: String = digest.digest().iter().map(|b| format!("{b:02x}")).collect();
        return format!("sha256:{hex}");
    }
    Cid::new_v1(RAW_CODEC, digest).to_string()
}

/// The crates that a workspace's bundle is made of: those in `plugins` and `workloads` that have
/// `[package.metadata.weft]`, by name of their folder.
///
/// # Errors
/// When a folder can't be listed or a `Cargo.toml` does not parse.
pub fn sources(workspace: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let mut crates = Vec::new();
    for folder in CRATE_FOLDERS {
        let folder = workspace.join(folder);
        if !folder.is_dir() {
            continue;
        }
        for entry in std::fs::read_dir(&folder).map_err(BuildError::io("list", &folder))? {
            let dir = entry.map_err(BuildError::io("list", &folder))?.path();
            let manifest = dir.join("Cargo.toml");
            if manifest.is_file() && weft_metadata(&table(&manifest)?).is_some() {
                crates.push(dir);
            }
        }
    }
    crates.sort();
    Ok(crates)
}

/// Builds every crate of [`sources`] and writes `components/<name>.wasm` and `bundle.lock` into `out`; components
/// there that no crate makes any more are removed. `told` hears of each component before it is built.
///
/// # Errors
/// Those of [`build`]; nothing in `out` is changed before all have been built.
pub fn bundle(
    workspace: &Path,
    out: &Path,
    options: &BuildOptions,
    told: &mut dyn FnMut(&str),
) -> Result<Lock, BuildError> {
    let fresh = tempfile::tempdir().map_err(BuildError::io("create", &std::env::temp_dir()))?;
    let lock = build_all(workspace, fresh.path(), options, told)?;
    let components = out.join(COMPONENTS_DIR);
    std::fs::create_dir_all(&components).map_err(BuildError::io("create", &components))?;
    for entry in std::fs::read_dir(&components).map_err(BuildError::io("list", &components))? {
        let path = entry.map_err(BuildError::io("list", &components))?.path();
        let known = lock
            .components
            .iter()
            .any(|c| path == file(&components, &c.name));
        if path.extension().is_some_and(|e| e == "wasm") && !known {
            std::fs::remove_file(&path).map_err(BuildError::io("remove", &path))?;
        }
    }
    for component in &lock.components {
        let (from, to) = (
            file(fresh.path(), &component.name),
            file(&components, &component.name),
        );
        std::fs::copy(&from, &to).map_err(BuildError::io("write", &to))?;
    }
    lock.write(out)?;
    Ok(lock)
}

/// How a committed bundle differs from what its sources say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The component.
    pub name: String,
    /// What differs, for a person.
    pub what: String,
}

/// Compares sources, lock and files without a build: quick enough for every test run.
///
/// # Errors
/// When the lock or a source can't be read.
pub fn stale(workspace: &Path, bundle: &Path) -> Result<Vec<Difference>, BuildError> {
    let lock = Lock::read(bundle)?;
    let mut differences = Vec::new();
    let mut say = |name: &str, what: String| {
        let name = name.to_owned();
        differences.push(Difference { name, what });
    };
    let mut made = Vec::new();
    for dir in sources(workspace)? {
        let name = crate_name(&dir)?;
        match lock.components.iter().find(|c| c.name == name) {
            None => say(
                &name,
                "its sources are there, the bundle does not hold it".into(),
            ),
            Some(locked) if locked.sources != source_digest(&dir, workspace)? => {
                say(&name, "its sources changed since it was built".into());
            }
            Some(_) => {}
        }
        made.push(name);
    }
    for locked in &lock.components {
        if !made.contains(&locked.name) {
            say(
                &locked.name,
                "the bundle holds it, its sources are gone".into(),
            );
        }
        match std::fs::read(file(&bundle.join(COMPONENTS_DIR), &locked.name)) {
            Ok(bytes) if name_of(&bytes) == locked.cid => {}
            Ok(bytes) => say(
                &locked.name,
                format!(
                    "the file's CID is {}, the lock says {}",
                    name_of(&bytes),
                    locked.cid
                ),
            ),
            Err(e) => say(&locked.name, format!("its file can't be read: {e}")),
        }
    }
    Ok(differences)
}

/// Builds everything again into a temporary folder and compares it with the committed bundle, bit by bit.
///
/// # Errors
/// Those of [`build`], and when the committed lock can't be read.
pub fn bundle_check(
    workspace: &Path,
    bundle: &Path,
    options: &BuildOptions,
    told: &mut dyn FnMut(&str),
) -> Result<Vec<Difference>, BuildError> {
    let committed = Lock::read(bundle)?;
    let mut differences = stale(workspace, bundle)?;
    let fresh = tempfile::tempdir().map_err(BuildError::io("create", &std::env::temp_dir()))?;
    let built = build_all(workspace, fresh.path(), options, told)?;
    for now in &built.components {
        let Some(then) = committed.components.iter().find(|c| c.name == now.name) else {
            continue;
        };
        if then.cid != now.cid {
            differences.push(Difference {
                name: now.name.clone(),
                what: format!(
                    "a build with {} gives {} ({} bytes), the bundle has {} ({} bytes) by {}",
                    built.compiler, now.cid, now.size, then.cid, then.size, committed.compiler
                ),
            });
        }
    }
    Ok(differences)
}

fn file(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.wasm"))
}

fn crate_name(dir: &Path) -> Result<String, BuildError> {
    let path = dir.join("Cargo.toml");
    let manifest = table(&path)?;
    let name = manifest
        .get("package")
        .and_then(|p| p.get("name")?.as_str());
    name.map(Into::into).ok_or(BuildError::Manifest {
        path,
        what: "[package] has no name".into(),
    })
}

/// Builds all into `out`, one after the other: each takes a few seconds of link-time optimisation on all cores, and
/// their dependencies are compiled once.
fn build_all(
    workspace: &Path,
    out: &Path,
    options: &BuildOptions,
    told: &mut dyn FnMut(&str),
) -> Result<Lock, BuildError> {
    let mut lock = Lock {
        compiler: cargo::ask(cargo::command("rustc", workspace).arg("--version"))?,
        components: Vec::new(),
    };
    for dir in sources(workspace)? {
        let name = crate_name(&dir)?;
        told(&name);
        let sources = source_digest(&dir, workspace)?;
        let path = file(out, &name);
        let options = BuildOptions {
            out: Some(path.clone()),
            ..options.clone()
        };
        let built = build(&dir, &options)?;
        let bytes = std::fs::read(&path).map_err(BuildError::io("read", &path))?;
        lock.components.push(Locked {
            name,
            kind: built.descriptor.slot.unwrap_or_else(|| "workload".into()),
            cid: name_of(&bytes),
            size: built.size,
            sources,
        });
    }
    lock.components.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(lock)
}
