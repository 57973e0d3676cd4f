//! What is computed: a bundled component, a model for it, and a question.

use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use weft_kit::{small_bert, workspace};

/// A question to a component that holds a model.
pub struct Case {
    pub component: &'static str,
    /// The model's folder.
    pub model: PathBuf,
    /// The job's params as `params`, and `texts` or `turns`.
    pub asked: Value,
}

impl Case {
    /// Names it in what a test says.
    pub fn name(&self) -> String {
        format!("{} with `{}`", self.component, self.model.display())
    }

    /// What the job reads.
    pub fn input(&self) -> Vec<u8> {
        match self.asked["texts"].as_array() {
            Some(texts) => texts
                .iter()
                .flat_map(|text| format!("{text}\n").into_bytes())
                .collect(),
            None => self.asked["turns"].to_string().into_bytes(),
        }
    }
}

/// All cases; models that are made for them lie in the folder.
pub fn all(made: &Path) -> Vec<Case> {
    let reference = workspace().join("tests/reference");
    let bundled = workspace().join("plugins/bundle/models");
    // 200 texts: none and 50,000 letters, emoji, right to left, Chinese, a null.
    let texts = fs::read(reference.join("minilm.json")).expect("texts");
    let texts: Value = serde_json::from_slice(&texts).expect("JSON");
    let texts = json!({"params": {"input": "json"}, "texts": texts});
    let turns = json!({
        "params": {"input": "json", "seed": 7, "max_tokens": 48, "temperature": 0.75, "top_k": 40, "top_p": 0.9375,
            "repetition_penalty": 1.125},
        "turns": [{"role": "user", "content": "What is a mesh?"}, {"role": "assistant", "content": "A net."},
            {"role": "user", "content": "And who mends it?"}],
    });
    let bert = made.join("bert");
    small_bert(&bert);
    // A tensor in every format: F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q6_K.
    let mixed = made.join("mixed");
    fs::create_dir(&mixed).expect("a folder");
    fs::copy(
        reference.join("decoders/mixed.gguf"),
        mixed.join("mixed.gguf"),
    )
    .expect("a copy");
    [
        ("embeddings", bundled.join("mini"), &texts),
        ("embeddings", bert, &texts),
        ("chat", mixed, &turns),
    ]
    .map(|(component, model, asked)| Case {
        component,
        model,
        asked: asked.clone(),
    })
    .into()
}
