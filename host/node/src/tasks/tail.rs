//! What a job has written so far, for who reads along.

use crate::error::{NodeError, Result};
use crate::node::Node;
use crate::report::TailReport;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use weft_model::task::Status;

/// Bytes that are read at a time.
const TAIL_BYTES: usize = 256 * 1024;
/// How long one look lasts at most, where nothing is written.
const LOOK: Duration = Duration::from_millis(500);

/// The output of a job that runs.
#[derive(Default)]
pub(crate) struct Tail {
    state: Mutex<State>,
    grown: Condvar,
}

#[derive(Default)]
struct State {
    /// What it writes to; none before it does, or where others may not read along.
    file: Option<File>,
    bytes: u64,
    ended: bool,
}

impl Tail {
    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.grown.notify_all();
    }

    /// How many bytes were written.
    pub fn bytes(&self) -> u64 {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.bytes
    }

    /// Lets others read along in this file.
    pub fn show(&self, file: File) {
        self.change(|state| state.file = Some(file));
    }

    /// The job has ended, and what it left is kept.
    pub fn end(&self) {
        self.change(|state| state.ended = true);
    }

    /// What stands from a byte on, once there is something. None: the job has ended.
    fn read(&self, from: u64) -> Result<Option<Vec<u8>>> {
        let deadline = Instant::now() + LOOK;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if state.ended {
                return Ok(None);
            }
            if let Some(file) = &state.file
                && state.bytes > from
            {
                return read_at(file, from).map(Some);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Some(Vec::new()));
            }
            let waited = self.grown.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

fn read_at(file: &File, from: u64) -> Result<Vec<u8>> {
    let mut bytes = vec![0; TAIL_BYTES];
    let read = file
        .read_at(&mut bytes, from)
        .map_err(NodeError::internal)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Counts what goes through.
pub(crate) struct Counted<W> {
    pub inner: W,
    pub tail: Arc<Tail>,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.inner.write(bytes)?;
        self.tail.change(|state| state.bytes += n as u64);
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

impl Node {
    /// The tail of a task's job, made where there is none.
    pub(crate) fn tail(&self, id: &str) -> Arc<Tail> {
        let mut tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tails.entry(id.to_owned()).or_default())
    }

    /// Whole lines of a task's output from a byte on, as soon as there are some, or after a moment without. The task
    /// comes with the last ones, or at once where it does not run.
    ///
    /// # Errors
    /// `not-found`; when the output can't be read, or the task's end could not be kept.
    pub fn task_tail(&self, id: &str, from: u64) -> Result<TailReport> {
        let id = &self.task_show(id)?.task;
        let running = {
            let tails = self.tails.lock().unwrap_or_else(PoisonError::into_inner);
            tails.get(id).cloned()
        };
        if let Some(tail) = running
            && let Some(bytes) = tail.read(from)?
        {
            return Ok(lines(bytes, from, false));
        }
        let task = self.task_wait(id)?;
        let done = task.status == Status::Done.word();
        let bytes = match task.output.as_ref().filter(|_| done) {
            Some(path) => {
                let io = |e| NodeError::file(path.as_ref(), &e);
                read_at(&File::open(path).map_err(io)?, from)?
            }
            None => Vec::new(),
        };
        let whole = bytes.len() < TAIL_BYTES;
        let mut report = lines(bytes, from, whole);
        report.task = whole.then(|| Box::new(task));
        Ok(report)
    }
}

/// `all`: also what has no end of a line yet.
fn lines(mut bytes: Vec<u8>, from: u64, all: bool) -> TailReport {
    if !all {
        let end = bytes
            .iter()
            .rposition(|b| *b == b'\n')
            .map_or(0, |at| at + 1);
        // A line that is longer than one look is given in pieces.
        if end > 0 || bytes.len() < TAIL_BYTES {
            bytes.truncate(end);
        }
    }
    TailReport {
        next: from + bytes.len() as u64,
        text: String::from_utf8_lossy(&bytes).into_owned(),
        task: None,
    }
}
