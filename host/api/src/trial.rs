//! Requests about releases on trial.

use crate::response::{ApiError, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use weft_node::Node;

/// One request about a release on trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "trial", rename_all = "kebab-case")]
#[allow(
    missing_docs,
    reason = "fields are the CLI's options, documented there and in --help"
)]
pub enum TrialRequest {
    /// Puts a release beside what serves a slot. `mode`: `shadow`, `canary N%`, or `enforce`, which is `SlotUse`.
    Use {
        slot: String,
        target: String,
        config: Option<Value>,
        mode: String,
        add: bool,
    },
    /// Changes how far the newest release of a slot decides.
    Mode { slot: String, mode: String },
    /// What the newest trial of a slot found, signed.
    Report { slot: String },
    /// Checks a signed report: a block's CID or an absolute path.
    Verify { target: String },
}

pub(crate) fn dispatch(node: &Arc<Node>, request: TrialRequest) -> Result<Response, ApiError> {
    Ok(match request {
        TrialRequest::Use {
            slot,
            target,
            config,
            mode,
            add,
        } => Response::Slot(node.slot_try(&slot, &target, config.as_ref(), &mode, add)?),
        TrialRequest::Mode { slot, mode } => Response::Slot(node.slot_mode(&slot, &mode)?),
        TrialRequest::Report { slot } => Response::Trial(Box::new(node.trial_report(&slot)?)),
        TrialRequest::Verify { target } => Response::Trial(Box::new(node.trial_verify(&target)?)),
    })
}
