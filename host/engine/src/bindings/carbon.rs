//! `weft:carbon@0.1.0`: bindings, and the way between the contract's records and the host's.

use super::{Bound, PolicyState, unexpected};
use wasmtime::Store;
use weft_model::slots::PolicyError;
use weft_model::slots::placement::{Actor, Footprint, Job, Quality, Segment};
use weft_model::slots::time::Source;
use weft_model::{Instant, SlotCall, SlotReply};

#[allow(
    missing_docs,
    reason = "generated from wit/carbon, which documents them"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: ["../../wit/model/0.1.0", "../../wit/carbon/0.1.0"],
        world: "weft:carbon/carbon",
    });
}

pub use generated::CarbonPre;
use generated::exports::weft::carbon::policy as wit;

impl Bound for CarbonPre<PolicyState> {
    fn call(
        &self,
        store: &mut Store<PolicyState>,
        now: Instant,
        config: &Vec<u8>,
        call: &SlotCall,
    ) -> wasmtime::Result<Result<SlotReply, PolicyError>> {
        let instance = self.instantiate(&mut *store)?;
        let policy = instance.weft_carbon_policy();
        match call {
            SlotCall::Carbon(x) => {
                let jobs: Vec<wit::Job> = x.iter().map(Into::into).collect();
                let rows = policy.call_judge(store, now, config, &jobs)?;
                Ok(rows
                    .map(|rows| SlotReply::Carbon(rows.into_iter().map(Into::into).collect()))
                    .map_err(Into::into))
            }
            other => Err(unexpected("carbon", other)),
        }
    }
}

impl From<&Job> for wit::Job {
    fn from(x: &Job) -> Self {
        Self {
            actors: x.actors.iter().map(Into::into).collect(),
            transfer_wh: x.transfer_wh,
            home_source: x.home_source.map(Into::into),
            home_grid: x.home_grid,
        }
    }
}

impl From<&Actor> for wit::Actor {
    fn from(x: &Actor) -> Self {
        Self {
            segments: x.segments.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Segment> for wit::Segment {
    fn from(x: &Segment) -> Self {
        Self {
            from: x.from,
            until: x.until,
            wh: x.wh,
            wh_quality: x.wh_quality.into(),
            source: x.source.into(),
            grid: x.grid,
            grid_quality: x.grid_quality.into(),
        }
    }
}

impl From<Quality> for wit::Quality {
    fn from(x: Quality) -> Self {
        match x {
            Quality::Measured => Self::Measured,
            Quality::Modelled => Self::Modelled,
            Quality::Declared => Self::Declared,
            Quality::Unknown => Self::Unknown,
        }
    }
}

impl From<Source> for wit::Source {
    fn from(x: Source) -> Self {
        match x {
            Source::Solar => Self::Solar,
            Source::Wind => Self::Wind,
            Source::Hydro => Self::Hydro,
            Source::Nuclear => Self::Nuclear,
            Source::Biomass => Self::Biomass,
            Source::Gas => Self::Gas,
            Source::Oil => Self::Oil,
            Source::Coal => Self::Coal,
            Source::Battery => Self::Battery,
            Source::Unknown => Self::Unknown,
        }
    }
}

impl From<wit::Footprint> for Footprint {
    fn from(x: wit::Footprint) -> Self {
        Self {
            emitted_mg: x.emitted_mg,
            avoided_mg: x.avoided_mg,
            quality: x.quality.into(),
        }
    }
}

impl From<wit::Quality> for Quality {
    fn from(x: wit::Quality) -> Self {
        match x {
            wit::Quality::Measured => Self::Measured,
            wit::Quality::Modelled => Self::Modelled,
            wit::Quality::Declared => Self::Declared,
            wit::Quality::Unknown => Self::Unknown,
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
