//! `weft run text-index`.

use super::{Doing, at_once, output_of};
use crate::ctx::{Ctx, Outcome, absolute_text};
use crate::exit::Exit;
use crate::render;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use weft_api::ApiError;
use weft_api::lines::Hit;
use weft_model::task::TaskSpec;

/// The name of the workload, and of the tasks that run it by hand.
const TEXT_INDEX: &str = "text-index";

/// The name of tasks that search an index.
const TEXT_SEARCH: &str = "text-search";

/// Index a folder of texts by meaning, and search the index
///
/// Say in weft.toml which folder it may read, as in `reads = "text-index=/srv/notes"`; it sees nothing else. The
/// first run embeds all of it, later ones only what changed, some passages in each of several jobs; cut off, it goes on
/// where it was. The index is a file of yours, so the folder is not needed for a search.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  weft run text-index --index notes.index
  weft run text-index --index notes.index --query \"how do I bake bread\"
  weft run text-index --index notes.index --query \"bread\" --top 3 --json")]
pub struct TextIndex {
    /// The index: brought up to date with the folder, or searched
    #[arg(long, value_name = "FILE")]
    index: PathBuf,
    /// Search for what means this; without it, the index is brought up to date
    #[arg(long, value_name = "TEXT")]
    query: Option<String>,
    /// Passages that a search gives, 1 to 100 [default: 5]
    #[arg(long, value_name = "N", requires = "query")]
    top: Option<u32>,
    /// The model, by name or CID, the same for an index and its searches [default: mini]
    #[arg(long, value_name = "NAME|CID")]
    model: Option<String>,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub struct Indexed {
    /// The task.
    pub task: String,
    /// In one line.
    pub summary: Option<String>,
    /// The index.
    pub index: String,
    /// What a search found, the best first; none where the index was brought up to date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hits: Option<Vec<Hit>>,
    /// CID of the receipt.
    pub receipt: Option<String>,
}

impl TextIndex {
    pub(super) fn run(self, ctx: &Ctx) -> Outcome {
        let index = absolute_text(&self.index)?;
        let mut params = Map::new();
        if let Some(model) = &self.model {
            params.insert("model".into(), model.as_str().into());
        }
        let found = match &self.query {
            Some(query) => self.search(ctx, index, params, query)?,
            None => self.update(ctx, index, params)?,
        };
        if ctx.json() {
            return ctx.show_value(&found, "");
        }
        render::print(&render::indexed(&found))?;
        Ok(Exit::Ok)
    }

    /// As many jobs as it takes: each embeds some, and what it gave is kept before the next one.
    fn update(
        &self,
        ctx: &Ctx,
        index: String,
        params: Map<String, Value>,
    ) -> Result<Indexed, ApiError> {
        let doing = Doing {
            what: "indexing",
            lines: Some("passages"),
            total: None,
        };
        let params = Value::from(params).to_string();
        loop {
            let mut spec = TaskSpec::new(TEXT_INDEX, "");
            spec.input = self.index.exists().then(|| index.clone());
            spec.params = Some(params.clone());
            let task = at_once(ctx, &doing, spec, None)?;
            let kept = output_of(&task)?;
            let left = left(&kept)?;
            replace(&kept, &self.index)?;
            if left == 0 {
                return Ok(Indexed {
                    task: task.task,
                    summary: task.summary,
                    index,
                    hits: None,
                    receipt: task.receipt,
                });
            }
        }
    }

    fn search(
        &self,
        ctx: &Ctx,
        index: String,
        mut params: Map<String, Value>,
        query: &str,
    ) -> Result<Indexed, ApiError> {
        if !self.index.exists() {
            let why = format!("there is no index `{}`", self.index.display());
            let first = "make it first: the same without --query";
            return Err(ApiError::new("not-found", why, first));
        }
        params.insert("query".into(), query.into());
        if let Some(top) = self.top {
            params.insert("top".into(), top.into());
        }
        // Under a name that no folder is granted to: it needs none, and its receipt is to name none.
        let mut spec = TaskSpec::new(TEXT_SEARCH, "");
        spec.workload = Some(TEXT_INDEX.into());
        spec.input = Some(index.clone());
        spec.params = Some(Value::from(params).to_string());
        let doing = Doing {
            what: "searching",
            lines: None,
            total: None,
        };
        let task = at_once(ctx, &doing, spec, None)?;
        Ok(Indexed {
            hits: Some(hits(&output_of(&task)?)?),
            task: task.task,
            summary: task.summary,
            index,
            receipt: task.receipt,
        })
    }
}

/// How many passages a new index still lacks, as its first line says.
fn left(index: &Path) -> Result<u64, ApiError> {
    #[derive(Deserialize)]
    struct Header {
        /// Where another workload is bound to the name, it may say nothing of it.
        #[serde(default)]
        left: u64,
    }
    let mut line = String::new();
    let file = File::open(index).map_err(|e| bad(index, &e))?;
    BufReader::new(file)
        .read_line(&mut line)
        .map_err(|e| bad(index, &e))?;
    let header: Header = serde_json::from_str(&line).map_err(|e| bad(index, &e))?;
    Ok(header.left)
}

fn hits(output: &Path) -> Result<Vec<Hit>, ApiError> {
    let file = File::open(output).map_err(|e| bad(output, &e))?;
    BufReader::new(file)
        .lines()
        .map(|line| {
            let line = line.map_err(|e| bad(output, &e))?;
            serde_json::from_str(&line).map_err(|e| bad(output, &e))
        })
        .collect()
}

/// The new index instead of the old one, whole or not at all.
fn replace(output: &Path, index: &Path) -> Result<(), ApiError> {
    let folder = match index.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut new = tempfile::NamedTempFile::new_in(folder).map_err(|e| bad(folder, &e))?;
    let mut kept = File::open(output).map_err(|e| bad(output, &e))?;
    std::io::copy(&mut kept, &mut new).map_err(|e| bad(index, &e))?;
    new.as_file().sync_all().map_err(|e| bad(index, &e))?;
    new.persist(index).map_err(|e| bad(index, &e.error))?;
    Ok(())
}

fn bad(path: &Path, e: &dyn std::fmt::Display) -> ApiError {
    ApiError::new("io", format!("`{}`: {e}", path.display()), "")
}
