//! `weft:reward@0.1.0`: who gets what of an escrow.

use crate::config::{Config, decode};
use crate::{Instant, PolicyError, each_row};

#[doc(hidden)]
#[allow(
    missing_docs,
    reason = "generated from wit/reward, which documents them"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/model/0.1.0", "../../wit/reward/0.1.0"],
        world: "weft:reward/reward",
        with: { "weft:model/types@0.1.0": crate::slots::model::weft::model::types },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
        pub_export_macro: true,
        default_bindings_module: "weft_sdk::slots::reward::bindings",
    });
}

use bindings::exports::weft::reward::policy as wit;
pub use wit::{Payout, Reveal, Settlement, Verifier};

/// The slot's rule, one settlement at a time.
pub trait Reward {
    /// What can be set.
    type Config: Config;

    /// Judges one settlement.
    ///
    /// # Errors
    /// When the row breaks the contract or is not for this policy; the host then applies the slot's failure rule.
    fn judge(
        now: Instant,
        config: &Self::Config,
        settlement: &Settlement,
    ) -> Result<Payout, PolicyError>;
}

/// What the export macro exports.
pub struct Component<P>(std::marker::PhantomData<P>);

impl<P: Reward> wit::Guest for Component<P> {
    fn judge(
        now: Instant,
        config: Vec<u8>,
        rows: Vec<Settlement>,
    ) -> Result<Vec<Payout>, PolicyError> {
        let config = decode::<P::Config>(&config)?;
        each_row(&rows, |row| P::judge(now, &config, row))
    }
}

#[cfg(not(target_family = "wasm"))]
impl<P: Reward> crate::native::Slot for Component<P> {
    type Config = P::Config;
    const NAME: &'static str = "reward";
    const FEATURES: &'static [&'static str] = &[];

    fn call(
        call: &str,
        now: Instant,
        config: &[u8],
        input: crate::native::Value,
    ) -> crate::native::Called {
        use crate::native::{answer, arguments, no_such_call};
        match call {
            "" | "reward" => answer(<Self as wit::Guest>::judge(
                now,
                config.to_vec(),
                arguments(input)?,
            )),
            _ => no_such_call(call),
        }
    }

    fn expected(_: &str, output: crate::native::Value) -> Result<crate::native::Value, String> {
        crate::native::retyped::<Vec<Payout>>(output)
    }
}

/// Exports a type that implements [`Reward`].
#[macro_export]
macro_rules! export_reward {
    ($policy:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__policy_allocator!();
            type Exported = $crate::slots::reward::Component<$policy>;
            $crate::slots::reward::bindings::export!(Exported with_types_in $crate::slots::reward::bindings);
        };
        $crate::__policy_tests!($crate::slots::reward::Component<$policy>);
    };
}
