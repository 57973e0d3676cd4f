//! The local cache of native code: compiled once per component and engine, loaded only when its digest is the one
//! that the caller kept elsewhere.
//!
//! The folder is private (0700). Native code from anywhere else is never loaded: a file whose digest differs is
//! compiled again from the component, which is what is trusted.

use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use weft_model::Cid;

/// How much of a file is hashed at once, in bytes.
const PART_BYTES: usize = 256 * 1024;

/// A folder of compiled components.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

/// Digest of a compiled component, to be kept where the cache's folder can't be reached.
pub type CodeDigest = [u8; 32];

impl Cache {
    /// Opens or makes the folder, readable by its owner alone.
    ///
    /// # Errors
    /// When it can't be made or its mode can't be set.
    pub fn open(folder: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?;
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    fn path(&self, component: &Cid, profile: &str) -> PathBuf {
        self.folder.join(format!("{component}.{profile}.cwasm"))
    }

    /// The code for a component, if the file is there and has exactly this digest.
    pub fn load(&self, component: &Cid, profile: &str, digest: &CodeDigest) -> Option<Vec<u8>> {
        let bytes = std::fs::read(self.path(component, profile)).ok()?;
        (Self::digest(&bytes) == *digest).then_some(bytes)
    }

    /// The file of the code for a component, if it is there and has exactly this digest: to be mapped.
    pub fn open_code(&self, component: &Cid, profile: &str, digest: &CodeDigest) -> Option<File> {
        let mut file = File::open(self.path(component, profile)).ok()?;
        let mut hash = Sha256::new();
        let mut part = vec![0; PART_BYTES];
        loop {
            match file.read(&mut part).ok()? {
                0 => break,
                n => hash.update(&part[..n]),
            }
        }
        let found: CodeDigest = hash.finalize().into();
        (found == *digest).then_some(file)
    }

    /// Removes all code of which the name holds a text.
    ///
    /// # Errors
    /// When the folder can't be listed, or a file not removed.
    pub fn remove_all(&self, holding: &str) -> std::io::Result<()> {
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().contains(holding) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Keeps code; a reader sees all of it or the file before.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn store(
        &self,
        component: &Cid,
        profile: &str,
        code: &[u8],
    ) -> std::io::Result<CodeDigest> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(code)?;
        file.persist(self.path(component, profile))
            .map_err(|e| e.error)?;
        Ok(Self::digest(code))
    }

    fn digest(code: &[u8]) -> CodeDigest {
        Sha256::digest(code).into()
    }
}
