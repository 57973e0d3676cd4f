//! `weft:carbon@0.1.0`: what a task emitted and avoided.

use crate::config::{Config, decode};
use crate::{Instant, PolicyError, each_row};

#[doc(hidden)]
#[allow(
    missing_docs,
    reason = "generated from wit/carbon, which documents them"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/model/0.1.0", "../../wit/carbon/0.1.0"],
        world: "weft:carbon/carbon",
        with: { "weft:model/types@0.1.0": crate::slots::model::weft::model::types },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
        pub_export_macro: true,
        default_bindings_module: "weft_sdk::slots::carbon::bindings",
    });
}

use bindings::exports::weft::carbon::policy as wit;
pub use wit::{Actor, Footprint, Job, Quality, Segment, Source};

/// The slot's rule, one job at a time.
pub trait Carbon {
    /// What can be set.
    type Config: Config;

    /// Judges one job.
    ///
    /// # Errors
    /// When the row breaks the contract or is not for this policy; the host then applies the slot's failure rule.
    fn judge(now: Instant, config: &Self::Config, job: &Job) -> Result<Footprint, PolicyError>;
}

/// What the export macro exports.
pub struct Component<P>(std::marker::PhantomData<P>);

impl<P: Carbon> wit::Guest for Component<P> {
    fn judge(now: Instant, config: Vec<u8>, rows: Vec<Job>) -> Result<Vec<Footprint>, PolicyError> {
        let config = decode::<P::Config>(&config)?;
        each_row(&rows, |row| P::judge(now, &config, row))
    }
}

#[cfg(not(target_family = "wasm"))]
impl<P: Carbon> crate::native::Slot for Component<P> {
    type Config = P::Config;
    const NAME: &'static str = "carbon";
    const FEATURES: &'static [&'static str] = &[];

    fn call(
        call: &str,
        now: Instant,
        config: &[u8],
        input: crate::native::Value,
    ) -> crate::native::Called {
        use crate::native::{answer, arguments, no_such_call};
        match call {
            "" | "carbon" => answer(<Self as wit::Guest>::judge(
                now,
                config.to_vec(),
                arguments(input)?,
            )),
            _ => no_such_call(call),
        }
    }

    fn expected(_: &str, output: crate::native::Value) -> Result<crate::native::Value, String> {
        crate::native::retyped::<Vec<Footprint>>(output)
    }
}

/// Exports a type that implements [`Carbon`].
#[macro_export]
macro_rules! export_carbon {
    ($policy:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__policy_allocator!();
            type Exported = $crate::slots::carbon::Component<$policy>;
            $crate::slots::carbon::bindings::export!(Exported with_types_in $crate::slots::carbon::bindings);
        };
        $crate::__policy_tests!($crate::slots::carbon::Component<$policy>);
    };
}
