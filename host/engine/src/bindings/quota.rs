//! `weft:quota@0.1.0`: bindings, and the way between the contract's records and the host's.

use super::{Bound, PolicyState, unexpected};
use wasmtime::Store;
use weft_model::slots::PolicyError;
use weft_model::slots::economy::{Contribution, Delay, QuotaRequest, QuotaVerdict, Reservation};
use weft_model::{Instant, SlotCall, SlotReply};

#[allow(
    missing_docs,
    reason = "generated from wit/quota, which documents them"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: ["../../wit/model/0.1.0", "../../wit/quota/0.1.0"],
        world: "weft:quota/quota",
    });
}

pub use generated::QuotaPre;
use generated::exports::weft::quota::policy as wit;

impl Bound for QuotaPre<PolicyState> {
    fn call(
        &self,
        store: &mut Store<PolicyState>,
        now: Instant,
        config: &Vec<u8>,
        call: &SlotCall,
    ) -> wasmtime::Result<Result<SlotReply, PolicyError>> {
        let instance = self.instantiate(&mut *store)?;
        let policy = instance.weft_quota_policy();
        match call {
            SlotCall::Tiers(x) => {
                let members: Vec<wit::Contribution> = x.iter().map(Into::into).collect();
                let rows = policy.call_tiers(store, now, config, &members)?;
                Ok(rows.map(SlotReply::Tiers).map_err(Into::into))
            }
            SlotCall::Admit(x) => {
                let requests: Vec<wit::Request> = x.iter().map(Into::into).collect();
                let rows = policy.call_admit(store, now, config, &requests)?;
                Ok(rows
                    .map(|rows| SlotReply::Admit(rows.into_iter().map(Into::into).collect()))
                    .map_err(Into::into))
            }
            other => Err(unexpected("quota", other)),
        }
    }
}

impl From<&Contribution> for wit::Contribution {
    fn from(x: &Contribution) -> Self {
        Self {
            tasks: x.tasks,
            votes: x.votes,
            since: x.since,
            donated: x.donated,
            granted: x.granted.clone(),
        }
    }
}

impl From<&QuotaRequest> for wit::Request {
    fn from(x: &QuotaRequest) -> Self {
        Self {
            tier: x.tier.clone(),
            used: x.used,
            in_flight: x.in_flight,
            duration: x.duration,
            memory_mb: x.memory_mb,
            reset: x.reset,
        }
    }
}

impl From<wit::Verdict> for QuotaVerdict {
    fn from(x: wit::Verdict) -> Self {
        match x {
            wit::Verdict::Admit(x) => Self::Admit(x.into()),
            wit::Verdict::Wait(x) => Self::Wait(x.into()),
            wit::Verdict::Deny(x) => Self::Deny(x),
        }
    }
}

impl From<wit::Reservation> for Reservation {
    fn from(x: wit::Reservation) -> Self {
        Self {
            tasks: x.tasks,
            duration: x.duration,
            memory_mb: x.memory_mb,
        }
    }
}

impl From<wit::Delay> for Delay {
    fn from(x: wit::Delay) -> Self {
        Self {
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
