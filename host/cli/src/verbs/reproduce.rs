//! `weft release reproduce`.

use super::project::{refusal, repository};
use super::release::reference;
use crate::ctx::{Ctx, Outcome, absolute};
use crate::exit::Exit;
use serde_json::json;
use std::path::PathBuf;
use weft_api::{ApiError, PackageRequest, PackageResponse, Request, Response, file_cid};
use weft_build::BuildOptions;

/// Build a release's component from its sources and compare the CIDs; exit code 7 when they differ
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  weft release reproduce scorer-latency
  weft release reproduce my-scorer --dir ~/src/my-scorer")]
pub struct Reproduce {
    /// A release's CID or name, or a CAR file
    #[arg(value_name = "CID|NAME|FILE.car")]
    reference: String,
    /// The project's folder [default: the default component's, in Weft's own repository around this folder]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Build from what cargo has, without network
    #[arg(long)]
    offline: bool,
}

impl Reproduce {
    /// Does it.
    ///
    /// # Errors
    /// When there is no such release or project, and what the build refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let request = PackageRequest::Inspect {
            reference: reference(&self.reference)?,
        };
        let Response::Package(PackageResponse::Package(package)) =
            ctx.ask(Request::Package(request))?
        else {
            return Err(ApiError::new(
                "internal",
                "internal: no release came back",
                "report this",
            ));
        };
        let field = |name: &str| {
            let found = package.fields.iter().find(|(field, _)| field == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let name = field("name");
        let component = field("component");
        let recorded = component.split(' ').next().unwrap_or_default().to_owned();
        let dir = match self.dir {
            Some(dir) => absolute(&dir)?,
            None => source_of(&name)?,
        };
        let io = |e: std::io::Error| ApiError::new("io", e.to_string(), "");
        let folder = tempfile::tempdir().map_err(io)?;
        let out = folder.path().join("component.wasm");
        ctx.note(&format!("building {name} from {}", dir.display()));
        let options = BuildOptions {
            out: Some(out.clone()),
            offline: self.offline,
            quiet: true,
            ..BuildOptions::default()
        };
        weft_build::build(&dir, &options).map_err(|e| refusal(&e))?;
        let bytes = std::fs::read(&out).map_err(io)?;
        let built = file_cid(&bytes)
            .map_err(|e| ApiError::new("refused", e.to_string(), ""))?
            .to_string();
        let equal = built == recorded;
        let value = json!({
            "release": package.release, "name": name, "recorded": recorded, "built": built, "equal": equal,
            "bytes": bytes.len(),
        });
        let text = match equal {
            true => format!("same: the sources of {name} give {built}\n"),
            false => format!(
                "different: the sources of {name} give {built}, its release has {recorded}\n"
            ),
        };
        ctx.show_value(&value, &text)?;
        Ok(if equal { Exit::Ok } else { Exit::Differs })
    }
}

/// The folder of a default component in the repository around the current folder.
fn source_of(name: &str) -> Result<PathBuf, ApiError> {
    let root = repository()?;
    ["plugins", "workloads"]
        .iter()
        .map(|folder| root.join(folder).join(name))
        .find(|dir| dir.join("Cargo.toml").is_file())
        .ok_or_else(|| {
            ApiError::new(
                "not-found",
                format!("`{name}` is no default component of this repository"),
                "say where its sources are: --dir DIR",
            )
        })
}
