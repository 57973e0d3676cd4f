//! Models inside a component: what a guest needs to compute with weights that it was granted.
//!
//! The same source runs in a component (wasm with simd128, no relaxed operations, so the same bits on any processor and
//! engine) and natively. Nothing here knows a host: models are directories of files, as they are published.
//!
//! - [`Embedder`] reads a directory as sentence-transformers writes it (BERT), or as model2vec does (one vector a token).
//! - [`Talker`] reads a decoder as Hugging Face has it or as one GGUF file, with skills as PEFT writes them, and answers.
//! - [`Weights`] streams tensors out of safetensors without holding the file; [`Linear`] is what becomes of a matrix.
//!
//! Every size in a file is compared with a limit of [`limits`] before anything is reserved for it.

mod bert;
pub mod embedder;
mod error;
mod files;
mod gguf;
pub mod kernels;
pub mod limits;
pub mod linear;
mod llama;
mod matrix;
mod quant;
mod sampler;
mod static_table;
mod talker;
mod template;
mod tokens;
mod vocabulary;
mod weights;

pub use embedder::{Embedder, Embedding, Pooling};
pub use error::ModelError;
pub use linear::Linear;
pub use sampler::Sampling;
pub use talker::{End, Manner, Talker, Usage};
pub use template::Turn;
pub use weights::Weights;
