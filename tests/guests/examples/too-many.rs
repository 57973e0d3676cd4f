//! Answers for one candidate more than it was given.

#[cfg(target_family = "wasm")]
mod guest {
    use weft_sdk::scorer::bindings::exports::weft::scorer::policy::{
        Columns, Guest, Outcome, Task,
    };
    use weft_sdk::{Instant, PolicyError};

    struct Wrong;

    impl Guest for Wrong {
        fn rank(
            _: Instant,
            _: Vec<u8>,
            _: Task,
            candidates: Columns,
            _: u64,
        ) -> Result<Vec<Outcome>, PolicyError> {
            let rows = candidates.rows as usize;
            let answers = if rows == 0 { 0 } else { rows + 1 };
            Ok((0..answers).map(|_| Outcome::Score(1.0)).collect())
        }
    }

    weft_sdk::scorer::bindings::export!(Wrong with_types_in weft_sdk::scorer::bindings);
}
