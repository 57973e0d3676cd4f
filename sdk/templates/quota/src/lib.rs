//! Two tiers, each with its tasks a day and its longest task.

use weft_sdk::quota::{Contribution, Delay, Quota, Request, Reservation, Verdict};
use weft_sdk::{Instant, MINUTE_MS, PolicyError};

weft_sdk::config! {
    /// What each tier may use.
    pub struct Config {
        /// Completed tasks that make a regular.
        pub regular_from: u64 = 20, 1..=1000000;
        /// Tasks a day of a newcomer.
        pub newcomer_tasks: u32 = 10, 0..=1000000;
        /// Tasks a day of a regular.
        pub regular_tasks: u32 = 100, 0..=1000000;
        /// Minutes that one task may take, for either.
        pub minutes: u64 = 30, 1..=10080;
    }
}

const NEWCOMER: &str = "newcomer";
const REGULAR: &str = "regular";

/// The plugin.
pub struct Policy;

impl Quota for Policy {
    type Config = Config;

    fn tier(_: Instant, config: &Config, member: &Contribution) -> Result<String, PolicyError> {
        if let Some(tier) = &member.granted {
            return Ok(tier.clone());
        }
        let regular = member.tasks >= config.regular_from;
        Ok(if regular { REGULAR } else { NEWCOMER }.into())
    }

    fn admit(_: Instant, config: &Config, request: &Request) -> Result<Verdict, PolicyError> {
        let tasks = match request.tier.as_str() {
            NEWCOMER => config.newcomer_tasks,
            REGULAR => config.regular_tasks,
            other => {
                return Err(PolicyError::BadInput(format!("`{other}` is no tier here")));
            }
        };
        if request.duration > config.minutes * MINUTE_MS {
            return Ok(Verdict::Deny(format!(
                "a task may take {} minutes; split it",
                config.minutes
            )));
        }
        if request.used >= tasks {
            return Ok(Verdict::Wait(Delay {
                until: request.reset,
                reason: format!("all {tasks} tasks of the day are used"),
            }));
        }
        Ok(Verdict::Admit(Reservation {
            tasks: 1,
            duration: request.duration,
            memory_mb: request.memory_mb,
        }))
    }
}

weft_sdk::export_quota!(Policy);
