//! Write Weft plugins and workloads in Rust.
//!
//! A plugin is one small file: a [`config!`] struct, for scorers and voting methods a [`features!`] struct, an
//! implementation of its slot's trait, and the slot's export macro.
//!
//! ```
//! use weft_sdk::scorer::{Exclusion, Outcome, Scorer, Task};
//! use weft_sdk::{Instant, PolicyError};
//!
//! weft_sdk::config! {
//!     /// How much each thing counts.
//!     pub struct Config {
//!         /// Points per per cent of clean energy.
//!         pub energy: f64 = 0.5, 0.0..=10.0;
//!     }
//! }
//!
//! weft_sdk::features! {
//!     /// What this scorer reads of a candidate.
//!     pub struct Candidate {
//!         /// Clean share of the energy there, per cent.
//!         pub clean: "energy.percent_clean",
//!     }
//! }
//!
//! struct Greenest;
//! impl Scorer for Greenest {
//!     type Config = Config;
//!     type Candidate = Candidate;
//!     fn score(_: Instant, c: &Config, _: &Task, x: &Candidate, _: u64) -> Result<Outcome, PolicyError> {
//!         Ok(x.clean.map_or(Outcome::Excluded(Exclusion::Other), |p| Outcome::Score(c.energy * p)))
//!     }
//! }
//! ```
//! followed by `weft_sdk::export_scorer!(Greenest);`.
//!
//! On `wasm32` the export macro makes the component's exports. Natively it makes two tests instead: one runs the
//! crate's golden vectors (`vectors/*.json`), the other writes the descriptor (features, config schema, vectors)
//! that `weft plugin build` puts into the component. A policy is a function of its arguments: no clock, no files,
//! no randomness, and floats through [`libm`], so that results don't depend on the platform.

#[cfg(target_family = "wasm")]
pub mod allocator;
pub mod chat;
pub mod config;
pub mod embedder;
pub mod embeddings;
pub mod features;
#[cfg(not(target_family = "wasm"))]
pub mod native;
pub mod ocr;
pub mod slots;
pub mod workload;

pub use libm;
pub use serde;
pub use slots::{
    carbon, consent, demand, emergency, ethics, quota, reputation, reward, scorer, sla, voting,
};

/// UTC milliseconds since 1970, as in `weft:model`.
pub type Instant = i64;

/// Milliseconds in a minute, an hour and a day.
pub const MINUTE_MS: u64 = 60_000;
/// Milliseconds in an hour.
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
/// Milliseconds in a day of 24 hours.
pub const DAY_MS: u64 = 24 * HOUR_MS;

/// What a policy answers when it can't judge; the same type in all slots.
pub use slots::model::weft::model::types::PolicyError;

impl PolicyError {
    /// Names the row that was at fault.
    pub fn in_row(self, row: usize) -> Self {
        match self {
            Self::BadInput(m) => Self::BadInput(format!("row {row}: {m}")),
            Self::Unsupported(m) => Self::Unsupported(format!("row {row}: {m}")),
            other => other,
        }
    }
}

/// Judges each row by itself and names the one that fails.
pub fn each_row<T, R>(
    rows: &[T],
    mut f: impl FnMut(&T) -> Result<R, PolicyError>,
) -> Result<Vec<R>, PolicyError> {
    rows.iter()
        .enumerate()
        .map(|(i, row)| f(row).map_err(|e| e.in_row(i)))
        .collect()
}
