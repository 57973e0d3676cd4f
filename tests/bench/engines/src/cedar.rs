//! Cedar: one `forbid` per rule, two per tier; the answer is read from the ids of the policies that held.
//!
//! Cedar has no case folding and no splitting of text, so the caller lowers and splits, ahead and not timed.

use crate::Judged;
use crate::scenario::{Answer, Case, Says, Scenario};
use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityUid, Policy, PolicyId, PolicySet, Request,
    Response, RestrictedExpression,
};
use std::error::Error;
use std::hint::black_box;

/// Minutes in milliseconds.
const MINUTE_MS: i64 = 60_000;

fn any(field: &str, patterns: impl Iterator<Item = String>) -> String {
    let tests: Vec<String> = patterns
        .map(|p| format!("context.{field} like \"{p}\""))
        .collect();
    if tests.is_empty() {
        "false".into()
    } else {
        tests.join(" || ")
    }
}

fn condition(says: &Says) -> String {
    match says {
        Says::Watts(most) => format!("!context.watts_known || context.watts > {most}"),
        Says::Never(parts) => any("text", parts.iter().map(|p| format!("*{p}*"))),
        Says::Only(names) => {
            let names: Vec<String> = names.iter().map(|n| format!("\"{n}\"")).collect();
            format!("!([{}].contains(context.name))", names.join(", "))
        }
        Says::Words(alone, beginnings) => {
            let alone = alone.iter().map(|w| format!("* {w} *"));
            any(
                "words",
                alone.chain(beginnings.iter().map(|b| format!("* {b}*"))),
            )
        }
    }
}

fn policies(scenario: &Scenario) -> Result<PolicySet, Box<dyn Error>> {
    let mut set = PolicySet::new();
    let mut add = |id: &str, source: &str| -> Result<(), Box<dyn Error>> {
        set.add(Policy::parse(Some(PolicyId::new(id)), source)?)?;
        Ok(())
    };
    add("permit", "permit(principal, action, resource);")?;
    let forbid = |when: &str| format!("forbid(principal, action, resource) when {{ {when} }};");
    for rule in &scenario.rules {
        add(
            &format!("rule:{}", rule.id),
            &forbid(&condition(&rule.says)),
        )?;
    }
    for tier in &scenario.tiers {
        let name = &tier.name;
        let fits = format!(
            "context.duration_ms <= {} && context.memory_mb <= {}",
            tier.max_minutes * MINUTE_MS,
            tier.max_memory_mb
        );
        let is = format!("context.tier == \"{name}\"");
        add(
            &format!("deny:{name}"),
            &forbid(&format!("{is} && !({fits})")),
        )?;
        let over = format!("{is} && {fits} && context.used >= {}", tier.tasks_per_day);
        add(&format!("wait:{name}"), &forbid(&over))?;
    }
    Ok(set)
}

fn request(case: &Case) -> Result<Request, Box<dyn Error>> {
    let texts: Vec<String> = std::iter::once(&case.name)
        .chain(&case.tags)
        .map(|t| t.to_lowercase())
        .collect();
    let words: Vec<&str> = texts
        .iter()
        .flat_map(|t| t.split(['-', '_', ' ']))
        .collect();
    let text = RestrictedExpression::new_string;
    let long = RestrictedExpression::new_long;
    let context = Context::from_pairs([
        ("name".to_owned(), text(case.name.clone())),
        ("text".to_owned(), text(texts.join("\n"))),
        ("words".to_owned(), text(format!(" {} ", words.join(" ")))),
        (
            "watts_known".to_owned(),
            RestrictedExpression::new_bool(case.watts_known),
        ),
        ("watts".to_owned(), long(case.watts)),
        ("duration_ms".to_owned(), long(case.duration_ms)),
        ("memory_mb".to_owned(), long(case.memory_mb)),
        ("tier".to_owned(), text(case.tier.clone())),
        ("used".to_owned(), long(case.used)),
    ])?;
    let who: EntityUid = "User::\"submitter\"".parse()?;
    let what: EntityUid = "Action::\"run\"".parse()?;
    let on: EntityUid = "Device::\"here\"".parse()?;
    Ok(Request::new(who, what, on, context, None)?)
}

fn answer(response: &Response) -> Result<Answer, Box<dyn Error>> {
    if let Some(error) = response.diagnostics().errors().next() {
        return Err(error.to_string().into());
    }
    let mut answer = Answer {
        violations: Vec::new(),
        verdict: "admit".into(),
    };
    if response.decision() == Decision::Deny {
        for id in response.diagnostics().reason() {
            match id.to_string().split_once(':') {
                Some(("rule", id)) => answer.violations.push(id.to_owned()),
                Some((verdict, _)) => verdict.clone_into(&mut answer.verdict),
                None => return Err(format!("policy `{id}` is none of the scenario's").into()),
            }
        }
    }
    answer.violations.sort();
    Ok(answer)
}

/// Cedar's authorizer.
pub fn judged(scenario: &Scenario) -> Result<Judged, Box<dyn Error>> {
    let authorizer = Authorizer::new();
    let policies = policies(scenario)?;
    let entities = Entities::empty();
    let requests: Vec<Request> = scenario
        .cases
        .iter()
        .map(request)
        .collect::<Result<_, _>>()?;
    let answers = requests
        .iter()
        .map(|r| answer(&authorizer.is_authorized(r, &policies, &entities)))
        .collect::<Result<_, _>>()?;
    let mut next = requests.iter().cycle();
    let figures = weft_bench::measure(requests.len() * scenario.rounds, 1, || {
        let request = next.next().expect("a scenario holds cases");
        black_box(authorizer.is_authorized(request, &policies, &entities));
    });
    Ok(Judged {
        engine: "Cedar",
        answers,
        figures,
    })
}
