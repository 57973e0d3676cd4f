//! The `weft` section of a component: what `weft plugin build` says of it, and its golden vectors. Claims: what can be
//! read from the binary is read there.

use crate::error::{NodeError, Result};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use weft_engine::Inspected;
use weft_engine::inspect::Kind;
use weft_model::vector::{Expected, JobExpected, JobVector, Vector, Vectors};
use weft_model::{Instant, SlotCall, SlotReply};

/// What `weft plugin build` writes into a component.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Descriptor {
    pub slot: Option<String>,
    pub name: String,
    pub version: String,
    pub description: String,
    pub license: Option<String>,
    pub features: Vec<String>,
    pub config_schema: Option<Value>,
    vectors: Vec<Value>,
    pub limits: Option<DescribedLimits>,
}

#[derive(Debug, Deserialize)]
struct JsonVector {
    case: String,
    now: Instant,
    #[serde(default)]
    config: Map<String, Value>,
    #[serde(default)]
    call: String,
    input: Value,
    #[serde(default)]
    output: Option<Value>,
    #[serde(default)]
    error: Option<String>,
}

/// One of a workload.
#[derive(Debug, Deserialize)]
struct JsonJobVector {
    case: String,
    #[serde(default)]
    params: Option<Map<String, Value>>,
    #[serde(default)]
    input: String,
    #[serde(default)]
    output: Option<String>,
    #[serde(default)]
    error: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DescribedLimits {
    pub fuel: Option<u64>,
    pub memory_bytes: Option<u64>,
    pub deadline_ms: Option<u64>,
    pub output_bytes: Option<u64>,
}

pub(crate) fn descriptor_of(inspected: &Inspected) -> Result<Descriptor> {
    let Some(bytes) = &inspected.descriptor else {
        return Err(NodeError::refused(
            "has no `weft` section with its name, features and golden vectors",
        )
        .try_this("build it with `weft plugin build` or `weft workload build`"));
    };
    serde_json::from_slice(bytes).map_err(|e| {
        NodeError::refused(format!("has a damaged `weft` section: {e}")).try_this("build it again")
    })
}

/// The golden vectors in a descriptor, as a release carries them.
///
/// # Errors
/// When one does not fit what it is for.
pub(crate) fn vectors_of(descriptor: &Descriptor, kind: Kind) -> Result<Vectors> {
    Ok(match kind {
        Kind::Policy(_) => Vectors::Policy(policy_vectors(descriptor)?),
        Kind::Workload(_) => Vectors::Job(job_vectors(descriptor)?),
    })
}

fn read<T: DeserializeOwned>(vectors: &[Value]) -> Result<Vec<T>> {
    let read = |vector: &Value| {
        T::deserialize(vector).map_err(|e| {
            NodeError::refused(format!("has a golden vector that does not read: {e}"))
                .try_this("build it again")
        })
    };
    vectors.iter().map(read).collect()
}

fn job_vectors(descriptor: &Descriptor) -> Result<Vec<JobVector>> {
    let vectors: Vec<JsonJobVector> = read(&descriptor.vectors)?;
    let vector = |v: JsonJobVector| {
        let output = match (v.output, v.error) {
            (Some(output), None) => JobExpected::Output(output),
            (None, Some(error)) => JobExpected::Error(error),
            _ => {
                return Err(NodeError::refused(format!(
                    "has a golden vector `{}` of which one of output and error is wanted",
                    v.case
                )));
            }
        };
        let params = v.params.map(|params| Value::from(params).to_string());
        Ok(JobVector {
            case: v.case,
            params: params.unwrap_or_default(),
            input: v.input,
            output,
        })
    };
    vectors.into_iter().map(vector).collect()
}

fn policy_vectors(descriptor: &Descriptor) -> Result<Vec<Vector>> {
    let schema = descriptor
        .config_schema
        .clone()
        .unwrap_or_else(|| Value::Object(Map::new()));
    read::<JsonVector>(&descriptor.vectors)?
        .iter()
        .map(|v| {
            let bad = |what: &str, e: String| {
                NodeError::refused(format!(
                    "has a golden vector `{}` whose {what} does not fit: {e}",
                    v.case
                ))
            };
            let call = if v.call.is_empty() {
                descriptor.slot.clone().unwrap_or_default()
            } else {
                v.call.clone()
            };
            let tagged =
                |value: &Value| Value::Object(Map::from_iter([(call.clone(), value.clone())]));
            let input: SlotCall = serde_json::from_value(tagged(&v.input))
                .map_err(|e| bad("input", e.to_string()))?;
            let output = match (&v.output, &v.error) {
                (Some(output), None) => {
                    let reply: SlotReply = serde_json::from_value(tagged(output))
                        .map_err(|e| bad("output", e.to_string()))?;
                    Expected::Reply(reply)
                }
                (None, Some(error)) => Expected::Error(error.clone()),
                _ => return Err(bad("output", "one of output and error is wanted".into())),
            };
            // A vector may show that a config is refused; then it is passed on as it is written.
            let config = Value::Object(v.config.clone());
            let config = match weft_release::config::canonical_config(&schema, &config) {
                Ok(bytes) => bytes,
                Err(_) if v.error.is_some() => weft_model::cbor::encode(&config)?,
                Err(e) => return Err(bad("config", e.to_string())),
            };
            Ok(Vector {
                case: v.case.clone(),
                now: v.now,
                config,
                input,
                output,
            })
        })
        .collect()
}
