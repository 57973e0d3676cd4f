//! Imports randomness of WASI, which no policy may have.

#[cfg(target_family = "wasm")]
#[allow(missing_docs, unsafe_code, reason = "generated from the WIT here")]
mod guest {
    wit_bindgen::generate!({
        path: ["../../wit/model/0.1.0", "../../wit/scorer/0.1.0"],
        inline: r#"
            package weft:guest;
            world guest {
                import wasi:random/random@0.2.6;
                export weft:scorer/policy@0.1.0;
            }
            package wasi:random@0.2.6 {
                interface random {
                    get-random-u64: func() -> u64;
                }
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
                .map(|_| {
                    let seed = wasi::random::random::get_random_u64() ^ tie_seed;
                    Outcome::Score(seed as f64)
                })
                .collect())
        }
    }

    export!(Own);
}
