//! Every task waits for clean energy until its patience or its deadline ends.

use weft_sdk::sla::{Plan, Request, Sla};
use weft_sdk::{HOUR_MS, Instant, PolicyError};

weft_sdk::config! {
    /// How patient a task is.
    pub struct Config {
        /// Hours that a task waits for clean energy.
        pub patience_hours: u64 = 24, 0..=8760;
        /// Clean share that it waits for, per cent.
        pub clean: f64 = 70.0, 0.0..=100.0;
    }
}

/// The plugin.
pub struct Policy;

impl Sla for Policy {
    type Config = Config;

    fn judge(now: Instant, config: &Config, request: &Request) -> Result<Plan, PolicyError> {
        let urgent = request.class == "urgent";
        let patience = if urgent {
            0
        } else {
            config.patience_hours * HOUR_MS
        };
        let patient_until = request.submitted.saturating_add_unsigned(patience);
        let in_time = request
            .deadline
            .map(|deadline| deadline.saturating_sub_unsigned(request.duration));
        let latest_start = in_time.map_or(patient_until, |start| start.min(patient_until));
        let over = now >= latest_start;
        Ok(Plan {
            latest_start: Some(latest_start),
            clean: if over { 0.0 } else { config.clean },
            source: None,
            peak: None,
            delegate: true,
            interrupt: !urgent,
            waiting_breaks: over,
            reason: if over {
                "it has waited long enough".into()
            } else {
                format!("it may wait for {} % clean energy", config.clean)
            },
        })
    }
}

weft_sdk::export_sla!(Policy);
