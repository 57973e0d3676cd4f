//! Texts as vectors, by another component: `weft:embeddings@0.1.0` from the side of a workload that imports it.
//!
//! The host links in the embeddings workload that its owner uses, with the model that the params name as `model`. Every
//! call is a fresh instance of it, whose fuel is the caller's. Natively there is nobody to call: write a workload over a
//! trait of its own, as `text-index` does.

#[allow(
    missing_docs,
    reason = "generated from wit/embeddings, which documents them"
)]
mod bindings {
    wit_bindgen::generate!({
        inline: "package weft:sdk;
world embedder {
    import weft:embeddings/model@0.1.0;
}",
        path: "../../wit/embeddings/0.1.0",
        world: "weft:sdk/embedder",
        additional_derives: [PartialEq],
        generate_all,
    });
}

pub use bindings::weft::embeddings::model::{
    Description, Embedding, Loaded, ModelError, describe, embed,
};
