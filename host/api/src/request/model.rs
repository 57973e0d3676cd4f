//! What a node can be asked about models, and about what was computed with them.

use serde::{Deserialize, Serialize};

/// One request about models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the CLI's options, told in --help")]
pub enum ModelRequest {
    /// `path`: absolute, of a folder or file. Where it is none, `cid` is fetched.
    Add {
        name: String,
        path: Option<String>,
        cid: Option<String>,
        license: Option<String>,
        source: Option<String>,
    },
    List,
    /// `model`: a name or CID.
    Show {
        target: String,
    },
    Verify {
        target: String,
    },
    Remove {
        name: String,
    },
}
