//! `weft:demand@0.1.0`: how wanted a skill is.

use crate::config::{Config, decode};
use crate::{Instant, PolicyError, each_row};

#[doc(hidden)]
#[allow(
    missing_docs,
    reason = "generated from wit/demand, which documents them"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/model/0.1.0", "../../wit/demand/0.1.0"],
        world: "weft:demand/demand",
        with: { "weft:model/types@0.1.0": crate::slots::model::weft::model::types },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
        pub_export_macro: true,
        default_bindings_module: "weft_sdk::slots::demand::bindings",
    });
}

use bindings::exports::weft::demand::policy as wit;
pub use wit::{Advice, Item, Verdict};

/// The slot's rule, one item at a time.
pub trait Demand {
    /// What can be set.
    type Config: Config;

    /// Judges one item.
    ///
    /// # Errors
    /// When the row breaks the contract or is not for this policy; the host then applies the slot's failure rule.
    fn judge(now: Instant, config: &Self::Config, item: &Item) -> Result<Verdict, PolicyError>;
}

/// What the export macro exports.
pub struct Component<P>(std::marker::PhantomData<P>);

impl<P: Demand> wit::Guest for Component<P> {
    fn judge(now: Instant, config: Vec<u8>, rows: Vec<Item>) -> Result<Vec<Verdict>, PolicyError> {
        let config = decode::<P::Config>(&config)?;
        each_row(&rows, |row| P::judge(now, &config, row))
    }
}

#[cfg(not(target_family = "wasm"))]
impl<P: Demand> crate::native::Slot for Component<P> {
    type Config = P::Config;
    const NAME: &'static str = "demand";
    const FEATURES: &'static [&'static str] = &[];

    fn call(
        call: &str,
        now: Instant,
        config: &[u8],
        input: crate::native::Value,
    ) -> crate::native::Called {
        use crate::native::{answer, arguments, no_such_call};
        match call {
            "" | "demand" => answer(<Self as wit::Guest>::judge(
                now,
                config.to_vec(),
                arguments(input)?,
            )),
            _ => no_such_call(call),
        }
    }

    fn expected(_: &str, output: crate::native::Value) -> Result<crate::native::Value, String> {
        crate::native::retyped::<Vec<Verdict>>(output)
    }
}

/// Exports a type that implements [`Demand`].
#[macro_export]
macro_rules! export_demand {
    ($policy:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__policy_allocator!();
            type Exported = $crate::slots::demand::Component<$policy>;
            $crate::slots::demand::bindings::export!(Exported with_types_in $crate::slots::demand::bindings);
        };
        $crate::__policy_tests!($crate::slots::demand::Component<$policy>);
    };
}
