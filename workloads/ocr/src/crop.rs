//! A region of a page as an upright image of its own.

use crate::geometry::{Corners, Point, distance};
use image::imageops::rotate270;
use image::{Rgb, RgbImage};

/// How much taller than wide a region is that holds a line which runs from top to bottom.
const UPRIGHT: f32 = 1.5;
/// The sharpness of the cubic filter.
const CUBIC: f32 = -0.75;

/// What lies between four corners of a page, as a rectangle. A tall one is turned so that its line runs from left to right.
pub fn straighten(page: &RgbImage, corners: &Corners) -> RgbImage {
    let [a, b, c, d] = *corners;
    let side = |one: f32, other: f32| (one.max(other) as u32).max(1);
    let width = side(distance(a, b), distance(c, d));
    let height = side(distance(a, d), distance(b, c));
    let view = View::of(corners);
    let cut = RgbImage::from_fn(width, height, |x, y| {
        let at = [x as f32 / width as f32, y as f32 / height as f32];
        sample(page, view.at(at))
    });
    match height as f32 / width as f32 >= UPRIGHT {
        true => rotate270(&cut),
        false => cut,
    }
}

/// How the unit square lies on a page (Heckbert, Fundamentals of Texture Mapping, 1989, 2.2.3).
struct View {
    x: [f32; 3],
    y: [f32; 3],
    depth: [f32; 2],
}

impl View {
    fn of(&[a, b, c, d]: &Corners) -> Self {
        let from = |p: Point, q: Point| [p[0] - q[0], p[1] - q[1]];
        let cross = |p: Point, q: Point| p[0] * q[1] - p[1] * q[0];
        let (right, below) = (from(b, c), from(d, c));
        let sum = [a[0] - b[0] + c[0] - d[0], a[1] - b[1] + c[1] - d[1]];
        let depth = match cross(right, below) {
            0.0 => [0.0, 0.0],
            area => [cross(sum, below) / area, cross(right, sum) / area],
        };
        let axis = |i: usize| {
            [
                b[i] - a[i] + depth[0] * b[i],
                d[i] - a[i] + depth[1] * d[i],
                a[i],
            ]
        };
        Self {
            x: axis(0),
            y: axis(1),
            depth,
        }
    }

    fn at(&self, [u, v]: Point) -> Point {
        let by = self.depth[0] * u + self.depth[1] * v + 1.0;
        [self.x, self.y].map(|[a, b, c]| (a * u + b * v + c) / by)
    }
}

/// The colour at a place, by the sixteen pixels around it; beyond an edge it is that of the edge.
fn sample(page: &RgbImage, place: Point) -> Rgb<u8> {
    let whole = place.map(f32::floor);
    let weights = [0, 1].map(|axis| cubic(place[axis] - whole[axis]));
    let near = |axis: usize, side: u32, step: usize| {
        (whole[axis] + step as f32 - 1.0).clamp(0.0, (side - 1) as f32) as u32
    };
    let mut color = [0.0; 3];
    for (down, by_row) in weights[1].iter().enumerate() {
        let y = near(1, page.height(), down);
        for (right, by_column) in weights[0].iter().enumerate() {
            let pixel = page.get_pixel(near(0, page.width(), right), y);
            for (sum, value) in color.iter_mut().zip(pixel.0) {
                *sum += by_row * by_column * f32::from(value);
            }
        }
    }
    Rgb(color.map(|value| value.round().clamp(0.0, 255.0) as u8))
}

/// What four neighbours count for at this part of the way from the second to the third.
fn cubic(part: f32) -> [f32; 4] {
    let near = |t: f32| ((CUBIC + 2.0) * t - (CUBIC + 3.0)) * t * t + 1.0;
    let far = |t: f32| ((CUBIC * t - 5.0 * CUBIC) * t + 8.0 * CUBIC) * t - 4.0 * CUBIC;
    [
        far(1.0 + part),
        near(part),
        near(1.0 - part),
        far(2.0 - part),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each pixel is its own place.
    fn places(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| Rgb([x as u8, y as u8, 0]))
    }

    #[test]
    fn an_upright_region_is_cut_out_as_it_is() {
        let cut = straighten(
            &places(50, 40),
            &[[10.0, 5.0], [40.0, 5.0], [40.0, 25.0], [10.0, 25.0]],
        );
        assert_eq!(cut.dimensions(), (30, 20));
        assert_eq!(cut.get_pixel(0, 0), &Rgb([10, 5, 0]));
        assert_eq!(cut.get_pixel(29, 19), &Rgb([39, 24, 0]));
    }

    #[test]
    fn a_tall_region_is_laid_down() {
        let cut = straighten(
            &places(50, 40),
            &[[10.0, 0.0], [20.0, 0.0], [20.0, 30.0], [10.0, 30.0]],
        );
        assert_eq!(cut.dimensions(), (30, 10));
        // What was above on the right is on the left, above.
        assert_eq!(cut.get_pixel(0, 0), &Rgb([19, 0, 0]));
    }

    #[test]
    fn a_region_seen_from_the_side_is_straight() {
        let corners = [[4.0, 4.0], [40.0, 8.0], [36.0, 30.0], [8.0, 24.0]];
        let view = View::of(&corners);
        for (corner, at) in corners
            .iter()
            .zip([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
        {
            let found = view.at(at);
            assert!(distance(found, *corner) < 1e-3, "{found:?} for {corner:?}");
        }
    }
}
