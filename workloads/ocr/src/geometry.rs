//! Hulls, smallest rectangles and corners.

/// A place in an image, in pixels.
pub type Point = [f32; 2];

/// The corners of a quadrangle: upper left, upper right, lower right, lower left.
pub type Corners = [Point; 4];

/// A rectangle at any angle.
#[derive(Clone, Copy, Debug)]
pub struct Rectangle {
    center: Point,
    /// The direction of its first side, of length 1.
    along: Point,
    /// Half of its sides.
    half: [f32; 2],
}

/// The convex hull of points that are sorted by their second coordinate, then by their first.
pub fn hull(points: &[[i32; 2]]) -> Vec<[i32; 2]> {
    let turn = |o: [i32; 2], a: [i32; 2], b: [i32; 2]| {
        i64::from(a[0] - o[0]) * i64::from(b[1] - o[1])
            - i64::from(a[1] - o[1]) * i64::from(b[0] - o[0])
    };
    let chain = |points: &mut dyn Iterator<Item = [i32; 2]>| {
        let mut chain: Vec<[i32; 2]> = Vec::new();
        for point in points {
            while let [.., a, b] = chain[..]
                && turn(a, b, point) >= 0
            {
                chain.pop();
            }
            chain.push(point);
        }
        // The other chain begins with it.
        chain.pop();
        chain
    };
    let mut hull = chain(&mut points.iter().copied());
    hull.extend(chain(&mut points.iter().rev().copied()));
    hull
}

impl Rectangle {
    /// The smallest one around a convex hull; one side of it lies along a side of the hull.
    pub fn around(hull: &[[i32; 2]]) -> Option<Self> {
        let mut best: Option<(f32, Self)> = None;
        for (at, from) in hull.iter().enumerate() {
            let to = hull[(at + 1) % hull.len()];
            let side = [(to[0] - from[0]) as f32, (to[1] - from[1]) as f32];
            let length = side[0].hypot(side[1]);
            if length == 0.0 {
                continue;
            }
            let along = side.map(|value| value / length);
            let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
            for point in hull {
                let point = turned(point.map(|value| value as f32), along);
                for axis in 0..2 {
                    low[axis] = low[axis].min(point[axis]);
                    high[axis] = high[axis].max(point[axis]);
                }
            }
            let sides = [high[0] - low[0], high[1] - low[1]];
            let area = sides[0] * sides[1];
            if best.is_none_or(|(least, _)| area < least) {
                let middle = [(low[0] + high[0]) / 2.0, (low[1] + high[1]) / 2.0];
                let rectangle = Self {
                    center: turned(middle, [along[0], -along[1]]),
                    along,
                    half: sides.map(|side| side / 2.0),
                };
                best = Some((area, rectangle));
            }
        }
        best.map(|(_, rectangle)| rectangle)
    }

    /// Its shorter side.
    pub fn shorter(&self) -> f32 {
        2.0 * self.half[0].min(self.half[1])
    }

    /// One that is wider on every side by its area divided by its outline, times a factor.
    pub fn widened(&self, factor: f32) -> Self {
        let [a, b] = self.half;
        let by = a * b / (a + b) * factor;
        Self {
            half: [a + by, b + by],
            ..*self
        }
    }

    /// Whether a pixel lies in it or on its outline.
    pub fn holds(&self, x: usize, y: usize) -> bool {
        let from = [x as f32 - self.center[0], y as f32 - self.center[1]];
        let [along, across] = turned(from, self.along);
        along.abs() <= self.half[0] + 0.5 && across.abs() <= self.half[1] + 0.5
    }

    /// Its corners, in the order in which one goes around.
    pub fn corners(&self) -> Corners {
        let [a, b] = self.half;
        [[-a, -b], [a, -b], [a, b], [-a, b]].map(|corner| {
            let [x, y] = turned(corner, [self.along[0], -self.along[1]]);
            [self.center[0] + x, self.center[1] + y]
        })
    }
}

/// The coordinates of a point along a direction of length 1 and across it.
fn turned(point: Point, along: Point) -> Point {
    [
        point[0] * along[0] + point[1] * along[1],
        point[1] * along[0] - point[0] * along[1],
    ]
}

/// Corners as a person names them: the upper left one first, then clockwise.
pub fn named(mut corners: Corners) -> Corners {
    corners.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let [mut left, mut right] = [[corners[0], corners[1]], [corners[2], corners[3]]];
    for side in [&mut left, &mut right] {
        side.sort_by(|a, b| a[1].total_cmp(&b[1]));
    }
    [left[0], right[0], right[1], left[1]]
}

/// The distance of two points.
pub fn distance(a: Point, b: Point) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pixels of a filled quadrangle that stands on a corner, by rows.
    fn diamond(side: i32) -> Vec<[i32; 2]> {
        let row = |y: i32| {
            let half = side - (y - side).abs();
            [[side - half, y], [side + half, y]]
        };
        (0..=2 * side).flat_map(row).collect()
    }

    #[test]
    fn the_smallest_rectangle_stands_as_what_it_is_around() {
        let around = Rectangle::around(&hull(&diamond(10))).expect("a rectangle");
        let side = 10.0 * 2.0_f32.sqrt();
        assert!((around.shorter() - side).abs() < 1e-4, "{around:?}");
        let mut corners = around.corners().map(|corner| corner.map(f32::round));
        corners.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
        assert_eq!(
            corners,
            [[0.0, 10.0], [10.0, 0.0], [10.0, 20.0], [20.0, 10.0]]
        );
        assert!(around.holds(10, 10) && around.holds(10, 0) && !around.holds(2, 2));
    }

    #[test]
    fn what_has_no_area_has_no_width() {
        let line: Vec<_> = (0..5).map(|y| [2 * y, y]).collect();
        let around = Rectangle::around(&hull(&line)).expect("a rectangle");
        assert!(around.shorter() < 1e-5, "{around:?}");
        assert!(Rectangle::around(&hull(&[[3, 3]])).is_none());
    }

    #[test]
    fn a_rectangle_is_widened_by_its_area_divided_by_its_outline() {
        let square = [[0, 0], [8, 0], [0, 8], [8, 8]];
        let around = Rectangle::around(&hull(&square)).expect("a rectangle");
        // 64 / 32, times 1.5, on both sides.
        assert!((around.widened(1.5).shorter() - 14.0).abs() < 1e-4);
    }

    #[test]
    fn corners_are_named_as_they_are_seen() {
        let seen = named([[9.0, 5.0], [1.0, 4.0], [0.0, 0.0], [8.0, 1.0]]);
        assert_eq!(seen, [[0.0, 0.0], [8.0, 1.0], [9.0, 5.0], [1.0, 4.0]]);
    }
}
