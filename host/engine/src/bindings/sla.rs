//! `weft:sla@0.1.0`: bindings, and the way between the contract's records and the host's.

use super::{Bound, PolicyState, unexpected};
use wasmtime::Store;
use weft_model::slots::PolicyError;
use weft_model::slots::time::{DaySpan, Outlook, Plan, SlaRequest, Source};
use weft_model::{Instant, SlotCall, SlotReply};

#[allow(missing_docs, reason = "generated from wit/sla, which documents them")]
mod generated {
    wasmtime::component::bindgen!({
        path: ["../../wit/model/0.1.0", "../../wit/sla/0.1.0"],
        world: "weft:sla/sla",
    });
}

pub use generated::SlaPre;
use generated::exports::weft::sla::policy as wit;

impl Bound for SlaPre<PolicyState> {
    fn call(
        &self,
        store: &mut Store<PolicyState>,
        now: Instant,
        config: &Vec<u8>,
        call: &SlotCall,
    ) -> wasmtime::Result<Result<SlotReply, PolicyError>> {
        let instance = self.instantiate(&mut *store)?;
        let policy = instance.weft_sla_policy();
        match call {
            SlotCall::Sla(x) => {
                let requests: Vec<wit::Request> = x.iter().map(Into::into).collect();
                let rows = policy.call_judge(store, now, config, &requests)?;
                Ok(rows
                    .map(|rows| SlotReply::Sla(rows.into_iter().map(Into::into).collect()))
                    .map_err(Into::into))
            }
            other => Err(unexpected("sla", other)),
        }
    }
}

impl From<&SlaRequest> for wit::Request {
    fn from(x: &SlaRequest) -> Self {
        Self {
            class: x.class.clone(),
            submitted: x.submitted,
            deadline: x.deadline,
            duration: x.duration,
            grid: x.grid,
            forecast: x.forecast.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Outlook> for wit::Outlook {
    fn from(x: &Outlook) -> Self {
        Self {
            from: x.from,
            until: x.until,
            clean: x.clean,
        }
    }
}

impl From<wit::Plan> for Plan {
    fn from(x: wit::Plan) -> Self {
        Self {
            latest_start: x.latest_start,
            clean: x.clean,
            source: x.source.map(Into::into),
            peak: x.peak.map(Into::into),
            delegate: x.delegate,
            interrupt: x.interrupt,
            waiting_breaks: x.waiting_breaks,
            reason: x.reason,
        }
    }
}

impl From<wit::Source> for Source {
    fn from(x: wit::Source) -> Self {
        match x {
            wit::Source::Solar => Self::Solar,
            wit::Source::Wind => Self::Wind,
            wit::Source::Hydro => Self::Hydro,
            wit::Source::Nuclear => Self::Nuclear,
            wit::Source::Biomass => Self::Biomass,
            wit::Source::Gas => Self::Gas,
            wit::Source::Oil => Self::Oil,
            wit::Source::Coal => Self::Coal,
            wit::Source::Battery => Self::Battery,
            wit::Source::Unknown => Self::Unknown,
        }
    }
}

impl From<wit::DaySpan> for DaySpan {
    fn from(x: wit::DaySpan) -> Self {
        Self {
            from: x.from,
            until: x.until,
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
