//! The granted directory: what is in it, and the few file operations on names directly in it.
//!
//! Every operation takes a name without a slash, and none follows a symbolic link: what a name is is asked before it
//! is opened and again after. A process that swaps names between the two can at most make it read or empty another
//! file of the same directory; the host's sandbox ends there. It decides nothing.

use crate::limits;
use crate::name;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use weft_sdk::workload::JobError;

/// The names in the directory, sorted.
#[derive(Debug, Default)]
pub struct Listing {
    /// Names that are text.
    pub names: Vec<String>,
    /// Names that are not, with the odd characters replaced.
    pub odd: Vec<String>,
}

/// A directory.
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    /// The directory at that path.
    ///
    /// # Errors
    /// [`JobError::Missing`] with what to do, if there is none.
    pub fn open(root: &Path) -> Result<Self, JobError> {
        match fs::metadata(root) {
            Ok(meta) if meta.is_dir() => Ok(Self {
                root: root.to_owned(),
            }),
            Ok(_) => Err(JobError::Missing(format!(
                "`{}` is not a directory: grant the directory that holds the logs, for writing",
                root.display()
            ))),
            Err(e) => {
                let why = match e.kind() {
                    io::ErrorKind::NotFound => String::new(),
                    _ => format!(" ({e})"),
                };
                Err(JobError::Missing(format!(
                    "no directory is granted as `{}`{why}: grant the directory that holds the logs, for writing",
                    root.display()
                )))
            }
        }
    }

    /// The names in it.
    ///
    /// # Errors
    /// The file system's, and [`JobError::Failed`] when there are more than [`limits::ENTRIES`].
    pub fn list(&self) -> Result<Listing, JobError> {
        let mut listing = Listing::default();
        for entry in fs::read_dir(&self.root)? {
            match entry?.file_name().into_string() {
                Ok(name) => listing.names.push(name),
                Err(odd) => listing.odd.push(odd.to_string_lossy().into_owned()),
            }
            if listing.names.len() + listing.odd.len() > limits::ENTRIES {
                return Err(JobError::Failed(format!(
                    "the directory has more than {} entries: move what is not a log elsewhere",
                    limits::ENTRIES
                )));
            }
        }
        listing.names.sort_unstable();
        listing.odd.sort_unstable();
        Ok(listing)
    }

    /// What a name is, itself and not what it links to.
    ///
    /// # Errors
    /// The file system's.
    pub fn look(&self, name: &str) -> io::Result<fs::Metadata> {
        fs::symlink_metadata(self.root.join(name))
    }

    /// The size of a regular file.
    ///
    /// # Errors
    /// The file system's, or that it is something else.
    pub fn regular(&self, name: &str) -> io::Result<u64> {
        let meta = self.look(name)?;
        let kind = meta.file_type();
        if kind.is_symlink() {
            return Err(io::Error::other("a symbolic link, which is never followed"));
        }
        if !kind.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        Ok(meta.len())
    }

    /// Opens a regular file for reading and writing, at its start.
    ///
    /// # Errors
    /// The file system's, or that it is something else.
    pub fn edit(&self, name: &str) -> io::Result<File> {
        self.open_regular(name, OpenOptions::new().read(true).write(true))
    }

    /// Opens a regular file for writing at its end.
    ///
    /// # Errors
    /// The file system's, or that it is something else.
    pub fn append(&self, name: &str) -> io::Result<File> {
        self.open_regular(name, OpenOptions::new().append(true))
    }

    fn open_regular(&self, name: &str, options: &OpenOptions) -> io::Result<File> {
        self.regular(name)?;
        let file = options.open(self.root.join(name))?;
        self.regular(name)?;
        Ok(file)
    }

    /// Makes a file that isn't there yet, with the permissions of `like` where the platform knows them.
    ///
    /// # Errors
    /// The file system's; also when the name is taken.
    pub fn create(&self, name: &str, like: Option<&str>) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        let file = options.open(self.root.join(name))?;
        #[cfg(not(target_family = "wasm"))]
        if let Some(like) = like {
            file.set_permissions(self.look(like)?.permissions())?;
        }
        #[cfg(target_family = "wasm")]
        let _ = like;
        Ok(file)
    }

    /// Removes a regular file and returns its size.
    ///
    /// # Errors
    /// The file system's, or that it is something else.
    pub fn remove(&self, name: &str) -> io::Result<u64> {
        let bytes = self.regular(name)?;
        fs::remove_file(self.root.join(name))?;
        Ok(bytes)
    }

    /// Gives a file another name.
    ///
    /// # Errors
    /// The file system's, or that it is no regular file.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.regular(from)?;
        fs::rename(self.root.join(from), self.root.join(to))
    }

    /// Returns once the names are on disk.
    ///
    /// # Errors
    /// The file system's.
    pub fn sync(&self) -> io::Result<()> {
        File::open(&self.root)?.sync_all()
    }

    /// The file system's own clock: the time of a file that was just written. So ages don't depend on the clock that
    /// the host gives its jobs, which may stand still.
    ///
    /// # Errors
    /// [`JobError::Missing`] when the directory is not granted for writing, [`JobError::Failed`] for anything else.
    pub fn now(&self) -> Result<SystemTime, JobError> {
        self.probe().map_err(|e| match e.kind() {
            io::ErrorKind::PermissionDenied => JobError::Missing(explain(&e)),
            _ => JobError::Failed(format!("the time of the file system is not known: {e}")),
        })
    }

    fn probe(&self) -> io::Result<SystemTime> {
        let probe = name::part("clock");
        if self.look(&probe).is_ok() {
            self.remove(&probe)?;
        }
        let mut file = self.create(&probe, None)?;
        let written =
            io::Write::write_all(&mut file, b"?").and_then(|()| file.metadata()?.modified());
        drop(file);
        self.remove(&probe)?;
        written
    }
}

/// A file's error in words that say what to do.
pub fn explain(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::PermissionDenied => format!(
            "not writable ({e}): grant the directory for writing, and let the node's user write to it"
        ),
        _ => e.to_string(),
    }
}

/// The archives of every log, by the log's name; each a slot and whether it is compressed, sorted.
pub fn archives(names: &[String]) -> BTreeMap<&str, Vec<(u32, bool)>> {
    let mut archives: BTreeMap<&str, Vec<(u32, bool)>> = BTreeMap::new();
    for name in names {
        if let Some((log, slot, compressed)) = name::split(name) {
            archives.entry(log).or_default().push((slot, compressed));
        }
    }
    for slots in archives.values_mut() {
        slots.sort_unstable();
    }
    archives
}
