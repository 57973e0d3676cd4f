//! How much of the community's devices a member may use, by tier, and how a tier is earned. The rule in words:
//! README.md.
//!
//! The tiers are an ordered list, lowest first; everyone has at least the first. What a member used is counted by the
//! host and starts again at its reset.

use weft_sdk::quota::{Contribution, Delay, Quota, Request, Reservation, Verdict};
use weft_sdk::serde::{Deserialize, Serialize};
use weft_sdk::{DAY_MS, Instant, MINUTE_MS, PolicyError};

#[cfg(test)]
mod tests;

/// One way to earn a tier; all of its conditions must hold, those left at 0 always do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(crate = "weft_sdk::serde", default, deny_unknown_fields)]
#[cfg_attr(not(target_family = "wasm"), derive(weft_sdk::native::JsonSchema))]
#[cfg_attr(
    not(target_family = "wasm"),
    schemars(crate = "weft_sdk::native::schemars")
)]
pub struct Merit {
    /// At least as many completed tasks.
    pub tasks: u32,
    /// At least as many ballots cast.
    pub votes: u32,
    /// A member for at least as many days.
    pub member_days: u32,
    /// The last donation is less than as many days old.
    pub donated_within_days: u32,
}

/// What a tier admits and how it is earned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(crate = "weft_sdk::serde", deny_unknown_fields)]
#[cfg_attr(not(target_family = "wasm"), derive(weft_sdk::native::JsonSchema))]
#[cfg_attr(
    not(target_family = "wasm"),
    schemars(crate = "weft_sdk::native::schemars")
)]
pub struct Tier {
    /// Its name.
    pub name: String,
    /// Tasks admitted from one reset to the next.
    pub tasks_per_day: u32,
    /// Longest task, in minutes.
    pub max_minutes: u32,
    /// Most memory that a task may ask for, in MB.
    pub max_memory_mb: u64,
    /// Ways to earn it, one of which is enough. Empty: only by a grant. The first tier needs none.
    pub earned_by: Vec<Merit>,
}

weft_sdk::config! {
    /// The tiers, lowest first.
    pub struct Config {
        /// The tiers, lowest first; the first one is everyone's.
        pub tiers: Vec<Tier> = default_tiers();
    }
}

fn default_tiers() -> Vec<Tier> {
    let merit = Merit::default;
    let tier = |name: &str, tasks_per_day, max_minutes, max_memory_mb, earned_by| Tier {
        name: name.into(),
        tasks_per_day,
        max_minutes,
        max_memory_mb,
        earned_by,
    };
    vec![
        tier("free", 10, 10, 100, vec![]),
        tier(
            "supporter",
            50,
            30,
            500,
            vec![
                Merit {
                    donated_within_days: 31,
                    ..merit()
                },
                Merit {
                    tasks: 50,
                    ..merit()
                },
                Merit {
                    votes: 50,
                    ..merit()
                },
            ],
        ),
        tier(
            "contributor",
            200,
            60,
            2000,
            vec![Merit {
                tasks: 100,
                votes: 50,
                member_days: 90,
                ..merit()
            }],
        ),
    ]
}

impl Config {
    /// The position of a tier.
    fn position(&self, name: &str) -> Result<usize, PolicyError> {
        let at = self.tiers.iter().position(|tier| tier.name == name);
        at.ok_or_else(|| {
            let names: Vec<_> = self.tiers.iter().map(|tier| tier.name.as_str()).collect();
            PolicyError::Unsupported(format!(
                "tier `{name}` is not one of {}; use one of them or add it to the config's `tiers`",
                names.join(", ")
            ))
        })
    }

    /// Checks that there is a tier, that names are unique and not empty, and that every way has a condition.
    fn check(&self) -> Result<(), PolicyError> {
        let bad = |what: String| Err(PolicyError::BadConfig(what));
        if self.tiers.is_empty() {
            return bad("`tiers` is empty; name at least the tier that everyone has".into());
        }
        for (i, tier) in self.tiers.iter().enumerate() {
            if tier.name.is_empty() || self.tiers[..i].iter().any(|other| other.name == tier.name) {
                return bad(format!(
                    "`tiers[{i}].name` is empty or given twice: `{}`",
                    tier.name
                ));
            }
            if tier.earned_by.contains(&Merit::default()) {
                return bad(format!(
                    "`tiers[{i}].earned_by` holds a way without a condition; give it one or remove it"
                ));
            }
        }
        Ok(())
    }
}

impl Merit {
    fn holds(&self, now: Instant, member: &Contribution) -> bool {
        // A date after `now` is a clock that runs ahead: the time has not begun.
        let age = |since: Instant| u64::try_from(now.saturating_sub(since)).ok();
        let days = |n: u32| u64::from(n) * DAY_MS;
        let tenure = age(member.since).unwrap_or(0);
        let donated = member.donated.and_then(age);
        member.tasks >= self.tasks.into()
            && member.votes >= self.votes.into()
            && tenure >= days(self.member_days)
            && (self.donated_within_days == 0
                || donated.is_some_and(|age| age < days(self.donated_within_days)))
    }

    fn words(&self) -> String {
        let conditions = [
            (self.donated_within_days, "a donation in the last ", " days"),
            (self.tasks, "", " tasks"),
            (self.votes, "", " votes"),
            (self.member_days, "", " days as a member"),
        ];
        let held = conditions.iter().filter(|(n, ..)| *n > 0);
        held.map(|(n, before, after)| format!("{before}{n}{after}"))
            .collect::<Vec<_>>()
            .join(" and ")
    }
}

impl Tier {
    fn fits(&self, request: &Request) -> bool {
        !self.too_long(request) && !self.too_large(request)
    }

    fn too_long(&self, request: &Request) -> bool {
        request.duration > u64::from(self.max_minutes) * MINUTE_MS
    }

    fn too_large(&self, request: &Request) -> bool {
        request.memory_mb > self.max_memory_mb
    }

    fn merits(&self) -> String {
        if self.earned_by.is_empty() {
            return "by an admin's grant".into();
        }
        let ways: Vec<_> = self.earned_by.iter().map(Merit::words).collect();
        format!("with {}", ways.join(", or "))
    }
}

/// A duration in minutes and seconds, rounded up to the second.
fn span(millis: u64) -> String {
    let seconds = millis.div_ceil(1000);
    match seconds % 60 {
        0 => format!("{} min", seconds / 60),
        rest => format!("{} min {rest} s", seconds / 60),
    }
}

/// Why a task does not fit its tier, and which tier would take it.
fn denial(tiers: &[Tier], at: usize, request: &Request) -> String {
    let tier = &tiers[at];
    let mut over = Vec::new();
    if tier.too_long(request) {
        let asked = span(request.duration);
        over.push(format!("{asked} is longer than {} min", tier.max_minutes));
    }
    if tier.too_large(request) {
        let (asked, most) = (request.memory_mb, tier.max_memory_mb);
        over.push(format!("{asked} MB is more than {most} MB"));
    }
    let help = match tiers.iter().skip(at + 1).find(|tier| tier.fits(request)) {
        Some(next) => format!("tier {} would take it, earned {}", next.name, next.merits()),
        None => "no higher tier takes it, split the task".into(),
    };
    format!("Quota: {} ({} tier); {help}", over.join(" and "), tier.name)
}

/// The plugin.
pub struct Tiers;

impl Quota for Tiers {
    type Config = Config;

    fn tier(now: Instant, config: &Config, member: &Contribution) -> Result<String, PolicyError> {
        config.check()?;
        let earned = |tier: &Tier| tier.earned_by.iter().any(|merit| merit.holds(now, member));
        let earned = config.tiers.iter().rposition(earned).unwrap_or(0);
        let granted = match &member.granted {
            Some(name) => config.position(name)?,
            None => 0,
        };
        Ok(config.tiers[earned.max(granted)].name.clone())
    }

    fn admit(now: Instant, config: &Config, request: &Request) -> Result<Verdict, PolicyError> {
        config.check()?;
        let at = config.position(&request.tier)?;
        let tier = &config.tiers[at];
        if !tier.fits(request) {
            return Ok(Verdict::Deny(denial(&config.tiers, at, request)));
        }
        if request.used >= tier.tasks_per_day {
            if request.reset <= now {
                let reset = request.reset;
                return Err(PolicyError::BadInput(format!(
                    "`reset` is {reset}, it must lie after now"
                )));
            }
            return Ok(Verdict::Wait(Delay {
                until: request.reset,
                reason: format!(
                    "Quota exceeded: {} of {} tasks today ({} tier)",
                    request.used, tier.tasks_per_day, tier.name
                ),
            }));
        }
        Ok(Verdict::Admit(Reservation {
            tasks: 1,
            duration: request.duration,
            memory_mb: request.memory_mb,
        }))
    }
}

weft_sdk::export_quota!(Tiers);
