//! Runs into `unreachable`.

use weft_sdk::scorer::Outcome;

fn trap() {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
}

weft_guests::scorer!(|_, _, _| {
    trap();
    Ok(Outcome::Score(1.0))
});
