//! `weft:reward@0.1.0`: bindings, and the way between the contract's records and the host's.

use super::{Bound, PolicyState, unexpected};
use wasmtime::Store;
use weft_model::slots::PolicyError;
use weft_model::slots::economy::{Payout, Reveal, Settlement, Verifier};
use weft_model::{Instant, SlotCall, SlotReply};

#[allow(
    missing_docs,
    reason = "generated from wit/reward, which documents them"
)]
mod generated {
    wasmtime::component::bindgen!({
        path: ["../../wit/model/0.1.0", "../../wit/reward/0.1.0"],
        world: "weft:reward/reward",
    });
}

pub use generated::RewardPre;
use generated::exports::weft::reward::policy as wit;

impl Bound for RewardPre<PolicyState> {
    fn call(
        &self,
        store: &mut Store<PolicyState>,
        now: Instant,
        config: &Vec<u8>,
        call: &SlotCall,
    ) -> wasmtime::Result<Result<SlotReply, PolicyError>> {
        let instance = self.instantiate(&mut *store)?;
        let policy = instance.weft_reward_policy();
        match call {
            SlotCall::Reward(x) => {
                let settlements: Vec<wit::Settlement> = x.iter().map(Into::into).collect();
                let rows = policy.call_judge(store, now, config, &settlements)?;
                Ok(rows
                    .map(|rows| SlotReply::Reward(rows.into_iter().map(Into::into).collect()))
                    .map_err(Into::into))
            }
            other => Err(unexpected("reward", other)),
        }
    }
}

impl From<&Settlement> for wit::Settlement {
    fn from(x: &Settlement) -> Self {
        Self {
            amount: x.amount,
            accepted: x.accepted,
            quality: x.quality,
            timeliness: x.timeliness,
            worker_stake: x.worker_stake,
            verifiers: x.verifiers.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Verifier> for wit::Verifier {
    fn from(x: &Verifier) -> Self {
        Self {
            reveal: x.reveal.into(),
            reputation: x.reputation,
            stake: x.stake,
        }
    }
}

impl From<Reveal> for wit::Reveal {
    fn from(x: Reveal) -> Self {
        match x {
            Reveal::Agrees => Self::Agrees,
            Reveal::Disagrees => Self::Disagrees,
            Reveal::Missing => Self::Missing,
        }
    }
}

impl From<wit::Payout> for Payout {
    fn from(x: wit::Payout) -> Self {
        Self {
            worker: x.worker,
            verifiers: x.verifiers,
            pool: x.pool,
            refund: x.refund,
            slash_worker: x.slash_worker,
            slash_verifiers: x.slash_verifiers,
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
