//! Samples and their order statistics.

use std::time::Instant;

/// What many samples of one thing gave. Times are in nanoseconds for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// How many samples.
    pub samples: usize,
    /// The fastest.
    pub min_ns: u64,
    /// The middle one.
    pub median_ns: u64,
    /// 99 of 100 are at most this.
    pub p99_ns: u64,
    /// The slowest.
    pub max_ns: u64,
}

/// Part of the samples that is run first and thrown away: one in so many.
const WARM_UP: usize = 10;

/// Runs `call` in `samples` samples of `batch` calls each, after a warm-up. A sample's time is divided by `batch`.
pub fn measure(samples: usize, batch: usize, mut call: impl FnMut()) -> Figures {
    measure_with(samples, batch, || (), |()| call())
}

/// The same with something made anew for each call, which is not timed and is dropped after the sample.
pub fn measure_with<T, R>(
    samples: usize,
    batch: usize,
    mut prepare: impl FnMut() -> T,
    mut call: impl FnMut(T) -> R,
) -> Figures {
    let (samples, batch) = (samples.max(1), batch.max(1));
    let mut times = Vec::with_capacity(samples);
    let mut inputs = Vec::with_capacity(batch);
    let mut results = Vec::with_capacity(batch);
    for sample in 0..samples + samples.div_ceil(WARM_UP) {
        inputs.extend((0..batch).map(|_| prepare()));
        let started = Instant::now();
        for input in inputs.drain(..) {
            results.push(call(input));
        }
        let spent = started.elapsed().as_nanos() as u64 / batch as u64;
        results.clear();
        if sample >= samples.div_ceil(WARM_UP) {
            times.push(spent);
        }
    }
    of_samples(times)
}

/// The figures of times that were taken elsewhere, in nanoseconds.
///
/// # Panics
/// When there are none.
pub fn of_samples(mut times: Vec<u64>) -> Figures {
    assert!(!times.is_empty(), "figures need at least one sample");
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    Figures {
        samples: times.len(),
        min_ns: at(0),
        median_ns: at(50),
        p99_ns: at(99),
        max_ns: at(100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_statistics_are_those_of_the_sorted_samples() {
        let figures = of_samples((0..=100).rev().collect());
        let want = Figures {
            samples: 101,
            min_ns: 0,
            median_ns: 50,
            p99_ns: 99,
            max_ns: 100,
        };
        assert_eq!(figures, want);
    }

    #[test]
    fn every_call_gets_an_input_of_its_own() {
        let mut made = 0;
        let mut seen = Vec::new();
        measure_with(
            2,
            3,
            || {
                made += 1;
                made
            },
            |input| seen.push(input),
        );
        assert_eq!(seen, (1..=9).collect::<Vec<_>>());
    }
}
