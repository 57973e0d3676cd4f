//! `weft:consent@0.1.0`: bindings, and the way between the contract's records and the host's.

use super::{Bound, PolicyState, unexpected};
use wasmtime::Store;
use weft_model::slots::PolicyError;
use weft_model::slots::time::{
    ConsentRequest, ConsentUrgency, ConsentVerdict, Deferral, Interval, Role,
};
use weft_model::{Instant, SlotCall, SlotReply};

#[allow(
    missing_docs,
    reason = "generated from wit/consent, which documents them"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: ["../../wit/model/0.1.0", "../../wit/consent/0.1.0"],
        world: "weft:consent/consent",
    });
}

pub use generated::ConsentPre;
use generated::exports::weft::consent::policy as wit;

impl Bound for ConsentPre<PolicyState> {
    fn call(
        &self,
        store: &mut Store<PolicyState>,
        now: Instant,
        config: &Vec<u8>,
        call: &SlotCall,
    ) -> wasmtime::Result<Result<SlotReply, PolicyError>> {
        let instance = self.instantiate(&mut *store)?;
        let policy = instance.weft_consent_policy();
        match call {
            SlotCall::Consent(x) => {
                let requests: Vec<wit::Request> = x.iter().map(Into::into).collect();
                let rows = policy.call_judge(store, now, config, &requests)?;
                Ok(rows
                    .map(|rows| SlotReply::Consent(rows.into_iter().map(Into::into).collect()))
                    .map_err(Into::into))
            }
            other => Err(unexpected("consent", other)),
        }
    }
}

impl From<&ConsentRequest> for wit::Request {
    fn from(x: &ConsentRequest) -> Self {
        Self {
            role: x.role.into(),
            hours_set: x.hours_set,
            windows: x.windows.iter().map(Into::into).collect(),
            last_run: x.last_run,
            idle: x.idle,
            duration: x.duration,
            urgency: x.urgency.into(),
            critical_any_hour: x.critical_any_hour,
            critical_any_idle: x.critical_any_idle,
        }
    }
}

impl From<Role> for wit::Role {
    fn from(x: Role) -> Self {
        match x {
            Role::Submitter => Self::Submitter,
            Role::Executor => Self::Executor,
        }
    }
}

impl From<&Interval> for wit::Interval {
    fn from(x: &Interval) -> Self {
        Self {
            from: x.from,
            until: x.until,
        }
    }
}

impl From<ConsentUrgency> for wit::Urgency {
    fn from(x: ConsentUrgency) -> Self {
        match x {
            ConsentUrgency::Low => Self::Low,
            ConsentUrgency::Normal => Self::Normal,
            ConsentUrgency::High => Self::High,
            ConsentUrgency::Critical => Self::Critical,
        }
    }
}

impl From<wit::Verdict> for ConsentVerdict {
    fn from(x: wit::Verdict) -> Self {
        match x {
            wit::Verdict::Allow => Self::Allow,
            wit::Verdict::Defer(x) => Self::Defer(x.into()),
        }
    }
}

impl From<wit::Deferral> for Deferral {
    fn from(x: wit::Deferral) -> Self {
        Self {
            until: x.until,
            reason: x.reason,
            idle_left: x.idle_left,
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
