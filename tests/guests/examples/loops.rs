//! Loops for ever.

use std::hint::black_box;
use weft_sdk::scorer::Outcome;

weft_guests::scorer!(|_, _, _| {
    let mut n = 0_u64;
    while black_box(n) < u64::MAX {
        n = (n + 1) % 1_000_000;
    }
    Ok(Outcome::Score(1.0))
});
