//! `weft run ocr`.

use super::{Doing, at_once, output_of};
use crate::ctx::{Ctx, Outcome, absolute_text};
use crate::exit::{self, Exit};
use crate::render;
use serde::Serialize;
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use weft_api::ApiError;
use weft_api::lines::Page;
use weft_api::report::TaskReport;
use weft_model::task::TaskSpec;

/// The name of the workload, and of the tasks that run it by hand.
const OCR: &str = "ocr";

/// Read the text in images
///
/// It computes in a sandbox that sees nothing but the model and the image. Add a model first: `pip install --no-deps
/// rapidocr-onnxruntime`, then `weft model add ppocr --from-python rapidocr-onnxruntime`. Each image is a task with a
/// receipt of its own; one that can't be read is told and does not stop the others.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  weft run ocr scan.png
  weft run ocr page-1.jpg page-2.jpg > text.txt
  weft run ocr receipt.webp --min-confidence 0.8 --json")]
pub struct Ocr {
    /// PNG, JPEG or WebP files
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// The model, by name or CID [default: ppocr]
    #[arg(long, value_name = "NAME|CID")]
    model: Option<String>,
    /// Leave out lines that were read with less confidence, 0 to 1 [default: 0.5]
    #[arg(long, value_name = "NUMBER")]
    min_confidence: Option<f64>,
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
pub struct Pages {
    /// One for each image, in order.
    pub pages: Vec<Read>,
}

/// What became of an image.
#[derive(Debug, Serialize)]
pub struct Read {
    /// Its file, as it was named.
    pub file: String,
    /// What was read; none where it could not be read.
    #[serde(flatten)]
    pub found: Option<Found>,
    /// Why it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
}

/// What was read.
#[derive(Debug, Serialize)]
pub struct Found {
    /// The task.
    pub task: String,
    /// In one line.
    pub summary: Option<String>,
    /// The page.
    #[serde(flatten)]
    pub page: Page,
    /// CID of the receipt.
    pub receipt: Option<String>,
}

impl Ocr {
    pub(super) fn run(self, ctx: &Ctx) -> Outcome {
        let mut params = Map::new();
        if let Some(model) = &self.model {
            params.insert("model".into(), model.as_str().into());
        }
        if let Some(least) = self.min_confidence {
            params.insert("min_confidence".into(), least.into());
        }
        let params = Value::from(params).to_string();
        let alone = self.images.len() == 1;
        let mut pages = Vec::new();
        for image in &self.images {
            let read = read(ctx, image, &params);
            let (found, error) = match read {
                Ok(found) => (Some(found), None),
                // Whatever is wrong with an image is that of its task; everything else would be so for the others, too.
                Err(error) if alone || error.code != "task-failed" => return Err(error),
                Err(error) => (None, Some(error)),
            };
            let file = image.display().to_string();
            pages.push(Read { file, found, error });
        }
        let failed = pages.iter().find_map(|page| page.error.as_ref());
        let exit = failed.map_or(Exit::Ok, |error| Exit::of_code(&error.code));
        let pages = Pages { pages };
        if ctx.json() {
            ctx.show_value(&pages, "")?;
            return Ok(exit);
        }
        for page in &pages.pages {
            render::print(&render::page(page, alone))?;
            match (&page.found, &page.error) {
                (_, Some(error)) => drop(exit::failure(error, false)),
                (Some(found), _) => {
                    let receipt = found.receipt.as_deref().unwrap_or("none");
                    let summary = found.summary.as_deref().unwrap_or_default();
                    ctx.note(&format!("{summary}; receipt {receipt}"));
                }
                (None, None) => {}
            }
        }
        Ok(exit)
    }
}

fn read(ctx: &Ctx, image: &Path, params: &str) -> Result<Found, ApiError> {
    let mut spec = TaskSpec::new(OCR, "");
    spec.input = Some(absolute_text(image)?);
    spec.params = Some(params.to_owned());
    let doing = Doing {
        what: "reading",
        lines: None,
        total: None,
    };
    let task = at_once(ctx, &doing, spec, None)?;
    let page = page_of(&task)?;
    Ok(Found {
        task: task.task,
        summary: task.summary,
        page,
        receipt: task.receipt,
    })
}

/// The output of a task.
fn page_of(task: &TaskReport) -> Result<Page, ApiError> {
    let kept = output_of(task)?;
    let bad =
        |e: &dyn std::fmt::Display| ApiError::new("io", format!("`{}`: {e}", kept.display()), "");
    let text = std::fs::read_to_string(&kept).map_err(|e| bad(&e))?;
    serde_json::from_str(&text).map_err(|e| bad(&e))
}
