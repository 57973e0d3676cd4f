//! `weft:reputation@0.1.0`: bindings, and the way between the contract's records and the host's.

use super::{Bound, PolicyState, unexpected};
use wasmtime::Store;
use weft_model::slots::PolicyError;
use weft_model::slots::economy::{ReputationScore, Subject, WorkReceipt, WorkRole};
use weft_model::{Instant, SlotCall, SlotReply};

#[allow(
    missing_docs,
    reason = "generated from wit/reputation, which documents them"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: ["../../wit/model/0.1.0", "../../wit/reputation/0.1.0"],
        world: "weft:reputation/reputation",
    });
}

pub use generated::ReputationPre;
use generated::exports::weft::reputation::policy as wit;

impl Bound for ReputationPre<PolicyState> {
    fn call(
        &self,
        store: &mut Store<PolicyState>,
        now: Instant,
        config: &Vec<u8>,
        call: &SlotCall,
    ) -> wasmtime::Result<Result<SlotReply, PolicyError>> {
        let instance = self.instantiate(&mut *store)?;
        let policy = instance.weft_reputation_policy();
        match call {
            SlotCall::Reputation(x) => {
                let subjects: Vec<wit::Subject> = x.iter().map(Into::into).collect();
                let rows = policy.call_judge(store, now, config, &subjects)?;
                Ok(rows
                    .map(|rows| SlotReply::Reputation(rows.into_iter().map(Into::into).collect()))
                    .map_err(Into::into))
            }
            other => Err(unexpected("reputation", other)),
        }
    }
}

impl From<&Subject> for wit::Subject {
    fn from(x: &Subject) -> Self {
        Self {
            prior: x.prior.as_ref().map(Into::into),
            elapsed: x.elapsed,
            receipts: x.receipts.iter().map(Into::into).collect(),
        }
    }
}

impl From<&ReputationScore> for wit::Score {
    fn from(x: &ReputationScore) -> Self {
        Self {
            value: x.value,
            uncertainty: x.uncertainty,
        }
    }
}

impl From<&WorkReceipt> for wit::Receipt {
    fn from(x: &WorkReceipt) -> Self {
        Self {
            role: x.role.into(),
            correct: x.correct,
            value: x.value,
            counterparty: x.counterparty,
        }
    }
}

impl From<WorkRole> for wit::Role {
    fn from(x: WorkRole) -> Self {
        match x {
            WorkRole::Execution => Self::Execution,
            WorkRole::Verification => Self::Verification,
        }
    }
}

impl From<wit::Score> for ReputationScore {
    fn from(x: wit::Score) -> Self {
        Self {
            value: x.value,
            uncertainty: x.uncertainty,
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
