//! Requests about content.

use crate::request::ContentRequest as Ask;
use crate::response::{ApiError, ContentResponse as Answer};
use std::path::Path;
use weft_node::Node;

/// Asks a node about content.
pub(super) fn dispatch(node: &Node, request: &Ask) -> Result<Answer, ApiError> {
    Ok(match request {
        Ask::Add { path, keep, public } => {
            let mut added = node.content_add(Path::new(path), *keep)?;
            if *public {
                added.public = node.content_publish(&added.cid)?.public;
            }
            Answer::One(added)
        }
        Ask::Get { cid, path, from } => {
            Answer::Got(node.content_get_from(cid, Path::new(path), from)?)
        }
        Ask::Publish { cid } => Answer::One(node.content_publish(cid)?),
        Ask::Unpublish { cid } => Answer::Unpublished(node.content_unpublish(cid)?),
        Ask::Stat { cid } => Answer::One(node.content_stat(cid)?),
        Ask::List => Answer::List(node.content_list()?),
        Ask::Pin { cid } => Answer::One(node.content_pin(cid)?),
        Ask::Unpin { cid } => Answer::One(node.content_unpin(cid)?),
        Ask::Gc => Answer::Freed(node.content_gc()?),
        Ask::Verify { cid } => Answer::Verified(node.content_verify(cid.as_deref())?),
        Ask::Progress => Answer::Progress(node.content_progress()),
    })
}
