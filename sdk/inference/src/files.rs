//! The files of a model's directory, read within limits.

use crate::error::ModelError;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Opens a file of a model.
pub(crate) fn open(dir: &Path, name: &str) -> Result<File, ModelError> {
    File::open(dir.join(name)).map_err(|e| unreadable(name, &e))
}

pub(crate) fn unreadable(name: &str, e: &std::io::Error) -> ModelError {
    match e.kind() {
        std::io::ErrorKind::NotFound => ModelError::Missing(name.to_owned()),
        std::io::ErrorKind::UnexpectedEof => ModelError::malformed(name, "it ends too early"),
        _ => ModelError::Unreadable {
            file: name.to_owned(),
            why: e.to_string(),
        },
    }
}

/// All bytes of a file, at most so many.
pub(crate) fn read(dir: &Path, name: &str, most: u64) -> Result<Vec<u8>, ModelError> {
    let mut bytes = Vec::new();
    open(dir, name)?
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| unreadable(name, &e))?;
    if bytes.len() as u64 > most {
        let why = format!("it has more than {most} bytes");
        return Err(ModelError::malformed(name, why));
    }
    Ok(bytes)
}

/// A JSON file.
pub(crate) fn json<T: DeserializeOwned>(dir: &Path, name: &str) -> Result<T, ModelError> {
    let bytes = read(dir, name, crate::limits::CONFIG_BYTES)?;
    serde_json::from_slice(&bytes).map_err(|e| ModelError::malformed(name, e))
}

/// A JSON file that may be absent.
pub(crate) fn json_if_there<T: DeserializeOwned>(
    dir: &Path,
    name: &str,
) -> Result<Option<T>, ModelError> {
    match json(dir, name) {
        Ok(value) => Ok(Some(value)),
        Err(ModelError::Missing(_)) => Ok(None),
        Err(e) => Err(e),
    }
}

/// The one file of a directory with this ending, if there is one. Several are none: who would say which?
pub(crate) fn only(dir: &Path, ending: &str) -> Result<Option<String>, ModelError> {
    let io = |e: std::io::Error| unreadable(".", &e);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let name = name.to_string_lossy().into_owned();
        if name.rsplit_once('.').is_some_and(|(_, end)| end == ending) {
            found.push(name);
        }
    }
    match found.len() {
        0 | 1 => Ok(found.pop()),
        many => {
            let why = format!(
                "it has {many} files that end with `.{ending}`; add the one that is wanted alone"
            );
            Err(ModelError::Unsupported(why))
        }
    }
}
