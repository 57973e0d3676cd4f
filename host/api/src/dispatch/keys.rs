//! Keys and trust.

use crate::request::{KeyRequest, TrustRequest};
use crate::response::{ApiError, Response};
use std::path::Path;
use weft_node::Node;

/// Asks about keys.
pub(super) fn key(node: &Node, request: KeyRequest) -> Result<Response, ApiError> {
    use KeyRequest as K;
    let one = |key| Response::Key(Box::new(key));
    Ok(match request {
        K::New { name, passphrase } => one(node.key_new(&name, passphrase.as_ref())?),
        K::List => Response::Keys(node.key_list()?),
        K::Show { name } => one(node.key_show(&name)?),
        K::Export {
            name,
            part,
            path,
            passphrase,
        } => Response::KeyFile(node.key_export(
            &name,
            part,
            Path::new(&path),
            passphrase.as_ref(),
        )?),
        K::Import {
            name,
            path,
            passphrase,
        } => one(node.key_import(&name, Path::new(&path), passphrase.as_ref())?),
        K::Rotate { name, passphrase } => one(node.key_rotate(&name, passphrase.as_ref())?),
        K::Revoke {
            key,
            reason,
            passphrase,
        } => one(node.key_revoke(&key, &reason, passphrase.as_ref())?),
    })
}

/// Asks about trust.
pub(super) fn trust(node: &Node, request: TrustRequest) -> Result<Response, ApiError> {
    use TrustRequest as T;
    Ok(match request {
        T::Add { rule } => Response::Trust(node.trust_add(&rule)?),
        T::AddRotation { path } => Response::Key(Box::new(node.trust_rotation(Path::new(&path))?)),
        T::AddRevocation { path } => {
            Response::Key(Box::new(node.trust_revocation(Path::new(&path))?))
        }
        T::List => Response::Trust(node.trust_list()?),
        T::Remove { place } => Response::Trust(node.trust_remove(place as usize)?),
        T::Test { target } => Response::TrustTest(node.trust_test(&target)?),
    })
}
