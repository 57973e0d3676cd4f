//! What is read of a model at most, each with its unit.

/// A JSON file that describes a model, in bytes.
pub const CONFIG_BYTES: u64 = 4 * 1024 * 1024;
/// `tokenizer.json`, in bytes: some vocabularies have 256,000 tokens.
pub const TOKENIZER_BYTES: u64 = 64 * 1024 * 1024;
/// Header of a safetensors file, in bytes.
pub const HEADER_BYTES: u64 = 8 * 1024 * 1024;
/// Safetensors files of one model.
pub const WEIGHT_FILES: usize = 256;
/// Elements of one tensor.
pub const TENSOR_ELEMENTS: u64 = 1 << 30;
/// Layers of a model.
pub const LAYERS: usize = 256;
/// Width of a model: its hidden size, or that of its feed-forward part.
pub const WIDTH: usize = 65_536;
/// Tokens of a vocabulary.
pub const VOCABULARY: usize = 1 << 20;
/// Tokens that a model can read at once.
pub const CONTEXT: usize = 1 << 20;
/// Keys of a GGUF file's metadata.
pub const GGUF_KEYS: u64 = 4_096;
/// Tensors of a GGUF file.
pub const GGUF_TENSORS: u64 = 65_536;
/// A name in a GGUF file, in bytes.
pub const GGUF_NAME_BYTES: u64 = 1_024;
/// A text in a GGUF file's metadata, in bytes.
pub const GGUF_TEXT_BYTES: u64 = 1 << 20;
/// A chat template, in bytes.
pub const TEMPLATE_BYTES: usize = 256 * 1024;
/// Steps of a chat template.
pub const TEMPLATE_FUEL: u64 = 10_000_000;
/// Rank of a skill's matrices.
pub const RANK: usize = 1_024;
/// Texts that end an answer.
pub const STOPS: usize = 16;
