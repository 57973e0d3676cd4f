//! `weft:embeddings@0.1.0`: bindings.

#[allow(
    missing_docs,
    reason = "generated from wit/embeddings, which documents them"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: "../../wit/embeddings/0.1.0",
        world: "weft:embeddings/embeddings",
    });
}

pub use generated::exports::weft::embeddings::model::{Description, Embedding, Loaded, ModelError};
pub use generated::{Embeddings, EmbeddingsPre};
