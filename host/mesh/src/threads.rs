//! The end of a mesh's threads.

use crate::limits::STOP_PATIENCE;
use tokio::runtime::{Handle, Runtime};

/// Ends a runtime: its tasks are waited for a moment by a thread that may block. Whoever drops a mesh last may be one of
/// its own threads, or asynchronous code of another runtime; these wait for nothing.
pub(crate) fn end(runtime: Runtime) {
    match Handle::try_current() {
        Ok(_) => runtime.shutdown_background(),
        Err(_) => runtime.shutdown_timeout(STOP_PATIENCE),
    }
}
