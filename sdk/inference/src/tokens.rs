//! Texts as the numbers of their tokens, by a model's `tokenizer.json`.

use crate::error::ModelError;
use crate::files;
use crate::limits::TOKENIZER_BYTES;
use std::path::Path;
use tokenizers::{Tokenizer, TruncationParams};

/// The file.
const FILE: &str = "tokenizer.json";

/// A tokenizer with the length at which it cuts.
pub(crate) struct Tokens {
    tokenizer: Tokenizer,
    longest: usize,
    special: bool,
}

/// The tokens of a text.
pub(crate) struct Text {
    /// Their numbers.
    pub ids: Vec<u32>,
    /// Whether the text had more than the model reads.
    pub truncated: bool,
}

impl Tokens {
    /// Reads the tokenizer of a directory. `longest` tokens are kept of each text; `special` adds the tokens that the
    /// model wants around it.
    pub fn load(dir: &Path, longest: usize, special: bool) -> Result<Self, ModelError> {
        let bytes = files::read(dir, FILE, TOKENIZER_BYTES)?;
        let mut tokenizer =
            Tokenizer::from_bytes(bytes).map_err(|e| ModelError::malformed(FILE, e))?;
        tokenizer.with_padding(None);
        tokenizer
            // One more than is kept: so it can be told that there was more.
            .with_truncation(Some(TruncationParams {
                max_length: longest + 1,
                ..TruncationParams::default()
            }))
            .map_err(|e| ModelError::malformed(FILE, e))?;
        Ok(Self {
            tokenizer,
            longest,
            special,
        })
    }

    /// Checks that a model of so many tokens has all that this tokenizer gives.
    ///
    /// # Errors
    /// When it is another model's.
    pub fn fit(&self, vocabulary: usize) -> Result<(), ModelError> {
        let all = self.tokenizer.get_vocab(true);
        match all.into_iter().max_by_key(|(_, id)| *id) {
            Some((token, id)) if id as usize >= vocabulary => {
                let token = token.escape_debug();
                let why = format!(
                    "its token `{token}` has the number {id}, the model has {vocabulary} tokens"
                );
                Err(ModelError::malformed(FILE, why))
            }
            _ => Ok(()),
        }
    }

    /// The number of a token by its text.
    pub fn id(&self, token: &str) -> Option<u32> {
        self.tokenizer.token_to_id(token)
    }

    /// The tokens of a text.
    pub fn of(&self, text: &str) -> Result<Text, ModelError> {
        let encoding = self
            .tokenizer
            .encode_fast(text, self.special)
            .map_err(|e| ModelError::malformed(FILE, e))?;
        let mut ids = encoding.get_ids().to_vec();
        let truncated = ids.len() > self.longest;
        if truncated {
            // The last of the text, before the marks that close it.
            let marks = encoding.get_special_tokens_mask();
            let last = marks.iter().rposition(|mark| *mark == 0);
            ids.remove(last.unwrap_or(self.longest));
        }
        Ok(Text { ids, truncated })
    }
}
