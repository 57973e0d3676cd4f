//! What is done to single values and rows: softmax, norms, activations. Four lanes at a time, without fused operations,
//! so that every processor gives the same bits.

use wide::f32x4;

/// Applies `f` to all values, four at a time; the lanes beyond the end are zeros.
fn each_four(values: &mut [f32], f: impl Fn(f32x4) -> f32x4) {
    let mut fours = values.chunks_exact_mut(4);
    for four in &mut fours {
        let [a, b, c, d] = [four[0], four[1], four[2], four[3]];
        four.copy_from_slice(&f(f32x4::new([a, b, c, d])).to_array());
    }
    let rest = fours.into_remainder();
    let mut last = [0.0; 4];
    last[..rest.len()].copy_from_slice(rest);
    let last = f(f32x4::new(last)).to_array();
    rest.copy_from_slice(&last[..rest.len()]);
}

/// The sum of all values: four sums of every fourth value, added at the end.
pub fn sum(values: &[f32]) -> f32 {
    let fours = values.chunks_exact(4);
    let rest: f32 = fours.remainder().iter().sum();
    let sums = fours
        .map(|v| f32x4::new([v[0], v[1], v[2], v[3]]))
        .fold(f32x4::ZERO, |sum, v| sum + v);
    let [a, b, c, d] = sums.to_array();
    (a + b) + (c + d) + rest
}

/// Turns scores into shares that add up to 1.
pub fn softmax(values: &mut [f32]) {
    let most = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    each_four(values, |v| (v - f32x4::splat(most)).exp());
    let scale = 1.0 / sum(values);
    values.iter_mut().for_each(|v| *v *= scale);
}

/// Layer normalisation of each row: mean 0, variance 1, then scaled and shifted.
pub fn layer_norm(values: &mut [f32], scale: &[f32], shift: &[f32], epsilon: f32) {
    let width = scale.len() as f32;
    for row in values.chunks_exact_mut(scale.len()) {
        let mean = sum(row) / width;
        row.iter_mut().for_each(|v| *v -= mean);
        let factor = 1.0 / (dot(row, row) / width + epsilon).sqrt();
        for ((v, scale), shift) in row.iter_mut().zip(scale).zip(shift) {
            *v = *v * factor * scale + shift;
        }
    }
}

/// The dot product of two rows of the same length, summed as [`sum`] does.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (fours, others) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f32 = fours
        .remainder()
        .iter()
        .zip(others.remainder())
        .map(|(a, b)| a * b)
        .sum();
    let sums = fours.zip(others).fold(f32x4::ZERO, |sum, (a, b)| {
        sum + f32x4::new([a[0], a[1], a[2], a[3]]) * f32x4::new([b[0], b[1], b[2], b[3]])
    });
    let [a, b, c, d] = sums.to_array();
    (a + b) + (c + d) + rest
}

/// Scales a row to length 1; one of zeros stays as it is.
pub fn normalize(row: &mut [f32]) {
    let length = dot(row, row).sqrt();
    if length > 0.0 {
        let factor = 1.0 / length;
        row.iter_mut().for_each(|v| *v *= factor);
    }
}

/// GELU with the error function, as BERT has it: `x/2 (1 + erf(x/√2))`.
pub fn gelu(values: &mut [f32]) {
    let half = f32x4::splat(0.5);
    let root = f32x4::splat(std::f32::consts::FRAC_1_SQRT_2);
    each_four(values, |x| half * x * (f32x4::ONE + erf(x * root)));
}

/// GELU with the hyperbolic tangent (Hendrycks and Gimpel, 2016, section 2).
pub fn gelu_tanh(values: &mut [f32]) {
    // sqrt(2 / pi)
    let factor = f32x4::splat(0.797_884_6);
    let cubic = f32x4::splat(0.044_715);
    each_four(values, |x| {
        let inner = factor * (x + cubic * x * x * x);
        // x/2 (1 + tanh z) = x / (1 + exp(-2z))
        x / (f32x4::ONE + (inner * f32x4::splat(-2.0)).exp())
    });
}

/// SiLU: `x / (1 + exp(-x))`.
pub fn silu(values: &mut [f32]) {
    each_four(values, |x| x / (f32x4::ONE + (-x).exp()));
}

/// Negative values become 0.
pub fn relu(values: &mut [f32]) {
    each_four(values, |x| x.max(f32x4::ZERO));
}

/// The error function: Abramowitz and Stegun, 7.1.26; off by 1.5e-7 at most, beside f32's rounding.
fn erf(x: f32x4) -> f32x4 {
    const P: f32 = 0.327_591_1;
    const A: [f32; 5] = [
        0.254_829_6,
        -0.284_496_74,
        1.421_413_7,
        -1.453_152,
        1.061_405_4,
    ];
    let size = x.abs();
    let t = f32x4::ONE / (f32x4::ONE + f32x4::splat(P) * size);
    let polynomial = A
        .iter()
        .rev()
        .fold(f32x4::ZERO, |sum, a| (sum + f32x4::splat(*a)) * t);
    let value = f32x4::ONE - polynomial * (f32x4::ZERO - size * size).exp();
    value.copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of `scipy.special.erf`.
    const ERF: [(f32, f32); 6] = [
        (0.0, 0.0),
        (0.1, 0.112_462_92),
        (0.5, 0.520_499_9),
        (1.0, 0.842_700_8),
        (-2.0, -0.995_322_3),
        (4.5, 1.0),
    ];

    #[test]
    fn activations_have_their_values() {
        for (x, wanted) in ERF {
            let [found, ..] = erf(f32x4::splat(x)).to_array();
            assert!((found - wanted).abs() < 5e-7, "erf({x}) = {found}");
        }
        // torch.nn.functional.gelu of the same values, exact and "tanh".
        let x = [-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0];
        let mut exact = x;
        gelu(&mut exact);
        let mut tanh = x;
        gelu_tanh(&mut tanh);
        let wanted = [
            -0.004_049_6,
            -0.158_655_3,
            -0.154_268_8,
            0.0,
            0.345_731_2,
            0.841_344_7,
            2.995_950_5,
        ];
        let wanted_tanh = [
            -0.003_637_4,
            -0.158_808,
            -0.154_286,
            0.0,
            0.345_714,
            0.841_192,
            2.996_362_7,
        ];
        for i in 0..x.len() {
            assert!((exact[i] - wanted[i]).abs() < 2e-6, "{exact:?}");
            assert!((tanh[i] - wanted_tanh[i]).abs() < 2e-6, "{tanh:?}");
        }
    }

    #[test]
    fn rows_are_normalised() {
        let mut row = [1.0, 2.0, 3.0, 4.0, 5.0];
        softmax(&mut row);
        assert!((sum(&row) - 1.0).abs() < 1e-6, "{row:?}");
        assert!((row[4] / row[3] - std::f32::consts::E).abs() < 1e-5);

        let mut row = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        layer_norm(&mut row, &[2.0; 6], &[1.0; 6], 0.0);
        let deviation = (35.0_f32 / 12.0).sqrt();
        assert!(
            (row[0] - (1.0 - 2.0 * 2.5 / deviation)).abs() < 1e-5,
            "{row:?}"
        );

        let mut row = [3.0, 4.0];
        normalize(&mut row);
        assert_eq!(row, [0.6, 0.8]);
        let mut zeros = [0.0; 3];
        normalize(&mut zeros);
        assert_eq!(zeros, [0.0; 3]);
    }
}
