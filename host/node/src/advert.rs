//! What this device announces about itself, filled from settings, machine, energy, queue and what serves.

use crate::energy::Power;
use crate::error::{NodeError, Result};
use crate::gather::SELF;
use crate::node::Node;
use crate::settings::word_of;
use crate::{keys, machine};
use weft_decide::windows::utc_offset_minutes;
use weft_engine::Table;
use weft_model::Instant;
use weft_model::advert::{
    ANY_TASK, Advert, AdvertError, CORES_MAX, Capacity, DISK_MB_MAX, Energy, Hardware,
    MEMORY_MB_MAX, PINS_MAX, Pin, QUEUE_MAX, Serves, TASKS_MAX, WINDOWS_MAX, Window,
};
use weft_model::limits::NAME_BYTES;
use weft_model::text::{is_unsafe, printable};
use weft_store::bound::WORKLOADS;
use weft_store::owner::hours;
use weft_store::{Read, Write, meta, tasks};

/// Key of the last advert's number in `meta`.
const SEQ: &str = "advert:seq";
/// Days of a week.
const DAYS: std::ops::Range<u8> = 0..7;
/// Bytes in a MB.
const MB: f64 = 1e6;

impl Node {
    /// What this device says about itself now; its number rises with each call, over restarts too. It never waits for a
    /// source of energy that takes its time: what that last said is announced.
    ///
    /// # Errors
    /// When the energy's row is malformed, or the database can't be read or written.
    pub fn advert(&self) -> Result<Advert> {
        self.refresh_cheap_energy();
        let now = self.now();
        let table = self.slots.table();
        let advert = self.store.write(|tx| self.advert_in(tx, &table, now))?;
        fit(advert)
    }

    fn advert_in(&self, tx: &Write, table: &Table, now: Instant) -> Result<Advert> {
        let machine = self.machine_left();
        let power = self.power(tx)?;
        let disk = fs4::available_space(self.home.root()).ok();
        let (hours, zone) = self.hours_here(tx)?;
        let settings = &self.settings;
        let duration = settings.whole("max_task_duration_ms");
        Ok(Advert {
            device: keys::did(&self.device_key),
            seq: next_seq(tx)?,
            at: now,
            name: printable(settings.text("peer_name"), NAME_BYTES),
            location: printable(settings.text("peer_location"), NAME_BYTES),
            energy: energy(&power, &machine),
            capacity: Capacity {
                cpu_free: machine.cpu_free.map(|c| c.min(f64::from(CORES_MAX))),
                memory_free_mb: machine.memory_free_mb.map(|mb| mb.min(MEMORY_MB_MAX)),
                disk_free_mb: disk.map(|bytes| (bytes as f64 / MB).min(DISK_MB_MAX)),
                thermal_headroom: machine::thermal_headroom(),
                idle: machine.idle.map(|share| share.clamp(0.0, 1.0)),
            },
            hardware: Hardware {
                cores: machine.cores.clamp(1, CORES_MAX),
                memory_mb: machine.memory_mb.map(|mb| mb.min(MEMORY_MB_MAX)),
                arch: std::env::consts::ARCH.to_owned(),
                // No workload reaches one.
                gpu: None,
            },
            allowed_tasks: allowed_tasks(settings.text("allowed_tasks")),
            max_task_duration_ms: duration.unwrap_or(weft_model::limits::WORKLOAD_DEADLINE_MS),
            hours,
            utc_offset_minutes: utc_offset_minutes(&zone, now),
            zone: zone.iana_name().map(ToOwned::to_owned),
            pins: pins(tx, table)?,
            queue_depth: waiting(tasks::waiting_for_place(tx, SELF)?),
            running: waiting(tasks::count(tx, "running")?),
            cost: settings.whole("task_cost"),
            relay: settings.flag("relay"),
        })
    }

    /// The owner's free hours and zone. Rows that can't be read close the owner's rules, and so the hours.
    fn hours_here(&self, tx: &Read) -> Result<(Option<Vec<Window>>, jiff::tz::TimeZone)> {
        let Ok(zone) = self.zone_of(tx, &self.owner)? else {
            return Ok((Some(Vec::new()), self.zone.clone()));
        };
        let rows = hours::in_force(tx, &self.owner)?;
        if !rows.malformed.is_empty() {
            return Ok((Some(Vec::new()), zone));
        }
        if rows.rows.is_empty() {
            return Ok((None, zone));
        }
        let mut windows: Vec<Window> = rows
            .rows
            .iter()
            .filter(|row| row.start != row.end)
            .flat_map(|row| {
                let days = row.day.map_or(DAYS, |day| day..day + 1);
                days.map(|day| Window {
                    day,
                    from: row.start,
                    until: row.end,
                })
            })
            .collect();
        windows.sort_unstable();
        windows.dedup();
        // To announce less than there is does no harm.
        windows.truncate(WINDOWS_MAX);
        Ok((Some(windows), zone))
    }
}

fn next_seq(tx: &Write) -> Result<u64> {
    let last = meta::get(tx, SEQ)?.unwrap_or_else(|| "0".into());
    let last: u64 = last.parse().map_err(|_| {
        NodeError::invalid(format!(
            "table `meta`, row `{SEQ}`: `{}` is no number",
            printable(&last, 40)
        ))
        .try_this("write the number of the last advert there, or a higher one")
    })?;
    let next = last.saturating_add(1);
    meta::set(tx, SEQ, &next.to_string())?;
    Ok(next)
}

fn energy(power: &Power, machine: &machine::Machine) -> Energy {
    Energy {
        kind: word_of(power.kind).to_owned(),
        percent_clean: power.percent_clean,
        battery_percent: power.battery_percent.or(machine.battery_percent),
        plugged_in: power.plugged_in.or(machine.plugged_in),
        // A row that was edited by hand may say more than others accept.
        grid_g_per_kwh: power.grid.map(|g| g.min(weft_model::advert::GRID_MAX)),
        known: power.known.clone(),
    }
}

/// Names that no task can have are left out.
fn allowed_tasks(setting: &str) -> Vec<String> {
    let names = setting.split(',').map(str::trim);
    let mut names: Vec<String> = names
        .filter(|n| (1..=NAME_BYTES).contains(&n.len()) && !n.chars().any(is_unsafe))
        .map(ToOwned::to_owned)
        .collect();
    if names.iter().any(|name| name == ANY_TASK) {
        return vec![ANY_TASK.to_owned()];
    }
    names.sort_unstable();
    names.dedup();
    names.truncate(TASKS_MAX);
    names
}

/// What serves each slot, then what runs each task.
fn pins(tx: &Read, table: &Table) -> Result<Vec<Pin>> {
    let mut pins = Vec::new();
    for (slot, active) in &table.active {
        pins.extend(active.iter().map(|active| Pin {
            serves: Serves::Slot,
            name: slot.name().to_owned(),
            release: active.release,
        }));
    }
    for bound in WORKLOADS.list(tx)?.rows {
        let fits = (1..=NAME_BYTES).contains(&bound.name.len());
        if let Ok(release) = bound.release_cid.parse()
            && fits
            && !bound.name.chars().any(is_unsafe)
        {
            pins.push(Pin {
                serves: Serves::Task,
                name: bound.name,
                release,
            });
        }
    }
    pins.truncate(PINS_MAX);
    Ok(pins)
}

fn waiting(tasks: u64) -> u32 {
    u32::try_from(tasks).map_or(QUEUE_MAX, |tasks| tasks.min(QUEUE_MAX))
}

/// Shortens the longest list until it fits: what is left out is not offered.
fn fit(mut advert: Advert) -> Result<Advert> {
    loop {
        match advert.encode() {
            Ok(_) => return Ok(advert),
            Err(AdvertError::TooLarge { .. })
                if !(advert.pins.is_empty() && advert.allowed_tasks.is_empty()) =>
            {
                let names: usize = advert.allowed_tasks.iter().map(String::len).sum();
                let pins: usize = advert.pins.iter().map(|pin| pin.name.len()).sum();
                if names > pins {
                    advert.allowed_tasks.pop();
                } else {
                    advert.pins.pop();
                }
            }
            Err(e) => return Err(NodeError::internal(e)),
        }
    }
}
