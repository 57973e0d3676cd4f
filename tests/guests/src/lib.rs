//! Guests that misbehave, one per file in `examples`, each named after what it does.
//!
//! They are well-behaved until they are given a candidate, so that an empty golden vector lets them be installed; what
//! they do then is for the host to survive. `weft_kit::GUESTS` lists them, `weft_kit::guest` builds them. This library
//! holds nothing but the scaffold that most of them share.

#[doc(hidden)]
pub use weft_sdk;

/// A scorer without config and features: `scorer!(|now, task, tie_seed| outcome)`, called for each candidate.
#[macro_export]
macro_rules! scorer {
    (|$now:pat_param, $task:pat_param, $tie_seed:pat_param| $body:expr) => {
        /// The guest.
        pub struct Guest;

        impl weft_sdk::scorer::Scorer for Guest {
            type Config = weft_sdk::config::NoConfig;
            type Candidate = weft_sdk::features::NoFeatures;

            fn score(
                $now: weft_sdk::Instant,
                _: &Self::Config,
                $task: &weft_sdk::scorer::Task,
                _: &Self::Candidate,
                $tie_seed: u64,
            ) -> Result<weft_sdk::scorer::Outcome, weft_sdk::PolicyError> {
                $body
            }
        }

        weft_sdk::export_scorer!(Guest);
    };
}
