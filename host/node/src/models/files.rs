//! Which files of a directory are a model's.

use super::FILES;
use crate::error::{NodeError, Result};
use std::path::{Path, PathBuf};

/// Kinds of files that are taken; others, such as the same weights in other formats or code, are left where they are.
const KINDS: [&str; 8] = [
    "json",
    "safetensors",
    "gguf",
    "onnx",
    "txt",
    "model",
    "jinja",
    "md",
];
/// Files without such an ending that are taken.
const NAMES: [&str; 2] = ["LICENSE", "NOTICE"];
/// Endings of files with weights, of which there must be one.
const WEIGHTS: [&str; 3] = ["safetensors", "gguf", "onnx"];
/// Folders within folders.
const DEPTH: usize = 3;
/// How much of a README is looked at for its licence, in bytes.
const README_BYTES: usize = 64 * 1024;

/// The files of the model in a directory, each under its path within it, by path. A single file is a model of one file.
/// A directory as the Hugging Face cache has it is looked up at its newest snapshot.
pub(super) fn find(path: &Path) -> Result<Vec<(String, PathBuf)>> {
    let io = |e| NodeError::file(path, &e);
    if std::fs::metadata(path).map_err(io)?.is_file() {
        let name = path
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default();
        if !is_path(name) || !ends(name, &WEIGHTS) {
            return Err(none(path));
        }
        return Ok(vec![(name.to_owned(), path.to_owned())]);
    }
    let top = snapshot(path)?.unwrap_or_else(|| path.to_owned());
    let mut found = Vec::new();
    collect(&top, "", DEPTH, &mut found)?;
    if !found.iter().any(|(path, _)| ends(path, &WEIGHTS)) {
        return Err(none(path));
    }
    found.sort();
    Ok(found)
}

fn none(path: &Path) -> NodeError {
    NodeError::refused(format!(
        "`{}` holds no model: no file ends with {}",
        path.display(),
        WEIGHTS.map(|kind| format!("`.{kind}`")).join(", ")
    ))
    .try_this("give the folder that holds the weights, with `config.json` and `tokenizer.json` beside them")
}

/// The folder of a model in a repository of the Hugging Face cache: of the revision that `refs/main` names, or the only one.
/// None: the folder is no such repository.
fn snapshot(path: &Path) -> Result<Option<PathBuf>> {
    let snapshots = path.join("snapshots");
    let folders = |path: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path).into_iter().flatten();
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        paths.filter(|path| path.is_dir()).collect()
    };
    if !snapshots.is_dir() {
        let named = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with("models--"))
        };
        return match folders(path).into_iter().find(named) {
            None => Ok(None),
            Some(one) => {
                let why = format!("`{}` is a whole cache of models", path.display());
                Err(NodeError::refused(why)
                    .try_this(format!("name one of them, such as {}", one.display())))
            }
        };
    }
    if let Ok(revision) = std::fs::read_to_string(path.join("refs/main")) {
        let folder = snapshots.join(revision.trim());
        if is_path(revision.trim()) && folder.is_dir() {
            return Ok(Some(folder));
        }
    }
    let mut revisions = folders(&snapshots);
    match (revisions.pop(), revisions.is_empty()) {
        (Some(only), true) => Ok(Some(only)),
        (one, _) => {
            let why = format!(
                "`{}` does not say which of its revisions is meant",
                path.display()
            );
            let such = one.unwrap_or(snapshots);
            Err(NodeError::refused(why)
                .try_this(format!("name its folder, such as {}", such.display())))
        }
    }
}

fn collect(
    folder: &Path,
    under: &str,
    depth: usize,
    found: &mut Vec<(String, PathBuf)>,
) -> Result<()> {
    let io = |e| NodeError::file(folder, &e);
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let Some(name) = path.file_name().and_then(|n| n.to_str()) else {
            continue;
        };
        if !is_path(name) {
            continue;
        }
        let inner = format!("{under}{name}");
        // Through links: the Hugging Face cache is made of them.
        let meta = std::fs::metadata(&path).map_err(|e| NodeError::file(&path, &e))?;
        if meta.is_dir() && depth > 0 {
            collect(&path, &format!("{inner}/"), depth - 1, found)?;
        } else if meta.is_file() && (ends(name, &KINDS) || NAMES.contains(&name)) {
            if found.len() == FILES {
                let why = format!("`{}` holds more than {FILES} files", folder.display());
                return Err(NodeError::refused(why));
            }
            found.push((inner, path));
        }
    }
    Ok(())
}

fn ends(name: &str, kinds: &[&str]) -> bool {
    name.rsplit_once('.')
        .is_some_and(|(_, end)| kinds.contains(&end))
}

/// Whether a text is a relative path of plain, visible names.
pub(super) fn is_path(path: &str) -> bool {
    path.len() <= 255
        && path.split('/').all(|name| {
            !name.is_empty()
                && !name.starts_with('.')
                && !name.contains('\\')
                && !name.chars().any(char::is_control)
        })
}

/// The licence that the front matter of a README names, as model cards do; empty where there is none.
pub(super) fn license(readme: &[u8]) -> String {
    let text = String::from_utf8_lossy(&readme[..readme.len().min(README_BYTES)]);
    let mut lines = text.lines();
    if lines.next().map(str::trim) != Some("---") {
        return String::new();
    }
    lines
        .take_while(|line| line.trim() != "---")
        .find_map(|line| line.strip_prefix("license:"))
        .map(|value| value.trim().trim_matches(['"', '\'']).to_owned())
        .unwrap_or_default()
}
