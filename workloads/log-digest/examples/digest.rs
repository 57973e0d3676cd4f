//! Runs log-digest natively: the log on standard input, the JSON on standard output, the summary on standard error.
//!
//! `cargo run --release -p log-digest --example digest -- '{"assignments":true}' < some.log`

use log_digest::LogDigest;
use std::io::{BufReader, BufWriter, Write, stderr, stdin, stdout};
use std::process::ExitCode;
use weft_sdk::workload::{READ_BYTES, Workload};

fn main() -> ExitCode {
    let params = std::env::args().nth(1).unwrap_or_default();
    let mut input = BufReader::with_capacity(READ_BYTES as usize, stdin().lock());
    let mut output = BufWriter::new(stdout().lock());
    let result = LogDigest::run(&params, &mut input, &mut output)
        .and_then(|summary| output.flush().map(|()| summary).map_err(Into::into));
    let (text, code) = match result {
        Ok(summary) => (summary, ExitCode::SUCCESS),
        Err(e) => (format!("{e:?}"), ExitCode::FAILURE),
    };
    match writeln!(stderr(), "{text}") {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}
