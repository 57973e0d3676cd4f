//! Yes inside of the owner's hours, with a rest between two tasks.

use weft_sdk::consent::{Consent, Deferral, Request, Urgency, Verdict};
use weft_sdk::{Instant, MINUTE_MS, PolicyError};

weft_sdk::config! {
    /// How cautious it is.
    pub struct Config {
        /// Minutes before the end of a window in which nothing new starts.
        pub last_minutes: u64 = 0, 0..=1440;
    }
}

/// The plugin.
pub struct Policy;

impl Consent for Policy {
    type Config = Config;

    fn judge(now: Instant, config: &Config, request: &Request) -> Result<Verdict, PolicyError> {
        let critical = request.urgency == Urgency::Critical;
        let rested = match request.last_run {
            Some(last) if !(critical && request.critical_any_idle) => {
                last.saturating_add_unsigned(request.idle)
            }
            _ => now,
        };
        if now < rested {
            return Ok(Verdict::Defer(Deferral {
                until: Some(rested),
                reason: "System idle period active".into(),
                idle_left: now.abs_diff(rested),
            }));
        }
        if !request.hours_set || (critical && request.critical_any_hour) {
            return Ok(Verdict::Allow);
        }
        let margin = config.last_minutes * MINUTE_MS;
        let next = request
            .windows
            .iter()
            .find(|window| now < window.until.saturating_sub_unsigned(margin))
            .map(|window| window.from);
        Ok(match next {
            Some(from) if from <= now => Verdict::Allow,
            until => Verdict::Defer(Deferral {
                until,
                reason: "Outside delegation hours".into(),
                idle_left: 0,
            }),
        })
    }
}

weft_sdk::export_consent!(Policy);
