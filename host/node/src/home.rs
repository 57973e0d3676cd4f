//! A home: the folder that holds everything of one node, and the lock that keeps it to one process.

use crate::error::{Code, NodeError, Result};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Paths inside a home.
#[derive(Clone, Debug)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// Names a home; nothing is made or read.
    pub fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The database that people query.
    pub fn database(&self) -> PathBuf {
        self.root.join("weft.db")
    }

    /// The settings.
    pub fn settings(&self) -> PathBuf {
        self.root.join("weft.toml")
    }

    /// The daemon's socket.
    pub fn socket(&self) -> PathBuf {
        self.root.join("weft.sock")
    }

    /// Keys, 0600 each.
    pub fn keys(&self) -> PathBuf {
        self.root.join("keys")
    }

    /// Content by CID: components, models, whatever was added.
    pub fn content(&self) -> PathBuf {
        self.root.join("content")
    }

    /// Where older homes kept their components.
    pub fn old_components(&self) -> PathBuf {
        self.root.join("components")
    }

    /// Outputs of tasks.
    pub fn outputs(&self) -> PathBuf {
        self.root.join("outputs")
    }

    /// Native code; never backed up.
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// What serves, for another machine.
    pub fn lock_list(&self) -> PathBuf {
        self.root.join("weft.lock")
    }

    fn lock_file(&self) -> PathBuf {
        self.root.join("node.lock")
    }

    /// Whether there is a node in it.
    pub fn exists(&self) -> bool {
        self.database().is_file()
    }

    /// Makes the folder and those inside it, readable by their owner alone.
    ///
    /// # Errors
    /// When one can't be made.
    pub fn create(&self) -> Result<()> {
        for folder in [
            self.root.clone(),
            self.keys(),
            self.content(),
            self.outputs(),
            self.cache(),
        ] {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .map_err(|e| NodeError::file(&folder, &e))?;
        }
        Ok(())
    }

    /// Takes the lock, or says who has it.
    ///
    /// # Errors
    /// `busy` when another process has it.
    pub fn lock(&self) -> Result<Lock> {
        let path = self.lock_file();
        let io = |e: std::io::Error| NodeError::file(&path, &e);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(io)?;
        if let Err(e) = file.try_lock() {
            if let TryLockError::Error(e) = e {
                return Err(io(e));
            }
            let mut pid = String::new();
            // Who has it is a courtesy; without it the refusal stands.
            let _ = file.read_to_string(&mut pid);
            let who = if pid.trim().is_empty() {
                "another process".to_owned()
            } else {
                format!("process {}", pid.trim())
            };
            let home = self.root.display();
            return Err(
                NodeError::new(Code::Busy, format!("{who} has the home `{home}`")).try_this(
                    "wait for it or stop it; while `weft start` runs, other commands go through it",
                ),
            );
        }
        // On a full disk nobody is told who has the home; the lock itself needs no room.
        let told = file.set_len(0).and_then(|()| file.rewind());
        let _ = told.and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Lock { file })
    }
}

/// The home is this process's while it lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A program that another thread is just starting has the file too until it is loaded: closing it here would not
        // let go of the lock.
        let _ = self.file.unlock();
    }
}

/// Writes a file so that a reader sees all of it or none, with the given mode.
///
/// # Errors
/// When it can't be written.
pub fn write_whole(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let folder = path.parent().unwrap_or(Path::new("."));
    let io = |e: std::io::Error| NodeError::file(path, &e);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(mode))
        .map_err(io)?;
    file.write_all(bytes).map_err(io)?;
    file.as_file().sync_all().map_err(io)?;
    file.persist(path).map_err(|e| io(e.error))?;
    Ok(())
}
