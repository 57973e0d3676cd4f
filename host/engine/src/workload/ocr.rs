//! Jobs of `weft:ocr`: an image in, a line of JSON out, with what is written in it.

use crate::bindings::ocr::{Line, OcrPre, Options, Page, Point};
use crate::error::CallError;
use crate::limits::OCR_IMAGE_BYTES;
use crate::workload::{Finished, Job, JobFailure, JobState, WorkloadEngine, state_error};
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering;
use std::time::Instant as Clock;

/// JSON Schema of the params.
pub(super) const PARAMS_SCHEMA: &str = r#"{"type":"object","properties":{"model":{"type":"string","description":"name or CID of the model"},"min_confidence":{"type":"number","minimum":0,"maximum":1,"default":0.5,"description":"lines that were read with less confidence are left out"}},"additionalProperties":false}"#;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Params {
    /// The host's: which model was loaded.
    #[serde(rename = "model")]
    _model: Option<String>,
    min_confidence: f32,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            _model: None,
            min_confidence: 0.5,
        }
    }
}

/// The output.
#[derive(Serialize)]
struct Said<'a> {
    width: u32,
    height: u32,
    lines: Vec<SaidLine<'a>>,
    usage: SaidUsage,
}

#[derive(Serialize)]
struct SaidLine<'a> {
    text: &'a str,
    confidence: f32,
    /// Upper left, upper right, lower right, lower left; `[x, y]` each.
    corners: [[u32; 2]; 4],
    turned: bool,
}

#[derive(Serialize)]
struct SaidUsage {
    pixels: u64,
    regions: u32,
    characters: u32,
}

/// Runs a job.
pub(super) fn run(
    engine: &WorkloadEngine,
    pre: &OcrPre<JobState>,
    job: Job,
) -> Result<Finished, CallError> {
    let started = Clock::now();
    let fuel = job.limits.fuel;
    let (mut store, params) = engine.store(job)?;
    let image = store.data_mut().take(OCR_IMAGE_BYTES + 1);
    let image = image.map_err(|e| state_error(&e, store.data()))?;
    let result = match asked(&params, &image) {
        Err(failure) => Err(failure),
        Ok(options) => {
            let called = pre.instantiate(&mut store).and_then(|instance| {
                let model = instance.weft_ocr_model();
                model.call_read(&mut store, &image, options)
            });
            match called.map_err(|e| state_error(&e, store.data())) {
                Ok(Ok(page)) => {
                    let line = line_of(&page)?;
                    let written = store.data_mut().put(&line);
                    written.map_err(|e| state_error(&e, store.data()))?;
                    Ok(summary(&page))
                }
                Ok(Err(wrong)) => Err(wrong.into()),
                Err(_) if store.data().cancel.load(Ordering::Acquire) => Err(JobFailure::Cancelled),
                Err(error) => return Err(error),
            }
        }
    };
    let used = fuel - store.get_fuel().unwrap_or(0);
    store.into_data().finished(result, used, started)
}

/// How the image is to be read.
fn asked(params: &str, image: &[u8]) -> Result<Options, JobFailure> {
    let params: Params = match params {
        "" => Params::default(),
        text => serde_json::from_str(text).map_err(|e| JobFailure::BadParams(e.to_string()))?,
    };
    if !(0.0..=1.0).contains(&params.min_confidence) {
        let why = format!("`min_confidence` is {}; take 0 to 1", params.min_confidence);
        return Err(JobFailure::BadParams(why));
    }
    if image.len() > OCR_IMAGE_BYTES {
        return Err(JobFailure::BadInput(format!(
            "the image has more than {} MiB; save it with fewer pixels or as JPEG",
            OCR_IMAGE_BYTES >> 20
        )));
    }
    Ok(Options {
        min_confidence: params.min_confidence,
    })
}

/// The line of the output, once the page is what the contract says.
fn line_of(page: &Page) -> Result<Vec<u8>, CallError> {
    let contract = |why: &str| Err(CallError::Contract(why.into()));
    let inside = |point: &Point| point.x < page.width && point.y < page.height;
    if !page
        .lines
        .iter()
        .all(|line| (0.0..=1.0).contains(&line.confidence))
    {
        return contract("a line with a confidence that is not 0 to 1");
    }
    if !page
        .lines
        .iter()
        .all(|line| corners(line).iter().all(inside))
    {
        return contract("a line that is not in the image");
    }
    let said = Said {
        width: page.width,
        height: page.height,
        lines: page.lines.iter().map(said).collect(),
        usage: SaidUsage {
            pixels: page.usage.pixels,
            regions: page.usage.regions,
            characters: page.usage.characters,
        },
    };
    let mut line = serde_json::to_vec(&said).map_err(|e| CallError::Contract(e.to_string()))?;
    line.push(b'\n');
    Ok(line)
}

fn said(line: &Line) -> SaidLine<'_> {
    SaidLine {
        text: &line.text,
        confidence: line.confidence,
        corners: corners(line).map(|point| [point.x, point.y]),
        turned: line.turned,
    }
}

fn corners(line: &Line) -> [Point; 4] {
    [
        line.upper_left,
        line.upper_right,
        line.lower_right,
        line.lower_left,
    ]
}

fn summary(page: &Page) -> String {
    let lines = page.lines.len();
    format!(
        "{lines} line{}, {} characters, {} x {} pixels",
        if lines == 1 { "" } else { "s" },
        page.usage.characters,
        page.width,
        page.height
    )
}
