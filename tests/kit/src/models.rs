//! Small models of `tests/reference`, changed for what a test needs.

use crate::workspace;
use serde_json::{Value, json};
use std::path::Path;

/// Tokens that [`endless_model`] can hold: minutes of them.
const CONTEXT: usize = 1 << 17;

/// Writes a chat model that never ends by itself into a new folder: `smollm2` of the reference with a large context and
/// without a token that ends an answer.
///
/// # Panics
/// When the folder can't be written.
pub fn endless_model(folder: &Path) {
    let from = workspace().join("tests/reference/decoders/smollm2");
    std::fs::create_dir(folder).expect("a new folder");
    for entry in std::fs::read_dir(from).expect("the reference") {
        let path = entry.expect("a file").path();
        let to = folder.join(path.file_name().expect("a name"));
        let bytes = std::fs::read(&path).expect("a file");
        let name = to.file_name().and_then(|n| n.to_str());
        let bytes = match name {
            Some("config.json" | "generation_config.json" | "tokenizer_config.json") => {
                without_end(&bytes)
            }
            _ => bytes,
        };
        std::fs::write(&to, bytes).expect("a file");
    }
}

fn without_end(config: &[u8]) -> Vec<u8> {
    let mut config: Value = serde_json::from_slice(config).expect("JSON");
    let fields = config.as_object_mut().expect("an object");
    for end in ["eos_token_id", "eos_token"] {
        fields.remove(end);
    }
    if fields.contains_key("max_position_embeddings") {
        fields.insert("max_position_embeddings".into(), json!(CONTEXT));
    }
    config.to_string().into_bytes()
}
