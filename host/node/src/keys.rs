//! The keys of a home: its device's, its owner's, and those of members that vote through it. Files of 32 bytes as
//! hex, readable by their owner alone.

use crate::error::{Code, NodeError, Result};
use crate::home::{Home, write_whole};
use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;
use std::path::PathBuf;
use weft_model::Did;

/// Name of this device's key.
pub const DEVICE: &str = "device";
/// Name of the owner's key.
pub const OWNER: &str = "owner";

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

/// Makes and keeps a key.
///
/// # Errors
/// When there is one of that name, or it can't be written.
pub fn create(home: &Home, name: &str) -> Result<SigningKey> {
    let path = path(home, name);
    if path.exists() {
        return Err(NodeError::new(
            Code::Conflict,
            format!("there is a key `{name}` already"),
        ));
    }
    let key = generate()?;
    let text = HEXLOWER.encode(&key.to_bytes());
    write_whole(&path, text.as_bytes(), 0o600)?;
    Ok(key)
}

/// Reads a key.
///
/// # Errors
/// When there is none of that name, or its file is damaged.
pub fn load(home: &Home, name: &str) -> Result<SigningKey> {
    let path = path(home, name);
    let text = std::fs::read_to_string(&path).map_err(|e| NodeError::file(&path, &e))?;
    let damaged = || {
        NodeError::new(
            Code::Io,
            format!("the key file `{}` is damaged", path.display()),
        )
        .try_this("restore it from a backup")
    };
    let seed = HEXLOWER
        .decode(text.trim().as_bytes())
        .map_err(|_| damaged())?;
    let seed = seed.try_into().map_err(|_| damaged())?;
    Ok(SigningKey::from_bytes(&seed))
}

/// The file of a member's key; names are hashed, so that any name is a file name.
pub fn member(user: &str) -> String {
    format!(
        "member-{}",
        &weft_model::content::raw_cid(user.as_bytes()).to_string()[8..40]
    )
}

fn path(home: &Home, name: &str) -> PathBuf {
    home.keys().join(format!("{name}.key"))
}
