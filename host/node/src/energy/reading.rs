//! One reading of the energy here: a JSON object of known keys, each in its range. What is left out or null is unknown.

use serde_json::{Map, Value};
use weft_model::advert::GRID_MAX;
use weft_model::slots::time::Source;
use weft_model::text::printable;

/// The keys that a reading may have.
pub const KEYS: [&str; 5] = [
    "type",
    "percent_clean",
    "grid_g_per_kwh",
    "battery_percent",
    "plugged_in",
];
/// How much of a value that is refused is shown, in bytes.
const SHOWN_BYTES: usize = 40;

/// What a source says of the energy here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// What kind of energy it is.
    pub kind: Source,
    /// Clean share, per cent.
    pub percent_clean: Option<f64>,
    /// Grid in g/kWh.
    pub grid_g_per_kwh: Option<f64>,
    /// Charge, per cent.
    pub battery_percent: Option<f64>,
    /// On mains.
    pub plugged_in: Option<bool>,
    /// How kind and clean share are known: `measured`, `declared` or `unknown`.
    pub known: &'static str,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            kind: Source::Unknown,
            percent_clean: None,
            grid_g_per_kwh: None,
            battery_percent: None,
            plugged_in: None,
            known: "unknown",
        }
    }
}

impl Reading {
    /// Reads the JSON text of an object.
    ///
    /// # Errors
    /// When it is no such object: names the key that is unknown or out of range.
    pub fn of_json(text: &[u8]) -> Result<Self, String> {
        match serde_json::from_slice(text) {
            Ok(Value::Object(object)) => Self::of(&object),
            Ok(_) => Err("it is JSON, but no object".into()),
            Err(e) => Err(format!("it is no JSON: {e}")),
        }
    }

    /// Reads an object. What it says is declared: nobody here measured it.
    ///
    /// # Errors
    /// Names the key that is unknown or out of range.
    pub fn of(object: &Map<String, Value>) -> Result<Self, String> {
        if let Some(unknown) = object.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!(
                "`{}` is no key of a reading; known are {}",
                printable(unknown, SHOWN_BYTES),
                KEYS.join(", ")
            ));
        }
        let kind = match object.get("type") {
            None | Some(Value::Null) => Source::Unknown,
            Some(value) => value
                .as_str()
                .and_then(crate::settings::source_of)
                .ok_or_else(|| {
                    let known = weft_model::advert::ENERGY_KINDS.join(", ");
                    refused("type", value, &format!("one of {known}"))
                })?,
        };
        let reading = Self {
            kind,
            percent_clean: number(object, "percent_clean", 100.0)?,
            grid_g_per_kwh: number(object, "grid_g_per_kwh", GRID_MAX)?,
            battery_percent: number(object, "battery_percent", 100.0)?,
            plugged_in: flag(object, "plugged_in")?,
            known: "unknown",
        };
        let says = reading != Self::default();
        Ok(Self {
            known: if says { "declared" } else { "unknown" },
            ..reading
        })
    }
}

fn number(object: &Map<String, Value>, key: &str, max: f64) -> Result<Option<f64>, String> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) if (0.0..=max).contains(&number) => Ok(Some(number)),
            _ => Err(refused(key, value, &format!("a number from 0 to {max}"))),
        },
    }
}

fn flag(object: &Map<String, Value>, key: &str) -> Result<Option<bool>, String> {
    match object.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(value) => Err(refused(key, value, "true or false")),
    }
}

fn refused(key: &str, value: &Value, allowed: &str) -> String {
    let found = match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        plain => printable(&plain.to_string(), SHOWN_BYTES),
    };
    format!("`{key}` is {found}, allowed is {allowed}")
}
