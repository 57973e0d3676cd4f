//! `weft:voting@0.1.0`: what a vote weighs, and when a tally has decided.

use crate::config::{Config, decode};
use crate::features::{Columns, Features};
use crate::{Instant, PolicyError, each_row};

#[doc(hidden)]
#[allow(
    missing_docs,
    reason = "generated from wit/voting, which documents them"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/model/0.1.0", "../../wit/voting/0.1.0"],
        world: "weft:voting/voting",
        with: { "weft:model/types@0.1.0": crate::slots::model::weft::model::types },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
        pub_export_macro: true,
        default_bindings_module: "weft_sdk::slots::voting::bindings",
    });
}

use bindings::exports::weft::voting::policy as wit;
pub use wit::{Outcome, Statistic, Tally};

/// The slot's rule: the weight of a voter, and the conclusion of a tally.
pub trait Voting {
    /// What can be set.
    type Config: Config;
    /// What it reads of a voter.
    type Voter: Features;

    /// The weight of one voter: finite, not negative. `statistics` has one entry per feature of [`Self::Voter`].
    ///
    /// # Errors
    /// When the row breaks the contract.
    fn weigh(
        now: Instant,
        config: &Self::Config,
        voter: &Self::Voter,
        statistics: &[Statistic],
    ) -> Result<f64, PolicyError>;

    /// What a tally says.
    ///
    /// # Errors
    /// When the row breaks the contract.
    fn conclude(now: Instant, config: &Self::Config, tally: &Tally)
    -> Result<Outcome, PolicyError>;
}

/// The option that holds at least `decisive` (0 to 1) of the weight cast, alone in the lead; none otherwise.
///
/// # Errors
/// `BadInput` when a total is negative or not finite.
pub fn decide_by_share(tally: &Tally, decisive: f64) -> Result<Outcome, PolicyError> {
    if let Some(bad) = tally.totals.iter().find(|t| !t.is_finite() || **t < 0.0) {
        return Err(PolicyError::BadInput(format!("a total is {bad}")));
    }
    let all: f64 = tally.totals.iter().sum();
    if all <= 0.0 {
        return Ok(Outcome {
            consensus: None,
            confidence: 0.0,
        });
    }
    let lead = tally.totals.iter().copied().fold(0.0, f64::max);
    let leaders = tally.totals.iter().filter(|t| **t == lead).count();
    let confidence = lead / all;
    let winner = tally.totals.iter().position(|t| *t == lead);
    Ok(Outcome {
        consensus: winner
            .filter(|_| leaders == 1 && confidence >= decisive)
            .map(|i| i as u32),
        confidence,
    })
}

/// What the export macro exports.
pub struct Component<P>(std::marker::PhantomData<P>);

impl<P: Voting> wit::Guest for Component<P> {
    fn weigh(
        now: Instant,
        config: Vec<u8>,
        voters: wit::Columns,
        statistics: Vec<Statistic>,
    ) -> Result<Vec<f64>, PolicyError> {
        let config = decode::<P::Config>(&config)?;
        let features = P::Voter::NAMES.len();
        if statistics.len() != features {
            return Err(PolicyError::BadInput(format!(
                "{features} features need as many statistics, got {}",
                statistics.len()
            )));
        }
        let columns = Columns::new(voters.rows, &voters.values, &voters.present, features)?;
        (0..columns.rows)
            .map(|row| {
                P::weigh(now, &config, &P::Voter::read(&columns, row), &statistics)
                    .map_err(|e| e.in_row(row))
            })
            .collect()
    }

    fn conclude(
        now: Instant,
        config: Vec<u8>,
        tallies: Vec<Tally>,
    ) -> Result<Vec<Outcome>, PolicyError> {
        let config = decode::<P::Config>(&config)?;
        each_row(&tallies, |t| P::conclude(now, &config, t))
    }
}

#[cfg(not(target_family = "wasm"))]
impl<P: Voting> crate::native::Slot for Component<P> {
    type Config = P::Config;
    const NAME: &'static str = "voting";
    const FEATURES: &'static [&'static str] = P::Voter::NAMES;

    fn call(
        call: &str,
        now: Instant,
        config: &[u8],
        input: crate::native::Value,
    ) -> crate::native::Called {
        use crate::native::{answer, arguments, no_such_call};
        #[derive(serde::Deserialize)]
        struct Weigh {
            voters: wit::Columns,
            statistics: Vec<Statistic>,
        }
        match call {
            "weigh" => {
                let Weigh { voters, statistics } = arguments(input)?;
                answer(<Self as wit::Guest>::weigh(
                    now,
                    config.to_vec(),
                    voters,
                    statistics,
                ))
            }
            "conclude" => answer(<Self as wit::Guest>::conclude(
                now,
                config.to_vec(),
                arguments(input)?,
            )),
            _ => no_such_call(call),
        }
    }

    fn expected(call: &str, output: crate::native::Value) -> Result<crate::native::Value, String> {
        match call {
            "weigh" => crate::native::retyped::<Vec<f64>>(output),
            _ => crate::native::retyped::<Vec<Outcome>>(output),
        }
    }
}

/// Exports a type that implements [`Voting`].
#[macro_export]
macro_rules! export_voting {
    ($policy:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__policy_allocator!();
            type Exported = $crate::slots::voting::Component<$policy>;
            $crate::slots::voting::bindings::export!(Exported with_types_in $crate::slots::voting::bindings);
        };
        $crate::__policy_tests!($crate::slots::voting::Component<$policy>);
    };
}
