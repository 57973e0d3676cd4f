//! Compiles plugin and workload crates, encodes components and writes new projects.
//!
//! The way of a component: `cargo metadata` says what the crate is ([`Manifest`]), `cargo rustc` compiles it for a
//! wasm target with a scrubbed environment and remapped paths, a native test of the crate gives its descriptor
//! (features, config schema, golden vectors), the core module becomes a component, and the descriptor is appended
//! as a custom section named [`SECTION`], so that one file is self-contained.
//!
//! Invariants: same sources, same toolchain, same lock file: same bits, from any folder. No flag, wrapper or profile
//! of the caller's environment reaches a component.
//!
//! What it does not do: it knows no host crate, signs nothing, installs nothing and judges no import; that is the
//! host's work on whatever bytes it is given.

pub mod bundle;
mod cargo;
mod compile;
mod component;
mod digest;
mod error;
mod limits;
mod manifest;
mod project;
mod target;

pub use cargo::command as clean_command;
pub use compile::{BuildOptions, Built, build, test};
pub use component::{Descriptor, Limits, SECTION, encode, read_descriptor};
pub use digest::source_digest;
pub use error::BuildError;
pub use limits::{POLICY_STACK_BYTES, WORKLOAD_STACK_BYTES};
pub use manifest::{Kind, Manifest, SLOTS};
pub use project::{new_plugin, new_workload};
pub use target::{CORE_TARGET, WASI_TARGET, ensure_target};
