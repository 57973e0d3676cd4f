//! The granted directory: the texts in it, in the order of their paths.
//!
//! No symbolic link is followed, and what begins with a dot is left alone, as is what is no text.

use crate::limits::{DEPTH, ENTRIES, FILE_BYTES};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use weft_sdk::workload::JobError;

/// A directory's texts.
#[derive(Debug, Default)]
pub struct Folder {
    /// Paths from the top, with `/` between names, sorted.
    files: Vec<String>,
    root: PathBuf,
}

impl Folder {
    /// Looks through the directory at that path.
    ///
    /// # Errors
    /// [`JobError::Missing`] with what to do where there is none; the file system's; [`JobError::Failed`] where it is
    /// too full or too deep.
    pub fn open(root: &Path) -> Result<Self, JobError> {
        if !fs::metadata(root).is_ok_and(|meta| meta.is_dir()) {
            return Err(JobError::Missing(format!(
                "no directory is granted as `{}`: grant the directory that holds the texts, for reading",
                root.display()
            )));
        }
        let mut folder = Self {
            files: Vec::new(),
            root: root.to_owned(),
        };
        let mut ahead = vec![(String::new(), 0)];
        let mut seen = 0;
        while let Some((under, depth)) = ahead.pop() {
            for entry in fs::read_dir(root.join(&under))? {
                let entry = entry?;
                seen += 1;
                if seen > ENTRIES {
                    return Err(JobError::Failed(format!(
                        "the directory has more than {ENTRIES} entries: grant one of its folders"
                    )));
                }
                let Ok(name) = entry.file_name().into_string() else {
                    continue;
                };
                if name.starts_with('.') {
                    continue;
                }
                let path = match &under[..] {
                    "" => name,
                    under => format!("{under}/{name}"),
                };
                let kind = entry.file_type()?;
                if kind.is_file() {
                    folder.files.push(path);
                } else if kind.is_dir() {
                    if depth == DEPTH {
                        return Err(JobError::Failed(format!(
                            "`{path}` is {DEPTH} folders deep: grant a folder further down"
                        )));
                    }
                    ahead.push((path, depth + 1));
                }
            }
        }
        folder.files.sort_unstable();
        Ok(folder)
    }

    /// Paths of the files, sorted.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// What a file says; none where it is too large or no UTF-8 text.
    ///
    /// # Errors
    /// The file system's.
    pub fn text(&self, path: &str) -> io::Result<Option<String>> {
        let file = fs::File::open(self.root.join(path))?;
        let mut bytes = Vec::new();
        file.take(FILE_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > FILE_BYTES || bytes.contains(&0) {
            return Ok(None);
        }
        Ok(String::from_utf8(bytes).ok())
    }
}
