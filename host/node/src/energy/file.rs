//! A reading in a file that something else on this device writes.

use super::limits::TEXT_BYTES;
use super::reading::Reading;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Reads it.
///
/// # Errors
/// When it is no regular file, too large, or holds no reading.
pub fn read(path: &Path) -> Result<Reading, String> {
    let meta = std::fs::metadata(path).map_err(|e| e.to_string())?;
    // A pipe would be waited for.
    if !meta.is_file() {
        return Err("it is no regular file".into());
    }
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(TEXT_BYTES + 1).read_to_end(&mut text))
        .map_err(|e| e.to_string())?;
    if text.len() as u64 > TEXT_BYTES {
        return Err(format!("it is longer than {TEXT_BYTES} bytes"));
    }
    Reading::of_json(&text)
}
