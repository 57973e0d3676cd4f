//! One module per slot: the contract's types, the trait to implement, and the adapter that the export macro uses.

pub mod carbon;
pub mod consent;
pub mod demand;
pub mod emergency;
pub mod ethics;
pub mod quota;
pub mod reputation;
pub mod reward;
pub mod scorer;
pub mod sla;
pub mod voting;

/// The shared types, generated once; every slot's bindings point here.
#[allow(
    missing_docs,
    reason = "generated from wit/model, which documents them"
)]
pub(crate) mod model {
    wit_bindgen::generate!({
        path: "../../wit/model/0.1.0",
        inline: "package weft:sdk; world types { import weft:model/types@0.1.0; }",
        generate_all,
        generate_unused_types: true,
        world: "weft:sdk/types",
        additional_derives: [PartialEq, Eq, serde::Serialize, serde::Deserialize],
    });
}

#[doc(hidden)]
#[macro_export]
macro_rules! __policy_tests {
    ($component:ty) => {
        #[cfg(all(test, not(target_family = "wasm")))]
        mod weft {
            #[allow(unused_imports, reason = "the policy may be named by a path")]
            use super::*;

            #[test]
            fn golden_vectors() {
                $crate::native::check_vectors::<$component>(env!("CARGO_MANIFEST_DIR"));
            }

            #[test]
            fn descriptor() {
                $crate::native::write_descriptor::<$component>(env!("CARGO_MANIFEST_DIR"));
            }
        }
    };
}
