//! The header of a safetensors file: eight bytes of its length, then JSON by the names of tensors.

use serde_json::{Map, Value};
use std::io::Read;

/// Largest header, in bytes, as the format's own reader has it.
const HEADER_BYTES: u64 = 100_000_000;
/// What is no tensor's name.
pub(crate) const METADATA: &str = "__metadata__";

/// Reads the header; the reader then stands where the tensors begin. The error says what is wrong with it.
pub(crate) fn header(file: &mut impl Read) -> Result<Map<String, Value>, String> {
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|e| e.to_string())?;
    let length = u64::from_le_bytes(length);
    if length > HEADER_BYTES {
        return Err(format!("its header would have {length} bytes"));
    }
    let mut header = Vec::new();
    file.take(length)
        .read_to_end(&mut header)
        .map_err(|e| e.to_string())?;
    serde_json::from_slice(&header).map_err(|e| format!("its header does not read: {e}"))
}
