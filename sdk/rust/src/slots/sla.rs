//! `weft:sla@0.1.0`: how long a task may wait for clean energy.

use crate::config::{Config, decode};
use crate::{Instant, PolicyError, each_row};

#[doc(hidden)]
#[allow(missing_docs, reason = "generated from wit/sla, which documents them")]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/model/0.1.0", "../../wit/sla/0.1.0"],
        world: "weft:sla/sla",
        with: { "weft:model/types@0.1.0": crate::slots::model::weft::model::types },
        additional_derives: [PartialEq, serde::Serialize, serde::Deserialize],
        pub_export_macro: true,
        default_bindings_module: "weft_sdk::slots::sla::bindings",
    });
}

use bindings::exports::weft::sla::policy as wit;
pub use wit::{DaySpan, Outlook, Plan, Request, Source};

/// The slot's rule, one request at a time.
pub trait Sla {
    /// What can be set.
    type Config: Config;

    /// Judges one request.
    ///
    /// # Errors
    /// When the row breaks the contract or is not for this policy; the host then applies the slot's failure rule.
    fn judge(now: Instant, config: &Self::Config, request: &Request) -> Result<Plan, PolicyError>;
}

/// What the export macro exports.
pub struct Component<P>(std::marker::PhantomData<P>);

impl<P: Sla> wit::Guest for Component<P> {
    fn judge(now: Instant, config: Vec<u8>, rows: Vec<Request>) -> Result<Vec<Plan>, PolicyError> {
        let config = decode::<P::Config>(&config)?;
        each_row(&rows, |row| P::judge(now, &config, row))
    }
}

#[cfg(not(target_family = "wasm"))]
impl<P: Sla> crate::native::Slot for Component<P> {
    type Config = P::Config;
    const NAME: &'static str = "sla";
    const FEATURES: &'static [&'static str] = &[];

    fn call(
        call: &str,
        now: Instant,
        config: &[u8],
        input: crate::native::Value,
    ) -> crate::native::Called {
        use crate::native::{answer, arguments, no_such_call};
        match call {
            "" | "sla" => answer(<Self as wit::Guest>::judge(
                now,
                config.to_vec(),
                arguments(input)?,
            )),
            _ => no_such_call(call),
        }
    }

    fn expected(_: &str, output: crate::native::Value) -> Result<crate::native::Value, String> {
        crate::native::retyped::<Vec<Plan>>(output)
    }
}

/// Exports a type that implements [`Sla`].
#[macro_export]
macro_rules! export_sla {
    ($policy:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            $crate::__policy_allocator!();
            type Exported = $crate::slots::sla::Component<$policy>;
            $crate::slots::sla::bindings::export!(Exported with_types_in $crate::slots::sla::bindings);
        };
        $crate::__policy_tests!($crate::slots::sla::Component<$policy>);
    };
}
