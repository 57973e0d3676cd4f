//! A chat model with random weights of SmolLM2-135M's shape, all matrices as Q8_0, in one GGUF file.
//!
//! Its vocabulary is as large as the original's, with as many merges, and has a token for each digit: so a question of so many
//! digits is so many tokens. No token ends an answer.

use std::fs::File;
use std::io::{BufWriter, Result, Write};
use std::path::Path;

const HIDDEN: u64 = 576;
const WIDE: u64 = 1536;
const LAYERS: usize = 30;
const HEADS: u32 = 9;
const GROUPS: u32 = 3;
const CONTEXT: u32 = 8192;
const VOCABULARY: usize = 49_152;
/// Values of a block of Q8_0, and its bytes.
const BLOCK: (u64, usize) = (32, 34);
/// 2^-10 as f16: the scale of each block.
const SCALE: [u8; 2] = 0x1400_u16.to_le_bytes();
/// ggml's numbers of formats, and GGUF's of types.
const F32: u32 = 0;
const Q8_0: u32 = 8;
const KIND_U32: u32 = 4;
const KIND_F32: u32 = 6;
const KIND_TEXT: u32 = 8;
const KIND_LIST: u32 = 9;
/// Where tensors begin.
const ALIGNMENT: u64 = 32;
/// What is said is the whole of what the model reads.
const TEMPLATE: &str = "{% for message in messages %}{{ message['content'] }}{% endfor %}";

/// A tensor: a matrix of rows and columns, or one row of numbers.
struct Tensor {
    name: String,
    columns: u64,
    rows: Option<u64>,
}

impl Tensor {
    fn bytes(&self) -> u64 {
        match self.rows {
            Some(rows) => rows * self.columns / BLOCK.0 * BLOCK.1 as u64,
            None => self.columns * 4,
        }
    }
}

fn tensors() -> Vec<Tensor> {
    let some = HIDDEN / u64::from(HEADS) * u64::from(GROUPS);
    let matrix = |name: String, rows, columns| Tensor {
        name,
        columns,
        rows: Some(rows),
    };
    let norm = |name: String| Tensor {
        name,
        columns: HIDDEN,
        rows: None,
    };
    let mut all = vec![
        matrix("token_embd.weight".into(), VOCABULARY as u64, HIDDEN),
        norm("output_norm.weight".into()),
    ];
    for layer in 0..LAYERS {
        let named = |part: &str| format!("blk.{layer}.{part}.weight");
        all.extend([
            norm(named("attn_norm")),
            norm(named("ffn_norm")),
            matrix(named("attn_q"), HIDDEN, HIDDEN),
            matrix(named("attn_k"), some, HIDDEN),
            matrix(named("attn_v"), some, HIDDEN),
            matrix(named("attn_output"), HIDDEN, HIDDEN),
            matrix(named("ffn_gate"), WIDE, HIDDEN),
            matrix(named("ffn_up"), WIDE, HIDDEN),
            matrix(named("ffn_down"), HIDDEN, WIDE),
        ]);
    }
    all
}

/// The characters that stand for bytes in GPT-2's vocabularies, by byte.
fn characters() -> Vec<char> {
    let plain = |byte: u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let mut others = 256..;
    (0..256)
        .map(|byte| {
            if plain(byte) {
                byte
            } else {
                others.next().unwrap_or(byte)
            }
        })
        .filter_map(char::from_u32)
        .collect()
}

/// Tokens, and the merges that make those of them which are no single byte: two characters, then three.
fn vocabulary() -> (Vec<String>, Vec<String>) {
    let bytes = characters();
    let ascii: Vec<String> = (32..127).map(|byte| bytes[byte].to_string()).collect();
    let pairs = ascii
        .iter()
        .flat_map(|a| ascii.iter().map(move |b| (a.clone(), b)));
    let threes = pairs
        .clone()
        .flat_map(|(a, b)| ascii.iter().map(move |c| (format!("{a}{b}"), c)));
    let merges: Vec<_> = pairs.chain(threes).take(VOCABULARY - bytes.len()).collect();
    let single = bytes.iter().map(ToString::to_string);
    let merged = merges.iter().map(|(a, b)| format!("{a}{b}"));
    let merges = merges.iter().map(|(a, b)| format!("{a} {b}"));
    (single.chain(merged).collect(), merges.collect())
}

/// Writes the file and says how large it is.
pub fn write(path: &Path) -> Result<u64> {
    let mut file = Gguf {
        out: BufWriter::new(File::create(path)?),
        written: 0,
    };
    let (tensors, (tokens, merges)) = (tensors(), vocabulary());
    file.put(b"GGUF")?;
    file.u32(3)?;
    file.u64(tensors.len() as u64)?;
    let texts = [
        ("general.architecture", "llama"),
        ("tokenizer.ggml.model", "gpt2"),
        ("tokenizer.ggml.pre", "smollm"),
        ("tokenizer.chat_template", TEMPLATE),
    ];
    let numbers = [
        ("llama.context_length", CONTEXT),
        ("llama.embedding_length", HIDDEN as u32),
        ("llama.feed_forward_length", WIDE as u32),
        ("llama.block_count", LAYERS as u32),
        ("llama.attention.head_count", HEADS),
        ("llama.attention.head_count_kv", GROUPS),
    ];
    let floats = [
        ("llama.attention.layer_norm_rms_epsilon", 1e-5_f32),
        ("llama.rope.freq_base", 100_000.0),
    ];
    let lists = [
        ("tokenizer.ggml.tokens", &tokens),
        ("tokenizer.ggml.merges", &merges),
    ];
    file.u64((texts.len() + numbers.len() + floats.len() + lists.len()) as u64)?;
    for (key, text) in texts {
        file.key(key, KIND_TEXT)?;
        file.text(text)?;
    }
    for (key, number) in numbers {
        file.key(key, KIND_U32)?;
        file.u32(number)?;
    }
    for (key, number) in floats {
        file.key(key, KIND_F32)?;
        file.put(&number.to_le_bytes())?;
    }
    for (key, list) in lists {
        file.key(key, KIND_LIST)?;
        file.u32(KIND_TEXT)?;
        file.u64(list.len() as u64)?;
        list.iter().try_for_each(|text| file.text(text))?;
    }
    let mut offset = 0;
    for tensor in &tensors {
        file.described(tensor, offset)?;
        offset += tensor.bytes().next_multiple_of(ALIGNMENT);
    }
    file.align()?;
    let mut random = Random(1);
    for tensor in &tensors {
        file.values(tensor, &mut random)?;
        file.align()?;
    }
    file.out.flush()?;
    Ok(file.written)
}

struct Gguf {
    out: BufWriter<File>,
    written: u64,
}

impl Gguf {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.written += bytes.len() as u64;
        self.out.write_all(bytes)
    }

    fn u32(&mut self, number: u32) -> Result<()> {
        self.put(&number.to_le_bytes())
    }

    fn u64(&mut self, number: u64) -> Result<()> {
        self.put(&number.to_le_bytes())
    }

    fn text(&mut self, text: &str) -> Result<()> {
        self.u64(text.len() as u64)?;
        self.put(text.as_bytes())
    }

    fn key(&mut self, key: &str, kind: u32) -> Result<()> {
        self.text(key)?;
        self.u32(kind)
    }

    fn align(&mut self) -> Result<()> {
        let missing = self.written.next_multiple_of(ALIGNMENT) - self.written;
        self.put(&vec![0; missing as usize])
    }

    /// Where a tensor lies and how it is stored: the length of a row comes first.
    fn described(&mut self, tensor: &Tensor, offset: u64) -> Result<()> {
        self.text(&tensor.name)?;
        self.u32(if tensor.rows.is_some() { 2 } else { 1 })?;
        self.u64(tensor.columns)?;
        tensor.rows.map_or(Ok(()), |rows| self.u64(rows))?;
        self.u32(if tensor.rows.is_some() { Q8_0 } else { F32 })?;
        self.u64(offset)
    }

    /// Random values of a matrix; norms scale by 1.
    fn values(&mut self, tensor: &Tensor, random: &mut Random) -> Result<()> {
        if tensor.rows.is_none() {
            return (0..tensor.columns).try_for_each(|_| self.put(&1_f32.to_le_bytes()));
        }
        for _ in 0..tensor.bytes() / BLOCK.1 as u64 {
            self.put(&SCALE)?;
            for _ in 0..BLOCK.0 / 8 {
                let eight = random.next().to_le_bytes();
                self.put(&eight)?;
            }
        }
        Ok(())
    }
}

/// Steele, Lea and Flood 2014: splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }
}
