//! Refuses long tasks and forbidden tags, by the owner's rules.

use weft_sdk::config::NoConfig;
use weft_sdk::ethics::{Ethics, Level, Rule, Task, Violation};
use weft_sdk::{Instant, MINUTE_MS, PolicyError};

/// The plugin.
pub struct Policy;

impl Ethics for Policy {
    type Config = NoConfig;

    fn judge(
        _: Instant,
        _: &NoConfig,
        rules: &[Rule],
        task: &Task,
    ) -> Result<Vec<Violation>, PolicyError> {
        let mut violations = Vec::new();
        for rule in rules {
            if let Some((observed, limit)) = broken(rule, task)? {
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

/// What was seen and what is allowed, where the task breaks the rule.
fn broken(rule: &Rule, task: &Task) -> Result<Option<(String, String)>, PolicyError> {
    match rule.kind.as_str() {
        "max_minutes" => {
            let minutes: u64 = rule.value.trim().parse().map_err(|_| {
                PolicyError::BadInput(format!("rule `{}`: `{}` is no number", rule.id, rule.value))
            })?;
            let long = task.duration > minutes.saturating_mul(MINUTE_MS);
            Ok(long.then(|| {
                let observed = task.duration.div_ceil(MINUTE_MS);
                (format!("{observed} min"), format!("at most {minutes} min"))
            }))
        }
        "forbidden_tag" => {
            let tag = rule.value.trim();
            let tagged = task.tags.iter().any(|t| t.eq_ignore_ascii_case(tag));
            Ok(tagged.then(|| (format!("tagged `{tag}`"), format!("not `{tag}`"))))
        }
        other => Err(PolicyError::Unsupported(format!(
            "rule `{}` is of the kind `{other}`; this policy knows max_minutes and forbidden_tag",
            rule.id
        ))),
    }
}

weft_sdk::export_ethics!(Policy);
