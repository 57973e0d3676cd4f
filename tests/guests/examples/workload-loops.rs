//! Reads and writes nothing, and loops for ever.

use std::io::{BufRead, Write};
use weft_sdk::workload::{Description, JobError, Workload};

/// The guest.
pub struct Guest;

impl Workload for Guest {
    fn describe() -> Description {
        Description {
            name: "workload-loops".into(),
            summary: "A guest of the tests".into(),
            params_schema: "{}".into(),
            accepts: "application/octet-stream".into(),
            returns: "application/octet-stream".into(),
            models: Vec::new(),
        }
    }

    fn run(_: &str, _: &mut dyn BufRead, _: &mut dyn Write) -> Result<String, JobError> {
        let mut n = 0_u64;
        while std::hint::black_box(n) < u64::MAX {
            n = (n + 1) % 1_000_000;
        }
        Ok(String::new())
    }
}

weft_sdk::export_workload!(Guest);
