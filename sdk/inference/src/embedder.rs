//! Texts as vectors: a directory as sentence-transformers or model2vec writes it.

use crate::bert::{self, Bert};
use crate::error::ModelError;
use crate::files;
use crate::kernels;
use crate::limits;
use crate::static_table::StaticTable;
use crate::tokens::Tokens;
use crate::weights::Weights;
use serde::Deserialize;
use std::path::Path;

/// What a static model takes of a text where its `config.json` does not say.
const STATIC_CONTEXT: usize = 512;

/// How a text's vector is made of its tokens'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Their mean.
    Mean,
    /// The first one's.
    First,
}

enum Encoder {
    Bert(Box<Bert>),
    Static(StaticTable),
}

/// A model that turns texts into vectors.
pub struct Embedder {
    encoder: Encoder,
    tokens: Tokens,
    /// The token for what the vocabulary lacks; a static model leaves it out.
    unknown: Option<u32>,
    pooling: Pooling,
    normalize: bool,
    dimensions: usize,
    context: usize,
}

/// A text's vector.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    /// The vector, of [`Embedder::dimensions`] values.
    pub vector: Vec<f32>,
    /// Tokens of the text that were read.
    pub tokens: usize,
    /// Whether the text had more than [`Embedder::context`] tokens, of which the rest was not read.
    pub truncated: bool,
}

#[derive(Deserialize)]
struct Kind {
    model_type: String,
    #[serde(default)]
    normalize: Option<bool>,
    #[serde(default)]
    seq_length: Option<usize>,
}

/// An entry of `modules.json`.
#[derive(Deserialize)]
struct Module {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct PoolingConfig {
    #[serde(default)]
    pooling_mode_cls_token: bool,
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
    #[serde(default)]
    pooling_mode_max_tokens: bool,
    #[serde(default)]
    pooling_mode_mean_sqrt_len_tokens: bool,
    #[serde(default)]
    pooling_mode_weightedmean_tokens: bool,
    #[serde(default)]
    pooling_mode_lasttoken: bool,
}

#[derive(Deserialize)]
struct SentenceConfig {
    max_seq_length: Option<usize>,
}

impl Embedder {
    /// Loads the model in a directory.
    ///
    /// # Errors
    /// Which file is missing, damaged or of a kind that is not known.
    pub fn load(dir: &Path) -> Result<Self, ModelError> {
        let kind: Kind = files::json(dir, "config.json")?;
        if kind.model_type == "model2vec" {
            return Self::load_static(dir, &kind);
        }
        let config: bert::Config = files::json(dir, "config.json")?;
        let (pooling, normalize) = modules(dir)?;
        let sentence: Option<SentenceConfig> =
            files::json_if_there(dir, "sentence_bert_config.json")?;
        let context = sentence
            .and_then(|s| s.max_seq_length)
            .unwrap_or(config.max_position_embeddings)
            .min(config.max_position_embeddings);
        let dimensions = config.hidden_size;
        let tokens = Tokens::load(dir, context, true)?;
        tokens.fit(config.vocab_size)?;
        let bert = Bert::load(config, &mut Weights::open(dir)?)?;
        Ok(Self {
            encoder: Encoder::Bert(Box::new(bert)),
            tokens,
            unknown: None,
            pooling,
            normalize,
            dimensions,
            context,
        })
    }

    fn load_static(dir: &Path, kind: &Kind) -> Result<Self, ModelError> {
        let context = kind.seq_length.unwrap_or(STATIC_CONTEXT);
        if context == 0 || context > limits::CONTEXT {
            return Err(ModelError::Unsupported(format!(
                "`seq_length` is {context}"
            )));
        }
        let table = StaticTable::load(&mut Weights::open(dir)?)?;
        let tokens = Tokens::load(dir, context, false)?;
        Ok(Self {
            dimensions: table.dimensions(),
            unknown: tokens.id("[UNK]").or_else(|| tokens.id("<unk>")),
            encoder: Encoder::Static(table),
            tokens,
            pooling: Pooling::Mean,
            normalize: kind.normalize.unwrap_or(true),
            context,
        })
    }

    /// Values of a vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Tokens that are read of a text at most.
    pub fn context(&self) -> usize {
        self.context
    }

    /// How vectors of tokens become the vector of a text.
    pub fn pooling(&self) -> Pooling {
        self.pooling
    }

    /// Whether vectors have length 1.
    pub fn normalizes(&self) -> bool {
        self.normalize
    }

    /// The vector of a text. The same text has the same vector, whatever else is embedded.
    ///
    /// # Errors
    /// When the weights give what is no number, or tokenizer and model do not fit together.
    pub fn embed(&self, text: &str) -> Result<Embedding, ModelError> {
        let text = self.tokens.of(text)?;
        let states = match &self.encoder {
            Encoder::Bert(bert) => bert.encode(&text.ids)?,
            Encoder::Static(table) => {
                let known = text.ids.iter().filter(|id| Some(**id) != self.unknown);
                table.encode(known.copied())
            }
        };
        let mut vector = self.pool(&states);
        if self.normalize {
            kernels::normalize(&mut vector);
        }
        if vector.iter().any(|value| !value.is_finite()) {
            return Err(ModelError::NotFinite);
        }
        Ok(Embedding {
            vector,
            tokens: text.ids.len(),
            truncated: text.truncated,
        })
    }

    fn pool(&self, states: &[f32]) -> Vec<f32> {
        let mut rows = states.chunks_exact(self.dimensions);
        let mut vector = match rows.next() {
            Some(first) => first.to_vec(),
            None => return vec![0.0; self.dimensions],
        };
        if self.pooling == Pooling::Mean {
            for row in rows {
                for (sum, value) in vector.iter_mut().zip(row) {
                    *sum += value;
                }
            }
            let share = 1.0 / (states.len() / self.dimensions) as f32;
            vector.iter_mut().for_each(|value| *value *= share);
        }
        vector
    }
}

/// What `modules.json` says is done with the encoder's output. Without one it is their mean, as it is.
fn modules(dir: &Path) -> Result<(Pooling, bool), ModelError> {
    let modules: Option<Vec<Module>> = files::json_if_there(dir, "modules.json")?;
    let (mut pooling, mut normalize) = (Pooling::Mean, false);
    for module in modules.unwrap_or_default() {
        match module.kind.rsplit('.').next().unwrap_or_default() {
            "Transformer" if module.path.is_empty() => {}
            "Pooling" => pooling = read_pooling(dir, &module.path)?,
            "Normalize" => normalize = true,
            _ => {
                let why = format!("`modules.json` names `{}`", module.kind);
                return Err(ModelError::Unsupported(why));
            }
        }
    }
    Ok((pooling, normalize))
}

fn read_pooling(dir: &Path, path: &str) -> Result<Pooling, ModelError> {
    let file = format!("{path}/config.json");
    let config: PoolingConfig = files::json(dir, &file)?;
    let others = config.pooling_mode_max_tokens
        || config.pooling_mode_mean_sqrt_len_tokens
        || config.pooling_mode_weightedmean_tokens
        || config.pooling_mode_lasttoken;
    match (
        config.pooling_mode_mean_tokens,
        config.pooling_mode_cls_token,
    ) {
        (true, false) if !others => Ok(Pooling::Mean),
        (false, true) if !others => Ok(Pooling::First),
        _ => Err(ModelError::Unsupported(format!(
            "`{file}` pools otherwise than by mean or first token"
        ))),
    }
}
