//! Where text is: a network gives each pixel a probability, and what hangs together is a region.

use crate::error::Wrong;
use crate::geometry::{Corners, Rectangle, distance, hull, named};
use crate::limits::{LONG_SIDE, REGION, REGION_SIDE, REGIONS, SHORT_SIDE, STEP, TEXT, UNCLIP};
use crate::network::{Network, Output};
use image::RgbImage;
use image::imageops::{FilterType, resize};

/// The regions of a page that look like text, in reading order; their corners are pixels of it.
///
/// # Errors
/// When the network is no detector.
pub fn find(detector: &Network, page: &RgbImage) -> Result<Vec<Corners>, Wrong> {
    let [width, height] = input_size(page);
    let input = resize(page, width, height, FilterType::Triangle);
    let map = Map::of(detector, detector.run(&input, width)?, width, height)?;
    let scale = [
        page.width() as f32 / width as f32,
        page.height() as f32 / height as f32,
    ];
    let most = [page.width() - 1, page.height() - 1].map(|value| value as f32);
    let on_page = |corners: Corners| {
        corners.map(|point| {
            [0, 1].map(|axis| (point[axis] * scale[axis]).round().clamp(0.0, most[axis]))
        })
    };
    let mut found: Vec<Corners> = map
        .rectangles()
        .map(|rectangle| on_page(named(rectangle.corners())))
        .filter(|c| distance(c[0], c[1]) > REGION_SIDE && distance(c[0], c[3]) > REGION_SIDE)
        .collect();
    in_reading_order(&mut found);
    Ok(found)
}

/// Tries a network on the smallest page.
///
/// # Errors
/// When it is no detector.
pub fn check(detector: &Network) -> Result<(), Wrong> {
    let output = detector.run(&RgbImage::new(STEP, STEP), STEP)?;
    Map::of(detector, output, STEP, STEP).map(drop)
}

/// The size at which text is looked for.
fn input_size(page: &RgbImage) -> [u32; 2] {
    let [width, height] = [page.width(), page.height()].map(f64::from);
    let scale = (f64::from(SHORT_SIDE) / width.min(height)).max(1.0);
    let steps = |side: f64| ((side * scale / f64::from(STEP)).round() as u32).max(1);
    [steps(width) * STEP, steps(height) * STEP]
}

/// How far apart in height two regions of one line are, in pixels of a page of at most [`LONG_SIDE`].
const SAME_LINE: f32 = LONG_SIDE as f32 / 200.0;

/// From top to bottom; those at about one height from left to right.
fn in_reading_order(regions: &mut [Corners]) {
    regions.sort_by(|a, b| {
        let by_height = a[0][1].total_cmp(&b[0][1]);
        by_height.then(a[0][0].total_cmp(&b[0][0]))
    });
    for at in 1..regions.len() {
        for next in (1..=at).rev() {
            let [a, b] = [regions[next - 1][0], regions[next][0]];
            if (b[1] - a[1]).abs() >= SAME_LINE || b[0] >= a[0] {
                break;
            }
            regions.swap(next - 1, next);
        }
    }
}

/// The probability of each pixel.
struct Map {
    width: usize,
    height: usize,
    values: Vec<f32>,
}

impl Map {
    fn of(detector: &Network, output: Output, width: u32, height: u32) -> Result<Self, Wrong> {
        let [width, height] = [width as usize, height as usize];
        if output.sides != [1, 1, height, width] {
            return Err(detector.wrong(format!(
                "it finds no text: for {width} x {height} pixels it gives {:?}",
                output.sides
            )));
        }
        Ok(Self {
            width,
            height,
            values: output.values,
        })
    }

    /// The rectangles around what is text.
    fn rectangles(&self) -> impl Iterator<Item = Rectangle> {
        let mut left = self.marked();
        let mut next = 0;
        std::iter::from_fn(move || {
            next += left[next..].iter().position(|marked| *marked)?;
            Some(self.component(&mut left, next))
        })
        .take(REGIONS)
        .filter_map(|points| Rectangle::around(&hull(&points)))
        .filter(|rectangle| rectangle.shorter() >= REGION_SIDE && self.mean(rectangle) >= REGION)
        .map(|rectangle| rectangle.widened(UNCLIP))
        .filter(|rectangle| rectangle.shorter() >= REGION_SIDE + 2.0)
    }

    /// Which pixels are text, each with its neighbours to the right and below.
    fn marked(&self) -> Vec<bool> {
        let mut marked = vec![false; self.values.len()];
        for (y, row) in self.values.chunks_exact(self.width).enumerate() {
            for (x, value) in row.iter().enumerate() {
                if *value > TEXT {
                    for y in y..(y + 2).min(self.height) {
                        for x in x..(x + 2).min(self.width) {
                            marked[y * self.width + x] = true;
                        }
                    }
                }
            }
        }
        marked
    }

    /// Takes away the pixels that hang together with one, which is the first of them in the order of the rows, and gives
    /// both ends of each row.
    fn component(&self, left: &mut [bool], first: usize) -> Vec<[i32; 2]> {
        let top = first / self.width;
        let mut rows: Vec<[usize; 2]> = Vec::new();
        let mut waiting = vec![first];
        left[first] = false;
        while let Some(at) = waiting.pop() {
            let (x, y) = (at % self.width, at / self.width);
            if rows.len() <= y - top {
                rows.resize(y - top + 1, [usize::MAX, 0]);
            }
            let [low, high] = &mut rows[y - top];
            (*low, *high) = ((*low).min(x), (*high).max(x));
            for y in y.saturating_sub(1)..(y + 2).min(self.height) {
                for x in x.saturating_sub(1)..(x + 2).min(self.width) {
                    let near = y * self.width + x;
                    if std::mem::take(&mut left[near]) {
                        waiting.push(near);
                    }
                }
            }
        }
        let ends = |(row, ends): (usize, [usize; 2])| ends.map(|x| [x as i32, (top + row) as i32]);
        rows.into_iter().enumerate().flat_map(ends).collect()
    }

    /// The mean within a rectangle.
    fn mean(&self, rectangle: &Rectangle) -> f32 {
        let corners = rectangle.corners();
        let [columns, rows] = [(0, self.width), (1, self.height)].map(|(axis, side)| {
            let values = corners.map(|corner| corner[axis]);
            let low = values.iter().copied().fold(f32::MAX, f32::min).max(0.0);
            let high = values.iter().copied().fold(0.0, f32::max);
            low.floor() as usize..(high.ceil() as usize + 1).min(side)
        });
        let (mut sum, mut count) = (0.0, 0_u32);
        for y in rows {
            for x in columns.clone() {
                if rectangle.holds(x, y) {
                    sum += self.values[y * self.width + x];
                    count += 1;
                }
            }
        }
        sum / count.max(1) as f32
    }
}
