//! Embeds the lines of standard input with the model in a directory; writes a line of JSON for each.
//!
//! `cargo run --release -p weft-inference --example embed -- MODEL_DIR < texts`

use std::io::{BufRead, Write};
use std::path::Path;
use weft_inference::Embedder;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = std::env::args().nth(1).ok_or("the directory of a model")?;
    let embedder = Embedder::load(Path::new(&dir))?;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let embedding = embedder.embed(&line?)?;
        writeln!(out, "{}", serde_json::to_string(&embedding.vector)?)?;
    }
    Ok(())
}
