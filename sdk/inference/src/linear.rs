//! A linear layer, `y = x Wᵀ + b`, with its matrix packed for four lanes.
//!
//! Each output is one sum over its inputs from the first to the last, whatever else is computed with it: so a text's
//! result does not depend on its neighbours in a batch.

use wide::f32x4;

/// Outputs that are computed together: two vectors of four lanes.
const LANES: usize = 8;
/// Rows that are computed together, so that each weight that is read is used as often.
const ROWS: usize = 4;
/// Inputs that are taken in one turn of the innermost loop.
const STEP: usize = 4;

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
        assert_eq!(x.len() % self.inputs, 0, "whole rows");
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

/// `y = x · panels`, for rows of `inputs` and of `outputs` values.
pub(crate) fn product(
    x: &[f32],
    panels: &[[f32; LANES]],
    inputs: usize,
    outputs: usize,
    y: &mut [f32],
) {
    // A panel stays in the nearest cache while all rows are multiplied with it.
    for (number, panel) in panels.chunks_exact(inputs).enumerate() {
        let first = number * LANES;
        let width = LANES.min(outputs - first);
        let mut block = [[0.0; LANES]; ROWS];
        let blocks = x.chunks(ROWS * inputs).zip(y.chunks_mut(ROWS * outputs));
        for (x, y) in blocks {
            let rows = x.len() / inputs;
            match rows {
                4 => multiply::<4>(x, panel, &mut block),
                3 => multiply::<3>(x, panel, &mut block),
                2 => multiply::<2>(x, panel, &mut block),
                _ => multiply::<1>(x, panel, &mut block),
            }
            for (row, sums) in y.chunks_exact_mut(outputs).zip(&block) {
                row[first..first + width].copy_from_slice(&sums[..width]);
            }
        }
    }
}

fn halves(weights: &[f32; LANES]) -> (f32x4, f32x4) {
    let [a, b, c, d, e, f, g, h] = *weights;
    (f32x4::new([a, b, c, d]), f32x4::new([e, f, g, h]))
}

/// `N` rows times one panel.
#[inline]
fn multiply<const N: usize>(x: &[f32], panel: &[[f32; LANES]], sums: &mut [[f32; LANES]; ROWS]) {
    let inputs = panel.len();
    let rows: [&[f32]; N] = std::array::from_fn(|n| &x[n * inputs..][..inputs]);
    let mut low = [f32x4::ZERO; N];
    let mut high = [f32x4::ZERO; N];
    // Four inputs in one turn of the loop: what a turn costs by itself, such as its fuel, is paid a quarter as often.
    let (steps, rest) = panel.as_chunks::<STEP>();
    let values: [&[[f32; STEP]]; N] = std::array::from_fn(|n| rows[n].as_chunks().0);
    let values: [&[[f32; STEP]]; N] = std::array::from_fn(|n| &values[n][..steps.len()]);
    for (turn, step) in steps.iter().enumerate() {
        for (i, weights) in step.iter().enumerate() {
            let (left, right) = halves(weights);
            for n in 0..N {
                let value = f32x4::splat(values[n][turn][i]);
                low[n] += value * left;
                high[n] += value * right;
            }
        }
    }
    for (i, weights) in rest.iter().enumerate() {
        let (left, right) = halves(weights);
        for n in 0..N {
            let value = f32x4::splat(rows[n][steps.len() * STEP + i]);
            low[n] += value * left;
            high[n] += value * right;
        }
    }
    for n in 0..N {
        sums[n][..4].copy_from_slice(&low[n].to_array());
        sums[n][4..].copy_from_slice(&high[n].to_array());
    }
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
