//! Imports a function that no policy may have, of a package that does not exist.

#[cfg(target_family = "wasm")]
#[allow(missing_docs, unsafe_code, reason = "generated from the WIT here")]
mod guest {
    wit_bindgen::generate!({
        path: ["../../wit/model/0.1.0", "../../wit/scorer/0.1.0"],
        inline: r#"
            package weft:guest;
            interface backdoor {
                open: func(port: u64) -> f64;
            }
            world guest {
                import backdoor;
                export weft:scorer/policy@0.1.0;
            }
        "#,
        world: "weft:guest/guest",
        generate_all,
    });

    use exports::weft::scorer::policy::{Columns, Guest, Outcome, PolicyError, Task};

    struct Own;

    impl Guest for Own {
        fn rank(
            _: i64,
            _: Vec<u8>,
            _: Task,
            candidates: Columns,
            tie_seed: u64,
        ) -> Result<Vec<Outcome>, PolicyError> {
            Ok((0..candidates.rows)
                .map(|_| Outcome::Score(weft::guest::backdoor::open(tie_seed)))
                .collect())
        }
    }

    export!(Own);
}
