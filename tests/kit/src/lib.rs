//! Helpers for tests: guests that misbehave, forged files, temporary homes, their daemons, and the command line.
//!
//! Guests are built when a test first asks for one, by one run of cargo in a target folder of their own
//! (`target/guests`), under a lock that parallel test processes share; it is here alone that a missing wasm target is
//! added by rustup. Nothing is built by a build script.
//!
//! What it does not do: it knows no host crate and holds no expectation; that is the tests' part.

mod device;
mod forged;
mod guests;
mod home;
mod models;
mod npm;
mod python;
mod tools;

pub use device::{Device, FOUNDER, PATIENCE, Refusal, wait, wait_at_most};
pub use forged::{big_file, compile_bomb, huge_function, truncated};
pub use guests::{GUESTS, Guest, guest, guest_bytes, plugin};
pub use home::{Home, Ran, weft_bin};
pub use models::{endless_model, small_bert};
pub use npm::npm_folder;
pub use python::{python_folder, python_with};
pub use tools::{has_tool, has_tool_for, memory_kb};

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// Names how many times longer than usual tests by rounds or by time go on; `.ci/full` sets it.
const BUDGET_VARIABLE: &str = "WEFT_TEST_BUDGET";

/// How many times longer than usual a test by rounds or by time is to go on: 1 unless `WEFT_TEST_BUDGET` says more.
///
/// # Panics
/// When the variable holds no number above 0.
pub fn budget() -> u32 {
    match std::env::var(BUDGET_VARIABLE) {
        Ok(text) => match text.parse() {
            Ok(times) if times > 0 => times,
            _ => panic!("{BUDGET_VARIABLE} is `{text}`, a number above 0 is wanted"),
        },
        Err(_) => 1,
    }
}

/// The folder of the workspace that is being tested: cargo says where it is when a test starts, so that this crate,
/// compiled in another copy of the repository that shares its target folder, does not test that copy.
pub fn workspace() -> &'static Path {
    static FOUND: LazyLock<PathBuf> = LazyLock::new(|| {
        let package = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        package
            .ancestors()
            .find(|folder| folder.join("Cargo.lock").is_file())
            .expect("the package lies below its workspace")
            .to_path_buf()
    });
    &FOUND
}
