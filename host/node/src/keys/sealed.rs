//! Keys at rest under a passphrase: age files with one scrypt recipient, which the `age` command opens too.

use crate::error::{Code, NodeError, Result};
use crate::passphrase::Passphrase;

/// scrypt's work to encrypt, as a power of two: 2^16 takes 64 MiB and about 0.2 s.
const WORK_LOG2: u8 = 16;
/// Most work that a file may ask for, as a power of two: what the `age` command writes, 256 MiB and about a second.
const WORK_MAX_LOG2: u8 = 18;
/// How an age file begins.
const MAGIC: &[u8] = b"age-encryption.org/";

/// Whether these bytes are an age file.
pub(crate) fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Encrypts.
///
/// # Errors
/// When the passphrase is short.
pub(crate) fn seal(text: &[u8], passphrase: &Passphrase) -> Result<Vec<u8>> {
    passphrase.check_strength()?;
    let mut recipient = age::scrypt::Recipient::new(passphrase.secret());
    recipient.set_work_factor(WORK_LOG2);
    age::encrypt(&recipient, text).map_err(NodeError::internal)
}

/// Decrypts. `what` names the key in the error, which says nothing of the passphrase.
///
/// # Errors
/// When the passphrase is another one, or the file is damaged or asks for too much work.
pub(crate) fn open(bytes: &[u8], passphrase: &Passphrase, what: &str) -> Result<Vec<u8>> {
    let mut identity = age::scrypt::Identity::new(passphrase.secret());
    identity.set_max_work_factor(WORK_MAX_LOG2);
    age::decrypt(&identity, bytes).map_err(|e| match e {
        age::DecryptError::DecryptionFailed
        | age::DecryptError::KeyDecryptionFailed
        | age::DecryptError::NoMatchingKeys => {
            NodeError::refused(format!("the passphrase does not open {what}"))
                .try_this("give the passphrase that it was encrypted with")
        }
        age::DecryptError::ExcessiveWork { required, .. } => NodeError::refused(format!(
            "{what} asks for 2^{required} of scrypt's work, at most 2^{WORK_MAX_LOG2} is done"
        ))
        .try_this("encrypt it again with the `age` command's default"),
        _ => NodeError::new(Code::Io, format!("{what} is a damaged age file"))
            .try_this("restore it from a backup"),
    })
}
