//! What a device announces about itself: its energy, what it has free, which tasks it takes and when, what it serves.
//!
//! An advert is a claim. Who sent it is known by the transport, so it carries no signature of its own; the receiver
//! compares `device` with the sender. Every figure says how it is known, or is none. Nothing here decides what a figure
//! is worth, and no clock is asked whether `at` is now.

use crate::limits::NAME_BYTES;
use crate::text::{is_unsafe, printable};
use crate::{Cid, Did, Instant, cbor};
use serde::{Deserialize, Serialize};
use std::fmt::Display;

/// Largest advert, encoded, in bytes.
pub const ADVERT_BYTES: usize = 8 * 1024;
/// Highest number that an integer of an advert has: every float still tells it from its neighbours.
pub const NUMBER_MAX: u64 = (1 << 53) - 1;
/// Last instant that an advert can be from: the end of the year 9999, in milliseconds.
pub const AT_MAX: Instant = 253_402_300_799_999;
/// Most task names.
pub const TASKS_MAX: usize = 64;
/// Most windows of free hours.
pub const WINDOWS_MAX: usize = 64;
/// Most pins.
pub const PINS_MAX: usize = 64;
/// Longest name of an architecture, in bytes.
pub const ARCH_BYTES: usize = 32;
/// Longest description of a GPU, in bytes.
pub const GPU_BYTES: usize = 64;
/// Longest name of a time zone, in bytes.
pub const ZONE_BYTES: usize = 64;
/// Minutes of a day.
pub const DAY_MINUTES: u16 = 1_440;
/// Largest offset from UTC, in minutes, to either side.
pub const OFFSET_MINUTES: i32 = 1_559;
/// Highest carbon intensity of a grid, in g/kWh.
pub const GRID_MAX: f64 = 2_000.0;
/// Most cores.
pub const CORES_MAX: u32 = 4_096;
/// Most memory, in MB.
pub const MEMORY_MB_MAX: f64 = 1e9;
/// Most disk, in MB.
pub const DISK_MB_MAX: f64 = 1e12;
/// Most tasks that wait, or that run.
pub const QUEUE_MAX: u32 = 65_536;

/// The words of [`Energy::kind`].
pub const ENERGY_KINDS: [&str; 10] = [
    "solar", "wind", "hydro", "nuclear", "biomass", "gas", "oil", "coal", "battery", "unknown",
];
/// The words of [`Energy::known`].
pub const KNOWN: [&str; 4] = ["measured", "modelled", "declared", "unknown"];
/// In [`Advert::allowed_tasks`]: any task.
pub const ANY_TASK: &str = "*";

/// What a device says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advert {
    /// Whose advert it is.
    pub device: Did,
    /// Rises with each advert of a device, from 1 on.
    pub seq: u64,
    /// When it was made.
    pub at: Instant,
    /// A name for people; may be empty.
    pub name: String,
    /// Where it stands, for people; may be empty.
    pub location: String,
    /// What it runs on.
    pub energy: Energy,
    /// What it has free.
    pub capacity: Capacity,
    /// What it is made of.
    pub hardware: Hardware,
    /// Names of the tasks that it takes; `*` alone: any; empty: none.
    pub allowed_tasks: Vec<String>,
    /// The longest that a task may run there, in milliseconds.
    pub max_task_duration_ms: u64,
    /// When its owner lets tasks run, in its local time. None: at any time; empty: never.
    pub hours: Option<Vec<Window>>,
    /// What its local time is ahead of UTC now, in minutes.
    pub utc_offset_minutes: i32,
    /// Its IANA zone, where it knows one. Whether there is such a zone is not judged here.
    pub zone: Option<String>,
    /// The releases that it serves.
    pub pins: Vec<Pin>,
    /// Tasks that wait.
    pub queue_depth: u32,
    /// Tasks that run.
    pub running: u32,
    /// Credits that it asks for a task. None: not said.
    pub cost: Option<u64>,
    /// It carries traffic for members that can't reach each other.
    pub relay: bool,
}

/// What a device runs on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Energy {
    /// One of [`ENERGY_KINDS`].
    pub kind: String,
    /// Clean share, per cent, 0 to 100.
    pub percent_clean: Option<f64>,
    /// Charge, per cent, 0 to 100; none without a battery.
    pub battery_percent: Option<f64>,
    /// On mains.
    pub plugged_in: Option<bool>,
    /// Grid in g/kWh, 0 to [`GRID_MAX`].
    pub grid_g_per_kwh: Option<f64>,
    /// One of [`KNOWN`].
    pub known: String,
}

/// What a device has free.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// Idle cores, 0 to [`CORES_MAX`].
    pub cpu_free: Option<f64>,
    /// Memory in MB, 0 to [`MEMORY_MB_MAX`].
    pub memory_free_mb: Option<f64>,
    /// Disk in MB, 0 to [`DISK_MB_MAX`].
    pub disk_free_mb: Option<f64>,
    /// 1 cold, 0 throttling.
    pub thermal_headroom: Option<f64>,
    /// How idle it is, 0 to 1.
    pub idle: Option<f64>,
}

/// What a device is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hardware {
    /// Cores, 1 to [`CORES_MAX`].
    pub cores: u32,
    /// Memory in MB. None: not known.
    pub memory_mb: Option<f64>,
    /// Its architecture, such as `x86_64`.
    pub arch: String,
    /// Its GPU. None: none that a task could use.
    pub gpu: Option<String>,
}

/// A window of free hours, in local time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// The day on which it begins; 0 is Sunday.
    pub day: u8,
    /// First minute, 0 to 1439.
    pub from: u16,
    /// The minute after the last, 0 to 1440. Before `from`: on the next day.
    pub until: u16,
}

/// A release that a device serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// What it serves.
    pub serves: Serves,
    /// The slot's name, or the task's.
    pub name: String,
    /// The release.
    pub release: Cid,
}

/// What a release serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Serves {
    /// A slot.
    Slot,
    /// Tasks of a name.
    Task,
}

/// Why an advert is none.
#[derive(Debug, thiserror::Error)]
pub enum AdvertError {
    /// A field is out of range.
    #[error("the advert's `{field}` is {found}, allowed is {allowed}")]
    Field {
        /// The field, with a dot between levels.
        field: String,
        /// What it says, shortened.
        found: String,
        /// What it may say.
        allowed: String,
    },
    /// More bytes than an advert may have.
    #[error("an advert of {found} bytes is over the limit of {ADVERT_BYTES} bytes")]
    TooLarge {
        /// What was found.
        found: usize,
    },
    /// Another encoding of the same advert.
    #[error("the advert is not in canonical DAG-CBOR")]
    NotCanonical,
    /// Bytes that are no advert.
    #[error(transparent)]
    Cbor(#[from] cbor::CborError),
}

impl Advert {
    /// Its canonical bytes.
    ///
    /// # Errors
    /// The field that is out of range, or that it is too large.
    pub fn encode(&self) -> Result<Vec<u8>, AdvertError> {
        self.validate()?;
        let bytes = cbor::encode(self)?;
        if bytes.len() > ADVERT_BYTES {
            return Err(AdvertError::TooLarge { found: bytes.len() });
        }
        Ok(bytes)
    }

    /// Reads canonical bytes and checks every field.
    ///
    /// # Errors
    /// When they are too many, of another shape or not canonical, or a field is out of range.
    pub fn decode(bytes: &[u8]) -> Result<Self, AdvertError> {
        if bytes.len() > ADVERT_BYTES {
            return Err(AdvertError::TooLarge { found: bytes.len() });
        }
        let advert: Self = cbor::decode(bytes)?;
        advert.validate()?;
        if cbor::encode(&advert)? != bytes {
            return Err(AdvertError::NotCanonical);
        }
        Ok(advert)
    }

    /// Whether the device takes tasks of that name.
    pub fn allows_task(&self, name: &str) -> bool {
        self.allowed_tasks
            .iter()
            .any(|task| task == ANY_TASK || task == name)
    }

    /// Checks every field.
    ///
    /// # Errors
    /// The first that is out of range, by name.
    pub fn validate(&self) -> Result<(), AdvertError> {
        within("seq", self.seq, 1, NUMBER_MAX)?;
        within("at", self.at, 0, AT_MAX)?;
        text("name", &self.name, 0, NAME_BYTES)?;
        text("location", &self.location, 0, NAME_BYTES)?;
        self.energy.validate()?;
        self.capacity.validate()?;
        self.hardware.validate()?;
        self.check_tasks()?;
        let duration_max = crate::task::MAX_DURATION_MS;
        within(
            "max_task_duration_ms",
            self.max_task_duration_ms,
            1,
            duration_max,
        )?;
        self.check_hours()?;
        most("pins", self.pins.len(), PINS_MAX)?;
        for (i, pin) in self.pins.iter().enumerate() {
            text(&format!("pins.{i}.name"), &pin.name, 1, NAME_BYTES)?;
        }
        within("queue_depth", self.queue_depth, 0, QUEUE_MAX)?;
        within("running", self.running, 0, QUEUE_MAX)?;
        within("cost", self.cost.unwrap_or(0), 0, NUMBER_MAX)
    }

    fn check_tasks(&self) -> Result<(), AdvertError> {
        most("allowed_tasks", self.allowed_tasks.len(), TASKS_MAX)?;
        for (i, task) in self.allowed_tasks.iter().enumerate() {
            let field = format!("allowed_tasks.{i}");
            text(&field, task, 1, NAME_BYTES)?;
            if task == ANY_TASK && self.allowed_tasks.len() > 1 {
                return Err(refused(&field, task, "a task's name, or `*` alone"));
            }
        }
        Ok(())
    }

    fn check_hours(&self) -> Result<(), AdvertError> {
        let windows = self.hours.as_deref().unwrap_or_default();
        most("hours", windows.len(), WINDOWS_MAX)?;
        for (i, window) in windows.iter().enumerate() {
            within(&format!("hours.{i}.day"), window.day, 0, 6)?;
            within(&format!("hours.{i}.from"), window.from, 0, DAY_MINUTES - 1)?;
            let until = format!("hours.{i}.until");
            within(&until, window.until, 0, DAY_MINUTES)?;
            if window.until == window.from {
                return Err(refused(&until, window.until, "another minute than `from`"));
            }
        }
        let offset = self.utc_offset_minutes;
        within(
            "utc_offset_minutes",
            offset,
            -OFFSET_MINUTES,
            OFFSET_MINUTES,
        )?;
        let Some(zone) = &self.zone else {
            return Ok(());
        };
        text("zone", zone, 1, ZONE_BYTES)?;
        if zone
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b))
        {
            return Ok(());
        }
        Err(refused(
            "zone",
            zone,
            "an IANA name such as Europe/Berlin, or none",
        ))
    }
}

impl Energy {
    fn validate(&self) -> Result<(), AdvertError> {
        word("energy.kind", &self.kind, &ENERGY_KINDS)?;
        share("energy.percent_clean", self.percent_clean, 100.0)?;
        share("energy.battery_percent", self.battery_percent, 100.0)?;
        share("energy.grid_g_per_kwh", self.grid_g_per_kwh, GRID_MAX)?;
        word("energy.known", &self.known, &KNOWN)
    }
}

impl Capacity {
    fn validate(&self) -> Result<(), AdvertError> {
        share("capacity.cpu_free", self.cpu_free, f64::from(CORES_MAX))?;
        share(
            "capacity.memory_free_mb",
            self.memory_free_mb,
            MEMORY_MB_MAX,
        )?;
        share("capacity.disk_free_mb", self.disk_free_mb, DISK_MB_MAX)?;
        share("capacity.thermal_headroom", self.thermal_headroom, 1.0)?;
        share("capacity.idle", self.idle, 1.0)
    }
}

impl Hardware {
    fn validate(&self) -> Result<(), AdvertError> {
        within("hardware.cores", self.cores, 1, CORES_MAX)?;
        share("hardware.memory_mb", self.memory_mb, MEMORY_MB_MAX)?;
        text("hardware.arch", &self.arch, 1, ARCH_BYTES)?;
        self.gpu
            .as_ref()
            .map_or(Ok(()), |gpu| text("hardware.gpu", gpu, 1, GPU_BYTES))
    }
}

fn refused(field: &str, found: impl Display, allowed: impl Into<String>) -> AdvertError {
    AdvertError::Field {
        field: field.to_owned(),
        found: printable(&found.to_string(), 80),
        allowed: allowed.into(),
    }
}

fn within<T: PartialOrd + Display>(
    field: &str,
    value: T,
    min: T,
    max: T,
) -> Result<(), AdvertError> {
    if value < min || value > max {
        return Err(refused(field, value, format!("{min} to {max}")));
    }
    Ok(())
}

/// A number that is not negative; what is no number is in no range.
fn share(field: &str, value: Option<f64>, max: f64) -> Result<(), AdvertError> {
    match value {
        Some(value) if !(0.0..=max).contains(&value) => {
            Err(refused(field, value, format!("0 to {max}, or none")))
        }
        _ => Ok(()),
    }
}

fn most(field: &str, found: usize, max: usize) -> Result<(), AdvertError> {
    if found > max {
        return Err(refused(
            field,
            format!("a list of {found}"),
            format!("at most {max}"),
        ));
    }
    Ok(())
}

fn text(field: &str, value: &str, min: usize, max: usize) -> Result<(), AdvertError> {
    let fits = (min..=max).contains(&value.len());
    if !fits || value.chars().any(is_unsafe) {
        return Err(refused(
            field,
            format!("`{}`", printable(value, 60)),
            format!("{min} to {max} bytes of text without control characters"),
        ));
    }
    Ok(())
}

fn word(field: &str, value: &str, words: &[&str]) -> Result<(), AdvertError> {
    if words.contains(&value) {
        return Ok(());
    }
    Err(refused(
        field,
        format!("`{}`", printable(value, 40)),
        words.join(", "),
    ))
}
