//! Is a task an emergency? Its name or a tag says so by one of the community's words. The rule in words: README.md.
//!
//! The plugin reads names, not circumstances: whoever cries wolf is found afterwards, since the host signs and counts
//! each use. It never refuses a task; without an override the task takes the ordinary way.

use weft_sdk::emergency::{Emergency, Request, Standing, Verdict};
use weft_sdk::serde::{Deserialize, Serialize};
use weft_sdk::{HOUR_MS, Instant, PolicyError};

mod words;

#[cfg(test)]
mod tests;

/// What a submitter must at least be to the community.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(crate = "weft_sdk::serde", rename_all = "kebab-case")]
#[cfg_attr(not(target_family = "wasm"), derive(weft_sdk::native::JsonSchema))]
#[cfg_attr(
    not(target_family = "wasm"),
    schemars(crate = "weft_sdk::native::schemars")
)]
pub enum AtLeast {
    /// Anyone.
    Stranger,
    /// Guests, members and admins.
    Guest,
    /// Members and admins.
    Member,
    /// Admins alone.
    Admin,
}

weft_sdk::config! {
    /// The words of an emergency, who may use them how often, and how long one lasts.
    pub struct Config {
        /// The words, in the singular. `power-grid` stands for `powerGrid` and `power grid` as well.
        pub words: Vec<String> = default_words();
        /// Who may override at all.
        pub at_least: AtLeast = AtLeast::Stranger;
        /// Overrides of a stranger in 24 hours. 0: any number.
        pub stranger_per_day: u32 = 3;
        /// Overrides of a guest in 24 hours. 0: any number.
        pub guest_per_day: u32 = 10;
        /// Overrides of a member in 24 hours. 0: any number.
        pub member_per_day: u32 = 100;
        /// Overrides of an admin in 24 hours. 0: any number.
        pub admin_per_day: u32 = 0;
        /// Hours that an emergency stands. 0: for the one decision only.
        pub stands_hours: u32 = 24, 0..=720;
    }
}

fn default_words() -> Vec<String> {
    [
        "hospital",
        "ambulance",
        "emergency",
        "medical",
        "vaccine",
        "drug",
        "oxygen",
        "blood",
        "fire",
        "police",
        "rescue",
        "disaster",
        "nuclear",
        "power-grid",
        "water-treatment",
        "sewage",
        "pandemic",
        "quarantine",
    ]
    .map(String::from)
    .into()
}

/// Longest name that the contract allows.
const NAME_BYTES: usize = 256;

/// The first word of the config that stands in the name, else in a tag.
fn matching<'a>(config: &'a Config, request: &Request) -> Result<Option<&'a str>, PolicyError> {
    if let Some(word) = config.words.iter().find(|word| !words::has_one(word)) {
        return Err(PolicyError::BadConfig(format!(
            "`words` holds `{word}`, which has no letter or digit; remove it"
        )));
    }
    for text in std::iter::once(&request.name).chain(&request.tags) {
        let text = words::split(text);
        if let Some(word) = config.words.iter().find(|word| words::holds(&text, word)) {
            return Ok(Some(word));
        }
    }
    Ok(None)
}

/// A submitter's rank, and how many overrides it has in 24 hours (0: any number).
fn allowance(config: &Config, standing: Standing) -> (AtLeast, u32) {
    match standing {
        Standing::Stranger => (AtLeast::Stranger, config.stranger_per_day),
        Standing::Guest => (AtLeast::Guest, config.guest_per_day),
        Standing::Member => (AtLeast::Member, config.member_per_day),
        Standing::Admin => (AtLeast::Admin, config.admin_per_day),
    }
}

fn ordinary(reason: String) -> Verdict {
    Verdict {
        emergency: false,
        word: None,
        until: None,
        reason,
    }
}

/// The plugin.
pub struct HealthOverride;

impl Emergency for HealthOverride {
    type Config = Config;

    fn judge(now: Instant, config: &Config, request: &Request) -> Result<Verdict, PolicyError> {
        if request.name.len() > NAME_BYTES {
            return Err(PolicyError::BadInput(format!(
                "`name` has {} bytes, allowed are {NAME_BYTES}",
                request.name.len()
            )));
        }
        let Some(word) = matching(config, request)? else {
            return Ok(ordinary(String::new()));
        };
        let (rank, allowed) = allowance(config, request.standing);
        if rank < config.at_least {
            return Ok(ordinary(format!(
                "`{word}` makes it no emergency for a submitter of this standing; ask a member to submit it"
            )));
        }
        if allowed > 0 && request.used >= allowed {
            return Ok(ordinary(format!(
                "`{word}` makes it no emergency: {} of {allowed} overrides of the last 24 h are used; \
                 wait or ask another member",
                request.used
            )));
        }
        let stands = u64::from(config.stands_hours) * HOUR_MS;
        Ok(Verdict {
            emergency: true,
            word: Some(word.into()),
            until: (stands > 0).then(|| now.saturating_add_unsigned(stands)),
            reason: format!("PUBLIC HEALTH OVERRIDE: {}", request.name),
        })
    }
}

weft_sdk::export_emergency!(HealthOverride);
