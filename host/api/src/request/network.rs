//! What a node can be asked about its network.

use serde::{Deserialize, Serialize};

/// One request about the network. Paths are absolute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "network", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the CLI's options, told in --help")]
pub enum NetworkRequest {
    Create {
        name: String,
    },
    Show,
    Leave,
    /// `device`: a further device of this home's member joins.
    Invite {
        role: String,
        life_ms: u64,
        uses: u64,
        device: bool,
    },
    InviteList,
    InviteRevoke {
        invite: String,
    },
    /// `name`: the user name in the network; none: the owner's here.
    Join {
        invite: String,
        name: Option<String>,
    },
    MemberRole {
        user: String,
        role: String,
    },
    MemberRename {
        user: String,
        to: String,
    },
    MemberRemove {
        user: String,
    },
    /// `user`: whose new key this admin vouches for; none: this home's key asks to speak for its member.
    MemberRekey {
        user: Option<String>,
    },
    DeviceList,
    DeviceRevoke {
        device: String,
    },
    MeshStatus,
    LogTail {
        limit: u32,
    },
    LogShow {
        event: String,
    },
    LogStats,
    LogVerify,
    LogExport {
        path: String,
    },
    /// A member's release into a CAR file.
    Download {
        reference: String,
        path: String,
    },
    /// Releases that members have.
    Search {
        text: String,
    },
}
