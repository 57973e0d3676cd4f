//! A static model as model2vec publishes it: one vector for each token of a vocabulary; a text is the mean of its tokens'.
//!
//! Nothing is computed but that mean, so it is a thousand times faster than an encoder, and blind to the order of words.

use crate::error::ModelError;
use crate::limits;
use crate::weights::Weights;

/// The table.
pub(crate) struct StaticTable {
    rows: Vec<f32>,
    dimensions: usize,
}

impl StaticTable {
    /// Reads `embeddings` (a row for each token) and, where there are any, `weights` (a factor for each token).
    pub fn load(weights: &mut Weights) -> Result<Self, ModelError> {
        let &[tokens, dimensions] = weights.shape("embeddings")? else {
            return Err(ModelError::Unsupported(
                "`embeddings` is not a table of rows".into(),
            ));
        };
        if dimensions == 0 || dimensions > limits::WIDTH || tokens > limits::VOCABULARY {
            return Err(ModelError::Unsupported(format!(
                "a table of {tokens} rows of {dimensions} values"
            )));
        }
        if weights.has("mapping") {
            return Err(ModelError::Unsupported(
                "tokens that share rows (`mapping`)".into(),
            ));
        }
        let mut rows = weights.values("embeddings", &[tokens, dimensions])?;
        if weights.has("weights") {
            let factors = weights.values("weights", &[tokens])?;
            for (row, factor) in rows.chunks_exact_mut(dimensions).zip(&factors) {
                row.iter_mut().for_each(|value| *value *= factor);
            }
        }
        Ok(Self { rows, dimensions })
    }

    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The rows of tokens, one after the other. Those that the table lacks are left out.
    pub fn encode(&self, ids: impl Iterator<Item = u32>) -> Vec<f32> {
        let mut rows = Vec::new();
        for id in ids {
            let at = id as usize * self.dimensions;
            if let Some(row) = self.rows.get(at..at + self.dimensions) {
                rows.extend_from_slice(row);
            }
        }
        rows
    }
}
