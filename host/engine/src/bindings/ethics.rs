//! `weft:ethics@0.1.0`: bindings, and the way between the contract's records and the host's.

use super::{Bound, PolicyState, unexpected};
use wasmtime::Store;
use weft_model::slots::PolicyError;
use weft_model::slots::ethics::{EthicsTask, Known, Level, Rule, Violation};
use weft_model::{Instant, SlotCall, SlotReply};

#[allow(
    missing_docs,
    reason = "generated from wit/ethics, which documents them"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: ["../../wit/model/0.1.0", "../../wit/ethics/0.1.0"],
        world: "weft:ethics/ethics",
    });
}

pub use generated::EthicsPre;
use generated::exports::weft::ethics::policy as wit;

impl Bound for EthicsPre<PolicyState> {
    fn call(
        &self,
        store: &mut Store<PolicyState>,
        now: Instant,
        config: &Vec<u8>,
        call: &SlotCall,
    ) -> wasmtime::Result<Result<SlotReply, PolicyError>> {
        let instance = self.instantiate(&mut *store)?;
        let policy = instance.weft_ethics_policy();
        match call {
            SlotCall::Ethics(x) => {
                let rules: Vec<wit::Rule> = x.rules.iter().map(Into::into).collect();
                let tasks: Vec<wit::Task> = x.tasks.iter().map(Into::into).collect();
                let rows = policy.call_judge(store, now, config, &rules, &tasks)?;
                Ok(rows
                    .map(|rows| {
                        SlotReply::Ethics(
                            rows.into_iter()
                                .map(|row| row.into_iter().map(Into::into).collect())
                                .collect(),
                        )
                    })
                    .map_err(Into::into))
            }
            other => Err(unexpected("ethics", other)),
        }
    }
}

impl From<&Rule> for wit::Rule {
    fn from(x: &Rule) -> Self {
        Self {
            id: x.id.clone(),
            kind: x.kind.clone(),
            value: x.value.clone(),
            level: x.level.into(),
        }
    }
}

impl From<Level> for wit::Level {
    fn from(x: Level) -> Self {
        match x {
            Level::Warn => Self::Warn,
            Level::Strict => Self::Strict,
        }
    }
}

impl From<&EthicsTask> for wit::Task {
    fn from(x: &EthicsTask) -> Self {
        Self {
            name: x.name.clone(),
            tags: x.tags.clone(),
            watts: x.watts,
            watts_known: x.watts_known.into(),
            duration: x.duration,
            memory_mb: x.memory_mb,
        }
    }
}

impl From<Known> for wit::Known {
    fn from(x: Known) -> Self {
        match x {
            Known::Measured => Self::Measured,
            Known::Modelled => Self::Modelled,
            Known::Declared => Self::Declared,
            Known::Unknown => Self::Unknown,
        }
    }
}

impl From<wit::Violation> for Violation {
    fn from(x: wit::Violation) -> Self {
        Self {
            rule: x.rule,
            kind: x.kind,
            observed: x.observed,
            limit: x.limit,
            hard: x.hard,
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
