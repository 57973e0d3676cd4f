//! Measuring for the benchmarks in `benches/`: many samples, their minimum, median and 99th percentile.
//!
//! A benchmark is a plain program: it makes a [`Report`], adds a row per figure, and the report prints a table and
//! writes one JSON object per row to `target/weft-bench/NAME.json`. Ratios are of medians taken in the same run.
//!
//! What it does not do: no statistics beyond order statistics, no comparison with earlier runs, no dependencies.

mod measure;
mod report;

pub use measure::{Figures, measure, measure_with, of_samples};
pub use report::{Report, target_dir};
