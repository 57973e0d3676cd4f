//! Answers a text with the model in a directory, and says how fast: `chat DIR TEXT TOKENS`.

use std::time::Instant;
use weft_inference::{Manner, Sampling, Talker, Turn};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().ok_or("chat DIR TEXT TOKENS");
    let (dir, content, max_tokens) = (next()?, next()?, next()?.parse()?);
    let began = Instant::now();
    let talker = Talker::load(dir.as_ref())?;
    println!("loaded in {:.2} s", began.elapsed().as_secs_f64());
    let manner = Manner {
        sampling: Sampling {
            seed: 0,
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            repetition_penalty: 1.0,
        },
        max_tokens,
        stop: Vec::new(),
        forget: false,
    };
    let turns = [Turn {
        role: "user".into(),
        content,
    }];
    let began = Instant::now();
    let mut first = None;
    let usage = talker.answer(&turns, &manner, |_| {
        first.get_or_insert_with(Instant::now);
        true
    })?;
    let first = first.unwrap_or_else(Instant::now);
    let (prefill, decode) = (first - began, first.elapsed());
    println!(
        "{} tokens read in {:.2} s, {} made at {:.1} tokens a second",
        usage.prompt_tokens,
        prefill.as_secs_f64(),
        usage.answer_tokens,
        usage.answer_tokens as f64 / decode.as_secs_f64(),
    );
    Ok(())
}
