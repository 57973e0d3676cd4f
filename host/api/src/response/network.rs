//! What a node answers about its network.

use serde::{Deserialize, Serialize};
use weft_node::report::{
    DeviceReport, EventReport, FoundReport, InviteReport, JoinReport, LogReport, LogVerifyReport,
    MemberReport, MeshReport, NetworkReport,
};

/// One answer about the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", content = "value", rename_all = "kebab-case")]
#[allow(missing_docs, reason = "each is named for its report")]
pub enum NetworkResponse {
    Network(NetworkReport),
    Invite(InviteReport),
    Invites(Vec<InviteReport>),
    Joined(JoinReport),
    Members(Vec<MemberReport>),
    Devices(Vec<DeviceReport>),
    Mesh(Box<MeshReport>),
    Events(Vec<EventReport>),
    Event(EventReport),
    Log(LogReport),
    LogVerified(LogVerifyReport),
    Found(Vec<FoundReport>),
}
