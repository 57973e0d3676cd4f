//! Counts its calls in a static: in a fresh instance each call scores from 1 on.

use std::sync::atomic::{AtomicU32, Ordering};
use weft_sdk::scorer::Outcome;

static SEEN: AtomicU32 = AtomicU32::new(0);

weft_guests::scorer!(|_, _, _| {
    let seen = SEEN.fetch_add(1, Ordering::Relaxed) + 1;
    Ok(Outcome::Score(f64::from(seen)))
});
