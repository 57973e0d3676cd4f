//! A home that was restored from an older copy does not know what it signed since; if it went on from there, it would tell two
//! stories, and be frozen for good. So a device that comes back asks another one for the log before it signs anything. One that
//! finds nobody goes on after a while, as it must be able to work alone.

use crate::node::Node;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long a device that comes back looks for another one before it signs.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);

impl Node {
    /// Whether this device may sign: another one has told what it knows, there is none, or none was found in time.
    pub(crate) fn may_sign(&self) -> bool {
        self.peering().is_none_or(|peering| {
            peering.compared.load(Ordering::Acquire) || peering.begun.elapsed() > PATIENCE
        })
    }

    /// Waits until this device may sign. The caller holds no transaction.
    pub(crate) fn before_signing(&self) {
        while !self.may_sign() {
            std::thread::sleep(LOOK);
        }
    }
}
