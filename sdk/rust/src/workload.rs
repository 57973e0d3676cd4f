//! `weft:workload@0.1.0`: a job that reads a stream of bytes and writes another.

use std::io;

#[doc(hidden)]
#[allow(
    missing_docs,
    reason = "generated from wit/workload, which documents them"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../../wit/workload/0.1.0",
        world: "weft:workload/workload",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        default_bindings_module: "weft_sdk::workload::bindings",
    });
}

pub use bindings::exports::weft::workload::job::{Description, Guest, JobError, ModelWant};

/// The most bytes that one read asks the host for.
pub const READ_BYTES: u32 = 256 * 1024;

/// A job's work, written over any reader and writer so that it can be tested natively.
pub trait Workload {
    /// What the workload is and takes.
    fn describe() -> Description;

    /// Does the work; the text returned is a one-line summary for a person.
    ///
    /// # Errors
    /// What a caller can act on. When the host cancels, `output` gives an [`io::Error`] of kind
    /// `ConnectionAborted`: pass it on with `?`, it becomes [`JobError::Cancelled`].
    fn run(
        params: &str,
        input: &mut dyn io::BufRead,
        output: &mut dyn io::Write,
    ) -> Result<String, JobError>;
}

impl From<io::Error> for JobError {
    fn from(e: io::Error) -> Self {
        match e.kind() {
            io::ErrorKind::ConnectionAborted => Self::Cancelled,
            io::ErrorKind::InvalidData => Self::BadInput(e.to_string()),
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
                Self::Missing(e.to_string())
            }
            _ => Self::Failed(e.to_string()),
        }
    }
}

/// What the export macro exports.
pub struct Component<W>(std::marker::PhantomData<W>);

impl<W: Workload> Guest for Component<W> {
    fn describe() -> Description {
        W::describe()
    }

    fn run(params: String) -> Result<String, JobError> {
        let mut input = io::BufReader::with_capacity(READ_BYTES as usize, HostInput::default());
        let mut output = io::BufWriter::with_capacity(READ_BYTES as usize, HostOutput);
        let summary = W::run(&params, &mut input, &mut output)?;
        io::Write::flush(&mut output)?;
        Ok(summary)
    }
}

/// The job's input as a reader.
#[derive(Default)]
struct HostInput {
    chunk: Vec<u8>,
    taken: usize,
}

impl io::Read for HostInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.chunk.len() {
            self.chunk = bindings::weft::workload::input::read(READ_BYTES);
            self.taken = 0;
        }
        let n = buffer.len().min(self.chunk.len() - self.taken);
        buffer[..n].copy_from_slice(&self.chunk[self.taken..self.taken + n]);
        self.taken += n;
        Ok(n)
    }
}

/// The job's output as a writer. The host's "stop" becomes an error, so that `?` ends the job.
struct HostOutput;

impl io::Write for HostOutput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bindings::weft::workload::output::write(bytes) {
            Ok(bytes.len())
        } else {
            // Not `Interrupted`: `write_all` would try again for ever.
            Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "cancelled by the host",
            ))
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Exports a type that implements [`Workload`]. Natively it makes a test that runs the crate's golden vectors
/// (`vectors/*.json`), where it has some: `weft workload build` puts them into the component, and every node runs them before
/// the workload may serve.
#[macro_export]
macro_rules! export_workload {
    ($workload:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            type Exported = $crate::workload::Component<$workload>;
    $crate::workload::bindings::export!(Exported with_types_in $crate::workload::bindings);
        };
        #[cfg(all(test, not(target_family = "wasm")))]
        mod weft {
            #[allow(unused_imports, reason = "the workload may be named by a path")]
            use super::*;

            #[test]
            fn golden_vectors() {
                $crate::native::check_jobs::<$workload>(env!("CARGO_MANIFEST_DIR"));
            }
        }
    };
}
