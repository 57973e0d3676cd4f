//! A digest of all that a component is made from, so that a committed one can be told to be stale without a build.

use crate::error::BuildError;
use crate::manifest::SLOTS;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// The parts of a crate that count; tests and a README change no component.
const CRATE_PARTS: [&str; 3] = ["Cargo.toml", "src", "vectors"];

/// The parts of the SDK that count.
const SDK_PARTS: [&str; 2] = ["sdk/rust/Cargo.toml", "sdk/rust/src"];

/// `sha256:<hex>` over the crate in `dir` (Cargo.toml, src, vectors), the SDK and other crates that it names by their
/// path, the contracts of its world, the toolchain file, and the versions in `Cargo.lock` of all that it depends on.
///
/// Each file counts as its path in the workspace, its length and its bytes, in the order of the paths. Cargo is not
/// run and nothing outside of `workspace` is read.
///
/// # Errors
/// When a file can't be read, or `Cargo.toml` or `Cargo.lock` does not parse.
pub fn source_digest(dir: &Path, workspace: &Path) -> Result<String, BuildError> {
    let manifest_path = dir.join("Cargo.toml");
    let manifest = table(&manifest_path)?;
    let mut files = BTreeSet::new();
    for part in CRATE_PARTS {
        collect(&dir.join(part), &mut files)?;
    }
    for part in SDK_PARTS {
        collect(&workspace.join(part), &mut files)?;
    }
    for path in local_dependencies(&manifest) {
        let path = dir.join(path);
        let path = std::fs::canonicalize(&path).map_err(BuildError::io("find", &path))?;
        for part in CRATE_PARTS {
            collect(&path.join(part), &mut files)?;
        }
    }
    for package in ["model", wit_package(&manifest)] {
        collect(&workspace.join("wit").join(package), &mut files)?;
    }
    collect(&workspace.join("rust-toolchain.toml"), &mut files)?;

    let mut hash = Sha256::new();
    for file in &files {
        let bytes = std::fs::read(file).map_err(BuildError::io("read", file))?;
        let name = file.strip_prefix(workspace).unwrap_or(file);
        let name = name.to_string_lossy().replace('\\', "/");
        add(&mut hash, name.as_bytes());
        add(&mut hash, &bytes);
    }
    let lock_path = workspace.join("Cargo.lock");
    for line in dependencies(&manifest, &table(&lock_path)?) {
        add(&mut hash, line.as_bytes());
    }
    let digest: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    Ok(format!("sha256:{digest}"))
}

/// With its length ahead, so that no two lists of parts give the same bytes.
fn add(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

/// `[package.metadata.weft]`, where there is one.
pub(crate) fn weft_metadata(manifest: &Table) -> Option<&Table> {
    let package = manifest.get("package")?.as_table()?;
    package.get("metadata")?.as_table()?.get("weft")?.as_table()
}

fn wit_package(manifest: &Table) -> &str {
    let said = |key| weft_metadata(manifest).and_then(|weft| weft.get(key)?.as_str());
    SLOTS
        .iter()
        .find(|(name, _)| Some(*name) == said("slot"))
        .map(|(_, package)| *package)
        .or_else(|| said("world"))
        .unwrap_or("workload")
}

/// The folders of `[dependencies]` that are named by their path.
fn local_dependencies(manifest: &Table) -> BTreeSet<&str> {
    let dependencies = manifest.get("dependencies").and_then(Value::as_table);
    dependencies
        .into_iter()
        .flat_map(Table::values)
        .filter_map(|value| value.as_table()?.get("path")?.as_str())
        .collect()
}

/// All files at or below a path; none where there is nothing.
fn collect(path: &Path, into: &mut BTreeSet<PathBuf>) -> Result<(), BuildError> {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).map_err(BuildError::io("list", path))? {
            let entry = entry.map_err(BuildError::io("list", path))?;
            collect(&entry.path(), into)?;
        }
    } else if path.is_file() {
        into.insert(path.to_owned());
    }
    Ok(())
}

pub(crate) fn table(path: &Path) -> Result<Table, BuildError> {
    let text = std::fs::read_to_string(path).map_err(BuildError::io("read", path))?;
    text.parse().map_err(|e| BuildError::Manifest {
        path: path.to_owned(),
        what: format!("{e}"),
    })
}

/// `name version checksum` of each package of the lock that the crate's dependencies lead to, sorted. What only its
/// tests need is left out; what its dependencies need natively is in, as it makes the descriptor.
fn dependencies(manifest: &Table, lock: &Table) -> BTreeSet<String> {
    let text = |package: &Table, field: &str| {
        let value = package.get(field).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let packages = lock.get("package").and_then(Value::as_array);
    let packages: Vec<&Table> = packages
        .into_iter()
        .flatten()
        .filter_map(Value::as_table)
        .collect();
    let mut by_name: BTreeMap<String, Vec<&Table>> = BTreeMap::new();
    for package in packages {
        by_name
            .entry(text(package, "name"))
            .or_default()
            .push(package);
    }
    let own = manifest
        .get("package")
        .and_then(Value::as_table)
        .map(|package| text(package, "name"))
        .unwrap_or_default();
    let direct = direct_dependencies(manifest);
    // The lock says which version the crate itself has: `name`, or `name version` where there are several.
    let mut queue: VecDeque<String> = by_name
        .get(&own)
        .into_iter()
        .flatten()
        .flat_map(|package| locked(package))
        .filter(|entry| direct.contains(entry.split(' ').next().unwrap_or_default()))
        .collect();
    let mut seen = BTreeSet::new();
    let mut lines = BTreeSet::new();
    while let Some(entry) = queue.pop_front() {
        if !seen.insert(entry.clone()) {
            continue;
        }
        let mut words = entry.split(' ');
        let name = words.next().unwrap_or_default();
        let version = words.next();
        let candidates = by_name.get(name).into_iter().flatten();
        for package in candidates.filter(|p| version.is_none_or(|v| text(p, "version") == v)) {
            let (version, checksum) = (text(package, "version"), text(package, "checksum"));
            lines.insert(format!("{name} {version} {checksum}"));
            queue.extend(locked(package));
        }
    }
    lines
}

fn locked(package: &Table) -> Vec<String> {
    let entries = package.get("dependencies").and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .filter_map(|e| e.as_str().map(Into::into))
        .collect()
}

/// The packages that `[dependencies]` and `[target.*.dependencies]` name.
fn direct_dependencies(manifest: &Table) -> BTreeSet<String> {
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets
        .into_iter()
        .flat_map(|t| t.values())
        .filter_map(Value::as_table);
    std::iter::once(manifest)
        .chain(targets)
        .filter_map(|table| table.get("dependencies")?.as_table())
        .flatten()
        .map(|(name, value)| {
            let renamed = value.as_table().and_then(|t| t.get("package"));
            renamed.and_then(Value::as_str).unwrap_or(name).to_owned()
        })
        .collect()
}
