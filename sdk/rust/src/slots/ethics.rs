//! `weft:ethics@0.1.0`: what an owner will never run.

use crate::config::{Config, decode};
use crate::{Instant, PolicyError, each_row};

#[doc(hidden)]
#[allow(
    missing_docs,
    reason = "generated from wit/ethics, which documents them"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/model/0.1.0", "../../wit/ethics/0.1.0"],
        world: "weft:ethics/ethics",
        with: { "weft:model/types@0.1.0": crate::slots::model::weft::model::types },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
        pub_export_macro: true,
        default_bindings_module: "weft_sdk::slots::ethics::bindings",
    });
}

use bindings::exports::weft::ethics::policy as wit;
pub use wit::{Known, Level, Rule, Task, Violation};

/// The slot's rule, one task at a time.
pub trait Ethics {
    /// What can be set.
    type Config: Config;

    /// The violations of one task; none means that it may run.
    ///
    /// # Errors
    /// When a rule can't be understood: the host then blocks, since an owner's broken rule means no.
    fn judge(
        now: Instant,
        config: &Self::Config,
        rules: &[Rule],
        task: &Task,
    ) -> Result<Vec<Violation>, PolicyError>;
}

/// What the export macro exports.
pub struct Component<P>(std::marker::PhantomData<P>);

impl<P: Ethics> wit::Guest for Component<P> {
    fn judge(
        now: Instant,
        config: Vec<u8>,
        rules: Vec<Rule>,
        tasks: Vec<Task>,
    ) -> Result<Vec<Vec<Violation>>, PolicyError> {
        let config = decode::<P::Config>(&config)?;
        each_row(&tasks, |task| P::judge(now, &config, &rules, task))
    }
}

#[cfg(not(target_family = "wasm"))]
impl<P: Ethics> crate::native::Slot for Component<P> {
    type Config = P::Config;
    const NAME: &'static str = "ethics";
    const FEATURES: &'static [&'static str] = &[];

    fn call(
        call: &str,
        now: Instant,
        config: &[u8],
        input: crate::native::Value,
    ) -> crate::native::Called {
        use crate::native::{answer, arguments, no_such_call};
        #[derive(serde::Serialize, serde::Deserialize)]
        struct Args {
            rules: Vec<Rule>,
            tasks: Vec<Task>,
        }
        match call {
            "" | "ethics" => {
                let Args { rules, tasks } = arguments(input)?;
                answer(<Self as wit::Guest>::judge(
                    now,
                    config.to_vec(),
                    rules,
                    tasks,
                ))
            }
            _ => no_such_call(call),
        }
    }

    fn expected(_: &str, output: crate::native::Value) -> Result<crate::native::Value, String> {
        crate::native::retyped::<Vec<Vec<Violation>>>(output)
    }
}

/// Exports a type that implements [`Ethics`].
#[macro_export]
macro_rules! export_ethics {
    ($policy:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__policy_allocator!();
            type Exported = $crate::slots::ethics::Component<$policy>;
            $crate::slots::ethics::bindings::export!(Exported with_types_in $crate::slots::ethics::bindings);
        };
        $crate::__policy_tests!($crate::slots::ethics::Component<$policy>);
    };
}
