//! Decoders of Llama's kind (Touvron et al., 2023), with Qwen2's biases: RMS norm, rotary positions, grouped queries, SwiGLU.

mod load;
mod shape;
mod skill;

pub(crate) use shape::Shape;

use crate::error::ModelError;
use crate::kernels;
use crate::linear::Linear;
use crate::matrix::Matrix;

/// Tokens that are read together: it bounds what is computed meanwhile, not what comes out.
const TOGETHER: usize = 256;
/// Tokens of an answer that memory is reserved for at once; a longer one takes more as it grows.
const AHEAD: usize = 1024;

/// A model.
pub(crate) struct Llama {
    shape: Shape,
    embeddings: Matrix,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    /// Whether a skill has changed biases: each says what they are to be, so one alone can.
    biased: bool,
    /// None: the embeddings are used again.
    output: Option<Matrix>,
}

struct Layer {
    attention_norm: Vec<f32>,
    query: Projection,
    key: Projection,
    value: Projection,
    attended: Projection,
    wide_norm: Vec<f32>,
    gate: Projection,
    up: Projection,
    down: Projection,
}

/// A matrix, its bias, and what skills add.
struct Projection {
    matrix: Matrix,
    /// Empty: none.
    bias: Vec<f32>,
    added: Vec<Added>,
}

/// What a skill adds to a projection: `scale · up (down x)` (Hu et al., 2021).
struct Added {
    down: Linear,
    up: Linear,
    scale: f32,
}

/// What was read so far: keys and values of each layer.
pub(crate) struct Memory {
    layers: Vec<Seen>,
    tokens: usize,
}

/// Keys and values of a layer, a row for each token.
#[derive(Default)]
struct Seen {
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl Projection {
    fn apply(&self, x: &[f32]) -> Vec<f32> {
        let mut y = self.matrix.apply(x);
        if !self.bias.is_empty() {
            for row in y.chunks_exact_mut(self.matrix.outputs()) {
                kernels::add(row, &self.bias);
            }
        }
        for added in &self.added {
            let more = added.up.apply(&added.down.apply(x));
            kernels::each(&mut y, &more, &more, |y, more, _| y + added.scale * more);
        }
        y
    }
}

impl Llama {
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The beginning of a text of `read` tokens, and an answer of at most `made`.
    pub fn begin(&self, read: usize, made: usize) -> Memory {
        let tokens = (read + made.min(AHEAD)).min(self.shape.context);
        let values = tokens * self.shape.groups * self.shape.head;
        let seen = || Seen {
            keys: Vec::with_capacity(values),
            values: Vec::with_capacity(values),
        };
        Memory {
            layers: self.layers.iter().map(|_| seen()).collect(),
            tokens: 0,
        }
    }

    /// Reads at least one token, and gives the scores of what may follow the last one.
    ///
    /// # Errors
    /// When there are more than the context, or the vocabulary lacks one.
    pub fn read(&self, memory: &mut Memory, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        let mut last = Vec::new();
        for ids in ids.chunks(TOGETHER) {
            last = self.states(memory, ids)?;
        }
        let from = last.len() - self.shape.hidden;
        Ok(self.scores(&last[from..]))
    }

    /// The same with the scores after every token.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_all(&self, memory: &mut Memory, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        let mut all = Vec::new();
        for ids in ids.chunks(TOGETHER) {
            all.extend(self.scores(&self.states(memory, ids)?));
        }
        Ok(all)
    }

    fn scores(&self, states: &[f32]) -> Vec<f32> {
        let normed = rms_norm(states, &self.norm, self.shape.epsilon);
        let output = self.output.as_ref().unwrap_or(&self.embeddings);
        output.apply(&normed)
    }

    /// What the last layer makes of each token.
    fn states(&self, memory: &mut Memory, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        let shape = &self.shape;
        let all = memory.tokens + ids.len();
        if all > shape.context {
            let why = format!("{all} tokens, of which it reads {}", shape.context);
            return Err(ModelError::TooLong(why));
        }
        let mut x = vec![0.0; ids.len() * shape.hidden];
        for (id, row) in ids.iter().zip(x.chunks_exact_mut(shape.hidden)) {
            let id = *id as usize;
            if id >= shape.vocabulary {
                let why = format!("it gives the token {id} of {}", shape.vocabulary);
                return Err(ModelError::malformed("tokenizer.json", why));
            }
            self.embeddings.row(id, row);
        }
        let turns = shape.turns(memory.tokens, ids.len());
        for (layer, seen) in self.layers.iter().zip(&mut memory.layers) {
            let normed = rms_norm(&x, &layer.attention_norm, shape.epsilon);
            let mut query = layer.query.apply(&normed);
            let mut key = layer.key.apply(&normed);
            rotate(&mut query, shape.head, &turns, shape.heads);
            rotate(&mut key, shape.head, &turns, shape.groups);
            seen.keys.extend_from_slice(&key);
            seen.values.extend_from_slice(&layer.value.apply(&normed));
            let attended = self.attend(&query, seen, memory.tokens);
            kernels::add(&mut x, &layer.attended.apply(&attended));
            let normed = rms_norm(&x, &layer.wide_norm, shape.epsilon);
            let mut gate = layer.gate.apply(&normed);
            kernels::silu(&mut gate);
            let up = layer.up.apply(&normed);
            kernels::each(&mut gate, &up, &up, |gate, up, _| gate * up);
            kernels::add(&mut x, &layer.down.apply(&gate));
        }
        memory.tokens = all;
        Ok(x)
    }

    /// Each token's look at itself and all before it.
    fn attend(&self, query: &[f32], seen: &Seen, before: usize) -> Vec<f32> {
        let shape = &self.shape;
        let (heads, head) = (shape.heads, shape.head);
        let narrow = shape.groups * head;
        let scale = 1.0 / (head as f32).sqrt();
        let mut result = vec![0.0; query.len()];
        let mut shares = Vec::new();
        let pairs = query
            .chunks_exact(head)
            .zip(result.chunks_exact_mut(head))
            .enumerate();
        for (number, (query, result)) in pairs {
            let (token, at) = (number / heads, number % heads);
            let at = at * shape.groups / heads * head;
            let keys = seen.keys.chunks_exact(narrow).take(before + token + 1);
            shares.clear();
            shares.extend(keys.map(|key| kernels::dot(query, &key[at..][..head]) * scale));
            kernels::softmax(&mut shares);
            for (share, value) in shares.iter().zip(seen.values.chunks_exact(narrow)) {
                let value = &value[at..][..head];
                kernels::each(result, value, value, |sum, value, _| sum + share * value);
            }
        }
        result
    }
}

/// Turns each head by its token's position: value `i` with value `i + head / 2` (Su et al., 2021).
fn rotate(x: &mut [f32], head: usize, turns: &[(f32, f32)], heads: usize) {
    let tokens = x.chunks_exact_mut(heads * head);
    for (row, turns) in tokens.zip(turns.chunks_exact(head / 2)) {
        for head in row.chunks_exact_mut(head) {
            let (left, right) = head.split_at_mut(turns.len());
            for ((u, v), (cos, sin)) in left.iter_mut().zip(right).zip(turns) {
                (*u, *v) = (*u * cos - *v * sin, *v * cos + *u * sin);
            }
        }
    }
}

fn rms_norm(x: &[f32], scale: &[f32], epsilon: f32) -> Vec<f32> {
    let mut y = x.to_vec();
    for row in y.chunks_exact_mut(scale.len()) {
        let factor = 1.0 / (kernels::dot(row, row) / scale.len() as f32 + epsilon).sqrt();
        kernels::each(row, scale, scale, |value, scale, _| value * factor * scale);
    }
    y
}
