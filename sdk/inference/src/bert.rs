//! BERT's encoder (Devlin et al., 2018): embeddings, then layers of attention and feed-forward, each with a residual and a
//! norm after it.

use crate::error::ModelError;
use crate::kernels;
use crate::limits;
use crate::linear::{Linear, pack_columns, pack_rows, product};
use crate::weights::Weights;
use serde::Deserialize;

/// `config.json`, as far as the computation depends on it.
#[derive(Deserialize)]
pub(crate) struct Config {
    model_type: String,
    pub vocab_size: usize,
    pub hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    hidden_act: String,
    pub max_position_embeddings: usize,
    #[serde(default = "one")]
    type_vocab_size: usize,
    layer_norm_eps: f32,
    #[serde(default = "absolute")]
    position_embedding_type: String,
}

fn one() -> usize {
    1
}

fn absolute() -> String {
    "absolute".to_owned()
}

impl Config {
    /// Whether this encoder computes that model.
    fn check(&self) -> Result<Activation, ModelError> {
        let refuse = |why: String| Err(ModelError::Unsupported(why));
        if self.model_type != "bert" {
            return refuse(format!(
                "`model_type` is `{}`, `bert` is known",
                self.model_type
            ));
        }
        if self.position_embedding_type != "absolute" {
            return refuse(format!("positions are `{}`", self.position_embedding_type));
        }
        for (name, value, most) in [
            ("vocab_size", self.vocab_size, limits::VOCABULARY),
            ("hidden_size", self.hidden_size, limits::WIDTH),
            ("intermediate_size", self.intermediate_size, limits::WIDTH),
            ("num_hidden_layers", self.num_hidden_layers, limits::LAYERS),
            (
                "num_attention_heads",
                self.num_attention_heads,
                limits::WIDTH,
            ),
            (
                "max_position_embeddings",
                self.max_position_embeddings,
                limits::CONTEXT,
            ),
            ("type_vocab_size", self.type_vocab_size, limits::WIDTH),
        ] {
            if value == 0 || value > most {
                return refuse(format!("`{name}` is {value}, 1 to {most} is taken"));
            }
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return refuse(format!(
                "{} values do not divide among {} heads",
                self.hidden_size, self.num_attention_heads
            ));
        }
        match self.hidden_act.as_str() {
            "gelu" => Ok(kernels::gelu),
            "gelu_new" | "gelu_pytorch_tanh" => Ok(kernels::gelu_tanh),
            "relu" => Ok(kernels::relu),
            other => Err(ModelError::Unsupported(format!("the activation `{other}`"))),
        }
    }
}

type Activation = fn(&mut [f32]);

/// Scale and shift of a layer norm.
struct Norm {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attended: Linear,
    attention_norm: Norm,
    wide: Linear,
    narrow: Linear,
    output_norm: Norm,
}

/// An encoder with its weights.
pub(crate) struct Bert {
    config: Config,
    activation: Activation,
    words: Vec<f32>,
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

impl Bert {
    /// Reads the weights that a configuration names.
    pub fn load(config: Config, weights: &mut Weights) -> Result<Self, ModelError> {
        let activation = config.check()?;
        let hidden = config.hidden_size;
        // Published alone the encoder has no prefix, as a part of another model it has.
        let prefix = if weights.has("bert.embeddings.word_embeddings.weight") {
            "bert."
        } else {
            ""
        };
        let table = |weights: &mut Weights, name: &str, rows: usize| {
            let name = format!("{prefix}embeddings.{name}_embeddings.weight");
            weights.values(&name, &[rows, hidden])
        };
        let norm = |weights: &mut Weights, name: &str| -> Result<Norm, ModelError> {
            Ok(Norm {
                scale: weights.values(&format!("{prefix}{name}.weight"), &[hidden])?,
                shift: weights.values(&format!("{prefix}{name}.bias"), &[hidden])?,
            })
        };
        let words = table(weights, "word", config.vocab_size)?;
        let mut positions = table(weights, "position", config.max_position_embeddings)?;
        // There is one text only, so each position is of the first kind.
        let kinds = table(weights, "token_type", config.type_vocab_size)?;
        for row in positions.chunks_exact_mut(hidden) {
            for (value, kind) in row.iter_mut().zip(&kinds) {
                *value += kind;
            }
        }
        let first_norm = norm(weights, "embeddings.LayerNorm")?;
        let mut layers = Vec::new();
        for number in 0..config.num_hidden_layers {
            let at = format!("encoder.layer.{number}");
            let mut linear = |name: &str, outputs, inputs| {
                let weight = format!("{prefix}{at}.{name}.weight");
                let bias = format!("{prefix}{at}.{name}.bias");
                weights.linear(&weight, Some(&bias), outputs, inputs)
            };
            let (query, key, value, attended, wide, narrow) = (
                linear("attention.self.query", hidden, hidden)?,
                linear("attention.self.key", hidden, hidden)?,
                linear("attention.self.value", hidden, hidden)?,
                linear("attention.output.dense", hidden, hidden)?,
                linear("intermediate.dense", config.intermediate_size, hidden)?,
                linear("output.dense", hidden, config.intermediate_size)?,
            );
            layers.push(Layer {
                query,
                key,
                value,
                attended,
                attention_norm: norm(weights, &format!("{at}.attention.output.LayerNorm"))?,
                wide,
                narrow,
                output_norm: norm(weights, &format!("{at}.output.LayerNorm"))?,
            });
        }
        Ok(Self {
            config,
            activation,
            words,
            positions,
            norm: first_norm,
            layers,
        })
    }

    /// The last layer's values, a row of `hidden_size` for each token.
    ///
    /// # Errors
    /// When a token is not of this vocabulary, which only a tokenizer of another model gives.
    pub fn encode(&self, ids: &[u32]) -> Result<Vec<f32>, ModelError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let hidden = self.config.hidden_size;
        let mut x = Vec::with_capacity(ids.len() * hidden);
        for (id, position) in ids.iter().zip(self.positions.chunks_exact(hidden)) {
            let word = self
                .words
                .get(*id as usize * hidden..)
                .and_then(|rest| rest.get(..hidden))
                .ok_or_else(|| {
                    let why = format!(
                        "it gives token {id}, the model has {}",
                        self.config.vocab_size
                    );
                    ModelError::malformed("tokenizer.json", why)
                })?;
            x.extend(
                word.iter()
                    .zip(position)
                    .map(|(word, position)| word + position),
            );
        }
        self.normalise(&mut x, &self.norm);
        for layer in &self.layers {
            let mut attended = layer.attended.apply(&self.attend(layer, &x));
            kernels::add(&mut attended, &x);
            self.normalise(&mut attended, &layer.attention_norm);
            let mut wide = layer.wide.apply(&attended);
            (self.activation)(&mut wide);
            x = layer.narrow.apply(&wide);
            kernels::add(&mut x, &attended);
            self.normalise(&mut x, &layer.output_norm);
        }
        Ok(x)
    }

    /// Attention of every token to every token, head by head.
    fn attend(&self, layer: &Layer, x: &[f32]) -> Vec<f32> {
        let hidden = self.config.hidden_size;
        let tokens = x.len() / hidden;
        let width = hidden / self.config.num_attention_heads;
        let scale = 1.0 / (width as f32).sqrt();
        let (query, key, value) = (
            layer.query.apply(x),
            layer.key.apply(x),
            layer.value.apply(x),
        );
        let mut result = vec![0.0; x.len()];
        let (mut panels, mut own) = (Vec::new(), vec![0.0; tokens * width]);
        let mut scores = vec![0.0; tokens * tokens];
        for first in (0..hidden).step_by(width) {
            for (own, row) in own.chunks_exact_mut(width).zip(query.chunks_exact(hidden)) {
                for (own, value) in own.iter_mut().zip(&row[first..]) {
                    *own = value * scale;
                }
            }
            pack_rows(&key[first..], hidden, tokens, width, &mut panels);
            product(&own, &panels, width, tokens, &mut scores);
            scores.chunks_exact_mut(tokens).for_each(kernels::softmax);
            pack_columns(&value[first..], hidden, width, tokens, &mut panels);
            product(&scores, &panels, tokens, width, &mut own);
            for (own, row) in own.chunks_exact(width).zip(result.chunks_exact_mut(hidden)) {
                row[first..first + width].copy_from_slice(own);
            }
        }
        result
    }

    fn normalise(&self, x: &mut [f32], norm: &Norm) {
        kernels::layer_norm(x, &norm.scale, &norm.shift, self.config.layer_norm_eps);
    }
}
