//! What a line says: whether it stands on its head, and its characters.

use crate::error::Wrong;
use crate::limits::{ANGLE, ANGLE_WIDTH, CHARACTERS_BYTES, LINE_HEIGHT, LINE_WIDTH};
use crate::network::Network;
use image::RgbImage;
use image::imageops::{FilterType, resize};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The characters that a network gives probabilities for, after the one for none.
pub struct Characters(Vec<String>);

impl Characters {
    /// Those that the network names itself, or else those in a file of the model, one on each line.
    ///
    /// # Errors
    /// When neither is there, or the file can't be read.
    pub fn load(reader: &Network, dir: &Path, file: Option<&str>) -> Result<Self, Wrong> {
        let list = match (reader.note("character"), file) {
            (Some(list), _) => list.to_owned(),
            (None, Some(file)) => {
                let mut list = String::new();
                File::open(dir.join(file))
                    .and_then(|open| open.take(CHARACTERS_BYTES).read_to_string(&mut list))
                    .map_err(|e| Wrong::model(file, format!("it can't be read: {e}")))?;
                list
            }
            (None, None) => {
                let why = "it does not name its characters: put the list that it was trained with beside it, as a `.txt` file";
                return Err(reader.wrong(why));
            }
        };
        let mut all: Vec<String> = list.lines().map(ToOwned::to_owned).collect();
        all.push(" ".into());
        Ok(Self(all))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

/// What a line says.
#[derive(Debug, PartialEq)]
pub struct Said {
    /// Its characters.
    pub text: String,
    /// The mean of their probabilities; 0 where there is none.
    pub confidence: f32,
}

/// Whether a line seems to stand on its head.
///
/// # Errors
/// When the network does not tell two angles apart.
pub fn on_its_head(angles: &Network, line: &RgbImage) -> Result<bool, Wrong> {
    let width = width_of(line).min(ANGLE_WIDTH);
    let input = resize(line, width, LINE_HEIGHT, FilterType::Triangle);
    let output = angles.run(&input, ANGLE_WIDTH)?;
    match (&output.sides[..], &output.values[..]) {
        ([1, 2], [upright, head]) => Ok(head > upright && *head > ANGLE),
        (sides, _) => {
            let why = format!("it does not tell two angles apart: it gives {sides:?}");
            Err(angles.wrong(why))
        }
    }
}

/// Reads a line.
///
/// # Errors
/// When the network is no recogniser, or has other characters.
pub fn read(reader: &Network, characters: &Characters, line: &RgbImage) -> Result<Said, Wrong> {
    let [least, most] = LINE_WIDTH;
    let width = width_of(line).min(most);
    let input = resize(line, width, LINE_HEIGHT, FilterType::Triangle);
    let output = reader.run(&input, width.max(least))?;
    let wanted = characters.count() + 1;
    match output.sides[..] {
        [1, _, classes] if classes == wanted => {}
        [1, _, classes] => {
            let why = format!(
                "it tells {classes} characters apart, its list of them makes {wanted}; it needs the list that it was trained with"
            );
            return Err(reader.wrong(why));
        }
        _ => {
            let why = format!("it reads no lines: it gives {:?}", output.sides);
            return Err(reader.wrong(why));
        }
    }
    let (mut text, mut sum, mut count) = (String::new(), 0.0, 0_u32);
    let mut before = 0;
    for step in output.values.chunks_exact(wanted) {
        let best = step.iter().enumerate();
        let best = best.fold((0, f32::MIN), |best, (class, value)| {
            if *value > best.1 {
                (class, *value)
            } else {
                best
            }
        });
        // A character goes on until another one, or none, is the likeliest.
        if best.0 != before && best.0 > 0 {
            text.push_str(&characters.0[best.0 - 1]);
            sum += best.1;
            count += 1;
        }
        before = best.0;
    }
    Ok(Said {
        text,
        confidence: (sum / count.max(1) as f32).clamp(0.0, 1.0),
    })
}

/// The width of a line at the height at which it is read.
fn width_of(line: &RgbImage) -> u32 {
    let width = f64::from(LINE_HEIGHT) * f64::from(line.width()) / f64::from(line.height());
    (width.ceil() as u32).max(1)
}
