//! Projects of plugins and workloads: new, build, test, bundle. The work is `weft-build`'s; no node is needed, but to
//! run a component's vectors.

use crate::ctx::{Ctx, Outcome, absolute, absolute_text};
use crate::exit::Exit;
use crate::render;
use serde_json::json;
use std::error::Error;
use std::path::{Path, PathBuf};
use weft_api::{ApiError, Request};
use weft_build::{BuildError, BuildOptions, Built, bundle};

/// Where the repository keeps its bundle.
const BUNDLE_DIR: &str = "plugins/bundle";

/// Build the component of a project
///
/// Needs Rust with the target wasm32-unknown-unknown. The result is one file that holds its own description; the same
/// sources, lock file and toolchain give the same bytes.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  weft plugin build my-scorer\n  weft workload build my-count --out my-count.wasm"
)]
pub struct Build {
    /// The project's folder
    #[arg(default_value = ".")]
    dir: PathBuf,

    /// The component's file [default: target/weft/NAME.wasm]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Add a missing wasm target by rustup
    #[arg(long)]
    add_target: bool,

    /// Build from what cargo has, without network
    #[arg(long)]
    offline: bool,
}

/// Renew the components that the binary carries; in Weft's own repository only
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  weft plugin bundle --check")]
pub struct Bundle {
    /// Build them again and compare with the committed ones, bit by bit; exit code 7 when they differ
    #[arg(long)]
    check: bool,

    /// Build from what cargo has, without network
    #[arg(long)]
    offline: bool,
}

impl Build {
    /// Builds; `kind` is the verb's, for the next step that is told.
    ///
    /// # Errors
    /// What the build refuses.
    pub fn run(self, ctx: &Ctx, kind: &str) -> Outcome {
        let options = BuildOptions {
            out: self.out.as_deref().map(absolute).transpose()?,
            add_target: self.add_target,
            offline: self.offline,
            quiet: ctx.json(),
            ..BuildOptions::default()
        };
        let built = weft_build::build(&self.dir, &options).map_err(|e| refusal(&e))?;
        let verb = if kind == "workload" {
            "workload"
        } else {
            "plugin"
        };
        let text = render::built(&built, &format!("weft {verb} add {}", built.path.display()));
        ctx.show_value(&report(&built), &text)
    }
}

impl Bundle {
    /// Renews or compares the bundle of the repository around the current folder.
    ///
    /// # Errors
    /// Outside of the repository, and what the build refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let workspace = repository()?;
        let dir = workspace.join(BUNDLE_DIR);
        let options = BuildOptions {
            offline: self.offline,
            quiet: true,
            ..BuildOptions::default()
        };
        let mut told = |name: &str| ctx.note(&format!("building {name}"));
        if self.check {
            let differences = bundle::bundle_check(&workspace, &dir, &options, &mut told)
                .map_err(|e| refusal(&e))?;
            let rows = differences
                .iter()
                .map(|d| json!({"name": d.name, "what": d.what}));
            let value =
                json!({"equal": differences.is_empty(), "differences": rows.collect::<Vec<_>>()});
            let lines = differences
                .iter()
                .map(|d| (d.name.as_str(), d.what.as_str()));
            ctx.show_value(&value, &render::bundle_check(lines))?;
            return Ok(if differences.is_empty() {
                Exit::Ok
            } else {
                Exit::Differs
            });
        }
        let lock =
            bundle::bundle(&workspace, &dir, &options, &mut told).map_err(|e| refusal(&e))?;
        ctx.show_value(&lock, &render::bundle(&lock))
    }
}

/// Writes a policy's project.
///
/// # Errors
/// When the slot or the name is not one, or the folder is in use.
pub fn new_plugin(ctx: &Ctx, slot: &str, name: &str, path: Option<PathBuf>) -> Outcome {
    let dir = path.unwrap_or_else(|| name.into());
    weft_build::new_plugin(&dir, slot, name).map_err(|e| refusal(&e))?;
    made(ctx, &dir, "plugin")
}

/// Writes a workload's project.
///
/// # Errors
/// When the name is none, or the folder is in use.
pub fn new_workload(ctx: &Ctx, name: &str, path: Option<PathBuf>) -> Outcome {
    let dir = path.unwrap_or_else(|| name.into());
    weft_build::new_workload(&dir, name).map_err(|e| refusal(&e))?;
    made(ctx, &dir, "workload")
}

fn made(ctx: &Ctx, dir: &Path, verb: &str) -> Outcome {
    let at = dir.display();
    let next = match verb {
        "plugin" => format!("  weft plugin test {at}\n  weft plugin build {at}\n"),
        _ => format!("  weft workload build {at}\n"),
    };
    let text = format!("made `{at}`; src/lib.rs is yours to change, README.md says how\n{next}");
    ctx.show_value(&json!({"path": absolute_text(dir)?}), &text)
}

/// Runs a project's own tests and, unless `native`, its component's vectors in the engine.
///
/// # Errors
/// When a test or a vector fails, or there is no home for the engine's part.
pub fn test(ctx: &Ctx, dir: &Path, native: bool) -> Outcome {
    if !native {
        // Before minutes of compiling: without a home the second part can't be done. The home is let go meanwhile.
        drop(ctx.client()?);
    }
    let options = BuildOptions {
        quiet: ctx.json(),
        ..BuildOptions::default()
    };
    weft_build::test(dir, &options).map_err(|e| refusal(&e))?;
    if native {
        return ctx.show_value(&json!({"native": true}), "the project's own tests passed\n");
    }
    let built = weft_build::build(dir, &options).map_err(|e| refusal(&e))?;
    let target = absolute_text(&built.path)?;
    ctx.tell_as(Request::PluginTest { target }, render::tested)
}

fn report(built: &Built) -> serde_json::Value {
    json!({
        "path": built.path.display().to_string(),
        "size": built.size,
        "name": built.descriptor.name,
        "version": built.descriptor.version,
        "world": built.descriptor.world,
        "slot": built.descriptor.slot,
        "vectors": built.descriptor.vectors.len(),
    })
}

/// The repository around the current folder.
pub(super) fn repository() -> Result<PathBuf, ApiError> {
    let here = absolute(Path::new("."))?;
    let found = here.ancestors().find(|dir| {
        dir.join(BUNDLE_DIR).join("Cargo.toml").is_file() && dir.join("Cargo.toml").is_file()
    });
    found.map(Path::to_owned).ok_or_else(|| {
        let message = format!("`{}` lies outside of Weft's own repository", here.display());
        ApiError::new(
            "invalid",
            message,
            "for a plugin of your own: weft plugin build, weft plugin add",
        )
    })
}

/// A build's error, with its causes.
pub(super) fn refusal(error: &BuildError) -> ApiError {
    let code = match error {
        BuildError::Io { .. } => "io",
        BuildError::Program { .. }
        | BuildError::NoTarget { .. }
        | BuildError::NoTargetNoRustup { .. } => "unavailable",
        BuildError::NotEmpty { .. } => "conflict",
        BuildError::BadName { .. } | BuildError::BadSlot { .. } => "invalid",
        _ => "refused",
    };
    let remedy = match error {
        BuildError::NoTarget { .. } => "--add-target, and Weft does it",
        _ => "",
    };
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(because) = cause {
        message.push_str(&format!(": {because}"));
        cause = because.source();
    }
    ApiError::new(code, message, remedy)
}
