//! `weft:scorer@0.1.0`: which candidate should run a task.

use crate::config::{Config, decode};
use crate::features::{Columns, Features};
use crate::{Instant, PolicyError};

#[doc(hidden)]
#[allow(
    missing_docs,
    reason = "generated from wit/scorer, which documents them"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/model/0.1.0", "../../wit/scorer/0.1.0"],
        world: "weft:scorer/scorer",
        with: { "weft:model/types@0.1.0": crate::slots::model::weft::model::types },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
        pub_export_macro: true,
        default_bindings_module: "weft_sdk::slots::scorer::bindings",
    });
}

use bindings::exports::weft::scorer::policy as wit;
pub use wit::{Exclusion, Outcome, Task};

/// The slot's rule, one candidate at a time.
pub trait Scorer {
    /// What can be set.
    type Config: Config;
    /// What it reads of a candidate.
    type Candidate: Features;

    /// Scores one candidate (finite, the highest wins) or says why it is out.
    ///
    /// # Errors
    /// When the task is not for this policy; the host then keeps the last good version.
    fn score(
        now: Instant,
        config: &Self::Config,
        task: &Task,
        candidate: &Self::Candidate,
        tie_seed: u64,
    ) -> Result<Outcome, PolicyError>;
}

/// What the export macro exports.
pub struct Component<P>(std::marker::PhantomData<P>);

impl<P: Scorer> wit::Guest for Component<P> {
    fn rank(
        now: Instant,
        config: Vec<u8>,
        task: Task,
        candidates: wit::Columns,
        tie_seed: u64,
    ) -> Result<Vec<Outcome>, PolicyError> {
        let config = decode::<P::Config>(&config)?;
        let features = P::Candidate::NAMES.len();
        let columns = Columns::new(
            candidates.rows,
            &candidates.values,
            &candidates.present,
            features,
        )?;
        (0..columns.rows)
            .map(|row| {
                let candidate = P::Candidate::read(&columns, row);
                P::score(now, &config, &task, &candidate, tie_seed).map_err(|e| e.in_row(row))
            })
            .collect()
    }
}

#[cfg(not(target_family = "wasm"))]
impl<P: Scorer> crate::native::Slot for Component<P> {
    type Config = P::Config;
    const NAME: &'static str = "scorer";
    const FEATURES: &'static [&'static str] = P::Candidate::NAMES;

    fn call(
        call: &str,
        now: Instant,
        config: &[u8],
        input: crate::native::Value,
    ) -> crate::native::Called {
        use crate::native::{answer, arguments, no_such_call};
        #[derive(serde::Deserialize)]
        struct Args {
            task: Task,
            candidates: wit::Columns,
            tie_seed: u64,
        }
        match call {
            "rank" => {
                let Args {
                    task,
                    candidates,
                    tie_seed,
                } = arguments(input)?;
                answer(<Self as wit::Guest>::rank(
                    now,
                    config.to_vec(),
                    task,
                    candidates,
                    tie_seed,
                ))
            }
            _ => no_such_call(call),
        }
    }

    fn expected(_: &str, output: crate::native::Value) -> Result<crate::native::Value, String> {
        crate::native::retyped::<Vec<Outcome>>(output)
    }
}

/// Exports a type that implements [`Scorer`].
#[macro_export]
macro_rules! export_scorer {
    ($policy:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__policy_allocator!();
            type Exported = $crate::slots::scorer::Component<$policy>;
            $crate::slots::scorer::bindings::export!(Exported with_types_in $crate::slots::scorer::bindings);
        };
        $crate::__policy_tests!($crate::slots::scorer::Component<$policy>);
    };
}
