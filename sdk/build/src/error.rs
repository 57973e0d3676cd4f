//! What can go wrong, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a build, a bundle or a new project failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A file or a folder could not be read or written.
    #[error("can't {what} `{}`", path.display())]
    Io {
        /// The verb: read, write, create, list.
        what: &'static str,
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program is not there, or does not start.
    #[error("can't run `{program}`; install Rust with rustup, or put `{program}` on the PATH")]
    Program {
        /// Its name.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// A program ran and failed.
    #[error("`{command}` failed{}", tail(output))]
    Failed {
        /// The command line, shortened.
        command: String,
        /// The end of what it wrote; empty when it went to the terminal.
        output: String,
    },
    /// The wasm target is missing and rustup is here.
    #[error("the Rust target `{target}` is not installed; run `rustup target add {target}`")]
    NoTarget {
        /// The target.
        target: String,
    },
    /// The wasm target is missing and there is no rustup.
    #[error(
        "the Rust target `{target}` is not installed, and without rustup Weft can't add it; install your system's \
         package of Rust's standard library for `{target}`, or install rustup and run `rustup target add {target}`"
    )]
    NoTargetNoRustup {
        /// The target.
        target: String,
    },
    /// The folder's `Cargo.toml` does not say what it builds.
    #[error("`{}`: {what}", path.display())]
    Manifest {
        /// The `Cargo.toml`.
        path: PathBuf,
        /// What is wrong and what would do.
        what: String,
    },
    /// The crate's descriptor could not be had or does not fit.
    #[error("the descriptor of `{name}`: {what}")]
    Descriptor {
        /// The crate.
        name: String,
        /// What is wrong and what would do.
        what: String,
    },
    /// What was compiled is no component, or not the one that was promised.
    #[error("`{name}` can't become a component: {what}")]
    Component {
        /// The crate.
        name: String,
        /// What is wrong and what would do.
        what: String,
    },
    /// A name that a project can't have.
    #[error(
        "`{name}` can't be the name of a project; take lower-case letters, digits and single hyphens, a letter first, \
         at most 64 bytes, and no word of the Rust language"
    )]
    BadName {
        /// What was given.
        name: String,
    },
    /// No such slot.
    #[error("`{slot}` is no slot; the slots are {}", crate::manifest::slot_names())]
    BadSlot {
        /// What was given.
        slot: String,
    },
    /// The folder for a new project is in use.
    #[error("`{}` exists and is not empty; choose another folder or empty it", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The bundle's lock does not read.
    #[error("`{}`: {what}; renew it with `weft plugin bundle`", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
}

impl BuildError {
    /// Wraps an I/O error: `.map_err(BuildError::io("read", path))`.
    pub(crate) fn io<'a>(
        what: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> Self + use<'a> {
        move |source| Self::Io {
            what,
            path: path.to_owned(),
            source,
        }
    }
}

fn tail(output: &str) -> String {
    if output.is_empty() {
        String::new()
    } else {
        format!(":\n{output}")
    }
}
