//! `weft:quota@0.1.0`: how much of the community's devices a member may use.

use crate::config::{Config, decode};
use crate::{Instant, PolicyError, each_row};

#[doc(hidden)]
#[allow(
    missing_docs,
    reason = "generated from wit/quota, which documents them"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/model/0.1.0", "../../wit/quota/0.1.0"],
        world: "weft:quota/quota",
        with: { "weft:model/types@0.1.0": crate::slots::model::weft::model::types },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
        pub_export_macro: true,
        default_bindings_module: "weft_sdk::slots::quota::bindings",
    });
}

use bindings::exports::weft::quota::policy as wit;
pub use wit::{Contribution, Delay, Request, Reservation, Verdict};

/// The slot's rule: a member's tier, and what a tier admits.
pub trait Quota {
    /// What can be set.
    type Config: Config;

    /// The tier that a member has earned.
    ///
    /// # Errors
    /// When the row breaks the contract.
    fn tier(
        now: Instant,
        config: &Self::Config,
        member: &Contribution,
    ) -> Result<String, PolicyError>;

    /// Whether one more task is admitted.
    ///
    /// # Errors
    /// When the row breaks the contract or names a tier that the config does not have.
    fn admit(
        now: Instant,
        config: &Self::Config,
        request: &Request,
    ) -> Result<Verdict, PolicyError>;
}

/// What the export macro exports.
pub struct Component<P>(std::marker::PhantomData<P>);

impl<P: Quota> wit::Guest for Component<P> {
    fn tiers(
        now: Instant,
        config: Vec<u8>,
        members: Vec<Contribution>,
    ) -> Result<Vec<String>, PolicyError> {
        let config = decode::<P::Config>(&config)?;
        each_row(&members, |m| P::tier(now, &config, m))
    }

    fn admit(
        now: Instant,
        config: Vec<u8>,
        requests: Vec<Request>,
    ) -> Result<Vec<Verdict>, PolicyError> {
        let config = decode::<P::Config>(&config)?;
        each_row(&requests, |r| P::admit(now, &config, r))
    }
}

#[cfg(not(target_family = "wasm"))]
impl<P: Quota> crate::native::Slot for Component<P> {
    type Config = P::Config;
    const NAME: &'static str = "quota";
    const FEATURES: &'static [&'static str] = &[];

    fn call(
        call: &str,
        now: Instant,
        config: &[u8],
        input: crate::native::Value,
    ) -> crate::native::Called {
        use crate::native::{answer, arguments, no_such_call};
        match call {
            "tiers" => answer(<Self as wit::Guest>::tiers(
                now,
                config.to_vec(),
                arguments(input)?,
            )),
            "admit" => answer(<Self as wit::Guest>::admit(
                now,
                config.to_vec(),
                arguments(input)?,
            )),
            _ => no_such_call(call),
        }
    }

    fn expected(call: &str, output: crate::native::Value) -> Result<crate::native::Value, String> {
        match call {
            "tiers" => crate::native::retyped::<Vec<String>>(output),
            _ => crate::native::retyped::<Vec<Verdict>>(output),
        }
    }
}

/// Exports a type that implements [`Quota`].
#[macro_export]
macro_rules! export_quota {
    ($policy:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__policy_allocator!();
            type Exported = $crate::slots::quota::Component<$policy>;
            $crate::slots::quota::bindings::export!(Exported with_types_in $crate::slots::quota::bindings);
        };
        $crate::__policy_tests!($crate::slots::quota::Component<$policy>);
    };
}
