//! Does its work: gives back what it is given.

use std::io::{BufRead, Write};
use weft_sdk::workload::{Description, JobError, Workload};

/// The guest.
pub struct Guest;

impl Workload for Guest {
    fn describe() -> Description {
        Description {
            name: "workload-echo".into(),
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
        let bytes = std::io::copy(input, output)?;
        Ok(format!("{bytes} bytes, params `{params}`"))
    }
}

weft_sdk::export_workload!(Guest);
