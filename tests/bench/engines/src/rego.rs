//! Rego in Regorus: its interpreter, and its virtual machine.

use crate::Judged;
use crate::scenario::{Answer, Says, Scenario};
use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine, Rc, Value};
use serde_json::json;
use std::error::Error;
use std::hint::black_box;

/// The policy.
const POLICY: &str = include_str!("../policy.rego");
/// What is asked.
const ENTRY: &str = "data.weft.answer";

/// Rules by kind and tiers by name, as the policy reads them.
fn data(scenario: &Scenario) -> Result<Value, Box<dyn Error>> {
    let (mut watts, mut never, mut only, mut words) = (vec![], vec![], vec![], vec![]);
    for rule in &scenario.rules {
        let id = &rule.id;
        match &rule.says {
            Says::Watts(most) => watts.push(json!({"id": id, "most": most})),
            Says::Never(parts) => never.push(json!({"id": id, "parts": parts})),
            Says::Only(names) => only.push(json!({"id": id, "names": names})),
            Says::Words(alone, beginnings) => {
                words.push(json!({"id": id, "alone": alone, "beginnings": beginnings}));
            }
        }
    }
    let tiers: serde_json::Map<String, serde_json::Value> = scenario
        .tiers
        .iter()
        .map(|t| {
            let limits = json!({
                "tasks_per_day": t.tasks_per_day,
                "max_minutes": t.max_minutes,
                "max_memory_mb": t.max_memory_mb,
            });
            (t.name.clone(), limits)
        })
        .collect();
    let data =
        json!({"watts": watts, "never": never, "only": only, "words": words, "tiers": tiers});
    Ok(Value::from_json_str(&data.to_string())?)
}

fn inputs(scenario: &Scenario) -> Result<Vec<Value>, Box<dyn Error>> {
    scenario
        .cases
        .iter()
        .map(|case| Ok(Value::from_json_str(&serde_json::to_string(case)?)?))
        .collect()
}

fn engine(scenario: &Scenario) -> Result<Engine, Box<dyn Error>> {
    let mut engine = Engine::new();
    engine.add_policy("policy.rego".into(), POLICY.into())?;
    engine.add_data(data(scenario)?)?;
    Ok(engine)
}

/// Times `judge` over all inputs, after taking its answers once.
fn timed(
    engine: &'static str,
    scenario: &Scenario,
    mut judge: impl FnMut(&Value) -> Result<Value, Box<dyn Error>>,
) -> Result<Judged, Box<dyn Error>> {
    let inputs = inputs(scenario)?;
    let mut answers: Vec<Answer> = Vec::new();
    for input in &inputs {
        let value = judge(input)?;
        let mut answer: Answer = serde_json::from_str(&value.to_json_str()?)?;
        answer.violations.sort();
        answers.push(answer);
    }
    let mut next = inputs.iter().cycle();
    let figures = weft_bench::measure(inputs.len() * scenario.rounds, 1, || {
        let input = next.next().expect("a scenario holds cases");
        black_box(judge(input).expect("it answered before"));
    });
    Ok(Judged {
        engine,
        answers,
        figures,
    })
}

/// The interpreter, as `Engine::eval_rule` runs it.
pub fn interpreted(scenario: &Scenario) -> Result<Judged, Box<dyn Error>> {
    let mut engine = engine(scenario)?;
    timed("Regorus, interpreter", scenario, |input| {
        engine.set_input(input.clone());
        Ok(engine.eval_rule(ENTRY.into())?)
    })
}

/// The virtual machine, which is loaded once and given an input each time.
pub fn compiled(scenario: &Scenario) -> Result<Judged, Box<dyn Error>> {
    let entry: Rc<str> = ENTRY.into();
    let policy = engine(scenario)?.compile_with_entrypoint(&entry)?;
    let program = Compiler::compile_from_policy(&policy, &[ENTRY])?;
    let mut vm = RegoVM::new();
    vm.load_program(program);
    vm.set_data(data(scenario)?)?;
    timed("Regorus, virtual machine", scenario, |input| {
        vm.set_input(input.clone());
        Ok(vm.execute()?)
    })
}
