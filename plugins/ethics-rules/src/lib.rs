//! Holds tasks against the rules that a device's owner wrote. The rules in words: README.md.
//!
//! A rule that can't be understood is an error, never a rule that is passed over: the host then blocks. It does not
//! decide which rules are active or whose they are; the host passes the ones that count.

mod words;

use std::borrow::Cow;
use weft_sdk::ethics::{Ethics, Known, Level, Rule, Task, Violation};
use weft_sdk::{Instant, PolicyError};

weft_sdk::config! {
    /// Which words of a task's name and tags give it away. Upper and lower case are the same.
    pub struct Config {
        /// `no_heavy_computation`: words that count when they stand alone.
        pub heavy_words: Vec<String> = list(&["ml"]);
        /// `no_heavy_computation`: beginnings of words that count.
        pub heavy_beginnings: Vec<String> = list(&["render", "analy"]);
        /// `no_data_intensive`: words that count when they stand alone.
        pub data_words: Vec<String> = Vec::new();
        /// `no_data_intensive`: beginnings of words that count.
        pub data_beginnings: Vec<String> = list(&["backup", "sync", "transfer"]);
    }
}

fn list(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A rule's kind and value, understood.
enum Limit<'a> {
    /// The most watts; exactly that many are fine.
    Watts(f64),
    /// Parts of a name or tag, lower case.
    Never(Vec<Cow<'a, str>>),
    /// Whole names.
    Only(Vec<&'a str>),
    /// Words and beginnings of words, lower case, none of which may occur; with what the config has for each.
    Words(Vec<Listed<'a>>, Vec<Listed<'a>>),
    /// A rule whose owner switched it off by its value.
    Off,
}

/// A word of the config, in lower case and as it stands there.
type Listed<'a> = (Cow<'a, str>, &'a str);

fn listed(words: &[String]) -> Vec<Listed<'_>> {
    words
        .iter()
        .map(|word| (words::lower(word), word.as_str()))
        .collect()
}

/// The entries of a comma list, without blanks around them and without empty ones.
fn entries(value: &str) -> impl Iterator<Item = &str> {
    value
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
}

/// What a rule says, or what is wrong with its value.
fn understand<'a>(config: &'a Config, rule: &'a Rule) -> Result<Limit<'a>, &'static str> {
    let value = rule.value.trim();
    let switch = |words, beginnings| match value.to_ascii_lowercase().as_str() {
        "" | "true" | "yes" | "on" | "1" => Ok(Limit::Words(listed(words), listed(beginnings))),
        "false" | "no" | "off" | "0" => Ok(Limit::Off),
        _ => Err("needs `true`, `false` or nothing as its value"),
    };
    match rule.kind.as_str() {
        "max_power_watts" => match value.parse::<f64>() {
            Ok(watts) if watts.is_finite() && watts >= 0.0 => Ok(Limit::Watts(watts)),
            _ => Err("needs a number of watts that is not negative, such as `100`"),
        },
        "task_type_blacklist" => {
            let parts: Vec<_> = entries(value).map(words::lower).collect();
            if parts.is_empty() {
                return Err("needs a part of a task's name, such as `video`");
            }
            Ok(Limit::Never(parts))
        }
        "task_type_whitelist" => {
            let names: Vec<&str> = entries(value).collect();
            if names.is_empty() {
                return Err("needs names of tasks with commas between them");
            }
            Ok(Limit::Only(names))
        }
        "no_heavy_computation" => switch(&config.heavy_words, &config.heavy_beginnings),
        "no_data_intensive" => switch(&config.data_words, &config.data_beginnings),
        _ => Err("is of a kind that is not known here; correct its kind or switch it off"),
    }
}

/// What of the task breaks the limit, as (observed, limit) for a person; none when nothing does.
fn broken(limit: &Limit<'_>, task: &Task) -> Option<(String, String)> {
    let texts = || std::iter::once(&task.name).chain(&task.tags);
    match limit {
        Limit::Off => None,
        Limit::Watts(most) => {
            let observed = match task.watts_known {
                Known::Unknown => "power not declared".to_owned(),
                _ if task.watts <= *most => return None,
                Known::Measured => format!("{} W measured", task.watts),
                Known::Modelled => format!("{} W modelled", task.watts),
                Known::Declared => format!("{} W declared", task.watts),
            };
            Some((observed, format!("at most {most} W")))
        }
        Limit::Never(parts) => texts().find_map(|text| {
            let lower = words::lower(text);
            let part = parts.iter().find(|part| words::occurs(part, &lower))?;
            Some((text.clone(), ["nothing with `", part, "`"].concat()))
        }),
        // A tag is its submitter's word, so no tag gets a task onto the list.
        Limit::Only(names) => (!names.contains(&task.name.as_str()))
            .then(|| (task.name.clone(), ["only ", &names.join(", ")].concat())),
        Limit::Words(alone, beginnings) => texts().find_map(|text| {
            words::split(text).find_map(|word| {
                let is = |known: &&Listed<'_>| word == known.0;
                let begins = |known: &&Listed<'_>| word.starts_with(&*known.0);
                let (_, found) = alone
                    .iter()
                    .find(is)
                    .or_else(|| beginnings.iter().find(begins))?;
                Some((text.clone(), ["no `", found, "`"].concat()))
            })
        }),
    }
}

/// Refuses what would make a rule match everything or nothing by accident.
fn check(config: &Config, task: &Task) -> Result<(), PolicyError> {
    let lists = [
        (&config.heavy_words, "heavy_words"),
        (&config.heavy_beginnings, "heavy_beginnings"),
        (&config.data_words, "data_words"),
        (&config.data_beginnings, "data_beginnings"),
    ];
    for (list, name) in lists {
        if let Some(word) = list.iter().find(|word| !words::is_one(word)) {
            let what = ["`", name, "` holds `", word, "`, which is not one word"];
            return Err(PolicyError::BadConfig(what.concat()));
        }
    }
    if task.watts_known != Known::Unknown && !(task.watts.is_finite() && task.watts >= 0.0) {
        return Err(PolicyError::BadInput(format!(
            "`watts` is {}; power is a number that is not negative",
            task.watts
        )));
    }
    Ok(())
}

/// The plugin.
pub struct Rules;

impl Ethics for Rules {
    type Config = Config;

    fn judge(
        _: Instant,
        config: &Config,
        rules: &[Rule],
        task: &Task,
    ) -> Result<Vec<Violation>, PolicyError> {
        check(config, task)?;
        let mut violations = Vec::new();
        for rule in rules {
            let limit = understand(config, rule).map_err(|what| {
                let parts = [
                    "rule `",
                    &rule.id,
                    "` of kind `",
                    &rule.kind,
                    "` with value `",
                    &rule.value,
                    "` ",
                    what,
                ];
                PolicyError::BadInput(parts.concat())
            })?;
            if let Some((observed, limit)) = broken(&limit, task) {
                violations.push(Violation {
                    rule: rule.id.clone(),
                    kind: rule.kind.clone(),
                    observed,
                    limit,
                    hard: rule.level == Level::Strict,
                });
            }
        }
        Ok(violations)
    }
}

weft_sdk::export_ethics!(Rules);

#[cfg(test)]
mod tests;
