//! The header of a safetensors file: eight bytes of its length, then JSON by the names of tensors.

use safetensors::tensor::Metadata;
use serde_json::{Map, Value};
use std::io::Read;

/// Largest header of a skill, in bytes: some ten thousand tensors. As JSON in memory it takes fifteen times that.
const HEADER_BYTES: u64 = 2 * 1024 * 1024;
/// What is no tensor's name.
pub(crate) const METADATA: &str = "__metadata__";

/// Checks that a file of so many bytes is a header that names at least one tensor, and then these tensors, each of its kind
/// and size. The error says what is wrong with it.
pub(crate) fn check(file: &mut impl Read, size: u64) -> Result<(), String> {
    let header = bytes(file)?;
    let tensors: Metadata =
        serde_json::from_slice(&header).map_err(|e| format!("its header does not read: {e}"))?;
    if tensors.tensors().is_empty() {
        return Err("it holds no tensor".into());
    }
    let wanted = (8 + header.len() as u64).saturating_add(tensors.data_len() as u64);
    if wanted != size {
        return Err(format!("its header wants {wanted} bytes, it has {size}"));
    }
    Ok(())
}

/// Reads the header; the reader then stands where the tensors begin. The error says what is wrong with it.
pub(crate) fn header(file: &mut impl Read) -> Result<Map<String, Value>, String> {
    serde_json::from_slice(&bytes(file)?).map_err(|e| format!("its header does not read: {e}"))
}

fn bytes(file: &mut impl Read) -> Result<Vec<u8>, String> {
    let mut length = [0; 8];
    file.read_exact(&mut length).map_err(|e| e.to_string())?;
    let length = u64::from_le_bytes(length);
    if length > HEADER_BYTES {
        return Err(format!(
            "its header would have {length} bytes, {HEADER_BYTES} are taken at most"
        ));
    }
    let mut header = Vec::new();
    file.take(length)
        .read_to_end(&mut header)
        .map_err(|e| e.to_string())?;
    Ok(header)
}
