//! `energy`: what this node runs on. One row, `device` = `self`.

use crate::cells::{Cells, Table, at, cells};
use crate::{Read, Result, Write};

const ENERGY: Table = Table {
    name: "energy",
    key: &["device"],
};

/// The words of `energy_type`, here and in `peers`.
pub const ENERGY_TYPES: &[(&str, &str)] = &[
    ("solar", "solar"),
    ("wind", "wind"),
    ("hydro", "hydro"),
    ("nuclear", "nuclear"),
    ("biomass", "biomass"),
    ("gas", "gas"),
    ("oil", "oil"),
    ("coal", "coal"),
    ("battery", "battery"),
    ("unknown", "unknown"),
];

/// The words of `source`: how a figure is known.
const SOURCES: &[(&str, &str)] = &[
    ("measured", "measured"),
    ("modelled", "modelled"),
    ("declared", "declared"),
    ("unknown", "unknown"),
];

/// What this node runs on.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Energy {
    /// `solar`, `wind`, `hydro`, `nuclear`, `biomass`, `gas`, `oil`, `coal`, `battery` or `unknown`.
    pub energy_type: String,
    /// Clean share in per cent, 0 to 100. `None`: unknown.
    pub percent_clean: Option<f64>,
    /// Grams of CO2 equivalent per kWh, not negative. `None`: unknown.
    pub grid_g_per_kwh: Option<f64>,
    /// How it is known: `measured`, `modelled`, `declared` or `unknown`.
    pub source: String,
    /// When it was written, in ms. `None`: not said, or not readable; nothing depends on it.
    pub updated_at: Option<i64>,
}

/// What this node runs on. `None`: someone removed the row.
///
/// # Errors
/// [`crate::Error::Malformed`].
pub fn get(tx: &Read) -> Result<Option<Energy>> {
    tx.one(
        ENERGY,
        "SELECT * FROM energy WHERE device = 'self'",
        [],
        energy_of,
    )
}

/// Sets what this node runs on.
pub fn set(tx: &Write, energy: &Energy, now: i64) -> Result<()> {
    tx.upsert(
        ENERGY,
        cells! {
            "device": "self".to_owned(),
            "energy_type": energy.energy_type.clone(),
            "percent_clean": energy.percent_clean,
            "grid_g_per_kwh": energy.grid_g_per_kwh,
            "source": energy.source.clone(),
            "updated_at": at(now),
        },
    )
}

fn energy_of(row: &Cells) -> Result<Energy> {
    Ok(Energy {
        energy_type: row.word("energy_type", ENERGY_TYPES)?.to_owned(),
        percent_clean: row.real_opt("percent_clean", 0.0..=100.0)?,
        grid_g_per_kwh: row.real_opt("grid_g_per_kwh", 0.0..=f64::MAX)?,
        source: row.word("source", SOURCES)?.to_owned(),
        updated_at: row.time_opt("updated_at").unwrap_or(None),
    })
}
