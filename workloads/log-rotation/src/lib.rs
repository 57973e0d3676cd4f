//! A workload that rotates the logs of a directory. What it does in words: README.md.
//!
//! [`rotate`] decides, [`folder`] touches files, [`name`] knows what they are called, [`copy`] fills an archive,
//! [`report`] is the output. Invariants: nothing outside the granted directory is touched, no symbolic link is
//! followed, no content is lost by a run that is broken off. It reads no input.

pub mod copy;
pub mod folder;
pub mod limits;
pub mod name;
pub mod params;
pub mod report;
pub mod rotate;

use folder::Folder;
use params::Params;
use report::Action;
use std::io::{BufRead, Write};
use std::path::Path;
use weft_sdk::workload::{Description, JobError, Workload};

/// Where the host mounts the directory that was granted for writing.
pub const GRANTED: &str = "/granted";

/// The workload.
pub struct LogRotation;

impl Workload for LogRotation {
    fn describe() -> Description {
        Description {
            name: "log-rotation".into(),
            summary: "Rotates and compresses the logs of a directory that was granted for writing"
                .into(),
            params_schema: params::SCHEMA.into(),
            accepts: "application/octet-stream".into(),
            returns: "application/json".into(),
            models: Vec::new(),
        }
    }

    fn run(params: &str, _: &mut dyn BufRead, output: &mut dyn Write) -> Result<String, JobError> {
        run_in(Path::new(GRANTED), params, output)
    }
}

/// The workload's work in any directory.
///
/// # Errors
/// [`JobError::BadParams`] names the field; [`JobError::Missing`] says what to grant; [`JobError::Failed`] when every
/// file that was tried failed, after the report was written.
pub fn run_in(root: &Path, params: &str, output: &mut dyn Write) -> Result<String, JobError> {
    let params = Params::parse(params)?;
    let report = rotate::rotate(&Folder::open(root)?, &params)?;
    serde_json::to_writer(&mut *output, &report).map_err(std::io::Error::from)?;
    output.write_all(b"\n")?;
    let failed = report.count(Action::Failed);
    if failed > 0 && report.count(Action::Rotated) + report.count(Action::Removed) == 0 {
        return Err(JobError::Failed(report.summary()));
    }
    Ok(report.summary())
}

weft_sdk::export_workload!(LogRotation);
