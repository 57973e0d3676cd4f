//! What the node tells of content.

use serde::{Deserialize, Serialize};

/// One content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentReport {
    /// Its CID.
    pub cid: String,
    /// Its bytes.
    pub size: u64,
    /// Its leaves: raw blocks of at most 1 MiB.
    pub leaves: u64,
    /// Its inner nodes.
    pub nodes: u64,
    /// After adding: whether it was not here before.
    pub new: Option<bool>,
    /// When it came here.
    pub added_at: String,
    /// When all its bytes were last compared with the CID.
    pub verified_at: String,
    /// What that comparison found wrong.
    pub problem: Option<String>,
    /// Who holds it: `owner`, or a release's CID. Nobody: the next `gc` removes it, unless it is public.
    pub pins: Vec<String>,
    /// By whose word outsiders may fetch it: `owner`, or a public release's CID. Nobody's: it is for members alone.
    #[serde(default)]
    pub public: Vec<String>,
}

/// What outsiders get no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentUnpublishReport {
    /// What was taken back: a content, or a release.
    pub cid: String,
    /// The CIDs that are private now; a content that something else keeps public is not among them.
    pub private: Vec<String>,
}

/// A content that was written to a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentGetReport {
    /// Its CID.
    pub cid: String,
    /// The file.
    pub path: String,
    /// Its bytes.
    pub bytes: u64,
    /// What fetching it took; none: it was here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched: Option<FetchReport>,
}

/// What fetching a content from members, or from IPFS nodes, took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchReport {
    /// Bytes that came.
    pub bytes: u64,
    /// Bytes that an earlier attempt had left here.
    pub resumed: u64,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// The devices or nodes that were asked.
    pub seeders: Vec<SeederReport>,
}

/// What one device gave of a content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeederReport {
    /// Its libp2p peer id.
    pub peer_id: String,
    /// Blocks that it gave.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Why it was asked no more; none: it was good to the end.
    pub dropped: Option<String>,
}

/// What a collection removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentGcReport {
    /// Contents that nobody held.
    pub contents: u64,
    /// Files that a crash had left.
    pub leftovers: u64,
    /// Bytes of both.
    pub bytes: u64,
}

/// What rehashing found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentVerifyReport {
    /// The contents that were looked at, by CID.
    pub contents: Vec<ContentFinding>,
    /// Whether all of them are whole.
    pub ok: bool,
}

/// What rehashing found of one content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentFinding {
    /// Its CID.
    pub cid: String,
    /// Its bytes.
    pub size: u64,
    /// `whole`, `damaged` or `missing`.
    pub state: String,
    /// What is wrong.
    pub problem: Option<String>,
}

/// How far long work on content is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContentProgress {
    /// Bytes done.
    pub done: u64,
    /// Bytes to do; 0: nothing is going on, or it is not known.
    pub total: u64,
    /// Devices that are asked for them; 0: they are here.
    pub seeders: u64,
}
