//! Models inside a component: what a guest needs to compute with weights that it was granted.
//!
//! The same source runs in a component (wasm with simd128, no relaxed operations, so the same bits on any processor and
//! engine) and natively. Nothing here knows a host: models are directories of files, as they are published.
//!
//! - [`Embedder`] reads a directory as sentence-transformers writes it (BERT), or as model2vec does (one vector a token).
//! - [`Weights`] streams tensors out of safetensors without holding the file; [`Linear`] is what becomes of a matrix.
//!
//! Every size in a file is compared with a limit of [`limits`] before anything is reserved for it.

mod bert;
pub mod embedder;
mod error;
mod files;
pub mod kernels;
pub mod limits;
pub mod linear;
mod static_table;
mod tokens;
mod weights;

pub use embedder::{Embedder, Embedding, Pooling};
pub use error::ModelError;
pub use linear::Linear;
pub use weights::Weights;
