//! What this machine has and has free, read from the system; a figure that can't be read is unknown.

use crate::energy::battery;
use std::fs;
use std::path::{Path, PathBuf};

/// Where Linux shows temperatures.
const THERMAL: &str = "/sys/class/thermal";
/// The temperature of a cold device, in thousandths of a degree Celsius: it has all its headroom.
const COLD_MILLIDEGREES: f64 = 25_000.0;
/// Highest trip point that is believed, in thousandths of a degree Celsius.
const HOT_MILLIDEGREES: f64 = 150_000.0;

/// Figures of this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Machine {
    /// Cores.
    pub cores: u32,
    /// Memory, in MB.
    pub memory_mb: Option<f64>,
    /// Idle cores, by the load average of the last minute.
    pub cpu_free: Option<f64>,
    /// Memory that could be had, in MB.
    pub memory_free_mb: Option<f64>,
    /// How idle the cores are, 0 to 1.
    pub idle: Option<f64>,
    /// Charge of the first battery, per cent.
    pub battery_percent: Option<f64>,
    /// On mains.
    pub plugged_in: Option<bool>,
}

/// Reads `/proc` and `/sys`; elsewhere only the number of cores is known.
pub fn read() -> Machine {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    let cpu_free = (cores as f64 - load.unwrap_or(0.0)).max(0.0);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = |line: &str| {
        let line = memory.lines().find(|l| l.starts_with(line))?;
        let kib = line.split_whitespace().nth(1)?.parse::<f64>().ok()?;
        Some(kib / 1024.0)
    };
    // A battery whose charge makes no sense is one of which nothing is known.
    let supply = battery::read(Path::new(battery::SUPPLIES)).unwrap_or_default();
    Machine {
        cores: u32::try_from(cores).unwrap_or(u32::MAX),
        memory_mb: memory("MemTotal:"),
        cpu_free: Some(cpu_free),
        memory_free_mb: memory("MemAvailable:"),
        idle: load.map(|_| cpu_free / cores as f64),
        battery_percent: supply.battery_percent,
        plugged_in: supply.plugged_in,
    }
}

/// How far the device is from throttling: 1 cold, 0 throttling, by the zone that is nearest to it.
pub fn thermal_headroom() -> Option<f64> {
    headroom(Path::new(THERMAL))
}

fn headroom(root: &Path) -> Option<f64> {
    let zones = fs::read_dir(root).ok()?.filter_map(Result::ok);
    let shares = zones.filter_map(|zone| zone_headroom(&zone.path()));
    shares.reduce(f64::min)
}

/// Of a zone that has a point at which it throttles.
fn zone_headroom(zone: &Path) -> Option<f64> {
    let number = |path: PathBuf| -> Option<f64> {
        let text = fs::read_to_string(path).ok()?;
        text.trim().parse().ok()
    };
    let now = number(zone.join("temp"))?;
    let trip = (0..)
        .map(|i| zone.join(format!("trip_point_{i}_type")))
        .map_while(|path| Some((fs::read_to_string(&path).ok()?, path)))
        .filter(|(kind, _)| matches!(kind.trim(), "passive" | "hot" | "critical"))
        .filter_map(|(_, path)| {
            let name = path.file_name()?.to_str()?.replace("_type", "_temp");
            number(path.with_file_name(name))
        })
        .filter(|trip| *trip > COLD_MILLIDEGREES && *trip <= HOT_MILLIDEGREES)
        .reduce(f64::min)?;
    Some(((trip - now) / (trip - COLD_MILLIDEGREES)).clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zone_nearest_to_throttling_counts_and_zones_without_a_point_do_not() {
        let root = tempfile::tempdir().expect("a folder");
        assert_eq!(headroom(root.path()), None);
        let zone = |name: &str, files: &[(&str, &str)]| {
            let zone = root.path().join(name);
            fs::create_dir(&zone).expect("made");
            for (file, text) in files {
                fs::write(zone.join(file), text).expect("written");
            }
        };
        zone("thermal_zone0", &[("temp", "99000\n")]);
        assert_eq!(headroom(root.path()), None, "it has no trip point");
        let points = |temp| {
            [
                ("temp", temp),
                ("trip_point_0_type", "critical\n"),
                ("trip_point_0_temp", "105000\n"),
                ("trip_point_1_type", "passive\n"),
                ("trip_point_1_temp", "85000\n"),
                ("trip_point_2_type", "active\n"),
                ("trip_point_2_temp", "30000\n"),
            ]
        };
        zone("thermal_zone1", &points("40000\n"));
        assert_eq!(headroom(root.path()), Some(0.75));
        zone("thermal_zone2", &points("90000\n"));
        assert_eq!(headroom(root.path()), Some(0.0));
    }
}
