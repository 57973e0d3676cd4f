//! Texts as vectors, by a model that the host grants.

use std::path::Path;
use weft_inference::{Embedder, ModelError as Wrong, Pooling};
use weft_sdk::embeddings::{Embedding, Embeddings, Loaded, ModelError};

/// A loaded model.
pub struct Model(Embedder);

impl Embeddings for Model {
    const NAME: &'static str = "embeddings";
    const SUMMARY: &'static str =
        "Texts as vectors, so that texts of like meaning have vectors of like direction.";
    const FORMATS: &'static [&'static str] = &["sentence-transformers BERT", "model2vec"];

    fn load(dir: &Path) -> Result<Self, ModelError> {
        Embedder::load(dir).map(Self).map_err(error)
    }

    fn loaded(&self) -> Loaded {
        let pooling = match self.0.pooling() {
            Pooling::Mean => "mean",
            Pooling::First => "first",
        };
        Loaded {
            dimensions: self.0.dimensions() as u32,
            context_tokens: self.0.context() as u32,
            pooling: pooling.into(),
            normalized: self.0.normalizes(),
        }
    }

    fn embed(&self, texts: &[String]) -> Result<Vec<Embedding>, ModelError> {
        let one = |text: &String| {
            let embedding = self.0.embed(text).map_err(error)?;
            Ok(Embedding {
                vector: embedding.vector,
                tokens: embedding.tokens as u32,
                truncated: embedding.truncated,
            })
        };
        texts.iter().map(one).collect()
    }
}

fn error(wrong: Wrong) -> ModelError {
    match wrong {
        Wrong::Missing(_) => ModelError::Missing(wrong.to_string()),
        _ => ModelError::BadModel(wrong.to_string()),
    }
}

weft_sdk::export_embeddings!(Model);
