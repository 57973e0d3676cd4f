//! Policies: compiled once, a fresh instance for every call, every limit enforced.

use crate::bindings::{self, Bound, PolicyState};
use crate::compile::{Compiler, Target, compile};
use crate::error::{CallError, CheckError, ended};
use crate::inspect::{FEATURES, Inspected, Kind, inspect};
use crate::limits::{EPOCH_MS, MESSAGE_BYTES, STACK_BYTES};
use crate::ticker::Ticker;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::os::fd::AsRawFd;
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Config, Engine, ResourceLimiter, Store};
use weft_model::limits as model_limits;
use weft_model::slots::PolicyError;
use weft_model::slots::placement::{Rank, Score};
use weft_model::{Instant, Slot, SlotCall, SlotReply};

/// What a policy may use in one call. A release names its own, at most these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyLimits {
    /// Fuel.
    pub fuel: u64,
    /// Linear memory and tables, in bytes.
    pub memory_bytes: u64,
    /// Wall time, in milliseconds.
    pub deadline_ms: u64,
    /// Bytes copied out of the guest.
    pub output_bytes: u64,
}

impl Default for PolicyLimits {
    fn default() -> Self {
        Self {
            fuel: model_limits::POLICY_FUEL,
            memory_bytes: model_limits::POLICY_MEMORY_BYTES,
            deadline_ms: model_limits::POLICY_DEADLINE_MS,
            output_bytes: model_limits::POLICY_OUTPUT_BYTES,
        }
    }
}

/// The engine for policies.
///
/// Memory is plain (no reservation, no guard pages, no copy-on-write image), since a policy's memory is small and a
/// fresh instance for every call must be cheap. Fuel depends on that, so the profile names it.
pub struct PolicyEngine {
    engine: Engine,
    ticker: Ticker,
    compiler: Compiler,
}

/// A compiled and linked policy.
pub struct Policy {
    slot: Slot,
    bound: Box<dyn Bound>,
    engine: Engine,
    limits: PolicyLimits,
}

/// What a call gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Called {
    /// The answer, with one row per row asked.
    pub reply: SlotReply,
    /// Fuel used.
    pub fuel: u64,
}

impl PolicyEngine {
    /// Makes the engine and its epoch thread.
    ///
    /// # Errors
    /// When this processor or system is not supported.
    pub fn new() -> wasmtime::Result<Self> {
        let engine = Engine::new(&config())?;
        let ticker = Ticker::start(&engine);
        Ok(Self {
            engine,
            ticker,
            compiler: Compiler::Here,
        })
    }

    /// The same engine with its components compiled there.
    #[must_use]
    pub fn compiling(self, compiler: Compiler) -> Self {
        Self { compiler, ..self }
    }

    /// Names everything of this engine that fuel depends on; outputs compare across profiles, fuel does not.
    pub fn profile(&self) -> &'static str {
        "policy-1 wasmtime-48 copied-memory nan-canonical"
    }

    /// Names this very engine for the native cache: version, target and settings.
    pub fn cache_key(&self) -> String {
        crate::workload::compatibility(&self.engine)
    }

    /// Compiles within the time limit and gives native code for the cache, made from these very bytes.
    ///
    /// # Errors
    /// What [`inspect`] refuses, a compiler error, or too long a compilation.
    pub fn precompile(&self, bytes: &[u8]) -> Result<(Inspected, Vec<u8>), CheckError> {
        self.precompile_by(&self.compiler, bytes)
    }

    /// As [`Self::precompile`], in this process: for components that are trusted anyway.
    ///
    /// # Errors
    /// As [`Self::precompile`].
    pub fn precompile_here(&self, bytes: &[u8]) -> Result<(Inspected, Vec<u8>), CheckError> {
        self.precompile_by(&Compiler::Here, bytes)
    }

    fn precompile_by(
        &self,
        compiler: &Compiler,
        bytes: &[u8],
    ) -> Result<(Inspected, Vec<u8>), CheckError> {
        let inspected = inspect(bytes)?;
        let code = compile(&self.engine, compiler, Target::Policy, bytes)?;
        Ok((inspected, code))
    }

    /// Links native code that [`Self::precompile`] made and the cache gave back.
    ///
    /// # Errors
    /// When the code is of another engine, or the component does not fit its slot's world.
    pub fn load(
        &self,
        slot: Slot,
        code: &[u8],
        limits: PolicyLimits,
    ) -> Result<Policy, CheckError> {
        let component = deserialize(&self.engine, code)?;
        let wrong = |e: wasmtime::Error| CheckError::WrongWorld {
            found: weft_model::text::printable(&format!("{e:#}"), MESSAGE_BYTES),
            wanted: slot.world(),
        };
        let pre: InstancePre<PolicyState> = Linker::new(&self.engine)
            .instantiate_pre(&component)
            .map_err(wrong)?;
        let bound: Box<dyn Bound> = match slot {
            Slot::Override => Box::new(bindings::emergency::EmergencyPre::new(pre).map_err(wrong)?),
            Slot::Voting => Box::new(bindings::voting::VotingPre::new(pre).map_err(wrong)?),
            Slot::Sla => Box::new(bindings::sla::SlaPre::new(pre).map_err(wrong)?),
            Slot::Consent => Box::new(bindings::consent::ConsentPre::new(pre).map_err(wrong)?),
            Slot::Ethics => Box::new(bindings::ethics::EthicsPre::new(pre).map_err(wrong)?),
            Slot::Quota => Box::new(bindings::quota::QuotaPre::new(pre).map_err(wrong)?),
            Slot::Scorer => Box::new(bindings::scorer::ScorerPre::new(pre).map_err(wrong)?),
            Slot::Reward => Box::new(bindings::reward::RewardPre::new(pre).map_err(wrong)?),
            Slot::Reputation => {
                Box::new(bindings::reputation::ReputationPre::new(pre).map_err(wrong)?)
            }
            Slot::Carbon => Box::new(bindings::carbon::CarbonPre::new(pre).map_err(wrong)?),
            Slot::Demand => Box::new(bindings::demand::DemandPre::new(pre).map_err(wrong)?),
        };
        Ok(Policy {
            slot,
            bound,
            engine: self.engine.clone(),
            limits,
        })
    }

    /// Compiles and links in one step, without a cache.
    ///
    /// # Errors
    /// As [`Self::precompile`] and [`Self::load`]; a workload is refused.
    pub fn compile(&self, bytes: &[u8], limits: PolicyLimits) -> Result<Policy, CheckError> {
        let (inspected, code) = self.precompile(bytes)?;
        match inspected.kind {
            Kind::Policy(slot) => self.load(slot, &code, limits),
            Kind::Workload(world) => Err(CheckError::WrongWorld {
                found: world.name().into(),
                wanted: "a policy's world".into(),
            }),
        }
    }

    /// Calls a policy with up to any number of rows; more than 4,096 candidates are asked in several calls.
    ///
    /// # Errors
    /// What ended the call; the instance is gone in any case.
    pub fn call(
        &self,
        policy: &Policy,
        now: Instant,
        config: &Vec<u8>,
        call: &SlotCall,
    ) -> Result<Called, CallError> {
        let _ticking = self.ticker.begin();
        match call {
            SlotCall::Rank(rank) if rank.candidates.rows as usize > model_limits::ROWS_PER_CALL => {
                rank_in_parts(policy, now, config, rank)
            }
            _ => policy.call(now, config, call),
        }
    }
}

/// The settings of the engine; a compile worker has the same.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    config
        .wasm_features(FEATURES.complement(), false)
        .consume_fuel(true)
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        .max_wasm_stack(STACK_BYTES)
        .signals_based_traps(false)
        .memory_reservation(0)
        .memory_guard_size(0)
        .memory_reservation_for_growth(0)
        .memory_init_cow(false)
        .wasm_backtrace_max_frames(None)
        .concurrency_support(false);
    config
}

impl Policy {
    /// The slot that it serves.
    pub fn slot(&self) -> Slot {
        self.slot
    }

    fn call(&self, now: Instant, config: &Vec<u8>, call: &SlotCall) -> Result<Called, CallError> {
        let state = PolicyState {
            memory_bytes: self.limits.memory_bytes as usize,
            memory_denied: false,
        };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| state as &mut dyn ResourceLimiter);
        store.set_epoch_deadline(self.limits.deadline_ms.div_ceil(EPOCH_MS) + 1);
        store.set_hostcall_fuel(self.limits.output_bytes as usize);
        // Setting fuel fails only on an engine without it.
        store
            .set_fuel(self.limits.fuel)
            .map_err(|e| ended(&e, false))?;
        let outcome = self.bound.call(&mut store, now, config, call);
        let fuel = self.limits.fuel - store.get_fuel().unwrap_or(0);
        let reply = match outcome {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => return Err(CallError::Policy(bounded_message(error))),
            Err(error) => return Err(ended(&error, store.data().memory_denied)),
        };
        check_reply(call, &reply).map_err(CallError::Contract)?;
        Ok(Called { reply, fuel })
    }
}

impl ResourceLimiter for PolicyState {
    fn memory_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired <= self.memory_bytes {
            return Ok(true);
        }
        self.memory_denied = true;
        Err(wasmtime::Error::msg("memory limit"))
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if desired.saturating_mul(size_of::<usize>()) <= self.memory_bytes {
            return Ok(true);
        }
        self.memory_denied = true;
        Err(wasmtime::Error::msg("table limit"))
    }
}

/// A row's outcome depends on its row alone, so candidates beyond one call's limit go into further calls.
fn rank_in_parts(
    policy: &Policy,
    now: Instant,
    config: &Vec<u8>,
    rank: &Rank,
) -> Result<Called, CallError> {
    let mut scores: Vec<Score> = Vec::with_capacity(rank.candidates.rows as usize);
    let mut fuel = 0;
    for candidates in rank.candidates.chunks(model_limits::ROWS_PER_CALL) {
        let part = Rank {
            task: rank.task.clone(),
            candidates,
            tie_seed: rank.tie_seed,
        };
        let called = policy.call(now, config, &SlotCall::Rank(part))?;
        fuel += called.fuel;
        if let SlotReply::Rank(mut part) = called.reply {
            scores.append(&mut part);
        }
    }
    Ok(Called {
        reply: SlotReply::Rank(scores),
        fuel,
    })
}

/// What every answer must fulfil: a row for each row asked, and finite numbers.
fn check_reply(call: &SlotCall, reply: &SlotReply) -> Result<(), String> {
    if call.rows() != reply.rows() {
        return Err(format!(
            "answered {} rows for {}",
            reply.rows(),
            call.rows()
        ));
    }
    let finite = |row: usize, what: &str, x: f64| {
        if x.is_finite() {
            Ok(())
        } else {
            Err(format!("row {row}: {what} is {x}"))
        }
    };
    match reply {
        SlotReply::Rank(scores) => scores.iter().enumerate().try_for_each(|(i, s)| match s {
            Score::Score(x) => finite(i, "the score", *x),
            Score::Excluded(_) => Ok(()),
        }),
        SlotReply::Weigh(weights) => weights.iter().enumerate().try_for_each(|(i, w)| {
            finite(i, "the weight", *w)?;
            if *w < 0.0 {
                Err(format!("row {i}: the weight is negative"))
            } else {
                Ok(())
            }
        }),
        SlotReply::Conclude(outcomes) => outcomes.iter().enumerate().try_for_each(|(i, o)| {
            finite(i, "the confidence", o.confidence)?;
            let SlotCall::Conclude(tallies) = call else {
                return Ok(());
            };
            match o.consensus {
                Some(option) if option as usize >= tallies[i].totals.len() => {
                    Err(format!("row {i}: there is no option {option}"))
                }
                _ => Ok(()),
            }
        }),
        SlotReply::Sla(plans) => plans
            .iter()
            .enumerate()
            .try_for_each(|(i, p)| finite(i, "the clean share", p.clean)),
        SlotReply::Reputation(scores) => scores.iter().enumerate().try_for_each(|(i, s)| {
            finite(i, "the score", s.value)?;
            finite(i, "the uncertainty", s.uncertainty)
        }),
        SlotReply::Demand(verdicts) => verdicts.iter().enumerate().try_for_each(|(i, v)| {
            finite(i, "the demand", v.demand)?;
            finite(i, "the urgency", v.urgency)
        }),
        SlotReply::Reward(payouts) => {
            let SlotCall::Reward(settlements) = call else {
                return Ok(());
            };
            payouts
                .iter()
                .zip(settlements)
                .enumerate()
                .try_for_each(|(i, (p, s))| {
                    let paid = p.verifiers.iter().map(|x| u128::from(*x)).sum::<u128>()
                        + u128::from(p.worker)
                        + u128::from(p.pool)
                        + u128::from(p.refund);
                    if paid != u128::from(s.amount) || p.verifiers.len() != s.verifiers.len() {
                        return Err(format!("row {i}: pays {paid} of {}", s.amount));
                    }
                    Ok(())
                })
        }
        _ => Ok(()),
    }
}

fn bounded_message(error: PolicyError) -> PolicyError {
    let cut = |m: String| weft_model::text::printable(&m, MESSAGE_BYTES);
    match error {
        PolicyError::BadConfig(m) => PolicyError::BadConfig(cut(m)),
        PolicyError::BadInput(m) => PolicyError::BadInput(cut(m)),
        PolicyError::Unsupported(m) => PolicyError::Unsupported(cut(m)),
    }
}

/// As [`deserialize`] for a file that stands open: it is mapped, not read.
#[allow(
    unsafe_code,
    reason = "the only way to load compiled code; see the comment"
)]
pub(crate) fn deserialize_file(engine: &Engine, code: &File) -> Result<Component, CheckError> {
    let path = format!("/dev/fd/{}", code.as_raw_fd());
    // SAFETY: the file is in the private cache, and the caller compared its digest, read through this descriptor,
    // with the one that is kept in the database.
    unsafe { Component::deserialize_file(engine, path) }.map_err(|e| {
        CheckError::Compile(weft_model::text::printable(
            &format!("{e:#}"),
            MESSAGE_BYTES,
        ))
    })
}

/// Loads native code that this process compiled, or that the cache gave back after comparing its digest.
#[allow(
    unsafe_code,
    reason = "the only way to load compiled code; see the comment"
)]
pub(crate) fn deserialize(engine: &Engine, code: &[u8]) -> Result<Component, CheckError> {
    // SAFETY: `code` is what `precompile_component` gave, in this process or in an earlier one whose digest of it
    // was kept in the database; never bytes from a user or the network.
    unsafe { Component::deserialize(engine, code) }.map_err(|e| {
        CheckError::Compile(weft_model::text::printable(
            &format!("{e:#}"),
            MESSAGE_BYTES,
        ))
    })
}
