//! How long a task of each class may wait for clean energy, and what it waits for. The rule in words: README.md.
//!
//! A wait always has an end that follows from the class and the deadline alone: the grid and its forecast word the
//! reason, they never move the latest start. Which device is clean enough is the scorer's and the host's question.

use std::collections::BTreeMap;
use weft_sdk::serde::{Deserialize, Serialize};
use weft_sdk::sla::{DaySpan, Plan, Request, Sla, Source};
use weft_sdk::{Instant, MINUTE_MS, PolicyError};

#[cfg(test)]
mod tests;

/// What a class waits for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(crate = "weft_sdk::serde", rename_all = "kebab-case")]
#[cfg_attr(not(target_family = "wasm"), derive(weft_sdk::native::JsonSchema))]
#[cfg_attr(
    not(target_family = "wasm"),
    schemars(crate = "weft_sdk::native::schemars")
)]
pub enum Energy {
    /// Nothing: it starts on any energy.
    Any,
    /// A candidate with the clean share `prefer_clean_percent`.
    PreferClean,
    /// A candidate with the clean share `clean_only_percent`.
    CleanOnly,
    /// A candidate on solar energy while the sun is high there.
    SolarPeak,
    /// A candidate on wind energy during its windy hours.
    WindPeak,
}

/// What one class of tasks is promised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(crate = "weft_sdk::serde", deny_unknown_fields)]
#[cfg_attr(not(target_family = "wasm"), derive(weft_sdk::native::JsonSchema))]
#[cfg_attr(
    not(target_family = "wasm"),
    schemars(crate = "weft_sdk::native::schemars")
)]
pub struct Class {
    /// Longest time from submission to the result, in minutes. Left out: no end, only a deadline ends the wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_wait_minutes: Option<u32>,
    /// What it waits for.
    pub energy: Energy,
    /// Whether another device may run it.
    pub delegate: bool,
    /// Whether it may be interrupted and resumed.
    pub interrupt: bool,
}

const fn class(max_wait: Option<u32>, energy: Energy, delegate: bool, interrupt: bool) -> Class {
    Class {
        max_wait_minutes: max_wait,
        energy,
        delegate,
        interrupt,
    }
}

weft_sdk::config! {
    /// The patience of each class and what counts as clean.
    pub struct Config {
        /// Clean share from which `prefer-clean` is content, per cent.
        pub prefer_clean_percent: f64 = 70.0, 0.0..=100.0;
        /// Clean share from which `clean-only` is content, per cent.
        pub clean_only_percent: f64 = 90.0, 0.0..=100.0;
        /// Start of the solar peak, minutes after the candidate's local midnight.
        pub solar_from_minute: u16 = 540, 0..=1440;
        /// End of the solar peak, exclusive, minutes after the candidate's local midnight.
        pub solar_until_minute: u16 = 900, 0..=1440;
        /// Start of the windy hours, minutes after the candidate's local midnight.
        pub wind_from_minute: u16 = 0, 0..=1440;
        /// End of the windy hours, exclusive, minutes after the candidate's local midnight.
        pub wind_until_minute: u16 = 360, 0..=1440;
        /// Tasks that an emergency or a consensus made critical.
        pub urgent: Class = class(Some(30), Energy::Any, true, false);
        /// Tasks that should be done within a day.
        pub high: Class = class(Some(24 * 60), Energy::PreferClean, true, false);
        /// Tasks without a special wish.
        pub normal: Class = class(Some(48 * 60), Energy::PreferClean, true, true);
        /// Tasks that wait as long as it takes.
        pub eco: Class = class(None, Energy::CleanOnly, true, true);
        /// Tasks that run on this device's sun only.
        pub solar_only: Class = class(None, Energy::SolarPeak, false, true);
        /// Tasks that run on this device's wind only.
        pub wind_only: Class = class(None, Energy::WindPeak, false, true);
        /// Further classes by name; a name above can't be used again.
        pub classes: BTreeMap<String, Class> = BTreeMap::new();
    }
}

impl Config {
    /// The class of that name, if there is one.
    fn class(&self, name: &str) -> Option<&Class> {
        match name {
            "urgent" => Some(&self.urgent),
            "high" => Some(&self.high),
            "normal" => Some(&self.normal),
            "eco" => Some(&self.eco),
            "solar_only" => Some(&self.solar_only),
            "wind_only" => Some(&self.wind_only),
            added => self.classes.get(added),
        }
    }

    /// Checks what ranges alone can't: peaks that are not empty, added classes that are new.
    fn check(&self) -> Result<(), PolicyError> {
        for (what, from, until) in [
            ("solar", self.solar_from_minute, self.solar_until_minute),
            ("wind", self.wind_from_minute, self.wind_until_minute),
        ] {
            if from >= until {
                return Err(PolicyError::BadConfig(format!(
                    "`{what}_until_minute` is {until}, it must lie after `{what}_from_minute` {from}"
                )));
            }
        }
        let taken = |name: &&String| KNOWN.contains(&name.as_str());
        match self.classes.keys().find(taken) {
            Some(name) => Err(PolicyError::BadConfig(format!(
                "`classes` holds `{name}`, which has a field of its own; set that instead"
            ))),
            None => Ok(()),
        }
    }
}

/// The classes that have a field of their own.
const KNOWN: [&str; 6] = ["urgent", "high", "normal", "eco", "solar_only", "wind_only"];

/// What a candidate must offer: clean share, source, hours, and the same in words.
struct Need {
    clean: f64,
    source: Option<Source>,
    peak: Option<DaySpan>,
    words: String,
}

fn need(config: &Config, energy: Energy) -> Need {
    let share = |clean: f64| Need {
        clean,
        source: None,
        peak: None,
        words: format!("energy that is {clean} % clean"),
    };
    match energy {
        Energy::Any => share(0.0),
        Energy::PreferClean => share(config.prefer_clean_percent),
        Energy::CleanOnly => share(config.clean_only_percent),
        Energy::SolarPeak => Need {
            clean: 0.0,
            source: Some(Source::Solar),
            peak: Some(DaySpan {
                from: config.solar_from_minute,
                until: config.solar_until_minute,
            }),
            words: "solar energy at its peak".into(),
        },
        Energy::WindPeak => Need {
            clean: 0.0,
            source: Some(Source::Wind),
            peak: Some(DaySpan {
                from: config.wind_from_minute,
                until: config.wind_until_minute,
            }),
            words: "wind energy at its peak".into(),
        },
    }
}

/// The earlier of the end of the class's patience and the deadline, less the duration, never before the submission.
fn latest_start(class: &Class, request: &Request) -> Option<Instant> {
    let patience = class.max_wait_minutes.map(|minutes| {
        let wait = u64::from(minutes) * MINUTE_MS;
        request.submitted.saturating_add_unsigned(wait)
    });
    let end = match (patience, request.deadline) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    end.map(|end| {
        end.saturating_sub_unsigned(request.duration)
            .max(request.submitted)
    })
}

/// Checks that shares are shares and that the forecast is sorted and without overlap.
fn check(request: &Request) -> Result<(), PolicyError> {
    let bad = |what: String| Err(PolicyError::BadInput(what));
    let share = |percent: f64| (0.0..=100.0).contains(&percent);
    if let Some(grid) = request.grid.filter(|g| !share(*g)) {
        return bad(format!("`grid` is {grid}, allowed is 0 to 100"));
    }
    let mut end = Instant::MIN;
    for (i, outlook) in request.forecast.iter().enumerate() {
        if !share(outlook.clean) {
            let clean = outlook.clean;
            return bad(format!(
                "`forecast[{i}].clean` is {clean}, allowed is 0 to 100"
            ));
        }
        if outlook.from < end || outlook.until <= outlook.from {
            return bad(format!(
                "`forecast[{i}]` is empty or begins before the one ahead of it ends"
            ));
        }
        end = outlook.until;
    }
    Ok(())
}

/// When this place is expected to be clean enough, if the forecast shows such a time before the wait ends.
fn expected(now: Instant, request: &Request, clean: f64, latest: Option<Instant>) -> Option<u64> {
    let enough = |o: &&weft_sdk::sla::Outlook| o.until > now && o.clean >= clean;
    let from = request.forecast.iter().find(enough)?.from.max(now);
    (latest.is_none_or(|latest| from < latest)).then(|| from.abs_diff(now))
}

/// A span in words, rounded up to the minute.
fn span(millis: u64) -> String {
    let minutes = millis.div_ceil(MINUTE_MS);
    match (minutes / 60, minutes % 60) {
        (0, m) => format!("{m} min"),
        (h, 0) => format!("{h} h"),
        (h, m) => format!("{h} h {m} min"),
    }
}

fn waiting_reason(now: Instant, request: &Request, need: &Need, latest: Option<Instant>) -> String {
    let wait = match latest {
        Some(latest) => format!("at most {} more", span(latest.abs_diff(now))),
        None => "as long as it takes".into(),
    };
    let mut reason = format!("class `{}` waits for {}, {wait}", request.class, need.words);
    if need.source.is_none() {
        match request.grid {
            Some(grid) if grid >= need.clean => {
                reason.push_str("; the energy here is clean enough now")
            }
            _ => {
                if let Some(ahead) = expected(now, request, need.clean, latest) {
                    reason.push_str("; expected here in ");
                    reason.push_str(&span(ahead));
                }
            }
        }
    }
    reason
}

fn ended_reason(now: Instant, request: &Request) -> String {
    let class = &request.class;
    let done = now.saturating_add_unsigned(request.duration);
    match request.deadline {
        Some(deadline) if done > deadline => format!(
            "class `{class}` starts at once on any energy, and ends {} after its deadline",
            span(done.abs_diff(deadline))
        ),
        _ => format!("the wait of class `{class}` is over, it starts on any energy"),
    }
}

/// The plugin.
pub struct Patience;

impl Sla for Patience {
    type Config = Config;

    fn judge(now: Instant, config: &Config, request: &Request) -> Result<Plan, PolicyError> {
        config.check()?;
        check(request)?;
        let Some(class) = config.class(&request.class) else {
            return Err(PolicyError::Unsupported(format!(
                "class `{}` is not one of {} or of the config's `classes`; use one of them or add it there",
                request.class,
                KNOWN.join(", ")
            )));
        };
        let latest = latest_start(class, request);
        let ended = latest.is_some_and(|latest| now >= latest);
        let open = need(config, Energy::Any);
        let need = if ended {
            open
        } else {
            need(config, class.energy)
        };
        let reason = if ended {
            ended_reason(now, request)
        } else if need.clean == 0.0 && need.source.is_none() {
            format!("class `{}` starts on any energy", request.class)
        } else {
            waiting_reason(now, request, &need, latest)
        };
        Ok(Plan {
            latest_start: latest,
            clean: need.clean,
            source: need.source,
            peak: need.peak,
            delegate: class.delegate,
            interrupt: class.interrupt,
            waiting_breaks: ended,
            reason,
        })
    }
}

weft_sdk::export_sla!(Patience);
