//! Calls itself without end. It keeps nothing in memory, so that the stack of calls is what runs out.

use weft_sdk::scorer::Outcome;

/// Not a tail call, and no sum that a compiler could make a loop of.
#[inline(never)]
fn down(n: u64) -> u64 {
    if n == 0 {
        return 1;
    }
    let below = down(n ^ (n << 13) ^ (n >> 7) | 1);
    below.rotate_left(5) ^ n.wrapping_mul(below)
}

weft_guests::scorer!(|_, _, tie_seed| Ok(Outcome::Score(down(tie_seed | 1) as f64)));
