//! `carbon_impact`: what each task emitted and avoided, in milligrams, with the kilograms that people query.

use rusqlite::params;

use crate::cells::{Cells, Table, at, cells};
use crate::limits::LIST_ROWS_MAX;
use crate::{Read, Result, Rows, Write, time};

const CARBON: Table = Table {
    name: "carbon_impact",
    key: &["id"],
};

/// Milligrams of one kilogram.
const KG_MG: f64 = 1e6;

/// The footprint of one task. Figures are `None` where they are unknown.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Impact {
    /// When it ran, in ms.
    pub delegated_at: i64,
    /// The task.
    pub task_id: Option<String>,
    /// Its name.
    pub task_name: Option<String>,
    /// The submitter's device.
    pub from_device: Option<String>,
    /// The device that ran it.
    pub to_device: Option<String>,
    /// The worker's grid, in g per kWh.
    pub grid_carbon: Option<f64>,
    /// Its clean share, 0 to 100.
    pub renewable_percent: Option<f64>,
    /// What the task used, in watt-hours.
    pub energy_wh: Option<f64>,
    /// Milligrams of CO2 equivalent.
    pub emitted_mg: Option<i64>,
    /// Milligrams avoided; negative when worse.
    pub avoided_mg: Option<i64>,
    /// Worst input: `measured`, `modelled`, `declared`, `unknown`.
    pub quality: String,
}

/// Forgets what a task was said to have taken: it was taken back before it ran.
pub fn forget(tx: &Write, task: &str) -> Result<()> {
    tx.run("DELETE FROM carbon_impact WHERE task_id = ?1", [task])?;
    Ok(())
}

/// Sums over some time.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// `YYYY-MM`, or empty for a sum over any time.
    pub month: String,
    /// How the figures are known; sums of different quality are not added up.
    pub quality: String,
    /// Tasks.
    pub tasks: u64,
    /// Milligrams emitted, of the tasks where it is known.
    pub emitted_mg: i64,
    /// Milligrams avoided, likewise.
    pub avoided_mg: i64,
    /// Tasks of which no figure is known.
    pub unknown: u64,
}

/// Keeps a footprint.
pub fn add(tx: &Write, impact: &Impact) -> Result<()> {
    let kg = |mg: Option<i64>| mg.map(|mg| mg as f64 / KG_MG);
    tx.insert(
        CARBON.name,
        cells! {
            "delegated_at": at(impact.delegated_at),
            "task_id": impact.task_id.clone(),
            "task_name": impact.task_name.clone(),
            "from_device": impact.from_device.clone(),
            "to_device": impact.to_device.clone(),
            "grid_carbon_at_execution": impact.grid_carbon,
            "renewable_percent_at_execution": impact.renewable_percent,
            "energy_wh": impact.energy_wh,
            "carbon_emitted_kg": kg(impact.emitted_mg),
            "carbon_saved_kg": kg(impact.avoided_mg),
            "emitted_mg": impact.emitted_mg,
            "avoided_mg": impact.avoided_mg,
            "quality": impact.quality.clone(),
        },
    )?;
    Ok(())
}

/// The last `limit` footprints, newest first.
pub fn last(tx: &Read, limit: u32) -> Result<Rows<Impact>> {
    let sql = "SELECT * FROM carbon_impact ORDER BY id DESC LIMIT ?1";
    tx.rows(CARBON, sql, params![limit.min(LIST_ROWS_MAX)], impact_of)
}

/// Every footprint of what ran in [from, until), in ms, by time. Both ends are rounded down to the second and may
/// be any number. One whose time can't be read is among the malformed, whatever the range.
pub fn between(tx: &Read, from_ms: i64, until_ms: i64) -> Result<Rows<Impact>> {
    let sql = "SELECT * FROM carbon_impact
        WHERE datetime(delegated_at) IS NULL OR (datetime(delegated_at) >= ?1 AND datetime(delegated_at) < ?2)
        ORDER BY datetime(delegated_at), id";
    // The texts are clamped to the years 0 to 9999.
    let range = params![time::format(from_ms), time::format(until_ms)];
    tx.rows(CARBON, sql, range, impact_of)
}

/// Sums of what ran in [from, until), one per quality.
pub fn report(tx: &Read, from: i64, until: i64) -> Result<Vec<Report>> {
    sums(tx, "''", from, until)
}

/// Sums of what ran in [from, until), one per month (UTC) and quality.
pub fn by_month(tx: &Read, from: i64, until: i64) -> Result<Vec<Report>> {
    sums(tx, "strftime('%Y-%m', delegated_at)", from, until)
}

fn sums(tx: &Read, month: &str, from: i64, until: i64) -> Result<Vec<Report>> {
    let sql = format!(
        "SELECT 'sum' AS id, {month} AS month, quality, count(*) AS tasks,
            CAST(round(total(coalesce(emitted_mg, carbon_emitted_kg * 1e6))) AS INTEGER) AS emitted_mg,
            CAST(round(total(coalesce(avoided_mg, carbon_saved_kg * 1e6))) AS INTEGER) AS avoided_mg,
            count(*) FILTER (WHERE coalesce(emitted_mg, avoided_mg, carbon_emitted_kg, carbon_saved_kg) IS NULL) AS unknown
        FROM carbon_impact WHERE datetime(delegated_at) >= ?1 AND datetime(delegated_at) < ?2
        GROUP BY month, quality ORDER BY month, quality"
    );
    tx.list(
        CARBON,
        &sql,
        params![time::format(from), time::format(until)],
        |row| {
            Ok(Report {
                month: row.text("month")?,
                quality: row.text("quality")?,
                tasks: row.count("tasks")?,
                emitted_mg: row.int("emitted_mg", i64::MIN..=i64::MAX)?,
                avoided_mg: row.int("avoided_mg", i64::MIN..=i64::MAX)?,
                unknown: row.count("unknown")?,
            })
        },
    )
}

/// What a person wrote in kilograms counts where there are no milligrams.
fn milligrams(row: &Cells, mg: &str, kg: &str) -> Result<Option<i64>> {
    let kg = row.real_opt(kg, -1e9..=1e9)?;
    let known = row.int_opt(mg, i64::MIN..=i64::MAX)?;
    Ok(known.or(kg.map(|kg| (kg * KG_MG).round() as i64)))
}

fn impact_of(row: &Cells) -> Result<Impact> {
    Ok(Impact {
        delegated_at: row.time("delegated_at")?,
        task_id: row.text_opt("task_id")?,
        task_name: row.text_opt("task_name")?,
        from_device: row.text_opt("from_device")?,
        to_device: row.text_opt("to_device")?,
        grid_carbon: row.real_opt("grid_carbon_at_execution", 0.0..=f64::MAX)?,
        renewable_percent: row.real_opt("renewable_percent_at_execution", 0.0..=100.0)?,
        energy_wh: row.real_opt("energy_wh", 0.0..=f64::MAX)?,
        emitted_mg: milligrams(row, "emitted_mg", "carbon_emitted_kg")?,
        avoided_mg: milligrams(row, "avoided_mg", "carbon_saved_kg")?,
        quality: row.text("quality")?,
    })
}
