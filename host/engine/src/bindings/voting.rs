//! `weft:voting@0.1.0`: bindings, and the way between the contract's records and the host's.

use super::{Bound, PolicyState, unexpected};
use wasmtime::Store;
use weft_model::Columns;
use weft_model::slots::PolicyError;
use weft_model::slots::votes::{Outcome, Statistic, Tally};
use weft_model::{Instant, SlotCall, SlotReply};

#[allow(
    missing_docs,
    reason = "generated from wit/voting, which documents them"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: ["../../wit/model/0.1.0", "../../wit/voting/0.1.0"],
        world: "weft:voting/voting",
    });
}

pub use generated::VotingPre;
use generated::exports::weft::voting::policy as wit;

impl Bound for VotingPre<PolicyState> {
    fn call(
        &self,
        store: &mut Store<PolicyState>,
        now: Instant,
        config: &Vec<u8>,
        call: &SlotCall,
    ) -> wasmtime::Result<Result<SlotReply, PolicyError>> {
        let instance = self.instantiate(&mut *store)?;
        let policy = instance.weft_voting_policy();
        match call {
            SlotCall::Weigh(x) => {
                let statistics: Vec<wit::Statistic> = x.statistics.iter().map(Into::into).collect();
                let rows = policy.call_weigh(
                    store,
                    now,
                    config,
                    &wit::Columns::from(&x.voters),
                    &statistics,
                )?;
                Ok(rows.map(SlotReply::Weigh).map_err(Into::into))
            }
            SlotCall::Conclude(x) => {
                let tallies: Vec<wit::Tally> = x.iter().map(Into::into).collect();
                let rows = policy.call_conclude(store, now, config, &tallies)?;
                Ok(rows
                    .map(|rows| SlotReply::Conclude(rows.into_iter().map(Into::into).collect()))
                    .map_err(Into::into))
            }
            other => Err(unexpected("voting", other)),
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

impl From<&Statistic> for wit::Statistic {
    fn from(x: &Statistic) -> Self {
        Self {
            min: x.min,
            max: x.max,
            sum: x.sum,
            count: x.count,
        }
    }
}

impl From<&Tally> for wit::Tally {
    fn from(x: &Tally) -> Self {
        Self {
            totals: x.totals.clone(),
            eligible: x.eligible,
            cast: x.cast,
            closed: x.closed,
        }
    }
}

impl From<wit::Outcome> for Outcome {
    fn from(x: wit::Outcome) -> Self {
        Self {
            consensus: x.consensus,
            confidence: x.confidence,
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
