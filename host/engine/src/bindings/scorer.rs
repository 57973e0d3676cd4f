//! `weft:scorer@0.1.0`: bindings, and the way between the contract's records and the host's.

use super::{Bound, PolicyState, unexpected};
use wasmtime::Store;
use weft_model::Columns;
use weft_model::slots::PolicyError;
use weft_model::slots::placement::{Exclusion, Score, ScorerTask};
use weft_model::{Instant, SlotCall, SlotReply};

#[allow(
    missing_docs,
    reason = "generated from wit/scorer, which documents them"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: ["../../wit/model/0.1.0", "../../wit/scorer/0.1.0"],
        world: "weft:scorer/scorer",
    });
}

pub use generated::ScorerPre;
use generated::exports::weft::scorer::policy as wit;

impl Bound for ScorerPre<PolicyState> {
    fn call(
        &self,
        store: &mut Store<PolicyState>,
        now: Instant,
        config: &Vec<u8>,
        call: &SlotCall,
    ) -> wasmtime::Result<Result<SlotReply, PolicyError>> {
        let instance = self.instantiate(&mut *store)?;
        let policy = instance.weft_scorer_policy();
        match call {
            SlotCall::Rank(x) => {
                let rows = policy.call_rank(
                    store,
                    now,
                    config,
                    wit::Task::from(&x.task),
                    &wit::Columns::from(&x.candidates),
                    x.tie_seed,
                )?;
                Ok(rows
                    .map(|rows| SlotReply::Rank(rows.into_iter().map(Into::into).collect()))
                    .map_err(Into::into))
            }
            other => Err(unexpected("scorer", other)),
        }
    }
}

impl From<&ScorerTask> for wit::Task {
    fn from(x: &ScorerTask) -> Self {
        Self {
            critical: x.critical,
            duration: x.duration,
            cores: x.cores,
            memory_mb: x.memory_mb,
            fee: x.fee,
        }
    }
}

impl From<&Columns> for wit::Columns {
    fn from(x: &Columns) -> Self {
        Self {
            rows: x.rows,
            values: x.values.clone(),
            present: x.present.clone(),
        }
    }
}

impl From<wit::Outcome> for Score {
    fn from(x: wit::Outcome) -> Self {
        match x {
            wit::Outcome::Score(x) => Self::Score(x),
            wit::Outcome::Excluded(x) => Self::Excluded(x.into()),
        }
    }
}

impl From<wit::Exclusion> for Exclusion {
    fn from(x: wit::Exclusion) -> Self {
        match x {
            wit::Exclusion::Offline => Self::Offline,
            wit::Exclusion::Unreachable => Self::Unreachable,
            wit::Exclusion::TooLittleCpu => Self::TooLittleCpu,
            wit::Exclusion::TooLittleMemory => Self::TooLittleMemory,
            wit::Exclusion::TooLittleDisk => Self::TooLittleDisk,
            wit::Exclusion::BatteryLow => Self::BatteryLow,
            wit::Exclusion::TooHot => Self::TooHot,
            wit::Exclusion::TooDear => Self::TooDear,
            wit::Exclusion::TooSlow => Self::TooSlow,
            wit::Exclusion::NotTrusted => Self::NotTrusted,
            wit::Exclusion::NotFree => Self::NotFree,
            wit::Exclusion::Other => Self::Other,
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
