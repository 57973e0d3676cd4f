//! A model of PP-OCR and what it does with a page: it finds regions, turns and reads each.

use crate::error::Wrong;
use crate::geometry::Corners;
use crate::limits::{ASPECT, LINE_HEIGHT, LINE_WIDTH, LONG_SIDE, THIN};
use crate::lines::{self, Characters, Said};
use crate::network::Network;
use crate::{crop, regions};
use image::imageops::{FilterType, replace, resize, rotate180};
use image::{Rgb, RgbImage};
use std::path::Path;

/// A loaded model.
pub struct Reader {
    detector: Network,
    angles: Option<Network>,
    recogniser: Network,
    characters: Characters,
}

/// A line on a page.
pub struct Line {
    /// What it says.
    pub said: Said,
    /// Where it is, in whole pixels of the page.
    pub corners: [[u32; 2]; 4],
    /// Whether it stood on its head.
    pub turned: bool,
}

/// The names of a model's files.
struct Files {
    networks: Vec<String>,
    texts: Vec<String>,
}

impl Files {
    fn of(dir: &Path) -> Result<Self, Wrong> {
        let io = |e: std::io::Error| Wrong::model(".", format!("it can't be listed: {e}"));
        let mut files = Self {
            networks: Vec::new(),
            texts: Vec::new(),
        };
        for entry in std::fs::read_dir(dir).map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            let name = name.to_string_lossy().into_owned();
            match name.rsplit_once('.') {
                Some((_, "onnx")) => files.networks.push(name),
                Some((_, "txt")) => files.texts.push(name),
                _ => {}
            }
        }
        Ok(files)
    }

    /// The network for a part of the work, by what the names of its kind have in common.
    fn network(&self, part: &str) -> Result<Option<&str>, Wrong> {
        let is_it = |name: &&String| {
            let mut words = name.split(|c: char| !c.is_ascii_alphanumeric());
            words.any(|word| word.eq_ignore_ascii_case(part))
        };
        let mut found = self.networks.iter().filter(is_it);
        match (found.next(), found.next()) {
            (Some(one), Some(other)) => Err(Wrong::model(
                one,
                format!("`{other}` is for the same; add the folder with one of them"),
            )),
            (one, _) => Ok(one.map(String::as_str)),
        }
    }
}

impl Reader {
    /// Reads the model in a directory: `*_det_*.onnx`, `*_rec_*.onnx`, and where they are there `*_cls_*.onnx` and a list of
    /// characters. Each network is tried once.
    ///
    /// # Errors
    /// What is missing or damaged.
    pub fn load(dir: &Path) -> Result<Self, Wrong> {
        let files = Files::of(dir)?;
        let detector = files.network("det")?.ok_or(Wrong::Missing("*det*.onnx"))?;
        let recogniser = files.network("rec")?.ok_or(Wrong::Missing("*rec*.onnx"))?;
        let angles = files.network("cls")?;
        let recogniser = Network::load(dir, recogniser)?;
        let list = match &files.texts[..] {
            [one] => Some(one.as_str()),
            _ => None,
        };
        let model = Self {
            detector: Network::load(dir, detector)?,
            angles: angles.map(|file| Network::load(dir, file)).transpose()?,
            characters: Characters::load(&recogniser, dir, list)?,
            recogniser,
        };
        regions::check(&model.detector)?;
        model.read_line(RgbImage::new(LINE_WIDTH[0], LINE_HEIGHT))?;
        Ok(model)
    }

    /// Characters that it can tell apart.
    pub fn characters(&self) -> usize {
        self.characters.count()
    }

    /// Whether it notices lines that stand on their head.
    pub fn turns_lines(&self) -> bool {
        self.angles.is_some()
    }

    /// Reads a page: its lines in reading order, among them those in which nothing could be read.
    ///
    /// # Errors
    /// When a network does not do what it should.
    pub fn read(&self, page: &RgbImage) -> Result<Vec<Line>, Wrong> {
        let sheet = Sheet::of(page);
        let found = regions::find(&self.detector, &sheet.image)?;
        let read = |corners: Corners| {
            let (said, turned) = self.read_line(crop::straighten(&sheet.image, &corners))?;
            Ok(Line {
                said,
                corners: corners.map(|corner| sheet.on_page(corner, page)),
                turned,
            })
        };
        found.into_iter().map(read).collect()
    }

    /// What a line says, and whether it stood on its head: where it seems to, it is read both ways, since now and then an
    /// upright line seems to, and then says little.
    fn read_line(&self, line: RgbImage) -> Result<(Said, bool), Wrong> {
        let read = |line: &RgbImage| lines::read(&self.recogniser, &self.characters, line);
        let upright = read(&line)?;
        let Some(angles) = &self.angles else {
            return Ok((upright, false));
        };
        if !lines::on_its_head(angles, &line)? {
            return Ok((upright, false));
        }
        let turned = read(&rotate180(&line))?;
        Ok(match turned.confidence > upright.confidence {
            true => (turned, true),
            false => (upright, false),
        })
    }
}

/// A page as it is looked at: not too large, and not too thin.
struct Sheet {
    image: RgbImage,
    /// How much was put to its left and above it.
    margin: [u32; 2],
    /// Pixels of the page for one of the sheet.
    scale: [f32; 2],
}

impl Sheet {
    fn of(page: &RgbImage) -> Self {
        let sides = [page.width(), page.height()];
        let longer = sides[0].max(sides[1]);
        let smaller = |side| u64::from(side) * u64::from(LONG_SIDE) / u64::from(longer);
        let [width, height] = match longer > LONG_SIDE {
            true => sides.map(|side| (smaller(side) as u32).max(1)),
            false => sides,
        };
        let margin = [margin(width, height), margin(height, width)];
        let small;
        let small = match [width, height] == sides {
            true => page,
            false => {
                small = resize(page, width, height, FilterType::Triangle);
                &small
            }
        };
        let [wide, high] = [width + 2 * margin[0], height + 2 * margin[1]];
        let mut image = RgbImage::from_pixel(wide, high, Rgb([0; 3]));
        replace(&mut image, small, margin[0].into(), margin[1].into());
        Self {
            image,
            margin,
            scale: [
                sides[0] as f32 / width as f32,
                sides[1] as f32 / height as f32,
            ],
        }
    }

    fn on_page(&self, point: [f32; 2], page: &RgbImage) -> [u32; 2] {
        let most = [page.width() - 1, page.height() - 1];
        [0, 1].map(|axis| {
            let value = (point[axis] - self.margin[axis] as f32) * self.scale[axis];
            value.round().clamp(0.0, most[axis] as f32) as u32
        })
    }
}

/// What is put on both ends of a side so that the page is not too thin.
fn margin(side: u32, other: u32) -> u32 {
    if side > THIN && other <= side * ASPECT {
        return 0;
    }
    let wanted = 2 * (other / ASPECT).max(THIN);
    wanted.saturating_sub(side) / 2
}
