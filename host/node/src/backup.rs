//! A home in one file, and back.
//!
//! A backup holds the database, settings, keys, content and outputs; never native code. Since two devices with one
//! key would sign two histories, a restored home gets a device key of its own before it signs anything.

use crate::clock::Clock;
use crate::error::{Code, NodeError, Result};
use crate::genesis::MARKER;
use crate::home::Home;
use crate::keys;
use crate::node::{Bundle, Node, OpenOptions};
use crate::report::BackupReport;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use std::fs::{self, File};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, PoisonError};
use weft_ledger::Body;
use weft_ledger::ballot::certify_for;
use weft_model::Cid;

/// What a backup holds, beside the database.
const PARTS: [&str; 6] = [
    "weft.toml",
    "trust.toml",
    "keys",
    "content",
    "outputs",
    MARKER,
];
/// What backups of older homes hold as well.
const OLD_PART: &str = "components";
/// Name of the database in a backup.
const DATABASE: &str = "weft.db";
/// Largest home that is restored, in bytes: 64 GiB.
const RESTORE_BYTES: u64 = 64 << 30;

/// How to restore a home.
pub struct RestoreOptions {
    /// Where to.
    pub home: PathBuf,
    /// The backup.
    pub archive: PathBuf,
    /// Whether a home that is there is moved aside.
    pub force: bool,
    /// The default components.
    pub bundle: Bundle,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// As in [`OpenOptions`].
    pub compile_worker: Option<PathBuf>,
}

impl Node {
    /// Writes a backup, readable by its owner alone. It holds keys: whoever has it can act as this home's owner.
    ///
    /// # Errors
    /// When the file is there already or can't be written; nothing half-written stays.
    pub fn backup(&self, path: &Path) -> Result<BackupReport> {
        let io = |e: std::io::Error| NodeError::file(path, &e);
        // The log in the copy and the keys beside it are of one moment.
        let _turn = self.keyring.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir_in(self.home.root())
            .map_err(|e| NodeError::file(self.home.root(), &e))?;
        let copy = folder.path().join(DATABASE);
        self.store.backup_to(&copy)?;
        let part = PathBuf::from(format!("{}.part", path.display()));
        if path.exists() {
            return Err(NodeError::new(
                Code::Conflict,
                format!("`{}` is there already", path.display()),
            )
            .try_this("choose another name"));
        }
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&part)
            .map_err(io)?;
        let mut contains = vec![DATABASE.to_owned()];
        let write = || -> std::io::Result<Vec<String>> {
            let mut names = Vec::new();
            let mut tar = tar::Builder::new(GzEncoder::new(file, Compression::default()));
            tar.follow_symlinks(false);
            tar.append_path_with_name(&copy, DATABASE)?;
            for name in PARTS {
                let part = self.home.root().join(name);
                if part.is_dir() {
                    append_files(&mut tar, name, &part)?;
                } else if part.is_file() {
                    tar.append_path_with_name(&part, name)?;
                } else {
                    continue;
                }
                names.push(name.to_owned());
            }
            tar.into_inner()?.finish()?.sync_all()?;
            Ok(names)
        };
        match write().and_then(|names| fs::rename(&part, path).map(|()| names)) {
            Ok(names) => contains.extend(names),
            Err(e) => {
                // What can't be removed either is named by the error already.
                let _ = fs::remove_file(&part);
                return Err(io(e));
            }
        }
        let bytes = fs::metadata(path).map_err(io)?.len();
        Ok(BackupReport {
            path: path.display().to_string(),
            bytes,
            contains,
        })
    }

    /// Restores a home from a backup, with a device key of its own.
    ///
    /// # Errors
    /// When the backup is damaged or a home is there and `force` is not given. The home that was there stays.
    pub fn restore(options: &RestoreOptions) -> Result<BackupReport> {
        let home = Home::at(&options.home);
        if home.exists() && !options.force {
            return Err(NodeError::new(
                Code::Conflict,
                format!("there is a node in `{}`", options.home.display()),
            )
            .try_this("restore into another home, or move this one aside with `--force`"));
        }
        let parent = options
            .home
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(|e| NodeError::file(parent, &e))?;
        let staging = tempfile::Builder::new()
            .prefix(".weft-restore-")
            .tempdir_in(parent)
            .map_err(|e| NodeError::file(parent, &e))?;
        let contains = unpack(&options.archive, staging.path())?;
        let staged = Home::at(staging.path());
        if !contains.iter().any(|n| n == DATABASE) || !contains.iter().any(|n| n == MARKER) {
            return Err(NodeError::invalid(format!(
                "`{}` is no backup of a home",
                options.archive.display()
            )));
        }
        staged.create()?;
        let old = keys::load(&staged, keys::DEVICE)
            .ok()
            .map(|k| keys::did(&k));
        fs::remove_file(staged.keys().join(format!("{}.key", keys::DEVICE)))
            .map_err(|e| NodeError::file(&staged.keys(), &e))?;
        // The next start makes another one: two listeners of one peer id would be taken for one.
        keys::remove(&staged, keys::LISTENER)?;
        let device = keys::create(&staged, keys::DEVICE)?;
        tracing::info!(?old, new = %keys::did(&device), "the restored home has a device key of its own");
        if home.root().exists() {
            let lock = home.lock()?;
            let stamp = options.clock.now();
            let aside = PathBuf::from(format!("{}.before-restore-{stamp}", options.home.display()));
            fs::rename(home.root(), &aside).map_err(|e| NodeError::file(&aside, &e))?;
            drop(lock);
        }
        let kept = staging.keep();
        fs::rename(&kept, home.root()).map_err(|e| NodeError::file(home.root(), &e))?;
        let node = Self::open(&OpenOptions {
            home: options.home.clone(),
            bundle: options.bundle.clone(),
            clock: Arc::clone(&options.clock),
            compile_worker: options.compile_worker.clone(),
        })?;
        node.certify_device()?;
        let bytes = fs::metadata(&options.archive).map_or(0, |m| m.len());
        Ok(BackupReport {
            path: options.home.display().to_string(),
            bytes,
            contains,
        })
    }

    /// The owner vouches for this device: the first event of its chain.
    fn certify_device(&self) -> Result<()> {
        let device = keys::did(&self.device_key);
        let key = self.owner_key();
        let member = self.with_state(|state| state.member_of_key(&keys::did(&key)))?;
        let member = member.unwrap_or_else(|| keys::did(&key));
        let network: Cid = self
            .store
            .read(|tx| weft_store::meta::get(tx, crate::log::NETWORK))?
            .unwrap_or_default()
            .parse()?;
        let signature = certify_for(member, network, device, &key);
        self.append(
            |tx| {
                self.feed(
                    tx,
                    "device.certified",
                    None,
                    &format!("this device is {device} now"),
                )
            },
            || Body::DeviceCertified {
                device,
                member,
                signature,
            },
        )?;
        Ok(())
    }
}

/// Appends a folder and the files in it; what is not whole yet lies one folder deeper and is left out.
fn append_files(
    tar: &mut tar::Builder<impl std::io::Write>,
    name: &str,
    folder: &Path,
) -> std::io::Result<()> {
    tar.append_dir(name, folder)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_type()?.is_file() {
            continue;
        }
        match tar.append_path_with_name(entry.path(), Path::new(name).join(entry.file_name())) {
            // Collected since the folder was listed; the copied database may still name it, and `verify` would say so.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            appended => appended?,
        }
    }
    Ok(())
}

/// Unpacks regular files with plain names below the parts of a home; anything else is refused.
fn unpack(archive: &Path, into: &Path) -> Result<Vec<String>> {
    let io = |e: std::io::Error| NodeError::file(archive, &e);
    let damaged = |e: std::io::Error| {
        NodeError::invalid(format!(
            "`{}` is damaged or no backup: {e}",
            archive.display()
        ))
    };
    let mut tar = tar::Archive::new(GzDecoder::new(File::open(archive).map_err(io)?));
    let mut contains: Vec<String> = Vec::new();
    let mut bytes = 0;
    for entry in tar.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let path = entry.path().map_err(damaged)?.into_owned();
        let names: Vec<String> = path
            .components()
            .map(|c| match c {
                Component::Normal(name) => Ok(name.to_string_lossy().into_owned()),
                _ => Err(NodeError::refused(format!(
                    "`{}` holds the path `{}`, which leads out of a home",
                    archive.display(),
                    weft_model::text::printable(&path.display().to_string(), 200)
                ))),
            })
            .collect::<Result<_>>()?;
        let first = names.first().cloned().unwrap_or_default();
        let kind = entry.header().entry_type();
        let known =
            [DATABASE, OLD_PART].contains(&first.as_str()) || PARTS.contains(&first.as_str());
        if !known || !(kind.is_file() || kind.is_dir()) || names.len() > 2 {
            return Err(NodeError::refused(format!(
                "`{}` holds `{}`, which is no part of a home",
                archive.display(),
                weft_model::text::printable(&path.display().to_string(), 200)
            )));
        }
        bytes += entry.header().size().map_err(damaged)?;
        if bytes > RESTORE_BYTES {
            return Err(NodeError::refused(format!(
                "`{}` holds more than {RESTORE_BYTES} bytes",
                archive.display()
            )));
        }
        entry.unpack_in(into).map_err(damaged)?;
        if !contains.contains(&first) {
            contains.push(first);
        }
    }
    Ok(contains)
}
