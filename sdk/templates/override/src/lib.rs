//! An emergency is what a trusted submitter tags as one, a few times a day.

use weft_sdk::emergency::{Emergency, Request, Standing, Verdict};
use weft_sdk::{HOUR_MS, Instant, PolicyError};

weft_sdk::config! {
    /// What counts as an emergency.
    pub struct Config {
        /// The tags that make one, in lower case.
        pub words: Vec<String> = vec!["emergency".into(), "ambulance".into()];
        /// How many overrides one submitter has in 24 hours.
        pub per_day: u32 = 3, 0..=1000;
    }
}

/// The plugin.
pub struct Policy;

impl Emergency for Policy {
    type Config = Config;

    fn judge(now: Instant, config: &Config, request: &Request) -> Result<Verdict, PolicyError> {
        let word = request
            .tags
            .iter()
            .map(|tag| tag.to_lowercase())
            .find(|tag| config.words.contains(tag));
        let trusted = matches!(request.standing, Standing::Member | Standing::Admin);
        let reason = match &word {
            None => "no tag is a word for an emergency".to_owned(),
            Some(_) if !trusted => "only members may call an emergency".to_owned(),
            Some(_) if request.used >= config.per_day => {
                format!("all {} overrides of 24 hours are used", config.per_day)
            }
            Some(word) => {
                return Ok(Verdict {
                    emergency: true,
                    word: Some(word.clone()),
                    until: Some(now.saturating_add_unsigned(HOUR_MS)),
                    reason: format!("tagged `{word}`"),
                });
            }
        };
        Ok(Verdict {
            emergency: false,
            word: None,
            until: None,
            reason,
        })
    }
}

weft_sdk::export_emergency!(Policy);
