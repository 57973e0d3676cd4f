//! A decoder out of a directory: safetensors with `config.json`, or one GGUF file.

use super::shape::{Config, Shape};
use super::{Layer, Llama, Projection};
use crate::error::ModelError;
use crate::files;
use crate::gguf::Gguf;
use crate::matrix::Matrix;
use crate::weights::Weights;
use std::path::Path;

/// Where tensors come from, by the names that Hugging Face gives them.
pub(super) enum Tensors {
    Safetensors(Weights),
    Gguf(Box<Gguf>),
}

impl Llama {
    /// Loads the safetensors in a directory.
    ///
    /// # Errors
    /// Which file is missing, damaged or of a kind that is not known.
    pub fn load(dir: &Path) -> Result<Self, ModelError> {
        let config: Config = files::json(dir, "config.json")?;
        let shape = Shape::of_config(config)?;
        Self::of(shape, Tensors::Safetensors(Weights::open(dir)?))
    }

    /// Loads an open GGUF file.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn of_gguf(mut gguf: Gguf) -> Result<Self, ModelError> {
        let factors = match gguf.tensor("rope_freqs.weight") {
            Ok(tensor) => {
                let size = tensor.shape.iter().product();
                gguf.values("rope_freqs.weight", size)?
            }
            Err(_) => Vec::new(),
        };
        let shape = Shape::of_gguf(&gguf, &factors)?;
        Self::of(shape, Tensors::Gguf(Box::new(gguf)))
    }

    fn of(shape: Shape, mut tensors: Tensors) -> Result<Self, ModelError> {
        let (hidden, wide) = (shape.hidden, shape.wide);
        let (all, some) = (shape.heads * shape.head, shape.groups * shape.head);
        let embeddings = tensors.matrix("model.embed_tokens", shape.vocabulary, hidden)?;
        let mut layers = Vec::new();
        for number in 0..shape.layers {
            let mut part = |name: &str, outputs, inputs| {
                tensors.projection(&format!("model.layers.{number}.{name}"), outputs, inputs)
            };
            let (query, key) = (
                part("self_attn.q_proj", all, hidden)?,
                part("self_attn.k_proj", some, hidden)?,
            );
            let value = part("self_attn.v_proj", some, hidden)?;
            let attended = part("self_attn.o_proj", hidden, all)?;
            let gate = part("mlp.gate_proj", wide, hidden)?;
            let up = part("mlp.up_proj", wide, hidden)?;
            let down = part("mlp.down_proj", hidden, wide)?;
            let mut norm = |name: &str| {
                tensors.values(&format!("model.layers.{number}.{name}.weight"), hidden)
            };
            let attention_norm = norm("input_layernorm")?;
            let wide_norm = norm("post_attention_layernorm")?;
            let paired = tensors.pairs_values();
            layers.push(Layer {
                query: unpaired(query, &shape, paired),
                key: unpaired(key, &shape, paired),
                attention_norm,
                value,
                attended,
                wide_norm,
                gate,
                up,
                down,
            });
        }
        let norm = tensors.values("model.norm.weight", hidden)?;
        let output = match shape.own_output {
            true => Some(tensors.matrix("lm_head", shape.vocabulary, hidden)?),
            false => None,
        };
        Ok(Self {
            shape,
            embeddings,
            layers,
            norm,
            biased: false,
            output,
        })
    }
}

impl Tensors {
    /// Whether heads have the values that are turned together side by side: GGUF's weights of `llama` do.
    fn pairs_values(&self) -> bool {
        match self {
            Self::Safetensors(_) => false,
            Self::Gguf(gguf) => gguf.text("general.architecture") == Some("llama"),
        }
    }

    fn matrix(&mut self, name: &str, outputs: usize, inputs: usize) -> Result<Matrix, ModelError> {
        let name = format!("{name}.weight");
        match self {
            Self::Safetensors(weights) => weights.matrix(&name, outputs, inputs),
            Self::Gguf(gguf) => gguf.matrix(&gguf_name(&name), outputs, inputs),
        }
    }

    fn values(&mut self, name: &str, count: usize) -> Result<Vec<f32>, ModelError> {
        match self {
            Self::Safetensors(weights) => weights.values(name, &[count]),
            Self::Gguf(gguf) => gguf.values(&gguf_name(name), count),
        }
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::Safetensors(weights) => weights.has(name),
            Self::Gguf(gguf) => gguf.tensor(&gguf_name(name)).is_ok(),
        }
    }

    fn projection(
        &mut self,
        name: &str,
        outputs: usize,
        inputs: usize,
    ) -> Result<Projection, ModelError> {
        let bias = format!("{name}.bias");
        Ok(Projection {
            matrix: self.matrix(name, outputs, inputs)?,
            bias: match self.has(&bias) {
                true => self.values(&bias, outputs)?,
                false => Vec::new(),
            },
            added: Vec::new(),
        })
    }
}

/// Brings the rows of each head from pairs, `2i` with `2i + 1`, to halves, `i` with `i + head / 2`.
fn unpaired(projection: Projection, shape: &Shape, paired: bool) -> Projection {
    if !paired {
        return projection;
    }
    let head = shape.head;
    let from = move |i: usize| {
        let (first, at) = (i / head * head, i % head);
        first + at % (head / 2) * 2 + at / (head / 2)
    };
    let bias = &projection.bias;
    Projection {
        bias: (0..bias.len()).map(|i| bias[from(i)]).collect(),
        matrix: projection.matrix.reordered(from),
        added: projection.added,
    }
}

/// The name that GGUF has for a tensor (gguf-py, constants.py).
fn gguf_name(name: &str) -> String {
    const PARTS: [(&str, &str); 10] = [
        ("model.layers", "blk"),
        ("self_attn.q_proj", "attn_q"),
        ("self_attn.k_proj", "attn_k"),
        ("self_attn.v_proj", "attn_v"),
        ("self_attn.o_proj", "attn_output"),
        ("mlp.gate_proj", "ffn_gate"),
        ("mlp.up_proj", "ffn_up"),
        ("mlp.down_proj", "ffn_down"),
        ("input_layernorm", "attn_norm"),
        ("post_attention_layernorm", "ffn_norm"),
    ];
    match name {
        "model.embed_tokens.weight" => "token_embd.weight".into(),
        "model.norm.weight" => "output_norm.weight".into(),
        "lm_head.weight" => "output.weight".into(),
        _ => PARTS
            .iter()
            .fold(name.to_owned(), |name, (from, to)| name.replace(from, to)),
    }
}
