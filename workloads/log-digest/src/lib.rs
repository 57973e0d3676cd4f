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
use std::io::{BufRead, Write};
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
        let mut text = serde_json::to_vec(&report)
            .map_err(|e| JobError::Failed(format!("the report could not be written: {e}")))?;
        if assignments {
            output.write_all(b"],")?;
            // The report goes on in the object that the assignments began.
            text.remove(0);
        }
        output.write_all(&text)?;
        output.write_all(b"\n")?;
        Ok(report.summary())
    }
}

weft_sdk::export_workload!(LogDigest);
