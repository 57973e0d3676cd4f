//! Renews the bundle of a workspace, or with `--check` builds it again and compares the bits.
//!
//! `weft plugin bundle` does the same; this one also works while a component is missing, when `weft`, which embeds
//! them, does not compile. Run it in the workspace: `cargo run -p weft-build --example bundle [-- --check]`.

use std::path::Path;
use std::process::ExitCode;
use weft_build::{BuildOptions, bundle};

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .ok_or("the crate lies two folders below its workspace")?;
    let out = workspace.join("plugins/bundle");
    let options = BuildOptions {
        add_target: true,
        quiet: true,
        target_dir: Some(workspace.join("target/components")),
        ..BuildOptions::default()
    };
    let mut told = |name: &str| eprintln!("building {name}");
    if std::env::args().any(|argument| argument == "--check") {
        let differences = bundle::bundle_check(workspace, &out, &options, &mut told)?;
        for difference in &differences {
            eprintln!("{}: {}", difference.name, difference.what);
        }
        return Ok(ExitCode::from(u8::from(!differences.is_empty())));
    }
    for component in bundle::bundle(workspace, &out, &options, &mut told)?.components {
        println!(
            "{:>8}  {}  {}",
            component.size, component.cid, component.name
        );
    }
    Ok(ExitCode::SUCCESS)
}
