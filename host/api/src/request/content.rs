//! What a node can be asked about content.

use serde::{Deserialize, Serialize};

/// One request about content. Paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "content", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the CLI's options, told in --help")]
pub enum ContentRequest {
    /// `keep`: the owner holds it from the start. `public`: outsiders may fetch it.
    Add {
        path: String,
        keep: bool,
        #[serde(default)]
        public: bool,
    },
    /// `from`: addresses of IPFS nodes; none: members have it.
    Get {
        cid: String,
        path: String,
        #[serde(default)]
        from: Vec<String>,
    },
    Stat {
        cid: String,
    },
    List,
    Pin {
        cid: String,
    },
    Unpin {
        cid: String,
    },
    /// Outsiders may fetch it.
    Publish {
        cid: String,
    },
    /// They may no more; a release takes all with it that it made public.
    Unpublish {
        cid: String,
    },
    Gc,
    /// None: all.
    Verify {
        cid: Option<String>,
    },
    /// How far the long work of the moment is.
    Progress,
}
