//! The virtual WASI of a job: what std needs, and nothing of this machine.
//!
//! Clocks stand still (the monotonic one advances by a fixed step with every look), randomness comes from a seed that
//! the job's input gives, there are no arguments, no environment and no network, and standard output goes nowhere.
//! Only directories that the owner granted are real. One that may only be read is shown [`frozen`]; with one that may
//! be written clocks and times are real, and the result can't be verified by running it again.

pub mod frozen;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use wasmtime::error::Context as _;
use wasmtime_wasi::{FsPerms, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder};

/// Where a directory that a job may write appears to it.
pub const GRANTED: &str = "/granted";
/// Where a directory that a job may only read appears to it.
pub const READ: &str = "/read";
/// How far the virtual monotonic clock moves with each look, in nanoseconds.
const CLOCK_STEP_NS: u64 = 1_000;

/// A directory that the owner lets a job use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dir {
    /// Where it is.
    pub host: PathBuf,
    /// Where the job sees it, such as [`READ`].
    pub guest: String,
    /// Whether the job may write it.
    pub writable: bool,
}

/// Builds the context of one job.
///
/// # Errors
/// When a directory can't be opened.
pub fn context(seed: [u8; 32], dirs: &[Dir]) -> wasmtime::Result<WasiCtx> {
    let mut wasi = WasiCtxBuilder::new();
    let mut low = [0; 16];
    low.copy_from_slice(&seed[..16]);
    wasi.secure_random(ChaCha20Rng::from_seed(seed))
        .insecure_random(ChaCha20Rng::from_seed(seed))
        .insecure_random_seed(u128::from_le_bytes(low))
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false);
    for dir in dirs {
        let perms = if dir.writable {
            FsPerms::ReadWrite
        } else {
            FsPerms::ReadOnly
        };
        wasi.preopened_dir(&dir.host, &dir.guest, perms)
            .with_context(|| format!("`{}`", dir.host.display()))?;
    }
    if !dirs.iter().any(|dir| dir.writable) {
        wasi.wall_clock(StoppedWall)
            .monotonic_clock(Stepping::default());
    }
    Ok(wasi.build())
}

/// 1970-01-01T00:00:00Z for ever.
struct StoppedWall;

impl HostWallClock for StoppedWall {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

/// Moves by one step with each look, so that a loop that waits for time to pass ends.
#[derive(Default)]
struct Stepping(AtomicU64);

impl HostMonotonicClock for Stepping {
    fn resolution(&self) -> u64 {
        CLOCK_STEP_NS
    }

    fn now(&self) -> u64 {
        self.0.fetch_add(CLOCK_STEP_NS, Ordering::Relaxed)
    }
}
