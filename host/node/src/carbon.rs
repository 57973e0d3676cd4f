//! What tasks emitted and avoided, by the `carbon` slot; and the report over it.

use crate::clock::rfc3339;
use crate::error::{NodeError, Result};
use crate::gather::SELF;
use crate::node::Node;
use crate::peering::WorkerEnergy;
use crate::receipt::Receipt;
use crate::report::{CarbonLine, CarbonReport};
use crate::settings::source_of;
use weft_model::slots::placement::{Actor, Footprint, Job, Quality, Segment};
use weft_model::slots::time::Source;
use weft_model::task::TaskSpec;
use weft_model::{Instant, SlotCall, SlotReply};
use weft_store::carbon::Impact;
use weft_store::tasks::{Delegation, Task};
use weft_store::{Read, carbon, peers};

impl Node {
    /// The carbon of a task that ran here: its energy is modelled from power and time.
    pub(crate) fn home_carbon(
        &self,
        task: &Task,
        spec: &TaskSpec,
        started: Instant,
        wall_ms: u64,
    ) -> Result<Impact> {
        let (here, mesh) = self
            .store
            .read(|tx| Ok::<_, NodeError>((self.power(tx)?, self.mesh(tx)?)))?;
        let wh = mesh.watts(spec.watts) * wall_ms as f64 / 3_600_000.0;
        let job = Job {
            actors: vec![actor(
                started,
                started + wall_ms as Instant,
                wh,
                here.kind,
                here.grid,
            )],
            transfer_wh: 0.0,
            home_source: None,
            home_grid: None,
        };
        let footprint = self.footprint(job);
        let mut impact = impact(
            task,
            SELF,
            started,
            wh,
            here.percent_clean,
            here.grid,
            footprint,
        );
        // A task of another device: both sides name both devices.
        let submitter = self.submitter_of(&task.id)?;
        if submitter != SELF {
            impact.from_device = Some(submitter);
            impact.to_device = Some(crate::keys::did(&self.device_key).to_string());
        }
        Ok(impact)
    }

    /// The carbon of a task that a device of the mesh ran, from its receipt and what it ran on.
    pub(crate) fn worker_carbon(
        &self,
        task: &Task,
        lease: &Delegation,
        receipt: &Receipt,
        energy: &WorkerEnergy,
    ) -> Result<Impact> {
        let home = self.store.read(|tx| self.power(tx))?;
        let account = &receipt.account;
        // A worker's clock may be wrong: it ran while it had the task.
        let ended = account
            .ended
            .clamp(lease.delegated_at, self.now().max(lease.delegated_at));
        let wall = Instant::try_from(account.wall_ms).unwrap_or(Instant::MAX);
        let started = ended.saturating_sub(wall).max(lease.delegated_at);
        let source = source_of(&energy.kind).unwrap_or(Source::Unknown);
        let job = Job {
            actors: vec![actor(
                started,
                ended,
                account.energy_wh,
                source,
                energy.grid_g_per_kwh,
            )],
            transfer_wh: 0.0,
            home_source: Some(home.kind),
            home_grid: home.grid,
        };
        let footprint = self.footprint(job);
        let mut impact = impact(
            task,
            lease.to_device.as_deref().unwrap_or_default(),
            started,
            account.energy_wh,
            energy.percent_clean,
            energy.grid_g_per_kwh,
            footprint,
        );
        impact.from_device = Some(crate::keys::did(&self.device_key).to_string());
        Ok(impact)
    }

    /// The carbon of a task that a row peer was picked for: what it would take, labelled modelled.
    pub(crate) fn delegated_carbon(&self, tx: &Read, task: &Task, peer: &str) -> Result<Impact> {
        let spec: TaskSpec = serde_json::from_str(&task.spec).map_err(NodeError::internal)?;
        let row = peers::get(tx, peer)?
            .ok_or_else(|| NodeError::not_found(format!("there is no peer `{peer}`")))?;
        let wh = self.mesh(tx)?.watts(spec.watts) * spec.duration_ms as f64 / 3_600_000.0;
        let at = task.updated_at;
        let home = self.power(tx)?;
        let source = source_of(&row.energy_type).unwrap_or(Source::Unknown);
        let job = Job {
            actors: vec![actor(
                at,
                at + spec.duration_ms as Instant,
                wh,
                source,
                row.grid_g_per_kwh,
            )],
            transfer_wh: 0.0,
            home_source: Some(home.kind),
            home_grid: home.grid,
        };
        let footprint = self.footprint(job);
        Ok(impact(
            task,
            peer,
            at,
            wh,
            row.percent_clean,
            row.grid_g_per_kwh,
            footprint,
        ))
    }

    /// Without an answer, the footprint is recorded as unknown.
    fn footprint(&self, job: Job) -> Option<Footprint> {
        let table = self.slots.table();
        let mut trace = Vec::new();
        let call = SlotCall::Carbon(vec![job]);
        let answers = self.ask(&table, self.now(), &call, &mut trace);
        match answers.into_iter().next()?.outcome {
            Ok(SlotReply::Carbon(rows)) => rows.into_iter().next(),
            Ok(_) => None,
            Err(failed) => {
                tracing::warn!("carbon is recorded as unknown: {}", failed.why);
                None
            }
        }
    }

    /// Carbon of a month, or of all time.
    ///
    /// # Errors
    /// When the month is none.
    pub fn carbon_report(&self, month: Option<&str>) -> Result<CarbonReport> {
        let (from, until) = match month {
            Some(month) => month_range(month)?,
            None => (Instant::MIN / 2, Instant::MAX / 2),
        };
        let rows: Vec<Impact> = self
            .store
            .read(|tx| carbon::between(tx, from, until))?
            .strict()?;
        let grams = |mg: Option<i64>| mg.unwrap_or(0) as f64 / 1000.0;
        let sum = |of: fn(&Impact) -> Option<i64>| grams(Some(rows.iter().filter_map(of).sum()));
        let line = |r: &Impact| CarbonLine {
            at: rfc3339(r.delegated_at),
            task: r.task_name.clone().unwrap_or_default(),
            from: r.from_device.clone().unwrap_or_default(),
            to: r.to_device.clone().unwrap_or_default(),
            saved_g: grams(r.avoided_mg),
            emitted_g: grams(r.emitted_mg),
        };
        let delegated: Vec<&Impact> = rows
            .iter()
            .filter(|r| r.to_device.as_deref() != Some(SELF))
            .collect();
        let renewable: Vec<f64> = rows.iter().filter_map(|r| r.renewable_percent).collect();
        let average =
            (!renewable.is_empty()).then(|| renewable.iter().sum::<f64>() / renewable.len() as f64);
        let mut quality = std::collections::BTreeMap::new();
        for row in &rows {
            *quality.entry(row.quality.clone()).or_insert(0) += 1;
        }
        let best = delegated
            .iter()
            .max_by_key(|r| r.avoided_mg.unwrap_or(i64::MIN))
            .map(|r| line(r));
        let worst = delegated
            .iter()
            .min_by_key(|r| r.avoided_mg.unwrap_or(i64::MAX))
            .map(|r| line(r));
        let advice = advice(&rows, average, worst.as_ref());
        Ok(CarbonReport {
            month: month.map(ToOwned::to_owned),
            tasks: rows.len() as u64,
            emitted_g: sum(|r| r.emitted_mg),
            saved_g: sum(|r| r.avoided_mg),
            average_renewable_percent: average,
            quality,
            best,
            worst,
            advice,
        })
    }
}

fn actor(from: Instant, until: Instant, wh: f64, source: Source, grid: Option<f64>) -> Actor {
    Actor {
        segments: vec![Segment {
            from,
            until,
            wh,
            wh_quality: Quality::Modelled,
            source,
            grid,
            grid_quality: if grid.is_some() {
                Quality::Declared
            } else {
                Quality::Modelled
            },
        }],
    }
}

fn impact(
    task: &Task,
    to: &str,
    at: Instant,
    wh: f64,
    renewable: Option<f64>,
    grid: Option<f64>,
    footprint: Option<Footprint>,
) -> Impact {
    Impact {
        delegated_at: at,
        task_id: Some(task.id.clone()),
        task_name: Some(task.name.clone()),
        from_device: Some(SELF.into()),
        to_device: Some(to.to_owned()),
        grid_carbon: grid,
        renewable_percent: renewable,
        energy_wh: Some(wh),
        emitted_mg: footprint.as_ref().map(|f| f.emitted_mg),
        avoided_mg: footprint.as_ref().map(|f| f.avoided_mg),
        quality: match footprint.map(|f| f.quality) {
            // Power times time is a model, however well the grid is known.
            Some(Quality::Measured | Quality::Modelled | Quality::Declared) => "modelled",
            Some(Quality::Unknown) | None => "unknown",
        }
        .into(),
    }
}

fn advice(rows: &[Impact], average: Option<f64>, worst: Option<&CarbonLine>) -> String {
    if rows.is_empty() {
        return "Nothing ran yet; register a peer with clean energy by `weft peer add`.".into();
    }
    if let Some(worst) = worst.filter(|w| w.saved_g < 0.0) {
        return format!(
            "Running `{}` on {} emitted more than staying here; take its permit back by `weft permit remove`.",
            worst.task, worst.to
        );
    }
    match average {
        Some(average) if average < 70.0 => format!(
            "On average {average:.0} % of the energy was clean; ask for `--sla eco` where a task can wait."
        ),
        None => "The energy of no run is known; set it by `weft energy set`.".into(),
        Some(average) => format!("On average {average:.0} % of the energy was clean; keep it so."),
    }
}

/// First instant of a month and of the next, in UTC.
fn month_range(month: &str) -> Result<(Instant, Instant)> {
    let bad = || {
        NodeError::invalid(format!(
            "`{}` is no month; write YYYY-MM",
            weft_model::text::printable(month, 20)
        ))
    };
    let first: jiff::civil::Date = format!("{month}-01").parse().map_err(|_| bad())?;
    if month.len() != 7 {
        return Err(bad());
    }
    let next = first
        .checked_add(jiff::Span::new().months(1))
        .map_err(|_| bad())?;
    let start = |d: jiff::civil::Date| {
        d.to_zoned(jiff::tz::TimeZone::UTC)
            .map(|z| z.timestamp().as_millisecond())
            .map_err(|_| bad())
    };
    Ok((start(first)?, start(next)?))
}
