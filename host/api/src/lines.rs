//! Lines of the output of workloads with a model, as their tasks keep it.

use serde::{Deserialize, Serialize};

/// A text's vector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Vector {
    /// Place of the text in the input, from 0.
    pub index: u64,
    /// Tokens that the model read.
    pub tokens: u32,
    /// Whether the text had more.
    pub truncated: bool,
    /// The vector.
    pub embedding: Vec<f32>,
}

/// A line of an answer.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum ChatLine {
    /// The next piece of it.
    Piece {
        /// Whole characters.
        piece: String,
    },
    /// The last line.
    Usage(Usage),
}

/// What an answer took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens of the conversation.
    pub prompt_tokens: u32,
    /// Tokens that were made.
    pub answer_tokens: u32,
    /// Oldest turns that were left out.
    pub forgotten_turns: u32,
    /// Why it is over: `stop`, `length` or `cancelled`.
    pub end: String,
}
