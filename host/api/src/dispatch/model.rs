//! Requests about models.

use crate::request::ModelRequest as Ask;
use crate::response::{ApiError, ModelResponse as Answer};
use std::path::Path;
use weft_node::Node;

/// Asks a node about models.
pub(super) fn dispatch(node: &Node, request: &Ask) -> Result<Answer, ApiError> {
    Ok(match request {
        Ask::Add {
            name,
            path,
            cid,
            license,
            source,
        } => {
            let (license, source) = (license.as_deref(), source.as_deref());
            Answer::One(match (path, cid) {
                (Some(path), _) => node.model_add(name, Path::new(path), license, source)?,
                (None, Some(cid)) => node.model_fetch(name, cid, license, source)?,
                (None, None) => {
                    let why = "neither a folder nor a CID is given";
                    return Err(ApiError::new("invalid", why, "weft model add --help"));
                }
            })
        }
        Ask::List => Answer::List(node.model_list()?),
        Ask::Show { target } => Answer::One(node.model_show(target)?),
        Ask::Verify { target } => Answer::Verified(node.model_verify(target)?),
        Ask::Remove { name } => Answer::One(node.model_remove(name)?),
    })
}
