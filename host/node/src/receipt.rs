//! A receipt: what was computed (the claim, the same for whoever computes it) and what it took (the account), signed
//! by the device that did it.

use crate::error::{NodeError, Result};
use data_encoding::HEXLOWER;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use weft_ledger::sign;
use weft_model::{Cid, Did, Instant, cbor, content};

/// Payload type of a receipt's signature.
const RECEIPT_TYPE: &str = "application/vnd.weft.receipt+dag-cbor";
/// Largest content that is one block; larger content is named by its whole hash.
const BLOCK_BYTES: u64 = 1024 * 1024;

/// A function of component, input, params, models and profile alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// The release.
    pub release: Cid,
    /// Its component.
    pub component: Cid,
    /// The input, all of it where randomness came from it, else what was read: a CID, or `sha256:<hex>` for more than one block.
    pub input: String,
    /// CID of the params; of a private task, with its key before them.
    pub params: Cid,
    /// CIDs of the content of the directories that it could read.
    pub models: Vec<Cid>,
    /// Where chance began, of a world that samples (`weft:chat`); none elsewhere, and where the params are private.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The output, named as the input is.
    pub output: String,
    /// Fuel used.
    pub fuel: u64,
    /// The engine profile.
    pub profile: String,
    /// False when a directory was granted for writing: then another run may give something else. False for a private
    /// task that ran for another device, whose input and output are named as they are encrypted.
    pub verifiable: bool,
}

/// What it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// The task.
    pub task: String,
    /// CID of the decision that it followed from.
    pub decision: String,
    /// Largest memory, in bytes.
    pub peak_memory_bytes: u64,
    /// Wall time, in milliseconds.
    pub wall_ms: u64,
    /// Energy, in watt-hours.
    pub energy_wh: f64,
    /// `measured`, `modelled` or `declared`.
    pub energy_known: String,
    /// The device.
    pub worker: Did,
    /// When it ended.
    pub ended: Instant,
}

/// Both, signed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// CID of the claim, which verifiers compare.
    pub claim_cid: Cid,
    /// The claim.
    pub claim: Claim,
    /// The account.
    pub account: Account,
    /// The worker's signature over (claim CID, account).
    pub signature: sign::Signature,
}

impl Receipt {
    /// Signs a receipt and gives its CID and bytes.
    ///
    /// # Errors
    /// When a value has no DAG-CBOR form.
    pub fn sign(claim: Claim, account: Account, key: &SigningKey) -> Result<(Cid, Vec<u8>)> {
        let claim_cid = content::record_cid(&cbor::encode(&claim)?);
        let signed = cbor::encode(&(claim_cid, &account))?;
        let signature = sign::sign(key, RECEIPT_TYPE, &signed);
        let bytes = cbor::encode(&Self {
            claim_cid,
            claim,
            account,
            signature,
        })?;
        Ok((content::record_cid(&bytes), bytes))
    }

    /// Reads a receipt and checks its CIDs and its signature.
    ///
    /// # Errors
    /// When it is no receipt, or does not hold.
    pub fn open(bytes: &[u8]) -> Result<Self> {
        let receipt: Self = cbor::decode(bytes)?;
        let claim_cid = content::record_cid(&cbor::encode(&receipt.claim)?);
        let signed = cbor::encode(&(claim_cid, &receipt.account))?;
        if claim_cid != receipt.claim_cid
            || !sign::holds(
                &receipt.account.worker,
                RECEIPT_TYPE,
                &signed,
                &receipt.signature,
            )
        {
            return Err(NodeError::refused(
                "the receipt is not what its worker signed",
            ));
        }
        Ok(receipt)
    }
}

/// The name of content by its size and sha2-256: the CID of a block, or `sha256:<hex>` of a larger file.
pub fn content_name(bytes: u64, digest: &[u8; 32]) -> String {
    if bytes > BLOCK_BYTES {
        return format!("sha256:{}", HEXLOWER.encode(digest));
    }
    content::raw_cid_of_digest(digest).to_string()
}

/// Size and name of a file, or of its first bytes.
///
/// # Errors
/// When it can't be read.
pub fn name_of_file(path: &Path, first: u64) -> Result<(u64, String)> {
    let io = |e| NodeError::file(path, &e);
    let mut file = File::open(path).map_err(io)?.take(first);
    let mut hash = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut buffer).map_err(io)?;
        if read == 0 {
            return Ok((size, content_name(size, &hash.finalize().into())));
        }
        size += read as u64;
        hash.update(&buffer[..read]);
    }
}
