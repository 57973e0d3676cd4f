//! Where readings come from: what the setting `energy_source` says.

use super::reading::Reading;
use super::{battery, command, file};
use crate::energy::http::Http;
use crate::settings::{Settings, source_of};
use std::path::{Path, PathBuf};
use weft_model::slots::time::Source;
use weft_model::text::printable;

/// What the setting may say.
const ALLOWED: &str =
    "`static`, `battery`, `file:PATH`, `command:PROGRAM ARGS` or `http:URL KEY=POINTER …`";

/// A source of readings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Origin {
    /// None: the settings say what the energy here is.
    Static,
    /// The battery while it discharges; on mains, what the settings say.
    Battery {
        /// What the settings say.
        mains: Reading,
    },
    /// A file.
    File(PathBuf),
    /// A program.
    Command {
        /// It, by its path or its name.
        program: String,
        /// What it is given.
        args: Vec<String>,
    },
    /// A document over HTTP.
    Http(Http),
}

impl Origin {
    /// The source of a node.
    pub fn of(settings: &Settings) -> Self {
        // The setting was checked when it was read.
        match Self::parse(settings.text("energy_source")).unwrap_or(Self::Static) {
            Self::Battery { .. } => Self::Battery {
                mains: of_settings(settings),
            },
            origin => origin,
        }
    }

    /// Reads the setting.
    ///
    /// # Errors
    /// What is allowed, or the part that makes no sense.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let rest = rest.trim();
        match (kind, rest) {
            ("static", "") => Ok(Self::Static),
            ("battery", "") => Ok(Self::Battery {
                mains: Reading::default(),
            }),
            ("file", path) if Path::new(path).is_absolute() => Ok(Self::File(path.into())),
            ("file", path) => Err(format!(
                "`file:` with an absolute path, not `{}`",
                printable(path, 80)
            )),
            ("command", rest) => {
                let mut words = rest.split_whitespace().map(str::to_owned);
                let program = words.next().unwrap_or_default();
                // A name is looked up on the PATH; another path would depend on where the node was started.
                if program.is_empty() || program.contains('/') && !program.starts_with('/') {
                    return Err(format!(
                        "`command:` with a program's name or absolute path, not `{}`",
                        printable(&program, 80)
                    ));
                }
                Ok(Self::Command {
                    program,
                    args: words.collect(),
                })
            }
            ("http", rest) => Http::parse(rest)
                .map(Self::Http)
                .map_err(|e| format!("`http:URL KEY=POINTER …`, but {e}")),
            _ => Err(ALLOWED.into()),
        }
    }

    /// Whether a reading costs next to nothing, so that a decision can wait for it.
    pub fn is_cheap(&self) -> bool {
        matches!(self, Self::Static | Self::Battery { .. } | Self::File(_))
    }

    /// How messages name it: without what may be a secret in an address or an argument.
    pub fn shown(&self) -> String {
        match self {
            Self::Static => "static".into(),
            Self::Battery { .. } => "battery".into(),
            Self::File(path) => format!("file:{}", path.display()),
            Self::Command { program, .. } => format!("command:{program}"),
            Self::Http(http) => format!("http:{}", http.host()),
        }
    }

    /// Reads it. Blocks for as long as the limits of its kind say.
    ///
    /// # Errors
    /// What went wrong, for a person.
    pub fn read(&self) -> Result<Reading, String> {
        match self {
            Self::Static => Ok(Reading::default()),
            Self::Battery { mains } => on_battery(*mains, Path::new(battery::SUPPLIES)),
            Self::File(path) => file::read(path),
            Self::Command { program, args } => command::read(program, args),
            Self::Http(http) => http.read(),
        }
    }
}

/// What `energy_type` and `energy_percent_clean` say.
pub(crate) fn of_settings(settings: &Settings) -> Reading {
    let kind = source_of(settings.text("energy_type")).unwrap_or(Source::Unknown);
    Reading {
        kind,
        percent_clean: settings.number("energy_percent_clean"),
        known: if kind == Source::Unknown {
            "unknown"
        } else {
            "declared"
        },
        ..Reading::default()
    }
}

fn on_battery(mains: Reading, root: &Path) -> Result<Reading, String> {
    let supply = battery::read(root)?;
    if supply.battery_percent.is_none() {
        return Err(format!("there is no battery in `{}`", root.display()));
    }
    let reading = match supply.plugged_in {
        Some(false) => Reading {
            kind: Source::Battery,
            known: "measured",
            ..Reading::default()
        },
        _ => mains,
    };
    Ok(Reading {
        battery_percent: supply.battery_percent,
        plugged_in: supply.plugged_in,
        ..reading
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supplies(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        root
    }

    #[test]
    fn a_discharging_battery_is_measured_and_mains_are_what_the_settings_say() {
        let mains = Reading {
            kind: Source::Wind,
            percent_clean: Some(80.0),
            known: "declared",
            ..Reading::default()
        };
        let battery = [("BAT0/type", "Battery\n"), ("BAT0/capacity", "63\n")];
        let unplugged = [&battery[..], &[("AC/type", "Mains"), ("AC/online", "0\n")]].concat();
        let root = supplies(&unplugged);
        let reading = on_battery(mains, root.path()).expect("a reading");
        assert_eq!(reading.kind, Source::Battery);
        assert_eq!((reading.known, reading.percent_clean), ("measured", None));
        assert_eq!(reading.battery_percent, Some(63.0));

        let plugged = [&battery[..], &[("AC/type", "Mains"), ("AC/online", "1\n")]].concat();
        let root = supplies(&plugged);
        let reading = on_battery(mains, root.path()).expect("a reading");
        assert_eq!((reading.kind, reading.known), (Source::Wind, "declared"));
        assert_eq!(reading.battery_percent, Some(63.0));
        assert_eq!(reading.plugged_in, Some(true));

        let without = on_battery(mains, supplies(&[]).path());
        assert!(without.expect_err("none").contains("no battery"));
    }
}
