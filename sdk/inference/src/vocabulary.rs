//! The tokens of a model that talks: texts to numbers and back, by `tokenizer.json` or by GGUF's metadata.

use crate::error::ModelError;
use crate::files;
use crate::gguf::Gguf;
use crate::limits::TOKENIZER_BYTES;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use tokenizers::Tokenizer;

const FILE: &str = "tokenizer.json";

/// Kinds of tokens in GGUF's metadata (gguf-py, constants.py, TokenType).
const UNKNOWN: f64 = 2.0;
const CONTROL: f64 = 3.0;
const OF_A_USER: f64 = 4.0;

/// How text is cut before it becomes tokens, by the name that GGUF has for it (llama.cpp, llama-vocab.cpp). None: the
/// pattern of GPT-2.
const CUTS: [(&str, Option<&str>); 5] = [
    ("default", None),
    ("gpt-2", None),
    ("smollm", None),
    (
        "qwen2",
        Some(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ),
    ),
    (
        "llama-bpe",
        Some(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        ),
    ),
];

/// A model's tokens.
pub(crate) struct Vocabulary {
    tokenizer: Tokenizer,
    /// Tokens after which nothing comes.
    ends: BTreeSet<u32>,
}

/// One number or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ids {
    One(u32),
    Several(Vec<u32>),
}

#[derive(Deserialize)]
struct Ends {
    eos_token_id: Option<Ids>,
}

impl Vocabulary {
    /// Reads the tokenizer of a directory. `end`: the text of the token that ends an answer, where one is known.
    ///
    /// # Errors
    /// When it is missing or damaged.
    pub fn load(dir: &Path, end: Option<&str>) -> Result<Self, ModelError> {
        let bytes = files::read(dir, FILE, TOKENIZER_BYTES)?;
        let mut ends = BTreeSet::new();
        for file in ["generation_config.json", "config.json"] {
            let said: Option<Ends> = files::json_if_there(dir, file)?;
            match said.and_then(|said| said.eos_token_id) {
                Some(Ids::One(id)) => drop(ends.insert(id)),
                Some(Ids::Several(ids)) => ends.extend(ids),
                None => {}
            }
        }
        Self::of(&bytes, ends, end)
    }

    /// Makes the tokenizer that a GGUF file describes.
    ///
    /// # Errors
    /// When it describes none, or one of a kind that is not known.
    pub fn of_gguf(gguf: &Gguf, end: Option<&str>) -> Result<Self, ModelError> {
        let bytes = serde_json::to_vec(&described(gguf)?).map_err(|e| gguf.bad(e))?;
        let ends = ["eos", "eot"].map(|end| gguf.number(&format!("tokenizer.ggml.{end}_token_id")));
        // Some files say -1 for none.
        let ends = ends.into_iter().flatten().filter(|id| *id >= 0.0);
        let ends = ends.map(|id| id as u32).collect();
        Self::of(&bytes, ends, end)
    }

    fn of(bytes: &[u8], mut ends: BTreeSet<u32>, end: Option<&str>) -> Result<Self, ModelError> {
        let malformed = |e| ModelError::malformed(FILE, e);
        let mut tokenizer = Tokenizer::from_bytes(bytes).map_err(malformed)?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(malformed)?;
        ends.extend(end.and_then(|end| tokenizer.token_to_id(end)));
        Ok(Self { tokenizer, ends })
    }

    /// The tokens of a text, without any that the text does not have.
    ///
    /// # Errors
    /// When the tokenizer refuses it.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let encoding = self.tokenizer.encode_fast(text, false);
        let encoding = encoding.map_err(|e| ModelError::malformed(FILE, e))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Whether nothing comes after this token.
    pub fn ends(&self, id: u32) -> bool {
        self.ends.contains(&id)
    }

    /// Turns tokens into text as they come: some when it is whole characters.
    pub fn texts(&self) -> impl FnMut(u32) -> Result<Option<String>, ModelError> + use<'_> {
        let mut stream = self.tokenizer.decode_stream(true);
        move |id| {
            let step = stream.step(id);
            step.map_err(|e| ModelError::malformed(FILE, e))
        }
    }
}

/// `tokenizer.json` of what a GGUF file's metadata says.
fn described(gguf: &Gguf) -> Result<Value, ModelError> {
    let tokens = gguf
        .texts("tokenizer.ggml.tokens")
        .ok_or_else(|| gguf.bad("it has no `tokenizer.ggml.tokens`"))?;
    let kinds = gguf.numbers("tokenizer.ggml.token_type").unwrap_or(&[]);
    let kind = |id: usize| kinds.get(id).copied().unwrap_or_default();
    let added: Vec<Value> = (0..tokens.len())
        .filter(|id| [CONTROL, OF_A_USER].contains(&kind(*id)))
        .map(|id| {
            json!({"id": id, "content": tokens[id], "special": kind(id) == CONTROL, "single_word": false,
                "lstrip": false, "rstrip": false, "normalized": false})
        })
        .collect();
    let mut whole = match gguf.text("tokenizer.ggml.model") {
        Some("gpt2") => of_bytes(gguf, tokens)?,
        Some("llama") => {
            let unknown = (0..tokens.len()).find(|id| kind(*id) == UNKNOWN);
            of_scores(gguf, tokens, unknown.map(|id| &tokens[id]))?
        }
        other => {
            let other: String = other.unwrap_or("nothing").chars().take(40).collect();
            let why = format!("its tokens are of `{other}`; `gpt2` and `llama` are known");
            return Err(ModelError::Unsupported(why));
        }
    };
    whole["version"] = "1.0".into();
    whole["added_tokens"] = added.into();
    Ok(whole)
}

fn numbered(tokens: &[String]) -> Map<String, Value> {
    let pairs = tokens.iter().enumerate();
    pairs
        .map(|(id, token)| (token.clone(), id.into()))
        .collect()
}

/// Byte pairs, as GPT-2 has them.
fn of_bytes(gguf: &Gguf, tokens: &[String]) -> Result<Value, ModelError> {
    let name = gguf.text("tokenizer.ggml.pre").unwrap_or("default");
    let Some((_, cut)) = CUTS.iter().find(|(known, _)| *known == name) else {
        let known = CUTS.map(|(known, _)| format!("`{known}`")).join(", ");
        let name: String = name.chars().take(40).collect();
        let why = format!("its text is cut as `{name}` does; {known} are known");
        return Err(ModelError::Unsupported(why));
    };
    let bytes = |use_regex: bool| json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": use_regex});
    let mut steps = Vec::new();
    if name == "smollm" {
        steps.push(json!({"type": "Digits", "individual_digits": true}));
    }
    if let Some(pattern) = cut {
        steps.push(
            json!({"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": false}),
        );
    }
    steps.push(bytes(cut.is_none()));
    let merges = gguf
        .texts("tokenizer.ggml.merges")
        .ok_or_else(|| gguf.bad("it has no `tokenizer.ggml.merges`"))?;
    Ok(json!({
        "normalizer": (name == "qwen2").then(|| json!({"type": "NFC"})),
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": steps},
        "decoder": bytes(true),
        "model": {"type": "BPE", "vocab": numbered(tokens), "merges": merges, "ignore_merges": name == "llama-bpe"},
    }))
}

/// Pieces with scores, as SentencePiece has them: what scores higher is merged first.
fn of_scores(
    gguf: &Gguf,
    tokens: &[String],
    unknown: Option<&String>,
) -> Result<Value, ModelError> {
    let scores = gguf
        .numbers("tokenizer.ggml.scores")
        .filter(|scores| scores.len() == tokens.len())
        .ok_or_else(|| gguf.bad("it has no `tokenizer.ggml.scores` for its tokens"))?;
    let ids = numbered(tokens);
    let id = |piece: &str| ids.get(piece).and_then(Value::as_u64);
    let mut merges = Vec::new();
    for (token, score) in tokens.iter().zip(scores) {
        let cuts = token
            .char_indices()
            .skip(1)
            .map(|(at, _)| token.split_at(at));
        for (left, right) in cuts {
            if let (Some(l), Some(r)) = (id(left), id(right)) {
                merges.push((*score, l, r, left, right));
            }
        }
    }
    merges.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let merges: Vec<_> = merges.iter().map(|m| (m.3, m.4)).collect();
    let mut before = vec![json!({"type": "Replace", "pattern": {"String": " "}, "content": "▁"})];
    if gguf.flag("tokenizer.ggml.add_space_prefix").unwrap_or(true) {
        before.insert(0, json!({"type": "Prepend", "prepend": "▁"}));
    }
    Ok(json!({
        "normalizer": {"type": "Sequence", "normalizers": before},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"},
            {"type": "Fuse"},
        ]},
        "model": {"type": "BPE", "vocab": ids, "merges": merges, "unk_token": unknown, "fuse_unk": true,
            "byte_fallback": true},
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_with_scores_are_merged_as_their_tokenizer_does() {
        #[derive(Deserialize)]
        struct Text {
            text: String,
            tokens: Vec<u32>,
        }
        let dir = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../tests/reference/decoders"
        );
        let dir = Path::new(dir);
        let mut golden: Value = files::json(dir, "golden.json").expect("golden.json");
        let texts: Vec<Text> = serde_json::from_value(golden["pieces"].take()).expect("texts");
        let gguf = Gguf::open(dir, "pieces.gguf").expect("a file");
        let vocabulary = Vocabulary::of_gguf(&gguf, None).expect("a vocabulary");
        for text in texts {
            let found = vocabulary.encode(&text.text).expect("tokens");
            assert_eq!(found, text.tokens, "{:?}", text.text);
            let mut back = String::new();
            let mut stream = vocabulary.texts();
            for id in found {
                back.extend(stream(id).expect("a text"));
            }
            assert_eq!(back.trim_start(), text.text.trim_start());
        }
    }
}
