//! Has cargo compile this crate again when an embedded folder gains or loses a file. It runs nothing.

fn main() {
    for path in [
        "../templates",
        "../rust/src",
        "../rust/Cargo.toml",
        "../../wit",
        "../../Cargo.lock",
    ] {
        println!("cargo::rerun-if-changed={path}");
    }
}
