//! Settings: defaults, then `weft.toml`, then the environment; each value knows where it came from.

mod caps;

use crate::energy::limits::REFRESH_SECONDS_MAX;
use crate::energy::origin::Origin;
use crate::error::{NodeError, Result};
use crate::home::Home;
use crate::report::SettingReport;
use serde_json::{Value, json};
use std::path::PathBuf;
use weft_model::slots::time::Source;

/// One setting.
struct Key {
    name: &'static str,
    environment: &'static str,
    default: fn() -> Value,
    about: &'static str,
    check: fn(&Value) -> Result<(), String>,
}

/// All settings, in the order of `weft.toml`.
fn keys() -> impl Iterator<Item = &'static Key> {
    KEYS.iter().chain(caps::KEYS)
}

/// How long a silent worker may be waited for, in seconds: it is asked every two.
const PATIENCE_SECONDS: std::ops::RangeInclusive<u64> = 5..=3_600;

/// Those that are shown to nobody.
const SECRETS: [&str; 1] = ["openai_key"];

/// Those of the node's work.
const KEYS: &[Key] = &[
    Key {
        name: "mesh_enabled",
        environment: "MESH_ENABLED",
        default: || json!(false),
        about: "Take part in a mesh. Peers are rows of the `peers` table until a network is joined.",
        check: boolean,
    },
    Key {
        name: "peer_id",
        environment: "MESH_PEER_ID",
        default: || json!("self"),
        about: "What this device is called in tables: an alias, not its key.",
        check: text,
    },
    Key {
        name: "peer_name",
        environment: "MESH_PEER_NAME",
        default: || json!(""),
        about: "A name for people.",
        check: text,
    },
    Key {
        name: "peer_location",
        environment: "MESH_PEER_LOCATION",
        default: || json!(""),
        about: "Where it stands, for people.",
        check: text,
    },
    Key {
        name: "energy_type",
        environment: "MESH_CURRENT_ENERGY_TYPE",
        default: || json!("unknown"),
        about: "Energy here: solar, wind, hydro, nuclear, biomass, gas, oil, coal, battery or unknown. \
                `weft energy set` goes before it.",
        check: source,
    },
    Key {
        name: "energy_percent_clean",
        environment: "MESH_CURRENT_ENERGY_PERCENT_CLEAN",
        default: || Value::Null,
        about: "Clean share of the energy here, per cent.",
        check: percent,
    },
    Key {
        name: "listen",
        environment: "MESH_LISTEN",
        default: || json!("/ip4/0.0.0.0/tcp/9001,/ip4/0.0.0.0/udp/9001/quic-v1"),
        about: "Addresses that the mesh listens on, separated by commas; `weft start --listen` goes before it. Newcomers \
                with an invite knock at the TCP port above.",
        check: addresses,
    },
    Key {
        name: "public_listen",
        environment: "MESH_PUBLIC_LISTEN",
        default: || json!(""),
        about: "Addresses at which anybody, member or not, may fetch what is public by Bitswap, separated by commas; empty: \
                nowhere. Example: /ip4/0.0.0.0/tcp/9003,/ip4/0.0.0.0/udp/9003/quic-v1",
        check: addresses,
    },
    Key {
        name: "external_addresses",
        environment: "MESH_EXTERNAL_ADDRESSES",
        default: || json!(""),
        about: "Addresses under which others reach this device, where it can't tell by itself, separated by commas. \
                Example: /ip4/203.0.113.5/tcp/9001",
        check: addresses,
    },
    Key {
        name: "bootstrap",
        environment: "MESH_BOOTSTRAP",
        default: || json!(""),
        about: "Addresses of members to dial first, separated by commas; each ends with /p2p/PEER_ID.",
        check: addresses,
    },
    Key {
        name: "mdns",
        environment: "MESH_MDNS",
        default: || json!(true),
        about: "Find members in the same local network.",
        check: boolean,
    },
    Key {
        name: "upnp",
        environment: "MESH_UPNP",
        default: || json!(true),
        about: "Ask the router to open a port.",
        check: boolean,
    },
    Key {
        name: "energy_source",
        environment: "MESH_ENERGY_SOURCE",
        default: || json!("static"),
        about: "Where readings of the energy here come from: static (energy_type above), battery, file:PATH, \
                command:PROGRAM ARGS (no shell) or http:URL KEY=POINTER .... A file and a program give a JSON object \
                with some of type, percent_clean, grid_g_per_kwh, battery_percent, plugged_in; an answer over HTTP \
                is such an object, or each KEY is where its JSON pointer says. `weft energy set` goes before it. \
                Example: http:http://127.0.0.1:8080/energy type=solar percent_clean=/data/renewable",
        check: energy_source,
    },
    Key {
        name: "energy_refresh_seconds",
        environment: "MESH_ENERGY_REFRESH_SECONDS",
        default: || json!(60),
        about: "Least time between two readings of that source, in seconds.",
        check: refresh_seconds,
    },
    Key {
        name: "allowed_tasks",
        environment: "MESH_ALLOWED_TASKS",
        default: || json!("*"),
        about: "Task names that this device runs, separated by commas; * for any.",
        check: text,
    },
    Key {
        name: "worker_patience_seconds",
        environment: "MESH_WORKER_PATIENCE_SECONDS",
        default: || json!(30),
        about: "How long a device that runs a task of yours may be silent before the next one is asked, in seconds.",
        check: worker_patience,
    },
    Key {
        name: "max_task_duration_ms",
        environment: "MESH_MAX_TASK_DURATION_MS",
        default: || json!(1_800_000),
        about: "The longest that a task may run here, in milliseconds.",
        check: duration,
    },
    Key {
        name: "task_cost",
        environment: "MESH_TASK_COST",
        default: || json!(0),
        about: "What this device asks others for a task, in credits.",
        check: credits,
    },
    Key {
        name: "relay",
        environment: "MESH_RELAY",
        default: || json!(false),
        about: "Carry traffic for members that can't reach each other.",
        check: boolean,
    },
    Key {
        name: "user_quota_tier",
        environment: "MESH_USER_QUOTA_TIER",
        default: || json!(""),
        about: "Tier granted to users of this node that have earned none; empty: none is granted.",
        check: text,
    },
    Key {
        name: "voting",
        environment: "MESH_VOTING",
        default: || json!(true),
        about: "Whether the importance of tasks is voted on; false: the submitter's word counts, but for critical.",
        check: boolean,
    },
    Key {
        name: "canary_failures",
        environment: "MESH_CANARY_FAILURES",
        default: || json!(weft_decide::trial::Limits::default().failures),
        about: "Failures (a trap, a missed deadline, a broken contract) among the last decisions of a release on \
                trial that put it out of service.",
        check: from_one,
    },
    Key {
        name: "canary_refusals",
        environment: "MESH_CANARY_REFUSALS",
        default: || json!(weft_decide::trial::Limits::default().refusals),
        about: "Refusals among the last decisions of a canary that are still accepted; one more, and the version \
                before it decides again.",
        check: from_none,
    },
    Key {
        name: "canary_decisions",
        environment: "MESH_CANARY_DECISIONS",
        default: || json!(weft_decide::trial::Limits::default().decisions),
        about: "How many of the last decisions of a release on trial are looked at.",
        check: from_one,
    },
    Key {
        name: "updates_from",
        environment: "MESH_UPDATES_FROM",
        default: || json!(""),
        about: "A folder from which newer releases of what serves are installed by themselves; empty: none are. They are \
                checked as any other, wait for consent if they want more, and serve when `update_delay_hours` are over.",
        check: text,
    },
    Key {
        name: "update_delay_hours",
        environment: "MESH_UPDATE_DELAY_HOURS",
        default: || json!(48),
        about: "How long an update that came by itself waits before it serves, from when it was first seen, in hours; a \
                fix that a trusted key signed as `security` does not wait.",
        check: hours,
    },
    Key {
        name: "grants",
        environment: "MESH_GRANTS",
        default: || json!(""),
        about: "Directories that tasks may write, as NAME=DIRECTORY pairs separated by commas; no other task may write \
                anything. Example: log-rotation=/var/log/app",
        check: pairs,
    },
    Key {
        name: "reads",
        environment: "MESH_READS",
        default: || json!(""),
        about: "Directories that tasks may read, as NAME=DIRECTORY pairs separated by commas; a task sees its own as \
                /read, with times of zero and sorted listings. Example: embeddings=/srv/models",
        check: pairs,
    },
];

/// Longest delay of an update that came by itself, in hours: a year.
const UPDATE_DELAY_HOURS_MAX: u64 = 8_760;

/// The settings of a node.
#[derive(Clone, Debug)]
pub struct Settings {
    values: Vec<(&'static str, Value, String)>,
}

impl Settings {
    /// Reads `weft.toml` and the environment.
    ///
    /// # Errors
    /// When the file is no TOML, or a value is out of range: names the setting, where it came from, and what is
    /// allowed.
    pub fn load(home: &Home, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let path = home.settings();
        let file: toml::Table = match std::fs::read_to_string(&path) {
            Ok(text) => text.parse().map_err(|e| {
                NodeError::invalid(format!("`{}` is no valid TOML: {e}", path.display()))
                    .try_this("correct the file, or move it away to start from the defaults")
            })?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => toml::Table::new(),
            Err(e) => return Err(NodeError::file(&path, &e)),
        };
        if let Some(unknown) = file.keys().find(|k| !keys().any(|key| key.name == **k)) {
            let known: Vec<&str> = keys().map(|k| k.name).collect();
            return Err(NodeError::invalid(format!(
                "`weft.toml` has an unknown setting `{unknown}`"
            ))
            .try_this(format!("known are {}", known.join(", "))));
        }
        let mut values = Vec::new();
        for key in keys() {
            let (value, source) = match (environment(key.environment), file.get(key.name)) {
                (Some(text), _) => (of_environment(&text, &(key.default)()), key.environment),
                (None, Some(value)) => (
                    serde_json::to_value(value).map_err(NodeError::internal)?,
                    "weft.toml",
                ),
                (None, None) => ((key.default)(), "default"),
            };
            (key.check)(&value).map_err(|allowed| {
                NodeError::invalid(format!(
                    "`{}` (from {source}) is {value}, allowed is {allowed}",
                    key.name
                ))
            })?;
            values.push((key.name, value, source.to_owned()));
        }
        Ok(Self { values })
    }

    fn get(&self, name: &str) -> &Value {
        self.values
            .iter()
            .find(|(n, _, _)| *n == name)
            .map_or(&Value::Null, |(_, v, _)| v)
    }

    /// A text.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).as_str().unwrap_or_default()
    }

    /// A yes or no.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).as_bool().unwrap_or_default()
    }

    /// A whole number that is not negative, where one is set.
    pub fn whole(&self, name: &str) -> Option<u64> {
        self.get(name).as_u64()
    }

    /// A number, where one is set.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.get(name).as_f64()
    }

    /// What ends a trial before a person does.
    pub fn trial_limits(&self) -> weft_decide::trial::Limits {
        // Each value was checked to be a small whole number when it was read.
        let number = |name| self.number(name).unwrap_or_default() as u32;
        weft_decide::trial::Limits {
            failures: number("canary_failures"),
            refusals: number("canary_refusals"),
            decisions: number("canary_decisions"),
        }
    }

    /// Whether this device runs tasks of that name.
    pub fn allows_task(&self, name: &str) -> bool {
        self.text("allowed_tasks")
            .split(',')
            .map(str::trim)
            .any(|t| t == "*" || t == name)
    }

    /// The directory that a task of that name may write.
    pub fn granted(&self, name: &str) -> Option<PathBuf> {
        self.directory("grants", name)
    }

    /// The directory that a task of that name may read.
    pub fn readable(&self, name: &str) -> Option<PathBuf> {
        self.directory("reads", name)
    }

    fn directory(&self, setting: &str, name: &str) -> Option<PathBuf> {
        self.text(setting)
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .find(|(task, _)| task.trim() == name)
            .map(|(_, directory)| directory.trim().into())
    }

    /// All directories that tasks may write or read, each with its task's name.
    pub fn directories(&self) -> Vec<(String, String)> {
        ["grants", "reads"]
            .iter()
            .flat_map(|setting| self.text(setting).split(','))
            .filter_map(|pair| pair.split_once('='))
            .map(|(task, directory)| (task.trim().to_owned(), directory.trim().to_owned()))
            .collect()
    }

    /// All of them, with their sources.
    pub fn report(&self) -> Vec<SettingReport> {
        self.values
            .iter()
            .map(|(key, value, source)| SettingReport {
                key: (*key).to_owned(),
                value: match value.as_str() {
                    Some(text) if SECRETS.contains(key) && !text.is_empty() => json!("(set)"),
                    _ => value.clone(),
                },
                source: source.clone(),
            })
            .collect()
    }

    /// A commented `weft.toml` in which every setting has its default.
    pub fn template() -> String {
        let mut text = String::from(
            "# Settings of this Weft node. A line without `#` before it counts; an environment variable goes \
             before the file.\n# `weft status` shows every value and where it came from.\n",
        );
        for key in keys() {
            let default = match (key.default)() {
                Value::Null => "50.0".to_owned(),
                value => value.to_string(),
            };
            text.push_str(&format!(
                "\n# {}\n# Environment: {}\n# {} = {default}\n",
                key.about, key.environment, key.name
            ));
        }
        text
    }
}

/// The words for energy sources.
const SOURCES: [(&str, Source); 10] = [
    ("solar", Source::Solar),
    ("wind", Source::Wind),
    ("hydro", Source::Hydro),
    ("nuclear", Source::Nuclear),
    ("biomass", Source::Biomass),
    ("gas", Source::Gas),
    ("oil", Source::Oil),
    ("coal", Source::Coal),
    ("battery", Source::Battery),
    ("unknown", Source::Unknown),
];

/// The energy source for a word.
pub fn source_of(word: &str) -> Option<Source> {
    SOURCES.iter().find(|(w, _)| *w == word).map(|(_, s)| *s)
}

/// The word for an energy source.
pub fn word_of(source: Source) -> &'static str {
    let found = SOURCES.iter().find(|(_, s)| *s == source);
    found.map_or("unknown", |(word, _)| word)
}

/// An environment variable's text, read as the type of the default. What does not read stays a text, which the check
/// then refuses by name.
fn of_environment(text: &str, default: &Value) -> Value {
    let word = text.trim().to_ascii_lowercase();
    match default {
        Value::String(_) => json!(text),
        Value::Bool(_) => match word.as_str() {
            "true" | "1" | "yes" | "on" => json!(true),
            "false" | "0" | "no" | "off" => json!(false),
            _ => json!(text),
        },
        _ => serde_json::from_str(&word).unwrap_or_else(|_| json!(text)),
    }
}

fn boolean(value: &Value) -> Result<(), String> {
    if value.is_boolean() {
        Ok(())
    } else {
        Err("true or false".into())
    }
}

fn text(value: &Value) -> Result<(), String> {
    match value.as_str() {
        Some(t) if t.len() <= 4096 && !t.chars().any(char::is_control) => Ok(()),
        _ => Err("a text of at most 4096 bytes".into()),
    }
}

fn addresses(value: &Value) -> Result<(), String> {
    text(value)?;
    let wrong = value
        .as_str()
        .into_iter()
        .flat_map(|t| t.split(','))
        .map(str::trim)
        .filter(|a| !a.is_empty())
        .find_map(|a| weft_mesh::check_address(a).err());
    wrong.map_or(Ok(()), |e| Err(e.to_string()))
}

fn pairs(value: &Value) -> Result<(), String> {
    text(value)?;
    let whole = |pair: &str| {
        let halves = pair.split_once('=');
        pair.trim().is_empty()
            || halves.is_some_and(|(n, d)| !n.trim().is_empty() && !d.trim().is_empty())
    };
    if value.as_str().is_some_and(|t| t.split(',').all(whole)) {
        Ok(())
    } else {
        Err("NAME=DIRECTORY pairs separated by commas".into())
    }
}

fn source(value: &Value) -> Result<(), String> {
    match value.as_str().and_then(source_of) {
        Some(_) => Ok(()),
        None => {
            Err("solar, wind, hydro, nuclear, biomass, gas, oil, coal, battery or unknown".into())
        }
    }
}

fn energy_source(value: &Value) -> Result<(), String> {
    text(value)?;
    Origin::parse(value.as_str().unwrap_or_default()).map(drop)
}

fn worker_patience(value: &Value) -> Result<(), String> {
    let range = PATIENCE_SECONDS;
    match value.as_u64() {
        Some(seconds) if range.contains(&seconds) => Ok(()),
        _ => Err(format!(
            "a whole number of seconds from {} to {}",
            range.start(),
            range.end()
        )),
    }
}

fn refresh_seconds(value: &Value) -> Result<(), String> {
    match value.as_u64() {
        Some(seconds) if (1..=REFRESH_SECONDS_MAX).contains(&seconds) => Ok(()),
        _ => Err(format!(
            "a whole number of seconds from 1 to {REFRESH_SECONDS_MAX}"
        )),
    }
}

fn credits(value: &Value) -> Result<(), String> {
    let max = weft_model::advert::NUMBER_MAX;
    match value.as_u64() {
        Some(credits) if credits <= max => Ok(()),
        _ => Err(format!("a whole number of credits from 0 to {max}")),
    }
}

fn percent(value: &Value) -> Result<(), String> {
    if value.is_null() || value.as_f64().is_some_and(|p| (0.0..=100.0).contains(&p)) {
        Ok(())
    } else {
        Err("a number from 0 to 100".into())
    }
}

fn from_one(value: &Value) -> Result<(), String> {
    decisions(value, 1)
}

fn from_none(value: &Value) -> Result<(), String> {
    decisions(value, 0)
}

fn decisions(value: &Value, least: u64) -> Result<(), String> {
    let most = u64::from(weft_decide::trial::DECISIONS_MAX);
    match value.as_u64() {
        Some(n) if (least..=most).contains(&n) => Ok(()),
        _ => Err(format!("a whole number from {least} to {most}")),
    }
}

fn hours(value: &Value) -> Result<(), String> {
    match value.as_u64() {
        Some(hours) if hours <= UPDATE_DELAY_HOURS_MAX => Ok(()),
        _ => Err(format!(
            "a whole number of hours from 0 to {UPDATE_DELAY_HOURS_MAX}"
        )),
    }
}

fn duration(value: &Value) -> Result<(), String> {
    let max = weft_model::task::MAX_DURATION_MS;
    match value.as_u64() {
        Some(ms) if (1..=max).contains(&ms) => Ok(()),
        _ => Err(format!("a whole number of milliseconds from 1 to {max}")),
    }
}
