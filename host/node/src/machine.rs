//! What this machine has free, read from the system; a figure that can't be read is unknown.

use std::fs;

/// Figures of this machine.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Machine {
    /// Idle cores, by the load average of the last minute.
    pub cpu_free: Option<f64>,
    /// Memory that could be had, in MB.
    pub memory_free_mb: Option<f64>,
    /// How idle the cores are, 0 to 1.
    pub idle: Option<f64>,
    /// Charge of the first battery, per cent.
    pub battery_percent: Option<f64>,
    /// 1 on mains, 0 on battery.
    pub plugged_in: Option<f64>,
}

/// Reads `/proc` and `/sys`; elsewhere only the number of cores is known.
pub fn read() -> Machine {
    let cores = std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64);
    let load = fs::read_to_string("/proc/loadavg")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    let cpu_free = (cores - load.unwrap_or(0.0)).max(0.0);
    let memory = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    });
    let supply = |file: &str, kind: &str| -> Option<String> {
        fs::read_dir("/sys/class/power_supply")
            .ok()?
            .filter_map(Result::ok)
            .find_map(|entry| {
                let is = fs::read_to_string(entry.path().join("type")).ok()?;
                (is.trim() == kind).then(|| fs::read_to_string(entry.path().join(file)).ok())?
            })
    };
    Machine {
        cpu_free: Some(cpu_free),
        memory_free_mb: memory.map(|kib| kib / 1024.0),
        idle: load.map(|_| cpu_free / cores),
        battery_percent: supply("capacity", "Battery").and_then(|t| t.trim().parse().ok()),
        plugged_in: supply("online", "Mains").and_then(|t| t.trim().parse().ok()),
    }
}
