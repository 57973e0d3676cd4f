//! The text in an image, by a model of PP-OCR that the host grants.
//!
//! The steps and their constants are those of PP-OCR: a network says which pixels are text, what hangs together is a region,
//! each region is straightened, turned where it stands on its head, and read from left to right. A line is read by itself, so
//! what it says does not depend on the others.

mod crop;
mod error;
mod geometry;
pub mod limits;
mod lines;
mod network;
mod picture;
mod reader;
mod regions;

use error::Wrong;
use reader::{Line as Read, Reader};
use std::path::Path;
use weft_sdk::ocr::{Line, Loaded, ModelError, Ocr, Options, Page, Point, Usage};

/// A loaded model.
pub struct Model(Reader);

impl Ocr for Model {
    const NAME: &'static str = "ocr";
    const SUMMARY: &'static str =
        "The text in an image: its lines, where they are, and how sure the model is.";
    const FORMATS: &'static [&'static str] = &["PP-OCR ONNX"];
    const IMAGES: &'static [&'static str] = picture::FORMATS;

    fn load(dir: &Path) -> Result<Self, ModelError> {
        Ok(Self(Reader::load(dir)?))
    }

    fn loaded(&self) -> Loaded {
        Loaded {
            characters: self.0.characters() as u32,
            turns_lines: self.0.turns_lines(),
            max_pixels: limits::PIXELS,
        }
    }

    fn read(&self, image: &[u8], options: &Options) -> Result<Page, ModelError> {
        let least = options.min_confidence;
        if !(0.0..=1.0).contains(&least) {
            let why = format!("`min-confidence` is {least}; take 0 to 1");
            return Err(Wrong::Input(why).into());
        }
        let page = picture::decode(image)?;
        let found = self.0.read(&page)?;
        let regions = found.len() as u32;
        let lines: Vec<Line> = found
            .into_iter()
            .filter(|line| !line.said.text.is_empty() && line.said.confidence >= least)
            .map(line)
            .collect();
        let characters = lines
            .iter()
            .map(|line| line.text.chars().count())
            .sum::<usize>();
        Ok(Page {
            width: page.width(),
            height: page.height(),
            usage: Usage {
                pixels: u64::from(page.width()) * u64::from(page.height()),
                regions,
                characters: characters as u32,
            },
            lines,
        })
    }
}

fn line(read: Read) -> Line {
    let [upper_left, upper_right, lower_right, lower_left] =
        read.corners.map(|[x, y]| Point { x, y });
    Line {
        text: read.said.text,
        confidence: read.said.confidence,
        upper_left,
        upper_right,
        lower_right,
        lower_left,
        turned: read.turned,
    }
}

weft_sdk::export_ocr!(Model);
