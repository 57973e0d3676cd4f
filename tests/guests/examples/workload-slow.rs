//! Takes its time: gives back its input after `rounds` million rounds, and writes a line every million.

use std::io::{BufRead, Write};
use weft_sdk::workload::{Description, JobError, Workload};

/// The guest.
pub struct Guest;

impl Workload for Guest {
    fn describe() -> Description {
        Description {
            name: "workload-slow".into(),
            summary: "A guest of the tests".into(),
            params_schema: "{}".into(),
            accepts: "application/octet-stream".into(),
            returns: "application/octet-stream".into(),
            models: Vec::new(),
        }
    }

    fn run(
        params: &str,
        input: &mut dyn BufRead,
        output: &mut dyn Write,
    ) -> Result<String, JobError> {
        let digits: String = params.chars().filter(char::is_ascii_digit).collect();
        let rounds: u64 = digits.parse().unwrap_or(0);
        for round in 0..rounds {
            let mut n = 0_u64;
            while std::hint::black_box(n) < 1_000_000 {
                n += 1;
            }
            writeln!(output, "round {round}")?;
            output.flush()?;
        }
        let bytes = std::io::copy(input, output)?;
        Ok(format!("{rounds} rounds, {bytes} bytes"))
    }
}

weft_sdk::export_workload!(Guest);
