//! `weft:demand@0.1.0`: bindings, and the way between the contract's records and the host's.

use super::{Bound, PolicyState, unexpected};
use wasmtime::Store;
use weft_model::slots::PolicyError;
use weft_model::slots::economy::{Advice, DemandVerdict, Item};
use weft_model::{Instant, SlotCall, SlotReply};

#[allow(
    missing_docs,
    reason = "generated from wit/demand, which documents them"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: ["../../wit/model/0.1.0", "../../wit/demand/0.1.0"],
        world: "weft:demand/demand",
    });
}

pub use generated::DemandPre;
use generated::exports::weft::demand::policy as wit;

impl Bound for DemandPre<PolicyState> {
    fn call(
        &self,
        store: &mut Store<PolicyState>,
        now: Instant,
        config: &Vec<u8>,
        call: &SlotCall,
    ) -> wasmtime::Result<Result<SlotReply, PolicyError>> {
        let instance = self.instantiate(&mut *store)?;
        let policy = instance.weft_demand_policy();
        match call {
            SlotCall::Demand(x) => {
                let items: Vec<wit::Item> = x.iter().map(Into::into).collect();
                let rows = policy.call_judge(store, now, config, &items)?;
                Ok(rows
                    .map(|rows| SlotReply::Demand(rows.into_iter().map(Into::into).collect()))
                    .map_err(Into::into))
            }
            other => Err(unexpected("demand", other)),
        }
    }
}

impl From<&Item> for wit::Item {
    fn from(x: &Item) -> Self {
        Self {
            prior: x.prior,
            elapsed: x.elapsed,
            uses: x.uses,
            effectiveness: x.effectiveness,
            seeders: x.seeders,
            size_bytes: x.size_bytes,
            free_bytes: x.free_bytes,
        }
    }
}

impl From<wit::Verdict> for DemandVerdict {
    fn from(x: wit::Verdict) -> Self {
        Self {
            demand: x.demand,
            urgency: x.urgency,
            replicas: x.replicas,
            advice: x.advice.into(),
        }
    }
}

impl From<wit::Advice> for Advice {
    fn from(x: wit::Advice) -> Self {
        match x {
            wit::Advice::Drop => Self::Drop,
            wit::Advice::Keep => Self::Keep,
            wit::Advice::Replicate => Self::Replicate,
            wit::Advice::ReplicateNow => Self::ReplicateNow,
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
