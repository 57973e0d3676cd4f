//! The battery and the mains of this device, as Linux shows them in a folder per supply. Elsewhere nothing is known.

use std::fs;
use std::path::{Path, PathBuf};
use weft_model::text::printable;

/// Where Linux shows the supplies of power.
pub const SUPPLIES: &str = "/sys/class/power_supply";

/// What the supplies say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Supply {
    /// Charge of the first battery by name, per cent; none without one.
    pub battery_percent: Option<f64>,
    /// On mains. None: no supply says so.
    pub plugged_in: Option<bool>,
}

/// Reads the folder of supplies. Batteries of mice and headsets are not this device's.
///
/// # Errors
/// When a battery's charge is no number from 0 to 100; names its file.
pub fn read(root: &Path) -> Result<Supply, String> {
    let mut supplies: Vec<PathBuf> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    supplies.sort();
    let mut found = Supply::default();
    let mut status = None;
    for supply in supplies {
        let says = |file: &str| {
            let text = fs::read_to_string(supply.join(file)).ok()?;
            Some(text.trim().to_owned())
        };
        match says("type").as_deref() {
            Some("Battery") if found.battery_percent.is_none() && is_own(&says) => {
                if let Some(text) = says("capacity") {
                    found.battery_percent = Some(charge(&supply, &text)?);
                    status = says("status");
                }
            }
            Some("Mains" | "USB") => {
                if let Some(online) = says("online") {
                    let online = online != "0";
                    found.plugged_in = Some(online || found.plugged_in.unwrap_or(false));
                }
            }
            _ => {}
        }
    }
    if found.plugged_in.is_none() {
        found.plugged_in = match status.as_deref() {
            Some("Discharging") => Some(false),
            Some("Charging" | "Full" | "Not charging") => Some(true),
            _ => None,
        };
    }
    Ok(found)
}

fn is_own(says: &dyn Fn(&str) -> Option<String>) -> bool {
    says("scope").as_deref() != Some("Device") && says("present").as_deref() != Some("0")
}

fn charge(supply: &Path, text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent),
        _ => Err(format!(
            "`battery_percent` is `{}` in `{}`, allowed is a number from 0 to 100",
            printable(text, 40),
            supply.join("capacity").display()
        )),
    }
}
