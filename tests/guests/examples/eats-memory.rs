//! Takes memory, a megabyte at a time, and uses every page of it.

use std::hint::black_box;
use weft_sdk::scorer::Outcome;

const MEGABYTE: usize = 1024 * 1024;

weft_guests::scorer!(|_, _, _| {
    let mut eaten = Vec::new();
    loop {
        eaten.push(vec![1_u8; MEGABYTE]);
        if black_box(&eaten).is_empty() {
            return Ok(Outcome::Score(1.0));
        }
    }
});
