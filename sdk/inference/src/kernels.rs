//! What is done to single values and rows: softmax, norms, activations. Four lanes at a time, without fused operations,
//! so that every processor gives the same bits.

use wide::f32x4;

/// Takes all items of an iterator, eight in a turn of the loop. A turn asks for fuel and for time, and the call that stands
/// there sends everything that the processor holds to memory; and each item has a way out of its own, since a compiler that
/// may mix them computes one sum after the other and lets go of what they share. The body is to be inlined.
macro_rules! turns_of_8 {
    ($items:expr, |$item:pat_param| $body:expr) => {{
        let mut items = $items;
        macro_rules! one {
            () => {
                match items.next() {
                    Some($item) => $body,
                    None => break,
                }
            };
        }
        loop {
            one!();
            one!();
            one!();
            one!();
            one!();
            one!();
            one!();
            one!();
        }
    }};
}
pub(crate) use turns_of_8;

/// The first four values as a vector.
#[inline(always)]
pub(crate) fn four(values: &[f32]) -> f32x4 {
    f32x4::new([values[0], values[1], values[2], values[3]])
}

/// Applies `f` to all values, four at a time; the lanes beyond the end are zeros.
fn each_four(values: &mut [f32], f: impl Fn(f32x4) -> f32x4) {
    let (fours, rest) = values.as_chunks_mut::<4>();
    turns_of_8!(fours.iter_mut(), |four| *four =
        f(f32x4::new(*four)).to_array());
    let mut last = [0.0; 4];
    last[..rest.len()].copy_from_slice(rest);
    let last = f(f32x4::new(last)).to_array();
    rest.copy_from_slice(&last[..rest.len()]);
}

/// Makes each value of `to` one of itself and of what stands at its place in `a` and in `b`, which are as long.
pub(crate) fn each(to: &mut [f32], a: &[f32], b: &[f32], f: impl Fn(f32, f32, f32) -> f32) {
    let (to, last) = to.as_chunks_mut::<16>();
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        for i in 0..16 {
            to[i] = f(to[i], a[i], b[i]);
        }
    }
    for ((to, a), b) in last.iter_mut().zip(rest_a).zip(rest_b) {
        *to = f(*to, *a, *b);
    }
}

/// Adds `what`, which is as long.
pub(crate) fn add(to: &mut [f32], what: &[f32]) {
    each(to, what, what, |to, what, _| to + what);
}

/// Sixteen sums as one.
pub(crate) fn folded(sums: [f32x4; 4]) -> f32 {
    let [a, b, c, d] = ((sums[0] + sums[1]) + (sums[2] + sums[3])).to_array();
    (a + b) + (c + d)
}

/// The sum of all values: sixteen sums of every sixteenth, added at the end.
pub fn sum(values: &[f32]) -> f32 {
    let (steps, rest) = values.as_chunks::<16>();
    let mut sums = [f32x4::ZERO; 4];
    for step in steps {
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum += four(&step[4 * i..]);
        }
    }
    folded(sums) + rest.iter().sum::<f32>()
}

/// The dot product of two rows of the same length, summed as [`sum`] does.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((steps, rest), (others, other)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    let mut sums = [f32x4::ZERO; 4];
    for (a, b) in steps.iter().zip(others) {
        for (i, sum) in sums.iter_mut().enumerate() {
            *sum += four(&a[4 * i..]) * four(&b[4 * i..]);
        }
    }
    let rest: f32 = rest.iter().zip(other).map(|(a, b)| a * b).sum();
    folded(sums) + rest
}

/// Turns scores into shares that add up to 1.
pub fn softmax(values: &mut [f32]) {
    let (steps, rest) = values.as_chunks::<16>();
    let mut most = [f32::NEG_INFINITY; 16];
    for step in steps {
        for (most, value) in most.iter_mut().zip(step) {
            *most = if *value > *most { *value } else { *most };
        }
    }
    let most = most.iter().chain(rest).copied();
    let most = f32x4::splat(most.fold(f32::NEG_INFINITY, f32::max));
    each_four(values, |v| (v - most).exp());
    let scale = f32x4::splat(1.0 / sum(values));
    each_four(values, |v| v * scale);
}

/// Layer normalisation of each row: mean 0, variance 1, then scaled and shifted.
pub fn layer_norm(values: &mut [f32], scale: &[f32], shift: &[f32], epsilon: f32) {
    let width = scale.len() as f32;
    for row in values.chunks_exact_mut(scale.len()) {
        let mean = f32x4::splat(sum(row) / width);
        each_four(row, |v| v - mean);
        let factor = 1.0 / (dot(row, row) / width + epsilon).sqrt();
        each(row, scale, shift, |v, scale, shift| {
            v * factor * scale + shift
        });
    }
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
