//! Wasm targets: is the standard library for one installed, and how to get it.

use crate::cargo;
use crate::error::BuildError;
use std::path::Path;

/// The target of policies and of workloads without files: no WASI import can get in.
pub const CORE_TARGET: &str = "wasm32-unknown-unknown";

/// The target of workloads that read models or directories.
pub const WASI_TARGET: &str = "wasm32-wasip2";

/// Makes sure that the toolchain in force in `dir` can compile for `target`.
///
/// It asks the compiler itself where that target's libraries lie, so it is right for every way in which Rust can be
/// installed. With `add`, a missing target is added by rustup, which is said on stderr.
///
/// # Errors
/// [`BuildError::NoTarget`] with the one line that helps; [`BuildError::NoTargetNoRustup`] where there is no rustup;
/// [`BuildError::Failed`] when rustup could not add it.
pub fn ensure_target(dir: &Path, target: &str, add: bool) -> Result<(), BuildError> {
    if is_installed(dir, target)? {
        return Ok(());
    }
    let target = target.to_owned();
    // Outside of a toolchain of rustup's the proxy answers, but could not help; `rustup which` tells.
    if cargo::ask(cargo::command("rustup", dir).args(["which", "rustc"])).is_err() {
        return Err(BuildError::NoTargetNoRustup { target });
    }
    if !add {
        return Err(BuildError::NoTarget { target });
    }
    eprintln!("adding the Rust target `{target}` (rustup target add {target})");
    cargo::run(
        cargo::command("rustup", dir).args(["target", "add", &target]),
        true,
    )?;
    if is_installed(dir, &target)? {
        Ok(())
    } else {
        Err(BuildError::NoTargetNoRustup { target })
    }
}

fn is_installed(dir: &Path, target: &str) -> Result<bool, BuildError> {
    let folder = cargo::ask(cargo::command("rustc", dir).args([
        "--print",
        "target-libdir",
        "--target",
        target,
    ]))?;
    let Ok(mut entries) = std::fs::read_dir(&folder) else {
        return Ok(false);
    };
    Ok(entries
        .any(|entry| entry.is_ok_and(|e| e.file_name().to_string_lossy().starts_with("libcore-"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_target_comes_with_the_line_that_helps() {
        // A target of microcontrollers, which nobody needs for Weft.
        const ABSENT: &str = "thumbv7em-none-eabi";
        let missing =
            ensure_target(Path::new("."), ABSENT, false).expect_err("it is not installed");
        let text = missing.to_string();
        assert!(
            text.contains("rustup target add thumbv7em-none-eabi"),
            "{text}"
        );
    }
}
