//! A workload that reads a log and says what kinds of lines it holds. What it does in words: README.md.
//!
//! One pass over the input: [`lines`] cuts it, [`token`] and [`mask`] replace what varies by nature, [`drain`] groups
//! the rest, [`digest`] keeps count, [`report`] is the output. Invariants: memory depends on the params, not on the
//! input; the output depends on the params and the input's bytes alone, never on how they arrive; no import but the
//! input and the output.

pub mod class;
pub mod digest;
pub mod drain;
pub mod level;
pub mod limits;
pub mod lines;
pub mod mask;
pub mod params;
pub mod report;
pub mod stamp;
pub mod symbols;
pub mod token;

use digest::Digest;
use params::Params;
use std::io::{self, BufRead, Write};
use weft_sdk::workload::{Description, JobError, Workload};

/// The workload.
pub struct LogDigest;

impl Workload for LogDigest {
    fn describe() -> Description {
        Description {
            name: "log-digest".into(),
            summary: "Groups the lines of a log of any size by template, counts them and names the rare ones".into(),
            params_schema: params::SCHEMA.into(),
            accepts: "text/plain".into(),
            returns: "application/json".into(),
            models: Vec::new(),
        }
    }

    fn run(
        params: &str,
        input: &mut dyn BufRead,
        output: &mut dyn Write,
    ) -> Result<String, JobError> {
        let params = Params::parse(params)?;
        let cap = params.max_line_bytes;
        let assignments = params.assignments;
        let mut digest = Digest::new(params);
        if assignments {
            output.write_all(b"{\"assignments\":[")?;
        }
        let mut first = true;
        let bytes = lines::for_each_line::<JobError>(input, cap, |line| {
            let template = digest.add(line);
            if assignments {
                let comma = if first { "" } else { "," };
                first = false;
                write!(output, "{comma}{template}")?;
            }
            Ok(())
        })?;
        let report = digest.report(bytes);
        let mut skip = 0;
        if assignments {
            output.write_all(b"],")?;
            // The report goes on in the object that the assignments began.
            skip = 1;
        }
        serde_json::to_writer(Skipping { skip, output }, &report).map_err(io::Error::from)?;
        output.write_all(b"\n")?;
        Ok(report.summary())
    }
}

/// Leaves out the first bytes that are written to it.
struct Skipping<'a> {
    skip: usize,
    output: &'a mut dyn Write,
}

impl Write for Skipping<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let skipped = self.skip.min(bytes.len());
        self.skip -= skipped;
        self.output.write_all(&bytes[skipped..])?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

weft_sdk::export_workload!(LogDigest);
