//! Exports `weft:scorer@0.2.0`, a contract that this version of Weft does not know.

#[cfg(target_family = "wasm")]
#[allow(missing_docs, unsafe_code, reason = "generated from the WIT here")]
mod guest {
    wit_bindgen::generate!({
        inline: r#"
            package weft:scorer@0.2.0;
            interface policy {
                rank: func(now: s64, config: list<u8>, candidates: u32) -> list<f64>;
            }
            world scorer {
                export policy;
            }
        "#,
        world: "weft:scorer/scorer@0.2.0",
    });

    use exports::weft::scorer::policy::Guest;

    struct Own;

    impl Guest for Own {
        fn rank(_: i64, _: Vec<u8>, candidates: u32) -> Vec<f64> {
            (0..candidates).map(f64::from).collect()
        }
    }

    export!(Own);
}
