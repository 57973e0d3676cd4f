//! Blocks of quantised weights, as ggml defines them (ggml-common.h, ggml-quants.c), turned into numbers.

use half::f16;

/// How a tensor's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// Four bytes each.
    F32,
    /// Half precision.
    F16,
    /// Brain floats.
    Bf16,
    /// 32 values of 4 bits with a scale.
    Q4_0,
    /// 32 values of 8 bits with a scale.
    Q8_0,
    /// 256 values of 4 bits with 8 scales and minima of 6 bits.
    Q4K,
    /// 256 values of 6 bits with 16 scales of 8 bits.
    Q6K,
}

impl Format {
    /// The number that GGUF has for it.
    pub fn of_ggml(number: u32) -> Option<Self> {
        Some(match number {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            8 => Self::Q8_0,
            12 => Self::Q4K,
            14 => Self::Q6K,
            30 => Self::Bf16,
            _ => return None,
        })
    }

    /// Values of a block, and its bytes.
    pub fn block(self) -> (usize, usize) {
        match self {
            Self::F32 => (1, 4),
            Self::F16 | Self::Bf16 => (1, 2),
            Self::Q4_0 => (32, 18),
            Self::Q8_0 => (32, 34),
            Self::Q4K => (256, 144),
            Self::Q6K => (256, 210),
        }
    }

    /// Whether whole blocks give finite numbers: what is quantised does where its scales do.
    pub fn is_finite(self, bytes: &[u8]) -> bool {
        let finite = |bytes: &[u8]| half(bytes).is_finite();
        let mut blocks = bytes.chunks_exact(self.block().1);
        match self {
            Self::F32 => blocks.all(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]).is_finite()),
            Self::Bf16 => blocks.all(|b| half::bf16::from_le_bytes([b[0], b[1]]).is_finite()),
            Self::F16 | Self::Q4_0 | Self::Q8_0 => blocks.all(finite),
            Self::Q4K => blocks.all(|b| finite(b) && finite(&b[2..])),
            Self::Q6K => blocks.all(|b| finite(&b[208..])),
        }
    }

    /// Turns whole blocks into numbers.
    pub fn decode(self, bytes: &[u8], values: &mut [f32]) {
        let (count, size) = self.block();
        let blocks = bytes.chunks_exact(size).zip(values.chunks_exact_mut(count));
        for (block, out) in blocks {
            match self {
                Self::F32 => out[0] = f32::from_le_bytes([block[0], block[1], block[2], block[3]]),
                Self::F16 => out[0] = half(block),
                Self::Bf16 => out[0] = half::bf16::from_le_bytes([block[0], block[1]]).to_f32(),
                Self::Q4_0 => q4_0(block, out),
                Self::Q8_0 => q8_0(block, out),
                Self::Q4K => q4_k(block, out),
                Self::Q6K => q6_k(block, out),
            }
        }
    }
}

fn half(bytes: &[u8]) -> f32 {
    f16::from_le_bytes([bytes[0], bytes[1]]).to_f32()
}

fn q4_0(block: &[u8], out: &mut [f32]) {
    let scale = half(block);
    for (i, byte) in block[2..].iter().enumerate() {
        out[i] = (f32::from(byte & 15) - 8.0) * scale;
        out[i + 16] = (f32::from(byte >> 4) - 8.0) * scale;
    }
}

fn q8_0(block: &[u8], out: &mut [f32]) {
    let scale = half(block);
    for (out, byte) in out.iter_mut().zip(&block[2..]) {
        *out = f32::from(byte.cast_signed()) * scale;
    }
}

/// Scale and minimum of the `i`-th of eight groups, 6 bits each, packed into 12 bytes.
fn scale_and_minimum(i: usize, packed: &[u8]) -> (f32, f32) {
    let (scale, minimum) = if i < 4 {
        (packed[i] & 63, packed[i + 4] & 63)
    } else {
        (
            (packed[i + 4] & 15) | ((packed[i - 4] >> 6) << 4),
            (packed[i + 4] >> 4) | ((packed[i] >> 6) << 4),
        )
    };
    (f32::from(scale), f32::from(minimum))
}

fn q4_k(block: &[u8], out: &mut [f32]) {
    let (scale, minimum) = (half(block), half(&block[2..]));
    let (packed, quants) = block[4..].split_at(12);
    for (pair, (quants, out)) in quants
        .chunks_exact(32)
        .zip(out.chunks_exact_mut(64))
        .enumerate()
    {
        let (low, high) = out.split_at_mut(32);
        for (group, out, shift) in [(2 * pair, low, 0), (2 * pair + 1, high, 4)] {
            let (s, m) = scale_and_minimum(group, packed);
            let (s, m) = (scale * s, minimum * m);
            for (out, byte) in out.iter_mut().zip(quants) {
                *out = s * f32::from((byte >> shift) & 15) - m;
            }
        }
    }
}

fn q6_k(block: &[u8], out: &mut [f32]) {
    let (low, rest) = block.split_at(128);
    let (high, rest) = rest.split_at(64);
    let (scales, scale) = rest.split_at(16);
    let scale = half(scale);
    for (part, out) in out.chunks_exact_mut(128).enumerate() {
        let (low, high) = (&low[part * 64..][..64], &high[part * 32..][..32]);
        let scales = &scales[part * 8..][..8];
        for l in 0..32 {
            for (quarter, (nibble, shift)) in [
                (low[l] & 15, 0),
                (low[l + 32] & 15, 2),
                (low[l] >> 4, 4),
                (low[l + 32] >> 4, 6),
            ]
            .into_iter()
            .enumerate()
            {
                let quant = nibble | (((high[l] >> shift) & 3) << 4);
                let s = f32::from(scales[l / 16 + 2 * quarter].cast_signed());
                out[l + 32 * quarter] = scale * s * (f32::from(quant) - 32.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::BASE64;

    #[test]
    fn blocks_hold_what_gguf_reads_out_of_them() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/reference/decoders/golden.json"
        );
        let golden = std::fs::read(path).expect("golden.json");
        let golden: serde_json::Value = serde_json::from_slice(&golden).expect("golden.json");
        for (name, format) in [
            ("F32", Format::F32),
            ("F16", Format::F16),
            ("BF16", Format::Bf16),
            ("Q4_0", Format::Q4_0),
            ("Q8_0", Format::Q8_0),
            ("Q4_K", Format::Q4K),
            ("Q6_K", Format::Q6K),
        ] {
            let bytes = |what: &str| {
                let text = golden["formats"][name][what].as_str().expect("a text");
                BASE64.decode(text.as_bytes()).expect("base64")
            };
            let mut wanted = vec![0.0; 768];
            Format::F32.decode(&bytes("values"), &mut wanted);
            let mut found = vec![0.0; 768];
            format.decode(&bytes("bytes"), &mut found);
            assert_eq!(found, wanted, "{name}");
        }
    }
}
