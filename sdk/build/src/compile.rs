//! The build itself: a crate's folder in, one self-contained component out.

use crate::cargo;
use crate::component::{self, Descriptor};
use crate::error::BuildError;
use crate::limits::{POLICY_STACK_BYTES, WORKLOAD_STACK_BYTES};
use crate::manifest::{Kind, Manifest};
use crate::target::ensure_target;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The profile of every component, as cargo's `--config` values: fast, one codegen unit, no unwinding. It is passed
/// to each build, so that a project needs no profile of its own and can't have another.
const PROFILE: [&str; 6] = [
    "profile.component.inherits=\"release\"",
    "profile.component.opt-level=3",
    "profile.component.lto=true",
    "profile.component.codegen-units=1",
    "profile.component.panic=\"abort\"",
    "profile.component.strip=true",
];

/// The native test that writes a policy's descriptor (`weft_sdk`'s export macros make it).
const DESCRIPTOR_TEST: &str = "weft::descriptor";

/// Names the file that the test fills.
const DESCRIPTOR_VARIABLE: &str = "WEFT_DESCRIPTOR";

/// What a caller can choose.
#[derive(Clone, Debug, Default)]
pub struct BuildOptions {
    /// Where the component goes; none: `weft/<name>.wasm` in the target folder (`<dir>/target/weft/<name>.wasm` for
    /// a project of its own).
    pub out: Option<PathBuf>,
    /// Cargo's target folder; none: cargo's default for the crate. The caller's `CARGO_TARGET_DIR` does not count.
    pub target_dir: Option<PathBuf>,
    /// Adds a missing wasm target by rustup and says so on stderr.
    pub add_target: bool,
    /// Builds without network, from what cargo has.
    pub offline: bool,
    /// Keeps cargo's progress off the terminal; on failure its end is in the error.
    pub quiet: bool,
}

/// A finished component.
#[derive(Clone, Debug)]
pub struct Built {
    /// Where it is.
    pub path: PathBuf,
    /// Its size in bytes, descriptor included.
    pub size: u64,
    /// What it says about itself.
    pub descriptor: Descriptor,
}

/// Builds the plugin or workload in `dir`. The result is a function of its sources, lock file and toolchain.
///
/// # Errors
/// When the crate says nothing that can be built, the wasm target is missing, cargo fails, the golden vectors don't
/// read, or what was compiled does not export what `Cargo.toml` promises.
pub fn build(dir: &Path, options: &BuildOptions) -> Result<Built, BuildError> {
    let manifest = Manifest::read(dir)?;
    ensure_target(&manifest.dir, &manifest.target, options.add_target)?;
    let remaps = Remaps::of(&manifest.dir)?;
    let descriptor = descriptor(&manifest, options)?;
    let module = compile(&manifest, options, &remaps)?;
    let bytes = finish(&manifest, &module, descriptor.clone())?;
    let path = options.out.clone().unwrap_or_else(|| {
        let target = options.target_dir.as_ref().unwrap_or(&manifest.target_dir);
        target.join("weft").join(format!("{}.wasm", manifest.name))
    });
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(BuildError::io("create", parent))?;
    }
    std::fs::write(&path, &bytes).map_err(BuildError::io("write", &path))?;
    Ok(Built {
        size: bytes.len() as u64,
        path,
        descriptor,
    })
}

/// Runs the crate's own tests natively, golden vectors included; what they write goes to the terminal unless quiet.
///
/// # Errors
/// [`BuildError::Failed`] when a test fails or the crate does not compile.
pub fn test(dir: &Path, options: &BuildOptions) -> Result<(), BuildError> {
    let dir = std::fs::canonicalize(dir).map_err(BuildError::io("find", dir))?;
    let mut command = cargo_command("test", &dir, options);
    let status = if options.quiet {
        return cargo::run(&mut command, true).map(|_| ());
    } else {
        command.status()
    }
    .map_err(|source| BuildError::Program {
        program: "cargo".into(),
        source,
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(BuildError::Failed {
            command: cargo::shown(&command),
            output: String::new(),
        })
    }
}

/// `cargo <verb>` with what the options say.
fn cargo_command(verb: &str, dir: &Path, options: &BuildOptions) -> Command {
    let mut command = cargo::command("cargo", dir);
    command.arg(verb);
    if let Some(target) = &options.target_dir {
        command.arg("--target-dir").arg(target);
    }
    if options.offline {
        command.arg("--offline");
    }
    if options.quiet {
        command.arg("--quiet");
    }
    command
}

/// Encodes the module and appends the descriptor, once it exports what it should.
fn finish(
    manifest: &Manifest,
    module: &[u8],
    descriptor: Descriptor,
) -> Result<Vec<u8>, BuildError> {
    let bad = |what: String| BuildError::Component {
        name: manifest.name.clone(),
        what,
    };
    let mut bytes = component::plain(module).map_err(bad)?;
    let exports = component::exports(&bytes).map_err(bad)?;
    let package = manifest.kind.package();
    let wanted = format!("weft:{package}/{}@0.1.0", manifest.kind.interface());
    if exports != [wanted.as_str()] {
        let found = if exports.is_empty() {
            "nothing".into()
        } else {
            exports.join(", ")
        };
        return Err(bad(format!(
            "it must export `{wanted}` alone, it exports {found}; is the export macro there, and is it the one of \
             what [package.metadata.weft] names?"
        )));
    }
    component::append_section(&mut bytes, &descriptor);
    Ok(bytes)
}

/// Paths of this machine that must not stand in a component, and what stands there instead.
struct Remaps(Vec<(PathBuf, String)>);

impl Remaps {
    /// Later pairs win over earlier ones, as in rustc.
    fn of(dir: &Path) -> Result<Self, BuildError> {
        let metadata = cargo::metadata(dir, true)?;
        let version = cargo::ask(cargo::command("rustc", dir).arg("-vV"))?;
        let commit = version
            .lines()
            .find_map(|line| line.strip_prefix("commit-hash: "))
            .unwrap_or("unknown");
        let sysroot = PathBuf::from(cargo::ask(
            cargo::command("rustc", dir).args(["--print", "sysroot"]),
        )?);
        let home = cargo_home(dir);
        let mut pairs = vec![(home, "/cargo".to_owned())];
        // A registry's folder is named by its address, which differs where a mirror is used.
        let registries: BTreeSet<&Path> = metadata
            .packages
            .iter()
            .filter(|p| p.source.as_ref().is_some_and(|s| !s.starts_with("git+")))
            .filter_map(|p| p.manifest_path.parent()?.parent())
            .collect();
        pairs.extend(
            registries
                .iter()
                .map(|dir| (dir.to_path_buf(), "/cargo/registry".into())),
        );
        // The standard library's sources, where they are installed, get the name that they have where they are not.
        let std_sources = sysroot.join("lib/rustlib/src/rust");
        pairs.push((sysroot, "/sysroot".into()));
        pairs.push((std_sources, format!("/rustc/{commit}")));
        pairs.push((metadata.workspace_root, "/weft".into()));
        Ok(Self(pairs))
    }

    /// The value of `CARGO_ENCODED_RUSTFLAGS`.
    fn encoded(&self) -> OsString {
        let mut flags = OsString::new();
        for (from, to) in &self.0 {
            if !flags.is_empty() {
                flags.push("\u{1f}");
            }
            flags.push("--remap-path-prefix=");
            flags.push(from);
            flags.push("=");
            flags.push(to);
        }
        flags
    }
}

fn cargo_home(dir: &Path) -> PathBuf {
    match (std::env::var_os("CARGO_HOME"), std::env::home_dir()) {
        (Some(home), _) => dir.join(home),
        (None, Some(home)) => home.join(".cargo"),
        (None, None) => dir.join(".cargo"),
    }
}

/// Compiles the crate and gives the bytes of its `.wasm`.
fn compile(
    manifest: &Manifest,
    options: &BuildOptions,
    remaps: &Remaps,
) -> Result<Vec<u8>, BuildError> {
    let stack = match manifest.kind {
        Kind::Policy { .. } => POLICY_STACK_BYTES,
        Kind::Workload { .. } => WORKLOAD_STACK_BYTES,
    };
    let mut command = cargo_command("rustc", &manifest.dir, options);
    command.args(["--lib", "--crate-type", "cdylib"]);
    command.args(["--target", &manifest.target, "--profile", "component"]);
    command.arg("--message-format=json-render-diagnostics");
    for value in PROFILE {
        command.args(["--config", value]);
    }
    // For the last step alone, so that policies and workloads share their compiled dependencies.
    command.args(["--", "-C", &format!("link-arg=-zstack-size={stack}")]);
    let mut flags = remaps.encoded();
    if manifest.simd {
        flags.push("\u{1f}-Ctarget-feature=+simd128");
    }
    command.env("CARGO_ENCODED_RUSTFLAGS", flags);
    let output = cargo::run(&mut command, options.quiet)?;
    let path = artifact(&output.stdout, &manifest.dir.join("Cargo.toml")).ok_or_else(|| {
        BuildError::Component {
            name: manifest.name.clone(),
            what: "cargo names no .wasm file for it; it needs a library (src/lib.rs)".into(),
        }
    })?;
    std::fs::read(&path).map_err(BuildError::io("read", &path))
}

/// The `.wasm` file that cargo's messages name for the crate with this `Cargo.toml`.
fn artifact(messages: &[u8], manifest_path: &Path) -> Option<PathBuf> {
    #[derive(Deserialize)]
    struct Message {
        reason: String,
        #[serde(default)]
        manifest_path: PathBuf,
        #[serde(default)]
        filenames: Vec<PathBuf>,
    }
    messages
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Message>(line).ok())
        .filter(|m| m.reason == "compiler-artifact" && m.manifest_path == manifest_path)
        .flat_map(|m| m.filenames)
        .find(|file| file.extension() == Some(OsStr::new("wasm")))
}

/// What the component will say about itself; a policy's own part comes from a native test of the crate.
fn descriptor(manifest: &Manifest, options: &BuildOptions) -> Result<Descriptor, BuildError> {
    let mut descriptor = Descriptor::new(&manifest.name, &manifest.version, &manifest.kind);
    descriptor.description.clone_from(&manifest.description);
    descriptor.license.clone_from(&manifest.license);
    descriptor.limits = manifest.limits;
    let bad = |what: String| BuildError::Descriptor {
        name: manifest.name.clone(),
        what,
    };
    let slot = match &manifest.kind {
        Kind::Policy { slot } => slot,
        Kind::Workload { .. } => {
            descriptor.vectors = job_vectors(&manifest.dir.join("vectors")).map_err(bad)?;
            if manifest.kind.interface() != "job" && !descriptor.vectors.is_empty() {
                return Err(bad(
                    "only a workload without a model has golden vectors; remove the folder `vectors`".into(),
                ));
            }
            return Ok(descriptor);
        }
    };
    let own = policy_part(manifest, options)?;
    if own.slot != *slot {
        return Err(bad(format!(
            "[package.metadata.weft] says slot `{slot}`, but the crate exports one for `{}`; make them agree",
            own.slot
        )));
    }
    if own.vectors.is_empty() {
        return Err(bad(
            "there is no golden vector; add a case to `vectors`".into()
        ));
    }
    descriptor.features = own.features;
    descriptor.config_schema = own.config_schema;
    descriptor.vectors = own.vectors;
    Ok(descriptor)
}

/// A workload's golden vectors: the lists in the `*.json` files of a folder, by name; none where there is no folder.
fn job_vectors(dir: &Path) -> Result<Vec<Value>, String> {
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let entries =
        std::fs::read_dir(dir).map_err(|e| format!("can't list `{}`: {e}", dir.display()))?;
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    let mut all = Vec::new();
    for file in files {
        let text = std::fs::read(&file).map_err(|e| format!("`{}`: {e}", file.display()))?;
        let mut cases: Vec<Value> =
            serde_json::from_slice(&text).map_err(|e| format!("`{}`: {e}", file.display()))?;
        all.append(&mut cases);
    }
    Ok(all)
}

/// What `weft_sdk::native::write_descriptor` writes.
#[derive(Deserialize)]
struct PolicyPart {
    slot: String,
    features: Vec<String>,
    config_schema: Value,
    vectors: Vec<Value>,
}

fn policy_part(manifest: &Manifest, options: &BuildOptions) -> Result<PolicyPart, BuildError> {
    let folder = tempfile::tempdir().map_err(BuildError::io("create", &std::env::temp_dir()))?;
    let file = folder.path().join("descriptor.json");
    let mut command = cargo_command("test", &manifest.dir, options);
    command.args(["--lib", DESCRIPTOR_TEST, "--", "--exact"]);
    command.env(DESCRIPTOR_VARIABLE, &file);
    cargo::run(&mut command, options.quiet)?;
    let text = std::fs::read(&file).map_err(|_| BuildError::Descriptor {
        name: manifest.name.clone(),
        what: format!(
            "the crate has no test `{DESCRIPTOR_TEST}`; export the policy with the macro of its slot, as \
             `weft_sdk::export_scorer!(MyPolicy)`, in src/lib.rs"
        ),
    })?;
    serde_json::from_slice(&text).map_err(|e| BuildError::Descriptor {
        name: manifest.name.clone(),
        what: format!("it does not read: {e}; do the SDK and this program fit together?"),
    })
}
