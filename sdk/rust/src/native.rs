//! The native harness: golden vectors without wasm, and the descriptor that `weft plugin build` reads.
//!
//! A vector file is a JSON list of `{"case", "now", "config", "call", "input", "output"}` (or `"error"` instead of
//! `"output"`: the name of the expected [`PolicyError`]). `call` is only needed where a slot has two functions.
//! Reviewed JSON is for people, so two things are rewritten on reading: a string `"@2026-03-29T01:30:00Z"` becomes
//! an instant, and for scorers and voting a list of `{"feature.id": value}` rows becomes columns. Floats compare
//! with a relative tolerance of [`TOLERANCE`], since expected values come from a calculation by hand or script.

pub use schemars::{self, JsonSchema};
pub use serde_json::Value;

use crate::config::Config;
use crate::workload::{JobError, Workload};
use crate::{Instant, PolicyError};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, json};
use std::path::{Path, PathBuf};

/// Relative tolerance between an expected and a computed float.
pub const TOLERANCE: f64 = 1e-9;

/// The file that [`write_descriptor`] fills is named by this environment variable.
pub const DESCRIPTOR_VARIABLE: &str = "WEFT_DESCRIPTOR";

/// What a call gives: a policy's answer, or why the vector itself makes no sense.
pub type Called = Result<Result<Value, PolicyError>, String>;

/// A slot's adapter as the harness sees it.
pub trait Slot {
    /// What can be set.
    type Config: Config;
    /// The slot's name.
    const NAME: &'static str;
    /// The features that it reads, in order.
    const FEATURES: &'static [&'static str];
    /// Calls the policy as the host would.
    ///
    /// # Errors
    /// When `call` or `input` does not fit the slot's contract.
    fn call(call: &str, now: Instant, config: &[u8], input: Value) -> Called;
    /// The expected output read as the contract's type and written again, so that `60` and `60.0` agree.
    ///
    /// # Errors
    /// When it does not fit the contract.
    fn expected(call: &str, output: Value) -> Result<Value, String>;
}

/// One golden vector, as reviewed.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Vector {
    /// What it shows.
    pub case: String,
    /// The instant that the policy is told.
    pub now: Instant,
    /// Fields of the config; the rest are defaults.
    #[serde(default)]
    pub config: Map<String, Value>,
    /// Which function of the slot.
    #[serde(default)]
    pub call: String,
    /// Its arguments.
    pub input: Value,
    /// What it must answer,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// or which error it must give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Reads all vectors of a crate: the `*.json` files of its `vectors` folder, by name.
///
/// # Errors
/// A sentence that names the file and what is wrong with it.
pub fn vectors(crate_dir: &Path, features: &[&str]) -> Result<Vec<Vector>, String> {
    let dir = crate_dir.join("vectors");
    let files = json_files(&dir).map_err(|e| format!("{e}; a plugin needs golden vectors"))?;
    let mut all = Vec::new();
    for file in files {
        let at = |e: String| format!("`{}`: {e}", file.display());
        let text = std::fs::read_to_string(&file).map_err(|e| at(e.to_string()))?;
        let mut value: Value = serde_json::from_str(&text).map_err(|e| at(e.to_string()))?;
        resolve_instants(&mut value).map_err(at)?;
        let mut cases: Vec<Vector> =
            serde_json::from_value(value).map_err(|e| at(e.to_string()))?;
        for case in &mut cases {
            for field in ["candidates", "voters"] {
                if let Some(rows @ Value::Array(_)) = case.input.get_mut(field) {
                    *rows = columns_of_rows(rows, features)
                        .map_err(|e| at(format!("case `{}`: {e}", case.case)))?;
                }
            }
        }
        all.append(&mut cases);
    }
    Ok(all)
}

/// The `*.json` files of a folder, by name.
fn json_files(dir: &Path) -> Result<Vec<PathBuf>, String> {
    let entries =
        std::fs::read_dir(dir).map_err(|e| format!("can't list `{}`: {e}", dir.display()))?;
    let mut files: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    Ok(files)
}

/// Runs every golden vector of the crate at `crate_dir`; panics with all differences.
pub fn check_vectors<S: Slot>(crate_dir: &str) {
    let vectors = vectors(Path::new(crate_dir), S::FEATURES).unwrap_or_else(|e| panic!("{e}"));
    assert!(!vectors.is_empty(), "`{crate_dir}/vectors` holds no case");
    let failures: Vec<String> = vectors
        .iter()
        .filter_map(|v| check_one::<S>(v).err())
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} vectors failed:\n{}",
        failures.len(),
        vectors.len(),
        failures.join("\n")
    );
}

fn check_one<S: Slot>(vector: &Vector) -> Result<(), String> {
    let case = &vector.case;
    let bytes = config_bytes(&typed_config::<S>(&vector.config));
    let got = S::call(&vector.call, vector.now, &bytes, vector.input.clone())
        .map_err(|e| format!("{case}: {e}"))?;
    match (&vector.output, &vector.error, got) {
        (Some(want), None, Ok(got)) => {
            let want =
                S::expected(&vector.call, want.clone()).map_err(|e| format!("{case}: {e}"))?;
            if close(&want, &got) {
                Ok(())
            } else {
                Err(format!("{case}:\n  expected {want}\n  got      {got}"))
            }
        }
        (None, Some(want), Err(got)) if error_name(&got) == want => Ok(()),
        (Some(_), Some(_), _) | (None, None, _) => {
            Err(format!("{case}: give `output` or `error`, one of them"))
        }
        (want, error, got) => Err(format!("{case}: expected {want:?} {error:?}, got {got:?}")),
    }
}

/// When [`DESCRIPTOR_VARIABLE`] names a file, writes `{slot, features, config_schema, vectors}` there as JSON.
pub fn write_descriptor<S: Slot>(crate_dir: &str) {
    let Some(path) = std::env::var_os(DESCRIPTOR_VARIABLE) else {
        return;
    };
    let mut vectors = vectors(Path::new(crate_dir), S::FEATURES).unwrap_or_else(|e| panic!("{e}"));
    for vector in &mut vectors {
        vector.config = typed_config::<S>(&vector.config);
    }
    let descriptor = json!({
        "slot": S::NAME,
        "features": S::FEATURES,
        "config_schema": schemars::schema_for!(S::Config),
        "vectors": vectors,
    });
    let text = serde_json::to_string_pretty(&descriptor).expect("JSON values serialise");
    std::fs::write(&path, text).unwrap_or_else(|e| panic!("can't write `{}`: {e}", path.display()));
}

/// One golden vector of a workload, as reviewed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobVector {
    /// What it shows.
    pub case: String,
    /// Its params; none: an empty text.
    #[serde(default)]
    pub params: Option<Map<String, Value>>,
    /// What it reads.
    #[serde(default)]
    pub input: String,
    /// What it must write, byte for byte,
    #[serde(default)]
    pub output: Option<String>,
    /// or how it must fail: `bad-params`, `bad-input`, `missing` or `failed`.
    #[serde(default)]
    pub error: Option<String>,
}

/// Runs every golden vector of the workload at `crate_dir`, where it has a folder `vectors`; panics with all differences.
pub fn check_jobs<W: Workload>(crate_dir: &str) {
    let dir = Path::new(crate_dir).join("vectors");
    if !dir.is_dir() {
        return;
    }
    let mut vectors: Vec<JobVector> = Vec::new();
    for file in json_files(&dir).unwrap_or_else(|e| panic!("{e}")) {
        let at = |e: &dyn std::fmt::Display| -> ! { panic!("`{}`: {e}", file.display()) };
        let text = std::fs::read_to_string(&file).unwrap_or_else(|e| at(&e));
        let mut cases = serde_json::from_str(&text).unwrap_or_else(|e| at(&e));
        vectors.append(&mut cases);
    }
    assert!(!vectors.is_empty(), "`{crate_dir}/vectors` holds no case");
    let failures: Vec<String> = vectors
        .iter()
        .filter_map(|v| check_job::<W>(v).err())
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} vectors failed:\n{}",
        failures.len(),
        vectors.len(),
        failures.join("\n")
    );
}

fn check_job<W: Workload>(vector: &JobVector) -> Result<(), String> {
    let case = &vector.case;
    let params = vector.params.clone().map(|p| Value::from(p).to_string());
    let mut written = Vec::new();
    let said = W::run(
        &params.unwrap_or_default(),
        &mut vector.input.as_bytes(),
        &mut written,
    );
    let written = String::from_utf8_lossy(&written);
    match (&vector.output, &vector.error, said) {
        (Some(want), None, Ok(_)) if *want == written => Ok(()),
        (Some(want), None, Ok(_)) => Err(format!(
            "{case}:\n  expected {want:?}\n  got      {written:?}"
        )),
        (None, Some(want), Err(got)) if job_error_name(&got) == want => Ok(()),
        (Some(_), Some(_), _) | (None, None, _) => {
            Err(format!("{case}: give `output` or `error`, one of them"))
        }
        (want, error, got) => Err(format!("{case}: expected {want:?} {error:?}, got {got:?}")),
    }
}

fn job_error_name(error: &JobError) -> &'static str {
    match error {
        JobError::BadParams(_) => "bad-params",
        JobError::BadInput(_) => "bad-input",
        JobError::Missing(_) => "missing",
        JobError::Cancelled => "cancelled",
        JobError::Failed(_) => "failed",
    }
}

/// A config with every default filled in and every number in its type; as it was when it does not fit.
fn typed_config<S: Slot>(fields: &Map<String, Value>) -> Map<String, Value> {
    if fields.is_empty() {
        return Map::new();
    }
    let typed = serde_json::from_value::<S::Config>(Value::Object(fields.clone()))
        .and_then(serde_json::to_value);
    match typed {
        // Null and absent mean the same to an option, and CBOR of serde's unit is no null.
        Ok(Value::Object(typed)) => typed.into_iter().filter(|(_, v)| !v.is_null()).collect(),
        _ => fields.clone(),
    }
}

/// A config given as JSON fields, as the canonical CBOR that a policy receives.
pub fn config_bytes(fields: &Map<String, Value>) -> Vec<u8> {
    if fields.is_empty() {
        return Vec::new();
    }
    cbor4ii::serde::to_vec(Vec::new(), fields).expect("JSON values serialise")
}

/// Reads a call's arguments.
///
/// # Errors
/// When they don't fit the contract.
pub fn arguments<T: DeserializeOwned>(input: Value) -> Result<T, String> {
    serde_json::from_value(input).map_err(|e| format!("input: {e}"))
}

/// Writes a call's answer.
///
/// # Errors
/// When it can't be written as JSON, as with a float that is not finite.
pub fn answer<T: Serialize>(result: Result<T, PolicyError>) -> Called {
    match result {
        Ok(value) => serde_json::to_value(value)
            .map(Ok)
            .map_err(|e| format!("output: {e}")),
        Err(e) => Ok(Err(e)),
    }
}

/// Reads a value as a contract's type and writes it again.
///
/// # Errors
/// When it does not fit.
pub fn retyped<T: Serialize + DeserializeOwned>(value: Value) -> Result<Value, String> {
    let typed: T = serde_json::from_value(value).map_err(|e| format!("output: {e}"))?;
    serde_json::to_value(typed).map_err(|e| e.to_string())
}

/// The error for a `call` that the slot does not have.
///
/// # Errors
/// Always.
pub fn no_such_call(call: &str) -> Called {
    Err(format!("the slot has no call `{call}`"))
}

fn error_name(error: &PolicyError) -> &'static str {
    match error {
        PolicyError::BadConfig(_) => "BadConfig",
        PolicyError::BadInput(_) => "BadInput",
        PolicyError::Unsupported(_) => "Unsupported",
    }
}

/// Equal, with [`TOLERANCE`] between floats.
fn close(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(x), Value::Number(y)) if x.is_f64() || y.is_f64() => {
            let (x, y) = (
                x.as_f64().unwrap_or(f64::NAN),
                y.as_f64().unwrap_or(f64::NAN),
            );
            x == y || (x - y).abs() <= TOLERANCE * x.abs().max(y.abs())
        }
        (Value::Array(x), Value::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| close(x, y))
        }
        (Value::Object(x), Value::Object(y)) => {
            x.len() == y.len() && x.iter().all(|(k, x)| y.get(k).is_some_and(|y| close(x, y)))
        }
        _ => a == b,
    }
}

fn resolve_instants(value: &mut Value) -> Result<(), String> {
    match value {
        Value::String(text) => {
            if let Some(text) = text.strip_prefix('@') {
                let instant: jiff::Timestamp = text
                    .parse()
                    .map_err(|e| format!("`@{text}` is no RFC 3339 instant: {e}"))?;
                *value = json!(instant.as_millisecond());
            }
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(resolve_instants),
        Value::Object(fields) => fields.values_mut().try_for_each(resolve_instants),
        _ => Ok(()),
    }
}

fn columns_of_rows(rows: &Value, features: &[&str]) -> Result<Value, String> {
    let rows: Vec<Map<String, Value>> =
        serde_json::from_value(rows.clone()).map_err(|e| format!("rows: {e}"))?;
    let words = rows.len().div_ceil(64);
    let mut values = vec![0.0; rows.len() * features.len()];
    let mut present = vec![0_u64; words * features.len()];
    for (r, row) in rows.iter().enumerate() {
        for (id, value) in row {
            let f = features
                .iter()
                .position(|f| f == id)
                .ok_or_else(|| format!("row {r} has `{id}`, which this plugin does not read"))?;
            let number = value
                .as_f64()
                .ok_or_else(|| format!("row {r}: `{id}` is no number"))?;
            values[f * rows.len() + r] = number;
            present[f * words + r / 64] |= 1 << (r % 64);
        }
    }
    Ok(json!({"rows": rows.len(), "values": values, "present": present}))
}
