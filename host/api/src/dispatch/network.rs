//! Requests about the network.

use crate::request::NetworkRequest as Ask;
use crate::response::{ApiError, NetworkResponse as Answer, Response};
use std::path::Path;
use std::sync::Arc;
use weft_node::{InviteWanted, Node};

/// Asks a node about its network.
pub(super) fn dispatch(node: &Arc<Node>, request: Ask) -> Result<Response, ApiError> {
    Ok(Response::Network(match request {
        Ask::Create { name } => {
            let report = node.network_create(&name)?;
            Answer::Network(report)
        }
        Ask::Show => Answer::Network(node.network_show()?),
        Ask::Leave => Answer::Network(node.network_leave()?),
        Ask::Invite {
            role,
            life_ms,
            uses,
            device,
        } => Answer::Invite(node.invite(&InviteWanted {
            role,
            life_ms,
            uses,
            device,
        })?),
        Ask::InviteList => Answer::Invites(node.invite_list()?),
        Ask::InviteRevoke { invite } => Answer::Invites(node.invite_revoke(&invite)?),
        Ask::Join { invite, name } => Answer::Joined(node.join(&invite, name.as_deref())?),
        Ask::MemberRole { user, role } => Answer::Members(node.member_role(&user, &role)?),
        Ask::MemberRename { user, to } => Answer::Members(node.member_rename(&user, &to)?),
        Ask::MemberRemove { user } => Answer::Members(node.member_remove(&user)?),
        Ask::MemberRekey { user } => Answer::Members(node.member_rekey(user.as_deref())?),
        Ask::DeviceList => Answer::Devices(node.device_list()?),
        Ask::DeviceRevoke { device } => Answer::Devices(node.device_revoke(&device)?),
        Ask::MeshStatus => Answer::Mesh(Box::new(node.mesh_status()?)),
        Ask::LogTail { limit } => Answer::Events(node.log_tail(limit)?),
        Ask::LogShow { event } => Answer::Event(node.log_show(&event)?),
        Ask::LogStats => Answer::Log(node.log_stats()?),
        Ask::LogVerify => Answer::LogVerified(node.log_verify()?),
        Ask::LogExport { path } => {
            let count = node.log_export(Path::new(&path))?;
            return Ok(Response::Done(format!("{count} events in {path}")));
        }
        Ask::Download { reference, path } => {
            let bytes = node.download(&reference, Path::new(&path))?;
            return Ok(Response::Done(format!("{bytes} bytes in {path}")));
        }
        Ask::Search { text } => Answer::Found(node.search(&text)?),
    }))
}
