//! A matrix as its file has it, in ggml's formats, times rows of f32. Weights become numbers where they are used, so that a
//! quantised model takes the memory of its file; activations are never rounded.

use crate::kernels::{dot, folded, four, turns_of_8};
use crate::linear::{LANES, Rows};
use crate::quant::Format;
use wide::f32x4;

/// `outputs` rows of `inputs` weights.
pub(crate) struct Matrix {
    bytes: Vec<u8>,
    format: Format,
    outputs: usize,
    inputs: usize,
    /// Bytes of a row.
    row: usize,
}

impl Matrix {
    /// # Panics
    /// When the bytes are not those of this shape, or a row is not whole blocks: who reads a file compares first.
    pub fn new(bytes: Vec<u8>, format: Format, outputs: usize, inputs: usize) -> Self {
        let (values, size) = format.block();
        assert_eq!(inputs % values, 0, "whole blocks");
        let row = inputs / values * size;
        assert_eq!(bytes.len(), row * outputs, "a matrix of its shape");
        Self {
            bytes,
            format,
            outputs,
            inputs,
            row,
        }
    }

    pub fn outputs(&self) -> usize {
        self.outputs
    }

    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The same rows in another order: row `i` is the one that was at `from(i)`.
    pub fn reordered(self, from: impl Fn(usize) -> usize) -> Self {
        let rows = (0..self.outputs).flat_map(|i| &self.bytes[from(i) * self.row..][..self.row]);
        Self {
            bytes: rows.copied().collect(),
            ..self
        }
    }

    /// One row as numbers, such as a token's embedding.
    pub fn row(&self, output: usize, values: &mut [f32]) {
        let bytes = &self.bytes[output * self.row..][..self.row];
        self.format.decode(bytes, values);
    }

    /// All rows of `x`, each of `inputs` values; the rows of the result have `outputs` values.
    pub fn apply(&self, x: &[f32]) -> Vec<f32> {
        let mut y = vec![0.0; x.len() / self.inputs * self.outputs];
        if x.len() == self.inputs {
            self.apply_one(x, &mut y);
        } else {
            self.apply_many(x, &mut y);
        }
        y
    }

    fn apply_one(&self, x: &[f32], y: &mut [f32]) {
        let mut values = vec![0.0; self.inputs];
        for (bytes, y) in self.bytes.chunks_exact(self.row).zip(y) {
            *y = match self.format {
                Format::Q8_0 => dot_q8_0(bytes, x),
                format => {
                    format.decode(bytes, &mut values);
                    dot(&values, x)
                }
            };
        }
    }

    fn apply_many(&self, x: &[f32], y: &mut [f32]) {
        let rows = Rows::new(x, self.inputs);
        let mut values = vec![0.0; self.inputs];
        let mut panel = vec![[0.0; LANES]; self.inputs];
        for first in (0..self.outputs).step_by(LANES) {
            for lane in 0..LANES.min(self.outputs - first) {
                self.row(first + lane, &mut values);
                for (lanes, value) in panel.iter_mut().zip(&values) {
                    lanes[lane] = *value;
                }
            }
            rows.times(&panel, first, self.outputs, y);
        }
    }
}

/// A row of Q8_0 times a row of numbers: each block's sums are scaled once. A function of its own has the registers for itself.
#[inline(never)]
fn dot_q8_0(bytes: &[u8], x: &[f32]) -> f32 {
    let mut sums = [f32x4::ZERO; 4];
    let pairs = bytes.as_chunks().0.iter().zip(x.as_chunks().0);
    turns_of_8!(pairs, |(block, x)| add_block(&mut sums, block, x));
    folded(sums)
}

#[inline(always)]
fn add_block(sums: &mut [f32x4; 4], block: &[u8; 34], x: &[f32; 32]) {
    let scale = half::f16::from_le_bytes([block[0], block[1]]).to_f32();
    let mut values = [0.0; 32];
    for (value, byte) in values.iter_mut().zip(&block[2..]) {
        *value = f32::from(byte.cast_signed());
    }
    for (i, sum) in sums.iter_mut().enumerate() {
        let (i, j) = (4 * i, 4 * i + 16);
        let part = four(&values[i..]) * four(&x[i..]) + four(&values[j..]) * four(&x[j..]);
        *sum += part * f32x4::splat(scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of which sums and products are exact in f32, and which bf16 holds.
    fn whole(count: usize, salt: usize) -> Vec<f32> {
        let value = |i: usize| ((i * 7 + salt * 13) % 11) as f32 - 5.0;
        (0..count).map(value).collect()
    }

    #[test]
    fn products_are_those_of_three_loops() {
        for (rows, outputs, inputs) in [(1, 1, 1), (1, 9, 17), (3, 8, 32), (5, 17, 33)] {
            let (x, w) = (whole(rows * inputs, 1), whole(outputs * inputs, 2));
            let mut wanted = Vec::new();
            for (row, output) in (0..rows).flat_map(|r| (0..outputs).map(move |o| (r, o))) {
                let pairs = x[row * inputs..][..inputs]
                    .iter()
                    .zip(&w[output * inputs..]);
                wanted.push(pairs.map(|(x, w)| x * w).sum::<f32>());
            }
            let bytes: Vec<u8> = w.iter().flat_map(|v| v.to_le_bytes()).collect();
            let full = Matrix::new(bytes, Format::F32, outputs, inputs);
            assert_eq!(full.apply(&x), wanted);
            let bytes: Vec<u8> = w
                .iter()
                .flat_map(|v| half::bf16::from_f32(*v).to_le_bytes())
                .collect();
            let brain = Matrix::new(bytes, Format::Bf16, outputs, inputs);
            assert_eq!(brain.apply(&x), wanted);
            let turned = full.reordered(|i| outputs - 1 - i);
            let mut last: Vec<f32> = turned.apply(&x)[..outputs].to_vec();
            last.reverse();
            assert_eq!(last, wanted[..outputs]);
        }
    }

    #[test]
    fn bytes_in_blocks_are_scaled_once() {
        let (inputs, outputs) = (64, 5);
        let quants: Vec<i8> = (0..inputs * outputs)
            .map(|i| ((i * 31) % 255) as u8 as i8)
            .collect();
        let mut bytes = Vec::new();
        for (number, block) in quants.chunks_exact(32).enumerate() {
            bytes.extend(half::f16::from_f32(0.5 * (number % 3) as f32).to_le_bytes());
            bytes.extend(block.iter().map(|q| q.cast_unsigned()));
        }
        let matrix = Matrix::new(bytes, Format::Q8_0, outputs, inputs);
        let x = whole(inputs, 3);
        let mut row = vec![0.0; inputs];
        for (output, found) in matrix.apply(&x).into_iter().enumerate() {
            matrix.row(output, &mut row);
            let wanted: f32 = row.iter().zip(&x).map(|(w, x)| w * x).sum();
            assert_eq!(found, wanted, "row {output}");
        }
        let twice = [x.clone(), x.clone()].concat();
        assert_eq!(matrix.apply(&twice)[..outputs], matrix.apply(&x));
    }
}
