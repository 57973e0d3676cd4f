//! Small models: those of `tests/reference`, changed for what a test needs, and one that is made here.

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

/// Values of a token in [`small_bert`].
const WIDTH: usize = 64;
/// Values of a token within a layer.
const WIDE: usize = 4 * WIDTH;
/// Tokens that it reads.
const READS: usize = 128;
const LAYERS: usize = 3;

/// Writes a BERT encoder with pseudo-random weights into a new folder. Its tokenizer is that of the model `mini`.
///
/// # Panics
/// When the folder can't be written.
pub fn small_bert(folder: &Path) {
    std::fs::create_dir(folder).expect("a new folder");
    let mini = workspace().join("plugins/bundle/models/mini/tokenizer.json");
    let tokenizer = std::fs::read(mini).expect("a tokenizer");
    let said: Value = serde_json::from_slice(&tokenizer).expect("JSON");
    let tokens = said["model"]["vocab"].as_object().expect("words").len();
    let config = json!({
        "model_type": "bert", "vocab_size": tokens, "hidden_size": WIDTH, "num_hidden_layers": LAYERS,
        "num_attention_heads": 4, "intermediate_size": WIDE, "hidden_act": "gelu",
        "max_position_embeddings": READS, "type_vocab_size": 2, "layer_norm_eps": 1e-12,
    });
    let write =
        |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("a file");
    write("tokenizer.json", &tokenizer);
    write("config.json", config.to_string().as_bytes());
    write("model.safetensors", &safetensors(&shapes(tokens)));
}

/// Names and shapes of a BERT's weights.
fn shapes(tokens: usize) -> Vec<(String, Vec<usize>)> {
    let mut all = Vec::new();
    for (name, rows) in [("word", tokens), ("position", READS), ("token_type", 2)] {
        let name = format!("embeddings.{name}_embeddings.weight");
        all.push((name, vec![rows, WIDTH]));
    }
    let mut with_bias = |name: String, shape: Vec<usize>| {
        all.push((format!("{name}.bias"), vec![shape[0]]));
        all.push((format!("{name}.weight"), shape));
    };
    with_bias("embeddings.LayerNorm".into(), vec![WIDTH]);
    for layer in 0..LAYERS {
        for (name, shape) in [
            ("attention.self.query", vec![WIDTH, WIDTH]),
            ("attention.self.key", vec![WIDTH, WIDTH]),
            ("attention.self.value", vec![WIDTH, WIDTH]),
            ("attention.output.dense", vec![WIDTH, WIDTH]),
            ("attention.output.LayerNorm", vec![WIDTH]),
            ("intermediate.dense", vec![WIDE, WIDTH]),
            ("output.dense", vec![WIDTH, WIDE]),
            ("output.LayerNorm", vec![WIDTH]),
        ] {
            with_bias(format!("encoder.layer.{layer}.{name}"), shape);
        }
    }
    all
}

/// A file of these tensors with values from -0.5 to 0.5 (splitmix64 from 0).
fn safetensors(shapes: &[(String, Vec<usize>)]) -> Vec<u8> {
    let (mut header, mut values) = (serde_json::Map::new(), Vec::new());
    let mut state = 0_u64;
    for (name, shape) in shapes {
        let begins = values.len();
        for _ in 0..shape.iter().product() {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let value = ((z ^ (z >> 31)) >> 40) as f32 / (1 << 24) as f32 - 0.5;
            values.extend(value.to_le_bytes());
        }
        let about = json!({"dtype": "F32", "shape": shape, "data_offsets": [begins, values.len()]});
        header.insert(name.clone(), about);
    }
    let header = Value::Object(header).to_string();
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file.extend(values);
    file
}
