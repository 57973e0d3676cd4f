//! What can be asked about keys and about whom a home trusts.

use serde::{Deserialize, Serialize};
use weft_node::{KeyPart, Passphrase, RuleSpec};

/// About keys. A passphrase travels inside the request, over a socket that only its owner can open, and is never
/// logged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the CLI's options, told in --help")]
pub enum KeyRequest {
    /// With a passphrase, the key is encrypted.
    New {
        name: String,
        passphrase: Option<Passphrase>,
    },
    List,
    Show {
        name: String,
    },
    /// `path` is absolute, and names no file yet.
    Export {
        name: String,
        part: KeyPart,
        path: String,
        passphrase: Option<Passphrase>,
    },
    /// `path` is absolute.
    Import {
        name: String,
        path: String,
        passphrase: Option<Passphrase>,
    },
    Rotate {
        name: String,
        passphrase: Option<Passphrase>,
    },
    /// `key`: a name, or anybody's DID.
    Revoke {
        key: String,
        reason: String,
        passphrase: Option<Passphrase>,
    },
}

/// About whom a home trusts. Paths are absolute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the CLI's options, told in --help")]
pub enum TrustRequest {
    Add {
        rule: RuleSpec,
    },
    AddRotation {
        path: String,
    },
    AddRevocation {
        path: String,
    },
    List,
    /// `place`: from 1.
    Remove {
        place: u32,
    },
    /// `target`: a release's CID or name, or the absolute path of an envelope.
    Test {
        target: String,
    },
}
