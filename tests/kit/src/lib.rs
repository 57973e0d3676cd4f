//! Helpers for tests: guests that misbehave, forged files, temporary homes and the command line.
//!
//! Guests are built when a test first asks for one, by one run of cargo in a target folder of their own
//! (`target/guests`), under a lock that parallel test processes share; it is here alone that a missing wasm target is
//! added by rustup. Nothing is built by a build script.
//!
//! What it does not do: it knows no host crate and holds no expectation; that is the tests' part.

mod forged;
mod guests;
mod home;

pub use forged::{big_file, compile_bomb, huge_function, truncated};
pub use guests::{GUESTS, Guest, guest, guest_bytes, plugin};
pub use home::{Home, Ran, weft_bin};

use std::path::Path;

/// The folder of the workspace.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("this crate lies two folders below its workspace")
}
