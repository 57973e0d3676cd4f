//! The shape of a decoder, from `config.json` or from GGUF's metadata.

use crate::error::ModelError;
use crate::gguf::Gguf;
use crate::limits::{CONTEXT, LAYERS, VOCABULARY, WIDTH};
use serde::Deserialize;
use std::f64::consts::PI;

/// Families that are computed.
const FAMILIES: [&str; 2] = ["llama", "qwen2"];

/// The shape of a model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    /// Tokens that it knows.
    pub vocabulary: usize,
    /// Values of a token's state.
    pub hidden: usize,
    /// Values within the feed-forward part.
    pub wide: usize,
    pub layers: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values, each for as many heads of queries.
    pub groups: usize,
    /// Values of a head.
    pub head: usize,
    /// Tokens that it reads at most.
    pub context: usize,
    pub epsilon: f32,
    /// How far a position turns each pair of a head's values, in radians.
    frequencies: Vec<f32>,
    /// Whether the output is a matrix of its own.
    pub own_output: bool,
}

/// What `config.json` says.
#[derive(Deserialize)]
pub(super) struct Config {
    model_type: String,
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    max_position_embeddings: usize,
    rms_norm_eps: f32,
    hidden_act: String,
    rope_theta: Option<f64>,
    rope_scaling: Option<Scaling>,
    /// The two above as newer files have them.
    rope_parameters: Option<Scaling>,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default)]
    use_sliding_window: bool,
}

/// How positions are stretched beyond what the model was first trained for.
#[derive(Deserialize, Default)]
struct Scaling {
    #[serde(alias = "type")]
    rope_type: Option<String>,
    rope_theta: Option<f64>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<f64>,
}

impl Shape {
    /// By `config.json`.
    pub(super) fn of_config(config: Config) -> Result<Self, ModelError> {
        family(&config.model_type)?;
        if config.hidden_act != "silu" {
            let why = format!("`hidden_act` is `{}`, not `silu`", config.hidden_act);
            return Err(ModelError::Unsupported(why));
        }
        if config.use_sliding_window {
            let why = "it looks through a sliding window".into();
            return Err(ModelError::Unsupported(why));
        }
        let heads = config.num_attention_heads;
        let head = config
            .head_dim
            .or_else(|| config.hidden_size.checked_div(heads));
        let scaling = config
            .rope_parameters
            .or(config.rope_scaling)
            .unwrap_or_default();
        let theta = config.rope_theta.or(scaling.rope_theta).unwrap_or(10_000.0);
        let mut shape = Self {
            vocabulary: config.vocab_size,
            hidden: config.hidden_size,
            wide: config.intermediate_size,
            layers: config.num_hidden_layers,
            heads,
            groups: config.num_key_value_heads.unwrap_or(heads),
            head: head.unwrap_or_default(),
            context: config.max_position_embeddings,
            epsilon: config.rms_norm_eps,
            frequencies: Vec::new(),
            own_output: !config.tie_word_embeddings,
        };
        shape.check("config.json")?;
        shape.frequencies = frequencies(shape.head, theta, &scaling)?;
        Ok(shape)
    }

    /// By the metadata of a GGUF file. `factors`: what its frequencies are divided by; empty for nothing.
    pub(super) fn of_gguf(gguf: &Gguf, factors: &[f32]) -> Result<Self, ModelError> {
        let Some(kind) = gguf.text("general.architecture") else {
            return Err(gguf.bad("it has no `general.architecture`"));
        };
        family(kind)?;
        let number = |key: &str| gguf.number(&format!("{kind}.{key}"));
        let wanted = |key: &str| {
            number(key).ok_or_else(|| gguf.bad(format!("it has no number `{kind}.{key}`")))
        };
        let hidden = wanted("embedding_length")? as usize;
        let heads = wanted("attention.head_count")? as usize;
        let head = number("attention.key_length").map(|n| n as usize);
        let embeddings = gguf.tensor("token_embd.weight")?;
        let scaling = match gguf.text(&format!("{kind}.rope.scaling.type")) {
            None | Some("none") => Scaling::default(),
            Some(kind) => Scaling {
                rope_type: Some(kind.to_owned()),
                factor: number("rope.scaling.factor"),
                ..Scaling::default()
            },
        };
        let theta = number("rope.freq_base").unwrap_or(10_000.0);
        let mut shape = Self {
            vocabulary: embeddings.shape[0],
            hidden,
            wide: wanted("feed_forward_length")? as usize,
            layers: wanted("block_count")? as usize,
            heads,
            groups: number("attention.head_count_kv").map_or(heads, |n| n as usize),
            head: head
                .or_else(|| hidden.checked_div(heads))
                .unwrap_or_default(),
            context: wanted("context_length")? as usize,
            epsilon: wanted("attention.layer_norm_rms_epsilon")? as f32,
            frequencies: Vec::new(),
            own_output: gguf.tensor("output.weight").is_ok(),
        };
        shape.check("the metadata")?;
        if let Some(turned) = number("rope.dimension_count")
            && turned as usize != shape.head
        {
            let why = format!("{turned} of {} values of a head are turned", shape.head);
            return Err(ModelError::Unsupported(why));
        }
        if !factors.is_empty() && factors.len() != shape.head / 2 {
            let why = format!(
                "`rope_freqs.weight` has {} values, not {}",
                factors.len(),
                shape.head / 2
            );
            return Err(gguf.bad(why));
        }
        shape.frequencies = frequencies(shape.head, theta, &scaling)?;
        for (frequency, factor) in shape.frequencies.iter_mut().zip(factors) {
            *frequency /= factor;
        }
        Ok(shape)
    }

    fn check(&self, file: &str) -> Result<(), ModelError> {
        for (what, found, most) in [
            ("vocabulary", self.vocabulary, VOCABULARY),
            ("width", self.hidden, WIDTH),
            ("feed-forward width", self.wide, WIDTH),
            ("number of layers", self.layers, LAYERS),
            ("number of heads", self.heads, WIDTH),
            ("number of heads of keys", self.groups, self.heads),
            ("size of a head", self.head, WIDTH),
            ("context", self.context, CONTEXT),
        ] {
            if found == 0 || found > most {
                let why = format!("its {what} is {found}; 1 to {most} are taken");
                return Err(ModelError::malformed(file, why));
            }
        }
        if !self.heads.is_multiple_of(self.groups) || !self.head.is_multiple_of(2) {
            let why = format!(
                "{} heads of {} values in {} groups do not go up",
                self.heads, self.head, self.groups
            );
            return Err(ModelError::malformed(file, why));
        }
        if self.heads * self.head > WIDTH {
            let why = "its heads are too wide together";
            return Err(ModelError::malformed(file, why));
        }
        Ok(())
    }

    /// Cosine and sine of how far each pair of a head is turned, for `tokens` positions from `first` on.
    pub fn turns(&self, first: usize, tokens: usize) -> Vec<(f32, f32)> {
        (first..first + tokens)
            .flat_map(|position| {
                self.frequencies.iter().map(move |frequency| {
                    let angle = position as f32 * frequency;
                    (libm::cosf(angle), libm::sinf(angle))
                })
            })
            .collect()
    }
}

fn family(kind: &str) -> Result<(), ModelError> {
    if FAMILIES.contains(&kind) {
        return Ok(());
    }
    let known = FAMILIES.map(|f| format!("`{f}`")).join(" and ");
    let kind = kind.chars().take(40).collect::<String>();
    Err(ModelError::Unsupported(format!(
        "it is a `{kind}`; {known} are known"
    )))
}

fn frequencies(head: usize, theta: f64, scaling: &Scaling) -> Result<Vec<f32>, ModelError> {
    let plain = (0..head / 2).map(|i| libm::pow(theta, -((2 * i) as f64) / head as f64));
    let missing = |what: &str| ModelError::Unsupported(format!("`rope_scaling` has no `{what}`"));
    let factor = || scaling.factor.ok_or_else(|| missing("factor"));
    match scaling.rope_type.as_deref() {
        None | Some("default") => Ok(plain.map(|f| f as f32).collect()),
        Some("linear") => {
            let factor = factor()?;
            Ok(plain.map(|f| (f / factor) as f32).collect())
        }
        // As transformers has it (modeling_rope_utils.py): slow turns are stretched, fast ones kept, the others mixed.
        Some("llama3") => {
            let factor = factor()?;
            let wanted = |value: Option<f64>, name| value.ok_or_else(|| missing(name));
            let low = wanted(scaling.low_freq_factor, "low_freq_factor")?;
            let high = wanted(scaling.high_freq_factor, "high_freq_factor")?;
            let first = "original_max_position_embeddings";
            let first = wanted(scaling.original_max_position_embeddings, first)?;
            let stretched = plain.map(|f| {
                let turns = first * f / (2.0 * PI);
                let kept = ((turns - low) / (high - low)).clamp(0.0, 1.0);
                (kept * f + (1.0 - kept) * f / factor) as f32
            });
            Ok(stretched.collect())
        }
        Some(other) => {
            let other: String = other.chars().take(40).collect();
            let why = format!("`rope_scaling` is `{other}`; `linear` and `llama3` are known");
            Err(ModelError::Unsupported(why))
        }
    }
}
