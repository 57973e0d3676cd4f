//! How fast content may move, each way: a bucket of bytes that fills at the owner's rate, which all streams draw from in
//! the order in which they came. Without a rate nobody waits.
//!
//! It counts bytes of blocks as they are written and read; what the transport adds is not in it.

use std::sync::RwLock;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

/// Bytes that a stream draws at once: at a low rate many streams each get some within the time that peers wait.
pub const DRAW_BYTES: usize = 16 * 1024;
/// How much may move at once after a rest, in milliseconds of the rate.
const BURST_MS: u64 = 250;

/// One direction's bucket.
#[derive(Debug, Default)]
pub struct Pace {
    rate: RwLock<Option<Arc<Mutex<Bucket>>>>,
}

/// Bytes that may move, and since when more are due. Below 0 it owes.
#[derive(Debug)]
struct Bucket {
    bytes_per_s: u64,
    level: f64,
    at: Instant,
}

impl Pace {
    /// Sets the rate in bytes a second; none, or 0: as fast as it goes.
    pub fn set(&self, bytes_per_s: Option<u64>) {
        let bucket = bytes_per_s.filter(|rate| *rate > 0).map(|rate| {
            Arc::new(Mutex::new(Bucket {
                bytes_per_s: rate,
                level: 0.0,
                at: Instant::now(),
            }))
        });
        *self.rate.write().unwrap_or_else(PoisonError::into_inner) = bucket;
    }

    /// Whether there is a rate.
    pub fn is_set(&self) -> bool {
        self.rate
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    /// Waits until so many bytes may move, in turns with others who draw.
    pub async fn draw_all(&self, bytes: usize) {
        let mut left = if self.is_set() { bytes } else { 0 };
        while left > 0 {
            let piece = left.min(DRAW_BYTES);
            self.draw(piece).await;
            left -= piece;
        }
    }

    /// Waits until so many bytes may move, at most [`DRAW_BYTES`].
    pub async fn draw(&self, bytes: usize) {
        let bucket = self
            .rate
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let Some(bucket) = bucket else { return };
        // Held while this one waits: who came later waits longer.
        let mut bucket = bucket.lock().await;
        let wait = bucket.draw(Instant::now(), bytes);
        if !wait.is_zero() {
            sleep(wait).await;
        }
    }
}

impl Bucket {
    /// Takes bytes out, and says how long until they were there.
    fn draw(&mut self, now: Instant, bytes: usize) -> Duration {
        let rate = self.bytes_per_s as f64;
        let burst = rate * BURST_MS as f64 / 1_000.0;
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = (self.level + since * rate).min(burst) - bytes as f64;
        self.at = now;
        Duration::from_secs_f64((-self.level / rate).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_moves_than_the_rate_and_one_burst() {
        let began = Instant::now();
        let mut bucket = Bucket {
            bytes_per_s: 100_000,
            level: 0.0,
            at: began,
        };
        let mut now = began + Duration::from_secs(60);
        let (first, mut moved) = (now, 0);
        while now - first < Duration::from_secs(10) {
            now += bucket.draw(now, DRAW_BYTES);
            moved += DRAW_BYTES;
        }
        let most = 10 * 100_000 + 25_000 + 2 * DRAW_BYTES;
        assert!((1_000_000..=most).contains(&moved), "{moved}");
    }

    #[tokio::test]
    async fn streams_share_the_rate_in_turns() {
        let pace = Arc::new(Pace::default());
        pace.draw(usize::MAX).await;
        assert!(!pace.is_set());
        pace.set(Some(640 * 1024));
        let began = Instant::now();
        let streams = (0..4).map(|_| {
            let pace = pace.clone();
            tokio::spawn(async move {
                for _ in 0..4 {
                    pace.draw(DRAW_BYTES).await;
                }
                began.elapsed()
            })
        });
        let mut ends = Vec::new();
        for stream in streams.collect::<Vec<_>>() {
            ends.push(stream.await.expect("it ends"));
        }
        // 256 KiB at 640 KiB a second; none of them is done long before the others.
        let (first, last) = (ends.iter().min().copied(), ends.iter().max().copied());
        assert!(last >= Some(Duration::from_millis(390)), "{ends:?}");
        assert!(first >= Some(Duration::from_millis(250)), "{ends:?}");
    }
}
