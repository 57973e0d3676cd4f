//! The folder: drafts in `tmp/`, whole files under their CIDs. Every file is its owner's alone.

use crate::{Error, Result};
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use tempfile::{NamedTempFile, TempPath};

/// The folder of what is not whole yet.
pub(super) const TMP: &str = "tmp";
/// The folder of what is being fetched: it outlives the process.
pub(super) const PARTIAL: &str = "partial";
/// Permissions of folders: their owner's alone.
const FOLDER_MODE: u32 = 0o700;
/// Permissions of files: their owner's alone.
const FILE_MODE: u32 = 0o600;

/// A file that has no name yet. Dropped, it is gone.
#[derive(Debug)]
pub struct Draft {
    file: NamedTempFile,
}

impl Draft {
    pub(super) fn new(folder: &Path) -> Result<Self> {
        let file = NamedTempFile::new_in(folder).map_err(|e| Error::file(folder, e))?;
        Ok(Self { file })
    }

    /// The file at a path, as an earlier attempt left it; dropped, it stays.
    pub(super) fn resume(path: &Path) -> Result<Self> {
        let failed = |e| Error::file(path, e);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(FILE_MODE)
            .open(path)
            .map_err(failed)?;
        let path = TempPath::try_from_path(path).map_err(failed)?;
        let mut file = NamedTempFile::from_parts(file, path);
        file.disable_cleanup(true);
        Ok(Self { file })
    }

    /// The open file, for who writes at offsets or syncs early.
    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Where it lies as long as it has no name.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Puts its bytes onto the disk, and checks how many they are.
    pub(super) fn sync(&self, size: u64) -> Result<()> {
        let file = |e| Error::file(self.path(), e);
        let found = self.file().metadata().map_err(file)?.len();
        if found != size {
            let message = format!("{found} bytes were written of {size}");
            return Err(file(io::Error::new(io::ErrorKind::InvalidData, message)));
        }
        self.file().sync_all().map_err(file)
    }

    pub(super) fn rename(self, to: &Path) -> Result<()> {
        self.file
            .persist(to)
            .map(drop)
            .map_err(|e| Error::file(to, e.error))
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

pub(super) fn make_folders(folder: &Path) -> Result<()> {
    for name in [TMP, PARTIAL] {
        let inner = folder.join(name);
        DirBuilder::new()
            .recursive(true)
            .mode(FOLDER_MODE)
            .create(&inner)
            .map_err(|e| Error::file(&inner, e))?;
    }
    Ok(())
}

/// The names of the files in a folder; folders and what is no UTF-8 are left out.
pub(super) fn names(folder: &Path) -> Result<Vec<String>> {
    let failed = |e| Error::file(folder, e);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_file()
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    Ok(names)
}

/// Removes every file of a folder.
pub(super) fn empty(folder: &Path) -> Result<()> {
    for name in names(folder)? {
        remove(&folder.join(name))?;
    }
    Ok(())
}

/// Removes a file; one that is gone already is fine. Returns its bytes.
pub(super) fn remove(path: &Path) -> Result<u64> {
    let removed = fs::symlink_metadata(path).and_then(|m| fs::remove_file(path).map(|()| m.len()));
    match removed {
        Ok(bytes) => Ok(bytes),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(e) => Err(Error::file(path, e)),
    }
}

/// Makes renames and removals in a folder durable.
pub(super) fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(|e| Error::file(folder, e))
}
