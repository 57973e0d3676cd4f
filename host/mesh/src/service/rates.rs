//! How fast a peer may talk: a bucket of tokens for each kind of message. The clock is an argument.

/// Whether something that a peer sent is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It is.
    Take,
    /// It is dropped.
    Drop,
    /// It is dropped, and the peer closed.
    Close,
}

/// A bucket of tokens: a burst, and a rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    tokens: f64,
    at: i64,
    burst: u32,
    per_second: u32,
}

impl Bucket {
    pub fn new(burst: u32, per_second: u32) -> Self {
        Self {
            tokens: f64::from(burst),
            at: i64::MIN,
            burst,
            per_second,
        }
    }

    /// Takes a token, if there is one.
    pub fn take(&mut self, now: i64) -> bool {
        let passed = now.saturating_sub(self.at).max(0) as f64 / 1_000.0;
        self.at = now;
        self.tokens =
            (self.tokens + passed * f64::from(self.per_second)).min(f64::from(self.burst));
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }
}
