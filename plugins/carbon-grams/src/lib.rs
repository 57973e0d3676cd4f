//! What a task emitted and what running it elsewhere avoided. The rule in words: README.md.
//!
//! Watt-hours times grams per kilowatt-hour are milligrams, so sums are kept in milligrams and rounded once at the
//! end. It does not measure, and it does not look grids up: a segment without a grid takes a lifecycle figure.

use weft_sdk::carbon::{Carbon, Footprint, Job, Quality, Segment, Source};
use weft_sdk::{Instant, PolicyError, libm};

weft_sdk::config! {
    /// Lifecycle grams of CO2 equivalent per kWh, for grids whose figure is not given.
    pub struct Config {
        /// Sun.
        pub solar: f64 = 45.0, 0.0..=5000.0;
        /// Wind.
        pub wind: f64 = 11.0, 0.0..=5000.0;
        /// Water.
        pub hydro: f64 = 24.0, 0.0..=5000.0;
        /// Nuclear power.
        pub nuclear: f64 = 12.0, 0.0..=5000.0;
        /// Biomass.
        pub biomass: f64 = 230.0, 0.0..=5000.0;
        /// Natural gas.
        pub gas: f64 = 490.0, 0.0..=5000.0;
        /// Oil.
        pub oil: f64 = 650.0, 0.0..=5000.0;
        /// Coal.
        pub coal: f64 = 820.0, 0.0..=5000.0;
        /// A battery, whatever it was charged with.
        pub battery: f64 = 301.0, 0.0..=5000.0;
        /// Nobody knows.
        pub unknown: f64 = 700.0, 0.0..=5000.0;
        /// Energy spent on moving data, which passes grids that nobody knows.
        pub transfer: f64 = 700.0, 0.0..=5000.0;
    }
}

/// Most milligrams that one product counts, far beyond what an answer can hold: sums stay finite, and the answer is
/// the largest that there is.
const MOST_MG: f64 = 1e30;

fn lifecycle(config: &Config, source: Source) -> f64 {
    match source {
        Source::Solar => config.solar,
        Source::Wind => config.wind,
        Source::Hydro => config.hydro,
        Source::Nuclear => config.nuclear,
        Source::Biomass => config.biomass,
        Source::Gas => config.gas,
        Source::Oil => config.oil,
        Source::Coal => config.coal,
        Source::Battery => config.battery,
        Source::Unknown => config.unknown,
    }
}

/// The worse of two.
fn worse(a: Quality, b: Quality) -> Quality {
    let rank = |quality| match quality {
        Quality::Measured => 0,
        Quality::Modelled => 1,
        Quality::Declared => 2,
        Quality::Unknown => 3,
    };
    if rank(a) >= rank(b) { a } else { b }
}

/// How well a lifecycle figure of a source is known.
fn lifecycle_quality(source: Source) -> Quality {
    match source {
        Source::Unknown => Quality::Unknown,
        _ => Quality::Modelled,
    }
}

/// A figure that has to be finite and not negative.
fn amount(value: f64, what: &str) -> Result<f64, PolicyError> {
    if value.is_finite() && value >= 0.0 {
        return Ok(value);
    }
    let text = format!("`{what}` is {value}; it must be a number that is not negative");
    Err(PolicyError::BadInput(text))
}

/// Wh x g/kWh = mg.
fn milligrams(wh: f64, grid: f64) -> f64 {
    (wh * grid).clamp(-MOST_MG, MOST_MG)
}

/// Half milligrams are rounded away from zero; what does not fit is the largest or smallest that does.
fn rounded(mg: f64) -> i64 {
    libm::round(mg) as i64
}

/// A segment's grid in g/kWh and how well wh and grid are known together.
fn grid_of(config: &Config, segment: &Segment) -> Result<(f64, Quality), PolicyError> {
    if segment.until < segment.from {
        let text = format!(
            "`until` {} lies before `from` {}",
            segment.until, segment.from
        );
        return Err(PolicyError::BadInput(text));
    }
    amount(segment.wh, "wh")?;
    let (grid, quality) = match segment.grid {
        Some(grid) => (amount(grid, "grid")?, segment.grid_quality),
        None => {
            let quality = lifecycle_quality(segment.source);
            // Without a grid its quality says how the source is known, where it says anything.
            let quality = match segment.grid_quality {
                Quality::Unknown => quality,
                known => worse(known, quality),
            };
            (lifecycle(config, segment.source), quality)
        }
    };
    Ok((grid, worse(segment.wh_quality, quality)))
}

/// The plugin.
pub struct Grams;

impl Carbon for Grams {
    type Config = Config;

    fn judge(_: Instant, config: &Config, job: &Job) -> Result<Footprint, PolicyError> {
        if job.actors.is_empty() {
            let text = "`actors` is empty; the worker comes first, then each verifier";
            return Err(PolicyError::BadInput(text.to_owned()));
        }
        let home = match (job.home_grid, job.home_source) {
            (Some(grid), _) => Some((amount(grid, "home_grid")?, Quality::Modelled)),
            (None, Some(source)) => Some((lifecycle(config, source), lifecycle_quality(source))),
            (None, None) => None,
        };
        let transfer_wh = amount(job.transfer_wh, "transfer_wh")?;
        let transfer = milligrams(transfer_wh, config.transfer);

        // At home all may be measured. What home would have emitted, and what a transfer took, is worked out.
        let mut quality = home.map_or(Quality::Measured, |(_, quality)| quality);
        if transfer_wh > 0.0 {
            quality = worse(quality, Quality::Modelled);
        }
        let mut worker = 0.0;
        let mut verifiers = 0.0;
        let mut saved = 0.0;
        for (a, actor) in job.actors.iter().enumerate() {
            if actor.segments.is_empty() {
                quality = Quality::Unknown;
            }
            for (s, segment) in actor.segments.iter().enumerate() {
                let (grid, known) = grid_of(config, segment).map_err(|error| match error {
                    PolicyError::BadInput(what) => {
                        PolicyError::BadInput(format!("actor {a}, segment {s}: {what}"))
                    }
                    other => other,
                })?;
                quality = worse(quality, known);
                if a == 0 {
                    worker += milligrams(segment.wh, grid);
                    saved += home.map_or(0.0, |(home, _)| milligrams(segment.wh, home - grid));
                } else {
                    verifiers += milligrams(segment.wh, grid);
                }
            }
        }
        let avoided = if home.is_some() {
            saved - transfer - verifiers
        } else {
            0.0
        };
        Ok(Footprint {
            emitted_mg: rounded(worker + verifiers + transfer),
            avoided_mg: rounded(avoided),
            quality,
        })
    }
}

weft_sdk::export_carbon!(Grams);

#[cfg(test)]
mod tests;
