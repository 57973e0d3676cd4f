//! `weft:reputation@0.1.0`: how far a peer's past speaks for it.

use crate::config::{Config, decode};
use crate::{Instant, PolicyError, each_row};

#[doc(hidden)]
#[allow(
    missing_docs,
    reason = "generated from wit/reputation, which documents them"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/model/0.1.0", "../../wit/reputation/0.1.0"],
        world: "weft:reputation/reputation",
        with: { "weft:model/types@0.1.0": crate::slots::model::weft::model::types },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
        pub_export_macro: true,
        default_bindings_module: "weft_sdk::slots::reputation::bindings",
    });
}

use bindings::exports::weft::reputation::policy as wit;
pub use wit::{Receipt, Role, Score, Subject};

/// The slot's rule, one subject at a time.
pub trait Reputation {
    /// What can be set.
    type Config: Config;

    /// Judges one subject.
    ///
    /// # Errors
    /// When the row breaks the contract or is not for this policy; the host then applies the slot's failure rule.
    fn judge(now: Instant, config: &Self::Config, subject: &Subject) -> Result<Score, PolicyError>;
}

/// What the export macro exports.
pub struct Component<P>(std::marker::PhantomData<P>);

impl<P: Reputation> wit::Guest for Component<P> {
    fn judge(now: Instant, config: Vec<u8>, rows: Vec<Subject>) -> Result<Vec<Score>, PolicyError> {
        let config = decode::<P::Config>(&config)?;
        each_row(&rows, |row| P::judge(now, &config, row))
    }
}

#[cfg(not(target_family = "wasm"))]
impl<P: Reputation> crate::native::Slot for Component<P> {
    type Config = P::Config;
    const NAME: &'static str = "reputation";
    const FEATURES: &'static [&'static str] = &[];

    fn call(
        call: &str,
        now: Instant,
        config: &[u8],
        input: crate::native::Value,
    ) -> crate::native::Called {
        use crate::native::{answer, arguments, no_such_call};
        match call {
            "" | "reputation" => answer(<Self as wit::Guest>::judge(
                now,
                config.to_vec(),
                arguments(input)?,
            )),
            _ => no_such_call(call),
        }
    }

    fn expected(_: &str, output: crate::native::Value) -> Result<crate::native::Value, String> {
        crate::native::retyped::<Vec<Score>>(output)
    }
}

/// Exports a type that implements [`Reputation`].
#[macro_export]
macro_rules! export_reputation {
    ($policy:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__policy_allocator!();
            type Exported = $crate::slots::reputation::Component<$policy>;
            $crate::slots::reputation::bindings::export!(Exported with_types_in $crate::slots::reputation::bindings);
        };
        $crate::__policy_tests!($crate::slots::reputation::Component<$policy>);
    };
}
