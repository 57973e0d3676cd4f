//! The key files of a home: its device's, its owner's, those of members that vote through it, and those that publish.
//!
//! A file holds 32 bytes as hex: `NAME.key` as they are, `NAME.key.age` encrypted, with the public half beside it in
//! `NAME.pub`. All are readable by their owner alone; one that is not is refused. What a name may do and how a key is
//! replaced is [`crate::keyring`]'s.

mod sealed;

use crate::error::{Code, NodeError, Result};
use crate::home::{Home, write_whole};
use crate::passphrase::Passphrase;
use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use weft_model::Did;

/// Name of this device's key.
pub const DEVICE: &str = "device";
/// Name of the owner's key.
pub const OWNER: &str = "owner";
/// Name of the key of the listener for outsiders.
pub const LISTENER: &str = "public";

/// The did:key of a signing key.
pub fn did(key: &SigningKey) -> Did {
    Did::from_public(key.verifying_key().to_bytes())
}

/// Makes a key from the system's randomness.
///
/// # Errors
/// When the system has none.
pub fn generate() -> Result<SigningKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(NodeError::internal)?;
    Ok(SigningKey::from_bytes(&seed))
}

/// A key as it lies in the home.
#[derive(Clone, Debug)]
pub(crate) struct KeyFile {
    /// `NAME`, or `NAME.N` for one that was replaced.
    pub name: String,
    /// Whether a passphrase opens it.
    pub encrypted: bool,
    /// Its public half, or why it can't be told.
    pub did: Result<Did>,
}

/// Longest key file, in bytes: an age file of a key has about 220.
const FILE_BYTES: u64 = 64 * 1024;
/// Ends of the files' names.
const PLAIN: &str = "key";
const SEALED: &str = "key.age";
const PUBLIC: &str = "pub";

/// Makes and keeps a key.
///
/// # Errors
/// When there is one of that name, or it can't be written.
pub fn create(home: &Home, name: &str) -> Result<SigningKey> {
    let key = generate()?;
    store(home, name, &key, None)?;
    Ok(key)
}

/// Keeps a key, encrypted where there is a passphrase. The file that makes it a key is written last.
///
/// # Errors
/// When there is one of that name, the passphrase is short, or it can't be written.
pub(crate) fn store(
    home: &Home,
    name: &str,
    key: &SigningKey,
    passphrase: Option<&Passphrase>,
) -> Result<()> {
    let text = HEXLOWER.encode(&key.to_bytes());
    match passphrase {
        None => store_bytes(home, name, text.as_bytes(), None),
        Some(passphrase) => {
            let bytes = sealed::seal(text.as_bytes(), passphrase)?;
            store_bytes(home, name, &bytes, Some(did(key)))
        }
    }
}

/// Keeps a key file's bytes; `public` where they are encrypted.
fn store_bytes(home: &Home, name: &str, bytes: &[u8], public: Option<Did>) -> Result<()> {
    if exists(home, name) {
        return Err(
            NodeError::new(Code::Conflict, format!("there is a key `{name}` already"))
                .try_this("choose another name, or replace that key with `weft key rotate`"),
        );
    }
    if let Some(public) = public {
        let text = format!("{public}\n");
        write_whole(&path(home, name, PUBLIC), text.as_bytes(), 0o600)?;
        return write_whole(&path(home, name, SEALED), bytes, 0o600);
    }
    write_whole(&path(home, name, PLAIN), bytes, 0o600)
}

/// Keeps a key as it comes in a file: encrypted ones stay so. `check` may refuse it before anything is kept.
///
/// # Errors
/// As [`store`] and `check`, or when the file is no key or its passphrase is another one.
pub(crate) fn import(
    home: &Home,
    name: &str,
    file: &Path,
    passphrase: Option<&Passphrase>,
    check: impl Fn(&Did) -> Result<()>,
) -> Result<()> {
    let what = format!("`{}`", file.display());
    let bytes = read(file)?;
    if !sealed::is_sealed(&bytes) {
        let key = parse(&bytes).ok_or_else(|| {
            NodeError::invalid(format!("{what} holds no key")).try_this(
                "give a file of `weft key export --secret`, or of 64 hex digits, plain or encrypted by `age -p`",
            )
        })?;
        check(&did(&key))?;
        return store(home, name, &key, passphrase);
    }
    let passphrase = passphrase.ok_or_else(|| needs_passphrase(&what))?;
    let text = sealed::open(&bytes, passphrase, &what)?;
    let key = parse(&text).ok_or_else(|| {
        NodeError::invalid(format!("{what} is encrypted, but holds no key"))
            .try_this("give a file of `weft key export --secret`")
    })?;
    check(&did(&key))?;
    store_bytes(home, name, &bytes, Some(did(&key)))
}

/// A key encrypted, for a file outside of the home: as it lies here, or with this passphrase where it lies plain.
///
/// # Errors
/// When it lies plain and there is no passphrase, or it can't be read.
pub(crate) fn export(home: &Home, name: &str, passphrase: Option<&Passphrase>) -> Result<Vec<u8>> {
    let file = path(home, name, SEALED);
    if file.exists() {
        return read(&file);
    }
    let key = load(home, name)?;
    let passphrase = passphrase.ok_or_else(|| {
        NodeError::new(
            Code::Passphrase,
            format!(
                "the key `{name}` leaves this home only encrypted, and no passphrase was given"
            ),
        )
        .try_this("give one by `--passphrase-file FILE`, WEFT_PASSPHRASE, or at a terminal")
    })?;
    sealed::seal(HEXLOWER.encode(&key.to_bytes()).as_bytes(), passphrase)
}

/// Reads a key that is not encrypted.
///
/// # Errors
/// When there is none of that name, or its file is damaged, encrypted, or readable by others.
pub fn load(home: &Home, name: &str) -> Result<SigningKey> {
    unlock(home, name, None)
}

/// Reads a key.
///
/// # Errors
/// As [`load`]; `passphrase` when it is encrypted and there is none, `refused` when it is another one.
pub(crate) fn unlock(
    home: &Home,
    name: &str,
    passphrase: Option<&Passphrase>,
) -> Result<SigningKey> {
    let damaged = |file: &Path| {
        NodeError::new(
            Code::Io,
            format!("the key file `{}` is damaged", file.display()),
        )
        .try_this("restore it from a backup")
    };
    let file = path(home, name, SEALED);
    if !file.exists() {
        let file = path(home, name, PLAIN);
        return parse(&read(&file)?).ok_or_else(|| damaged(&file));
    }
    let what = format!("the key `{name}`");
    let bytes = read(&file)?;
    let passphrase = passphrase.ok_or_else(|| needs_passphrase(&what))?;
    let key = parse(&sealed::open(&bytes, passphrase, &what)?).ok_or_else(|| damaged(&file))?;
    // Whoever compared fingerprints compared this file's.
    if public(home, name)? != did(&key) {
        return Err(damaged(&path(home, name, PUBLIC)));
    }
    Ok(key)
}

/// A key's public half, without its passphrase.
///
/// # Errors
/// When there is no such key, or its file is damaged or readable by others.
pub(crate) fn public_of(home: &Home, name: &str) -> Result<Did> {
    if is_encrypted(home, name) {
        read(&path(home, name, SEALED))?;
        public(home, name)
    } else {
        load(home, name).map(|key| did(&key))
    }
}

/// Whether there is a key of that name.
pub(crate) fn exists(home: &Home, name: &str) -> bool {
    path(home, name, PLAIN).exists() || is_encrypted(home, name)
}

/// Whether a passphrase opens it.
pub(crate) fn is_encrypted(home: &Home, name: &str) -> bool {
    path(home, name, SEALED).exists()
}

/// All keys, by name; one that can't be read is listed with the reason.
///
/// # Errors
/// When the folder can't be read.
pub(crate) fn list(home: &Home) -> Result<Vec<KeyFile>> {
    let folder = home.keys();
    let io = |e: std::io::Error| NodeError::file(&folder, &e);
    let mut names: Vec<(String, bool)> = Vec::new();
    for entry in fs::read_dir(&folder).map_err(io)? {
        let file = entry.map_err(io)?.file_name();
        let Some(file) = file.to_str() else { continue };
        for (end, encrypted) in [(PLAIN, false), (SEALED, true)] {
            if let Some(name) = file.strip_suffix(&format!(".{end}")) {
                names.push((name.to_owned(), encrypted));
            }
        }
    }
    names.sort_unstable();
    let file = |(name, encrypted): (String, bool)| KeyFile {
        did: public_of(home, &name),
        name,
        encrypted,
    };
    Ok(names.into_iter().map(file).collect())
}

/// Writes a second file of a key, under another name.
///
/// # Errors
/// When it can't be read or written.
pub(crate) fn copy(home: &Home, from: &str, to: &str) -> Result<()> {
    for end in [PUBLIC, SEALED, PLAIN] {
        let file = path(home, from, end);
        if file.exists() {
            write_whole(&path(home, to, end), &read(&file)?, 0o600)?;
        }
    }
    Ok(())
}

/// Puts a key in another one's place: first what makes it a key, last its public half, by which [`unfinished`] finds a
/// replacement that was cut off in between.
///
/// # Errors
/// When it can't be renamed.
pub(crate) fn replace(home: &Home, new: &str, old: &str) -> Result<()> {
    for end in [SEALED, PLAIN, PUBLIC] {
        let from = path(home, new, end);
        if from.exists() {
            fs::rename(&from, path(home, old, end)).map_err(|e| NodeError::file(&from, &e))?;
        }
    }
    Ok(())
}

/// Names that end in `end` of which any file is there, sorted, each once.
///
/// # Errors
/// When the folder can't be read.
pub(crate) fn unfinished(home: &Home, end: &str) -> Result<Vec<String>> {
    let folder = home.keys();
    let io = |e: std::io::Error| NodeError::file(&folder, &e);
    let mut names = std::collections::BTreeSet::new();
    for entry in fs::read_dir(&folder).map_err(io)? {
        let file = entry.map_err(io)?.file_name();
        let name = file.to_str().and_then(|f| f.split_once(end)).map(|n| n.0);
        names.extend(name.map(|name| format!("{name}{end}")));
    }
    Ok(names.into_iter().collect())
}

/// The public half of a key of which perhaps only the public file is left.
///
/// # Errors
/// When there is neither.
pub(crate) fn public_or_key(home: &Home, name: &str) -> Result<Did> {
    public(home, name).or_else(|_| public_of(home, name))
}

/// Removes a key that never counted.
///
/// # Errors
/// When it can't be removed.
pub(crate) fn remove(home: &Home, name: &str) -> Result<()> {
    for end in [PLAIN, SEALED, PUBLIC] {
        let file = path(home, name, end);
        match fs::remove_file(&file) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(NodeError::file(&file, &e));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The file of a member's key; names are hashed, so that any name is a file name.
pub fn member(user: &str) -> String {
    format!(
        "{MEMBER}{}",
        &weft_model::content::raw_cid(user.as_bytes()).to_string()[8..40]
    )
}

/// How the names of members' keys begin.
pub(crate) const MEMBER: &str = "member-";

fn path(home: &Home, name: &str, end: &str) -> PathBuf {
    home.keys().join(format!("{name}.{end}"))
}

fn public(home: &Home, name: &str) -> Result<Did> {
    let file = path(home, name, PUBLIC);
    let bytes = read(&file)?;
    let text = String::from_utf8_lossy(&bytes);
    text.trim().parse().map_err(|_| {
        NodeError::new(
            Code::Io,
            format!("the key file `{}` is damaged", file.display()),
        )
        .try_this("restore it from a backup")
    })
}

/// 64 hex digits, or none of a key.
fn parse(bytes: &[u8]) -> Option<SigningKey> {
    let seed = HEXLOWER.decode(bytes.trim_ascii()).ok()?;
    Some(SigningKey::from_bytes(&seed.try_into().ok()?))
}

/// Reads a file that holds a secret; what others can read is none.
fn read(file: &Path) -> Result<Vec<u8>> {
    let io = |e: std::io::Error| NodeError::file(file, &e);
    // Looked at before it is opened: opening a pipe waits for its writer.
    if !fs::metadata(file).map_err(io)?.is_file() {
        return Err(NodeError::invalid(format!(
            "`{}` is no file",
            file.display()
        )));
    }
    let mut opened = fs::File::open(file).map_err(io)?;
    let meta = opened.metadata().map_err(io)?;
    let mode = meta.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(NodeError::refused(format!(
            "the key file `{}` is open to others (mode {mode:03o}): they may have copied it",
            file.display()
        ))
        .try_this(format!("chmod 600 {}", file.display())));
    }
    let mut bytes = Vec::new();
    let read = opened.by_ref().take(FILE_BYTES + 1).read_to_end(&mut bytes);
    if read.map_err(io)? as u64 > FILE_BYTES {
        return Err(NodeError::invalid(format!(
            "`{}` has more than {FILE_BYTES} bytes and is no key",
            file.display()
        )));
    }
    Ok(bytes)
}

fn needs_passphrase(what: &str) -> NodeError {
    NodeError::new(
        Code::Passphrase,
        format!("{what} is encrypted, and no passphrase was given"),
    )
    .try_this("give it by `--passphrase-file FILE`, WEFT_PASSPHRASE, or at a terminal")
}
