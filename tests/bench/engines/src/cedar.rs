//! Cedar: one policy per rule, two for the quota, one authorization for both. The policies that forbid are the answer.
//!
//! Cedar's language has no lower case, no splitting and no loop over a set's elements, by design: who asks prepares
//! that. So names and tags come in as one text in lower case, once as they are and once as words, and `like` looks into
//! them. One row has everything prepared ahead, the other makes text, context and request from the task's fields in
//! every call.

use crate::Judged;
use crate::scenario::{Answer, Case, Says, Scenario};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityId, EntityTypeName, EntityUid, Policy, PolicyId,
    PolicySet, Request, Response, RestrictedExpression,
};
use serde_json::json;
use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::str::FromStr;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Policies of the quota.
const QUOTA: [(&str, &str); 3] = [
    ("permit", "permit(principal, action, resource);"),
    (
        "deny",
        "forbid(principal, action, resource) unless {
            context.duration_ms <= principal.max_minutes * 60000 && context.memory_mb <= principal.max_memory_mb };",
    ),
    (
        "wait",
        "forbid(principal, action, resource) when {
            context.duration_ms <= principal.max_minutes * 60000 && context.memory_mb <= principal.max_memory_mb &&
            context.used >= principal.tasks_per_day };",
    ),
];

/// What Cedar holds between calls.
struct Cedar {
    policies: PolicySet,
    entities: Entities,
    tier: EntityTypeName,
    action: EntityUid,
    resource: EntityUid,
}

impl Cedar {
    fn new(scenario: &Scenario) -> Result<Self> {
        let mut policies = PolicySet::new();
        let rules = scenario
            .rules
            .iter()
            .map(|r| (r.id.as_str(), forbid(&r.says)));
        let quota = QUOTA.iter().map(|(id, text)| (*id, (*text).to_owned()));
        for (id, text) in rules.chain(quota) {
            policies.add(Policy::parse(Some(PolicyId::new(id)), text)?)?;
        }
        let tiers: Vec<_> = scenario
            .tiers
            .iter()
            .map(|t| {
                json!({
                    "uid": {"type": "Tier", "id": t.name}, "parents": [],
                    "attrs": {
                        "tasks_per_day": t.tasks_per_day,
                        "max_minutes": t.max_minutes,
                        "max_memory_mb": t.max_memory_mb,
                    },
                })
            })
            .collect();
        Ok(Self {
            policies,
            entities: Entities::from_json_value(tiers.into(), None)?,
            tier: EntityTypeName::from_str("Tier")?,
            action: EntityUid::from_str(r#"Action::"run""#)?,
            resource: EntityUid::from_str(r#"Device::"here""#)?,
        })
    }

    fn request(&self, case: &Case) -> Result<Request> {
        let texts: Vec<String> = std::iter::once(&case.name)
            .chain(&case.tags)
            .map(|t| t.to_lowercase())
            .collect();
        let words = |text: &String| text.replace(['-', '_'], " ");
        let words: Vec<String> = texts.iter().map(words).collect();
        let text = |t: &str| RestrictedExpression::new_string(t.to_owned());
        let context = Context::from_pairs([
            ("name".to_owned(), text(&case.name)),
            ("text".to_owned(), text(&texts.join("\n"))),
            ("words".to_owned(), text(&format!(" {} ", words.join(" ")))),
            (
                "watts_known".to_owned(),
                RestrictedExpression::new_bool(case.watts_known),
            ),
            (
                "watts".to_owned(),
                RestrictedExpression::new_long(case.watts),
            ),
            (
                "duration_ms".to_owned(),
                RestrictedExpression::new_long(case.duration_ms),
            ),
            (
                "memory_mb".to_owned(),
                RestrictedExpression::new_long(case.memory_mb),
            ),
            ("used".to_owned(), RestrictedExpression::new_long(case.used)),
        ])?;
        let tier = EntityUid::from_type_name_and_id(self.tier.clone(), EntityId::new(&case.tier));
        Ok(Request::new(
            tier,
            self.action.clone(),
            self.resource.clone(),
            context,
            None,
        )?)
    }

    fn answer(response: &Response) -> Result<Answer> {
        if let Some(error) = response.diagnostics().errors().next() {
            return Err(error.to_string().into());
        }
        let mut answer = Answer {
            violations: Vec::new(),
            verdict: "admit".into(),
        };
        if response.decision() == Decision::Deny {
            for id in response.diagnostics().reason() {
                match AsRef::<str>::as_ref(id) {
                    id @ ("wait" | "deny") => answer.verdict = id.into(),
                    id => answer.violations.push(id.into()),
                }
            }
        }
        answer.violations.sort();
        Ok(answer)
    }
}

/// The policy of a rule.
fn forbid(says: &Says) -> String {
    let like = |field: &str, before: &str, parts: &[String], after: &str| {
        let each = parts
            .iter()
            .map(|part| format!("context.{field} like \"*{before}{part}{after}\""));
        each.collect::<Vec<_>>().join(" || ")
    };
    let mut text = "forbid(principal, action, resource) when { ".to_owned();
    let written = match says {
        Says::Watts(most) => write!(text, "!context.watts_known || context.watts > {most}"),
        Says::Never(parts) => write!(text, "{}", like("text", "", parts, "*")),
        Says::Only(names) => write!(text, "!{names:?}.contains(context.name)"),
        Says::Words(alone, beginnings) => {
            let all = [
                like("words", " ", alone, " *"),
                like("words", " ", beginnings, "*"),
            ];
            let some: Vec<&str> = all
                .iter()
                .map(String::as_str)
                .filter(|t| !t.is_empty())
                .collect();
            write!(text, "{}", some.join(" || "))
        }
    };
    written.expect("a string can be written to");
    text + " };"
}

/// Both rows.
pub fn all(scenario: &Scenario) -> Result<[Judged; 2]> {
    let cedar = Cedar::new(scenario)?;
    let authorizer = Authorizer::new();
    let judge =
        |request: &Request| authorizer.is_authorized(request, &cedar.policies, &cedar.entities);
    let requests: Vec<Request> = scenario
        .cases
        .iter()
        .map(|case| cedar.request(case))
        .collect::<Result<_>>()?;
    let answers: Vec<Answer> = requests
        .iter()
        .map(|request| Cedar::answer(&judge(request)))
        .collect::<Result<_>>()?;
    let rounds = requests.len() * scenario.rounds;

    let mut next = requests.iter().cycle();
    let ahead = weft_bench::measure(rounds, 1, || {
        black_box(judge(next.next().expect("a scenario holds cases")));
    });
    let mut next = scenario.cases.iter().cycle();
    let whole = weft_bench::measure(rounds, 1, || {
        let case = next.next().expect("a scenario holds cases");
        let request = cedar.request(case).expect("it was made before");
        black_box(judge(&request));
    });
    Ok([
        Judged {
            engine: "Cedar, requests made ahead",
            answers: answers.clone(),
            figures: ahead,
        },
        Judged {
            engine: "Cedar, from the task's fields",
            answers,
            figures: whole,
        },
    ])
}
