//! A linear layer, `y = x Wᵀ + b`, with its matrix packed for four lanes.
//!
//! Each output is one sum over its inputs from the first to the last, whatever else is computed with it: so a text's
//! result does not depend on its neighbours in a batch.

use crate::kernels::turns_of_8;
use wide::f32x4;

/// Outputs that are computed together: two vectors of four lanes.
pub(crate) const LANES: usize = 8;
/// Rows that are computed together, one for each lane of a vector.
const ROWS: usize = 4;

/// A matrix of `outputs` x `inputs` and a bias.
pub struct Linear {
    /// Panels of [`LANES`] outputs: for each input, its weight to each of them.
    panels: Vec<[f32; LANES]>,
    bias: Vec<f32>,
    outputs: usize,
    inputs: usize,
}

impl Linear {
    /// One of zeros, to be filled.
    pub fn zeros(outputs: usize, inputs: usize) -> Self {
        Self {
            panels: vec![[0.0; LANES]; outputs.div_ceil(LANES) * inputs],
            bias: Vec::new(),
            outputs,
            inputs,
        }
    }

    /// One of `weight`, row by row an output.
    ///
    /// # Panics
    /// When `weight` has not `outputs * inputs` values.
    pub fn new(weight: &[f32], outputs: usize, inputs: usize) -> Self {
        assert_eq!(weight.len(), outputs * inputs, "a matrix of its shape");
        let mut linear = Self::zeros(outputs, inputs);
        linear.fill(0, weight);
        linear
    }

    /// Puts values where they stand in the matrix, row by row, from the position `at` on.
    pub(crate) fn fill(&mut self, at: usize, values: &[f32]) {
        for (i, value) in values.iter().enumerate() {
            let (output, input) = ((at + i) / self.inputs, (at + i) % self.inputs);
            self.panels[output / LANES * self.inputs + input][output % LANES] = *value;
        }
    }

    pub(crate) fn set_bias(&mut self, bias: Vec<f32>) {
        self.bias = bias;
    }

    /// How many values a row of the result has.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Computes all rows of `x`, each of `inputs` values; the rows of the result have `outputs` values.
    ///
    /// # Panics
    /// When `x` is not whole rows.
    pub fn apply(&self, x: &[f32]) -> Vec<f32> {
        let mut y = vec![0.0; x.len() / self.inputs * self.outputs];
        product(x, &self.panels, self.inputs, self.outputs, &mut y);
        if !self.bias.is_empty() {
            for row in y.chunks_exact_mut(self.outputs) {
                for (value, bias) in row.iter_mut().zip(&self.bias) {
                    *value += bias;
                }
            }
        }
        y
    }
}

/// Packs the rows of a matrix, `stride` values apart, as outputs: `x · matrixᵀ`.
pub(crate) fn pack_rows(
    matrix: &[f32],
    stride: usize,
    outputs: usize,
    inputs: usize,
    panels: &mut Vec<[f32; LANES]>,
) {
    panels.clear();
    panels.resize(outputs.div_ceil(LANES) * inputs, [0.0; LANES]);
    for output in 0..outputs {
        let row = &matrix[output * stride..][..inputs];
        let panel = &mut panels[output / LANES * inputs..][..inputs];
        for (lanes, value) in panel.iter_mut().zip(row) {
            lanes[output % LANES] = *value;
        }
    }
}

/// Packs the columns of a matrix, whose rows are `stride` values apart, as outputs: `x · matrix`.
pub(crate) fn pack_columns(
    matrix: &[f32],
    stride: usize,
    outputs: usize,
    inputs: usize,
    panels: &mut Vec<[f32; LANES]>,
) {
    panels.clear();
    panels.resize(outputs.div_ceil(LANES) * inputs, [0.0; LANES]);
    for input in 0..inputs {
        let row = &matrix[input * stride..][..outputs];
        for (panel, values) in row.chunks(LANES).enumerate() {
            panels[panel * inputs + input][..values.len()].copy_from_slice(values);
        }
    }
}

/// Rows in blocks of [`ROWS`]: for each input, its value in each row of the block. The last block is filled with zeros.
pub(crate) struct Rows {
    blocks: Vec<[f32; ROWS]>,
    inputs: usize,
}

impl Rows {
    /// # Panics
    /// When `x` is not whole rows of `inputs` values.
    pub fn new(x: &[f32], inputs: usize) -> Self {
        assert_eq!(x.len() % inputs, 0, "whole rows");
        let mut blocks = vec![[0.0; ROWS]; (x.len() / inputs).div_ceil(ROWS) * inputs];
        let rows = x.chunks(ROWS * inputs);
        for (block, rows) in blocks.chunks_exact_mut(inputs).zip(rows) {
            for (lane, row) in rows.chunks_exact(inputs).enumerate() {
                for (lanes, value) in block.iter_mut().zip(row) {
                    lanes[lane] = *value;
                }
            }
        }
        Self { blocks, inputs }
    }

    /// All rows times the panel of the outputs from `first` on, into rows of `outputs` values.
    pub fn times(&self, panel: &[[f32; LANES]], first: usize, outputs: usize, y: &mut [f32]) {
        let blocks = self.blocks.chunks_exact(self.inputs);
        for (block, y) in blocks.zip(y.chunks_mut(ROWS * outputs)) {
            let sums = multiply(block, panel);
            for (row, sums) in y.chunks_exact_mut(outputs).zip(&sums) {
                let row = &mut row[first..];
                // A copy of a length that only the run knows is a call, which costs as much as many sums.
                match row.first_chunk_mut() {
                    Some(whole) => *whole = *sums,
                    None => row.copy_from_slice(&sums[..row.len()]),
                }
            }
        }
    }
}

/// `y = x · panels`, for rows of `inputs` and of `outputs` values.
pub(crate) fn product(
    x: &[f32],
    panels: &[[f32; LANES]],
    inputs: usize,
    outputs: usize,
    y: &mut [f32],
) {
    let rows = Rows::new(x, inputs);
    // A panel stays in the nearest cache while all rows are multiplied with it.
    for (number, panel) in panels.chunks_exact(inputs).enumerate() {
        rows.times(panel, number * LANES, outputs, y);
    }
}

/// The sums of four rows and eight outputs. Lane `i` of turn `t` is row `i + t` times output `i`: so the rows' values are
/// turned by a lane instead of being spread over all of them one by one.
struct Sums {
    low: [f32x4; ROWS],
    high: [f32x4; ROWS],
}

impl Sums {
    #[inline(always)]
    fn add(&mut self, values: &[f32; ROWS], weights: &[f32; LANES]) {
        let [a, b, c, d, e, f, g, h] = *weights;
        let (left, right) = (f32x4::new([a, b, c, d]), f32x4::new([e, f, g, h]));
        let mut values = f32x4::new(*values);
        for turn in 0..ROWS {
            self.low[turn] += values * left;
            self.high[turn] += values * right;
            let [a, b, c, d] = values.to_array();
            values = f32x4::new([b, c, d, a]);
        }
    }

    fn rows(&self) -> [[f32; LANES]; ROWS] {
        let mut rows = [[0.0; LANES]; ROWS];
        for turn in 0..ROWS {
            let (low, high) = (self.low[turn].to_array(), self.high[turn].to_array());
            for (lane, (low, high)) in low.into_iter().zip(high).enumerate() {
                let row = &mut rows[(lane + turn) % ROWS];
                row[lane] = low;
                row[lane + ROWS] = high;
            }
        }
        rows
    }
}

/// A block of rows times one panel.
fn multiply(block: &[[f32; ROWS]], panel: &[[f32; LANES]]) -> [[f32; LANES]; ROWS] {
    let mut sums = Sums {
        low: [f32x4::ZERO; ROWS],
        high: [f32x4::ZERO; ROWS],
    };
    turns_of_8!(block.iter().zip(panel), |(values, weights)| sums
        .add(values, weights));
    sums.rows()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that f32 adds and multiplies without rounding.
    fn whole(count: usize, salt: usize) -> Vec<f32> {
        (0..count)
            .map(|i| ((i * 7 + salt * 13) % 11) as f32 - 5.0)
            .collect()
    }

    #[test]
    fn products_are_those_of_three_loops() {
        for (rows, inputs, outputs) in [(1, 1, 1), (1, 3, 8), (3, 5, 9), (4, 8, 16), (7, 13, 17)] {
            let (x, w) = (whole(rows * inputs, 1), whole(outputs * inputs, 2));
            let mut linear = Linear::new(&w, outputs, inputs);
            linear.set_bias(whole(outputs, 3));
            let mut wanted = Vec::new();
            for r in 0..rows {
                for o in 0..outputs {
                    let sum: f32 = (0..inputs)
                        .map(|i| x[r * inputs + i] * w[o * inputs + i])
                        .sum();
                    wanted.push(sum + whole(outputs, 3)[o]);
                }
            }
            assert_eq!(linear.apply(&x), wanted, "{rows} x {inputs} x {outputs}");

            let mut panels = Vec::new();
            let mut y = vec![0.0; rows * outputs];
            let turned: Vec<f32> = (0..inputs * outputs)
                .map(|i| w[i % outputs * inputs + i / outputs])
                .collect();
            pack_columns(&turned, outputs, outputs, inputs, &mut panels);
            product(&x, &panels, inputs, outputs, &mut y);
            let mut z = vec![0.0; rows * outputs];
            pack_rows(&w, inputs, outputs, inputs, &mut panels);
            product(&x, &panels, inputs, outputs, &mut z);
            assert_eq!(y, z, "by columns and by rows");
        }
    }

    #[test]
    fn a_row_is_the_same_alone_and_among_others() {
        let (inputs, outputs) = (96, 24);
        let noise =
            |n: usize| -> Vec<f32> { (0..n).map(|i| ((i * i) as f32 * 0.37).sin()).collect() };
        let linear = Linear::new(&noise(inputs * outputs), outputs, inputs);
        let x = noise(6 * inputs);
        let together = linear.apply(&x);
        for (row, wanted) in x.chunks(inputs).zip(together.chunks(outputs)) {
            assert_eq!(linear.apply(row), wanted);
        }
    }
}
