//! What a node can be asked about releases, from their making to their end.

use serde::{Deserialize, Serialize};
use weft_model::Instant;
use weft_node::Passphrase;

/// One request about releases. Paths are absolute; `reference` is a release's CID or name, or a CAR file's path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "release", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the CLI's options, told in --help")]
pub enum PackageRequest {
    // Making and looking.
    Build {
        path: String,
        key: Option<String>,
        passphrase: Option<Passphrase>,
        revision: Option<u64>,
        expires: Option<Instant>,
        source: Option<String>,
        skill: Option<SkillRow>,
    },
    Sign {
        reference: String,
        role: String,
        key: Option<String>,
        passphrase: Option<Passphrase>,
        out: Option<String>,
    },
    Inspect {
        reference: String,
    },
    Verify {
        reference: String,
    },
    Diff {
        a: String,
        b: String,
    },
    /// `public`: outsiders may fetch it.
    Publish {
        reference: String,
        to: Option<String>,
        #[serde(default)]
        public: bool,
        key: Option<String>,
        passphrase: Option<Passphrase>,
    },
    Export {
        reference: String,
        out: String,
    },
    Import {
        path: String,
    },

    // Installing and keeping.
    Install {
        reference: String,
        from: Option<String>,
        target: Option<String>,
        consent: bool,
    },
    Pending,
    Consent {
        reference: String,
    },
    Decline {
        reference: String,
    },
    Pin {
        target: String,
        reference: String,
    },
    Pins,
    Unpin {
        target: String,
    },
    Rollback {
        target: String,
    },
    History {
        target: String,
    },
    QuarantineList,
    QuarantineLift {
        reference: String,
    },
    Outdated {
        from: Option<String>,
    },
    Sync {
        lock: String,
        from: Option<String>,
        consent: bool,
    },
}

/// What a skill's file does not say of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the CLI's options, told in --help")]
pub struct SkillRow {
    pub name: String,
    pub version: String,
    pub base: String,
    pub description: String,
    pub domain: Option<String>,
}
