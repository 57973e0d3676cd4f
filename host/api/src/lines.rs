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

/// What was read in an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Pixels, as a person sees the image.
    pub width: u32,
    /// The same.
    pub height: u32,
    /// In reading order.
    pub lines: Vec<PageLine>,
    /// What it took.
    pub usage: PageUsage,
}

/// A line in an image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PageLine {
    /// What it says.
    pub text: String,
    /// How sure the model is, 0 to 1.
    pub confidence: f32,
    /// Upper left, upper right, lower right, lower left: `[x, y]` each, in pixels.
    pub corners: [[u32; 2]; 4],
    /// Whether it stood on its head.
    pub turned: bool,
}

/// What reading an image took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageUsage {
    /// Pixels of the image.
    pub pixels: u64,
    /// Places that look like text.
    pub regions: u32,
    /// Characters of all lines.
    pub characters: u32,
}

/// A passage that a search of texts found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// How close its meaning is: the cosine of the two vectors, -1 to 1.
    pub score: f64,
    /// Its file's path, from the top of the folder.
    pub path: String,
    /// The line that it begins on, from 1.
    pub line: u64,
    /// What it says.
    pub text: String,
}
