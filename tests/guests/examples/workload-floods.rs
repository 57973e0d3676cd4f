//! Writes for ever, and does not care when the host says stop.

use std::io::{BufRead, Write};
use weft_sdk::workload::{Description, JobError, Workload};

/// The guest.
pub struct Guest;

impl Workload for Guest {
    fn describe() -> Description {
        Description {
            name: "workload-floods".into(),
            summary: "A guest of the tests".into(),
            params_schema: "{}".into(),
            accepts: "application/octet-stream".into(),
            returns: "application/octet-stream".into(),
            models: Vec::new(),
        }
    }

    fn run(_: &str, _: &mut dyn BufRead, output: &mut dyn Write) -> Result<String, JobError> {
        let block = [b'x'; 4096];
        loop {
            // A refusal is not passed on: the next block is written all the same.
            let _ = output.write_all(&block);
        }
    }
}

weft_sdk::export_workload!(Guest);
