//! Private tasks: what they read and write is plain for the submitter and for those whom they ask to run it.
//!
//! The input is encrypted once per try, to a key of its own. That key and the params are wrapped for the device that is
//! asked, and name the task and who asks, so that nobody else can have them opened; the output, its summary and why it
//! failed are encrypted to the submitter's device. All of it is age (X25519, ChaCha20-Poly1305). So only ciphertext has
//! a CID, and nobody can compare the result with another run: the receipt says that it can't be verified.
//!
//! A device's X25519 key is the Montgomery form of its Ed25519 key, as age does it for SSH keys; that one key may do both
//! is shown in Thormarker, "On using the same key pair for Ed25519 and an X25519 based KEM" (2021).

use crate::error::{NodeError, Result};
use crate::keys;
use crate::node::Node;
use crate::peering::wrapped_for;
use age::x25519::{Identity, Recipient};
use age::{Decryptor, Encryptor};
use bech32::{Bech32, Hrp};
use ed25519_dalek::{SigningKey, VerifyingKey};
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use sha2::Sha256;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::iter::once;
use std::sync::{Arc, Mutex, PoisonError};
use weft_model::task::TaskSpec;
use weft_model::{Cid, Did, cbor, content};
use weft_store::leases;

/// Longest header of an encrypted file, in bytes; one recipient takes some 200.
const HEADER_BYTES: u64 = 4_096;
/// How a header's last line begins.
const HEADER_END: &[u8] = b"\n--- ";
/// Code of what was encrypted to another device, or was changed since.
pub(crate) const NOT_FOR_US: &str = "not-for-this-device";
/// What the keys of tasks are derived for.
const TASK_KEY: &[u8] = b"weft private task v1 ";

/// What the device that runs a private task must know.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Secret {
    /// The task that it is of.
    task: String,
    /// Whose task.
    submitter: Did,
    /// The X25519 key of this try, 32 bytes.
    key: ByteBuf,
    /// The params.
    pub params: Option<String>,
}

/// The secret of another device's task, and whose it is.
pub(crate) struct Given {
    pub secret: Secret,
    submitter: Did,
}

impl Secret {
    /// The secret of a try of a task of this device. It is derived, so that it needs no keeping.
    fn of_task(device: &SigningKey, task: &str, attempt: u32, params: Option<String>) -> Self {
        let mut key = [0; 32];
        let hkdf = Hkdf::<Sha256>::new(None, device.as_bytes());
        let of = [TASK_KEY, &attempt.to_be_bytes(), task.as_bytes()];
        let derived = hkdf.expand_multi_info(&of, &mut key);
        debug_assert!(derived.is_ok(), "32 bytes are no more than HKDF gives");
        Self {
            task: task.to_owned(),
            submitter: keys::did(device),
            key: ByteBuf::from(key),
            params,
        }
    }

    /// Wraps it for a device.
    ///
    /// # Errors
    /// When the device's key is none.
    fn wrap(&self, worker: &Did) -> Result<Vec<u8>> {
        seal(worker, &cbor::encode(self).map_err(NodeError::internal)?)
    }

    /// What a receipt says of the params: their CID with the key before them, so that nobody else can guess them.
    pub fn params_cid(&self) -> Cid {
        let params = self.params.as_deref().unwrap_or_default();
        content::raw_cid(&[&self.key[..], params.as_bytes()].concat())
    }

    fn identity(&self) -> Result<Identity> {
        let key: [u8; 32] = self.key[..].try_into().map_err(|_| unreadable())?;
        identity(&key)
    }

    /// Opens an input that was encrypted to the task.
    ///
    /// # Errors
    /// When it was not, or is no encrypted file.
    pub fn reader(&self, file: File) -> Result<impl Read + Send + use<>> {
        reader(&self.identity()?, file)
    }
}

impl Given {
    /// Encrypts what the task writes to its submitter.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn writer(&self, file: File) -> Result<Sealer> {
        let writer = encryptor(&recipient(&self.submitter)?)?
            .wrap_output(file)
            .map_err(NodeError::internal)?;
        Ok(Sealer(Arc::new(Mutex::new(Some(writer)))))
    }

    /// Encrypts the task's summary to its submitter, as text.
    ///
    /// # Errors
    /// When the submitter's key is none.
    pub fn seal(&self, text: &str) -> Result<String> {
        let sealed = seal(&self.submitter, text.as_bytes())?;
        Ok(data_encoding::BASE64.encode(&sealed))
    }
}

/// A writer that another hand may have too, since its end must be written when the job has ended.
#[derive(Clone)]
pub(crate) struct Sealer(Arc<Mutex<Option<age::stream::StreamWriter<File>>>>);

impl Sealer {
    /// Writes the end. Nothing can be written after it.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn finish(&self) -> io::Result<()> {
        let writer = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        writer.map_or(Ok(()), |writer| writer.finish().map(drop))
    }
}

impl Write for Sealer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let writer = writer.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut writer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writer.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Node {
    /// The secret of a try of a task of this device that is private.
    fn own_secret(&self, task: &str, attempt: u32, spec: &TaskSpec) -> Option<Secret> {
        spec.private
            .then(|| Secret::of_task(&self.device_key, task, attempt, spec.params.clone()))
    }

    /// What goes with the offer of a private task of this device.
    ///
    /// # Errors
    /// When the worker's key is none.
    pub(crate) fn wrap_secret(
        &self,
        task: &str,
        attempt: u32,
        spec: &TaskSpec,
        worker: &Did,
    ) -> Result<Option<ByteBuf>> {
        let secret = self.own_secret(task, attempt, spec);
        let wrapped = secret.map(|s| s.wrap(worker)).transpose()?;
        Ok(wrapped.map(ByteBuf::from))
    }

    /// What a worker's receipt must say of the params of a task of this device.
    pub(crate) fn params_cid(&self, task: &str, attempt: u32, spec: &TaskSpec) -> Cid {
        let params = spec.params.as_deref().unwrap_or_default();
        self.own_secret(task, attempt, spec)
            .map_or_else(|| content::raw_cid(params.as_bytes()), |s| s.params_cid())
    }

    /// Encrypts the input of a private task of this device into a file that has no name.
    ///
    /// # Errors
    /// When a file can't be read or written.
    pub(crate) fn seal_input(
        &self,
        task: &str,
        attempt: u32,
        spec: &TaskSpec,
        mut plain: File,
    ) -> Result<File> {
        let Some(secret) = self.own_secret(task, attempt, spec) else {
            return Ok(plain);
        };
        let folder = self.home.outputs();
        let io = |e| NodeError::file(&folder, &e);
        let draft = tempfile::tempfile_in(&folder).map_err(io)?;
        let mut writer = encryptor(&secret.identity()?.to_public())?
            .wrap_output(draft)
            .map_err(io)?;
        io::copy(&mut plain, &mut writer).map_err(io)?;
        let mut sealed = writer.finish().map_err(io)?;
        sealed.rewind().map_err(io)?;
        Ok(sealed)
    }

    /// Opens the secret that came with somebody's offer of a task.
    ///
    /// # Errors
    /// When it was wrapped for another device, or is of another task or submitter, or is none.
    pub(crate) fn open_secret(&self, wrapped: &[u8], task: &str, from: &Did) -> Result<Secret> {
        let secret: Secret =
            cbor::decode(&unseal(&self.device_key, wrapped)?).map_err(|_| unreadable())?;
        secret.identity()?;
        if secret.task != task || secret.submitter != *from {
            return Err(unreadable());
        }
        Ok(secret)
    }

    /// The secret of a private task that another device gave to this one.
    ///
    /// # Errors
    /// When its offer can't be read any more.
    pub(crate) fn given_secret(&self, task: &str, spec: &TaskSpec) -> Result<Option<Given>> {
        if !spec.private {
            return Ok(None);
        }
        let Some(lease) = self.store.read(|tx| leases::get(tx, task))? else {
            return Ok(None);
        };
        let wrapped = wrapped_for(&lease.offer).ok_or_else(unreadable)?;
        let submitter: Did = lease.submitter.parse()?;
        Ok(Some(Given {
            secret: self.open_secret(&wrapped, task, &submitter)?,
            submitter,
        }))
    }

    /// Decrypts an output that came back; `to` is written as it is read.
    ///
    /// # Errors
    /// When it was encrypted to another device, or is no encrypted file.
    pub(crate) fn unseal_output(&self, sealed: File, to: &mut impl Write) -> Result<()> {
        let identity = identity(&self.device_key.to_scalar_bytes())?;
        let mut plain = reader(&identity, sealed)?;
        let copied = io::copy(&mut plain, to);
        copied.map(drop).map_err(|e| match e.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => unreadable(),
            _ => NodeError::internal(e),
        })
    }

    /// Decrypts an output that came back in a message.
    ///
    /// # Errors
    /// When it was encrypted to another device, or is none.
    pub(crate) fn unseal_bytes(&self, sealed: &[u8]) -> Result<Vec<u8>> {
        unseal(&self.device_key, sealed)
    }

    /// Decrypts a summary that came back.
    ///
    /// # Errors
    /// When it was encrypted to another device, or is none.
    pub(crate) fn unseal_text(&self, sealed: &str) -> Result<String> {
        let sealed = data_encoding::BASE64.decode(sealed.as_bytes());
        let plain = unseal(&self.device_key, &sealed.map_err(|_| unreadable())?)?;
        String::from_utf8(plain).map_err(|_| unreadable())
    }
}

/// Most bytes that an output of so many has when it is encrypted: a header, and 16 bytes per chunk of 64 KiB.
pub(crate) fn sealed_size(plain: u64) -> u64 {
    HEADER_BYTES + plain + (plain / 65_536 + 1) * 16
}

fn seal(device: &Did, plain: &[u8]) -> Result<Vec<u8>> {
    age::encrypt(&recipient(device)?, plain).map_err(NodeError::internal)
}

fn unseal(device: &SigningKey, sealed: &[u8]) -> Result<Vec<u8>> {
    check_header(sealed)?;
    age::decrypt(&identity(&device.to_scalar_bytes())?, sealed).map_err(|_| unreadable())
}

fn encryptor(to: &Recipient) -> Result<Encryptor> {
    Encryptor::with_recipients(once(to as &dyn age::Recipient)).map_err(NodeError::internal)
}

fn reader(identity: &Identity, mut file: File) -> Result<impl Read + Send + use<>> {
    let mut begins = Vec::new();
    (&mut file)
        .take(HEADER_BYTES)
        .read_to_end(&mut begins)
        .and_then(|_| file.rewind())
        .map_err(NodeError::internal)?;
    check_header(&begins)?;
    Decryptor::new_buffered(BufReader::new(file))
        .and_then(|sealed| sealed.decrypt(once(identity as &dyn age::Identity)))
        .map_err(|_| unreadable())
}

/// A header is read whole before it is judged, so a long one is refused unread.
fn check_header(sealed: &[u8]) -> Result<()> {
    let begins = &sealed[..sealed.len().min(HEADER_BYTES as usize)];
    let last = begins
        .windows(HEADER_END.len())
        .position(|window| window == HEADER_END);
    let ends = last.is_some_and(|at| begins[at + HEADER_END.len()..].contains(&b'\n'));
    if ends { Ok(()) } else { Err(unreadable()) }
}

fn identity(key: &[u8; 32]) -> Result<Identity> {
    let text = bech32::encode_upper::<Bech32>(Hrp::parse_unchecked("age-secret-key-"), key)
        .map_err(NodeError::internal)?;
    text.parse().map_err(NodeError::internal)
}

fn recipient(device: &Did) -> Result<Recipient> {
    let key = VerifyingKey::from_bytes(device.public()).map_err(NodeError::internal)?;
    let point = key.to_montgomery().to_bytes();
    let text = bech32::encode_lower::<Bech32>(Hrp::parse_unchecked("age"), &point)
        .map_err(NodeError::internal)?;
    text.parse().map_err(NodeError::internal)
}

fn unreadable() -> NodeError {
    NodeError::coded(NOT_FOR_US, "it was not encrypted for this device")
}
