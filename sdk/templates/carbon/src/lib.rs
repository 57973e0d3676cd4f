//! Energy times grid intensity, for everyone who took part.

use weft_sdk::carbon::{Carbon, Footprint, Job, Quality};
use weft_sdk::{Instant, PolicyError};

weft_sdk::config! {
    /// What to assume.
    pub struct Config {
        /// Grams per kWh where a grid has no figure, and for moving data.
        pub unknown_grid: f64 = 500.0, 0.0..=2000.0;
    }
}

/// Watt-hours times grams per kWh are milligrams.
fn milligrams(wh: f64, grams_per_kwh: f64) -> f64 {
    wh * grams_per_kwh
}

/// How good a figure is, best first.
fn rank(quality: Quality) -> u8 {
    match quality {
        Quality::Measured => 0,
        Quality::Modelled => 1,
        Quality::Declared => 2,
        Quality::Unknown => 3,
    }
}

/// The plugin.
pub struct Policy;

impl Carbon for Policy {
    type Config = Config;

    fn judge(_: Instant, config: &Config, job: &Job) -> Result<Footprint, PolicyError> {
        let mut energy = 0.0;
        let mut emitted = milligrams(job.transfer_wh, config.unknown_grid);
        let mut quality = Quality::Measured;
        let mut worse = |other: Quality| {
            if rank(other) > rank(quality) {
                quality = other;
            }
        };
        for segment in job.actors.iter().flat_map(|actor| &actor.segments) {
            if !(segment.wh.is_finite() && segment.wh >= 0.0) {
                return Err(PolicyError::BadInput(format!(
                    "a segment used {} Wh",
                    segment.wh
                )));
            }
            energy += segment.wh;
            emitted += milligrams(segment.wh, segment.grid.unwrap_or(config.unknown_grid));
            worse(segment.wh_quality);
            worse(match segment.grid {
                Some(_) => segment.grid_quality,
                None => Quality::Modelled,
            });
        }
        let delegated = job.home_source.is_some() || job.home_grid.is_some();
        if job.transfer_wh > 0.0 || (delegated && job.home_grid.is_none()) {
            worse(Quality::Modelled);
        }
        let at_home = milligrams(energy, job.home_grid.unwrap_or(config.unknown_grid));
        Ok(Footprint {
            emitted_mg: weft_sdk::libm::round(emitted) as i64,
            avoided_mg: if delegated {
                weft_sdk::libm::round(at_home - emitted) as i64
            } else {
                0
            },
            quality,
        })
    }
}

weft_sdk::export_carbon!(Policy);
