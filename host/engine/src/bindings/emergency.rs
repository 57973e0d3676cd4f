//! `weft:emergency@0.1.0`: bindings, and the way between the contract's records and the host's.

use super::{Bound, PolicyState, unexpected};
use wasmtime::Store;
use weft_model::slots::PolicyError;
use weft_model::slots::time::{OverrideRequest, OverrideVerdict, Standing};
use weft_model::{Instant, SlotCall, SlotReply};

#[allow(
    missing_docs,
    reason = "generated from wit/emergency, which documents them"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: ["../../wit/model/0.1.0", "../../wit/emergency/0.1.0"],
        world: "weft:emergency/emergency",
    });
}

pub use generated::EmergencyPre;
use generated::exports::weft::emergency::policy as wit;

impl Bound for EmergencyPre<PolicyState> {
    fn call(
        &self,
        store: &mut Store<PolicyState>,
        now: Instant,
        config: &Vec<u8>,
        call: &SlotCall,
    ) -> wasmtime::Result<Result<SlotReply, PolicyError>> {
        let instance = self.instantiate(&mut *store)?;
        let policy = instance.weft_emergency_policy();
        match call {
            SlotCall::Override(x) => {
                let requests: Vec<wit::Request> = x.iter().map(Into::into).collect();
                let rows = policy.call_judge(store, now, config, &requests)?;
                Ok(rows
                    .map(|rows| SlotReply::Override(rows.into_iter().map(Into::into).collect()))
                    .map_err(Into::into))
            }
            other => Err(unexpected("emergency", other)),
        }
    }
}

impl From<&OverrideRequest> for wit::Request {
    fn from(x: &OverrideRequest) -> Self {
        Self {
            name: x.name.clone(),
            tags: x.tags.clone(),
            standing: x.standing.into(),
            used: x.used,
        }
    }
}

impl From<Standing> for wit::Standing {
    fn from(x: Standing) -> Self {
        match x {
            Standing::Stranger => Self::Stranger,
            Standing::Guest => Self::Guest,
            Standing::Member => Self::Member,
            Standing::Admin => Self::Admin,
        }
    }
}

impl From<wit::Verdict> for OverrideVerdict {
    fn from(x: wit::Verdict) -> Self {
        Self {
            emergency: x.emergency,
            word: x.word,
            until: x.until,
            reason: x.reason,
        }
    }
}

impl From<wit::PolicyError> for PolicyError {
    fn from(e: wit::PolicyError) -> Self {
        match e {
            wit::PolicyError::BadConfig(m) => Self::BadConfig(m),
            wit::PolicyError::BadInput(m) => Self::BadInput(m),
            wit::PolicyError::Unsupported(m) => Self::Unsupported(m),
        }
    }
}
