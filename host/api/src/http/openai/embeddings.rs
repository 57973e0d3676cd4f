//! `POST /v1/embeddings`.

use super::error::Wrong;
use super::{body, by_node};
use crate::lines::Vector;
use crate::response::ApiError;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use weft_model::task::{Status, TaskSpec};
use weft_node::Node;

const WORKLOAD: &str = "embeddings";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    model: String,
    input: Input,
    encoding_format: Option<Encoding>,
    dimensions: Option<usize>,
    /// Who asks, which says nothing of the vectors.
    #[serde(rename = "user")]
    _user: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    One(String),
    Several(Vec<String>),
    /// Such as tokens of another tokenizer.
    Other(serde::de::IgnoredAny),
}

#[derive(Deserialize, Default, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    #[default]
    Float,
    Base64,
}

pub(super) async fn create(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Wrong> {
    let asked: Asked = body(&headers, &bytes)?;
    let texts = match asked.input {
        Input::One(text) => vec![text],
        Input::Several(texts) => texts,
        Input::Other(_) => {
            return Err(Wrong::invalid(
                "`input` is a text or a list of texts: a model here has its own tokens",
            ));
        }
    };
    if texts.is_empty() {
        return Err(Wrong::invalid("`input` has no text"));
    }
    let model = asked.model.clone();
    let asker = Asker::of(&node);
    let wanted = Arc::clone(&asker.wanted);
    let vectors = by_node(&node, move |node| embed(node, &model, &texts, &wanted)).await?;
    drop(asker);
    let dimensions = vectors.first().map_or(0, |v| v.embedding.len());
    if asked.dimensions.is_some_and(|wanted| wanted != dimensions) {
        let why = format!("vectors of this model have {dimensions} dimensions, always");
        return Err(Wrong::invalid(why));
    }
    let tokens: u64 = vectors.iter().map(|v| u64::from(v.tokens)).sum();
    let data: Vec<Value> = vectors
        .iter()
        .map(|v| {
            let embedding: Value = match asked.encoding_format.unwrap_or_default() {
                Encoding::Float => v.embedding.clone().into(),
                Encoding::Base64 => {
                    let bytes: Vec<u8> = v.embedding.iter().flat_map(|x| x.to_le_bytes()).collect();
                    BASE64.encode(&bytes).into()
                }
            };
            json!({"object": "embedding", "index": v.index, "embedding": embedding})
        })
        .collect();
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    let whole = json!({"object": "list", "data": data, "model": asked.model, "usage": usage});
    Ok(axum::Json(whole).into_response())
}

/// Whoever asked, for as long as they listen: a server drops what answers a client that has left.
struct Asker {
    node: Arc<Node>,
    wanted: Arc<Mutex<Wanted>>,
}

/// What somebody waits for.
enum Wanted {
    /// Nothing runs for them yet, or any more.
    Nothing,
    /// This task.
    Task(String),
    /// They are gone.
    NoMore,
}

impl Asker {
    fn of(node: &Arc<Node>) -> Self {
        Self {
            node: Arc::clone(node),
            wanted: Arc::new(Mutex::new(Wanted::Nothing)),
        }
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        if let Wanted::Task(task) = replace(&self.wanted, Wanted::NoMore) {
            let node = Arc::clone(&self.node);
            tokio::task::spawn_blocking(move || take_back(&node, &task));
        }
    }
}

fn replace(wanted: &Mutex<Wanted>, by: Wanted) -> Wanted {
    let mut wanted = wanted.lock().unwrap_or_else(PoisonError::into_inner);
    match &*wanted {
        // Whoever left does not come back.
        Wanted::NoMore => Wanted::NoMore,
        _ => std::mem::replace(&mut wanted, by),
    }
}

fn take_back(node: &Arc<Node>, task: &str) {
    // One that ended by itself meanwhile is no matter.
    if let Err(e) = node.task_cancel(task) {
        tracing::debug!(task, "was not taken back: {e}");
    }
}

fn embed(
    node: &Arc<Node>,
    model: &str,
    texts: &[String],
    wanted: &Mutex<Wanted>,
) -> Result<Vec<Vector>, ApiError> {
    let mut spec = TaskSpec::new(WORKLOAD, "");
    spec.params = Some(json!({"model": model, "input": "json"}).to_string());
    let lines: String = texts
        .iter()
        .map(|text| format!("{}\n", Value::from(text.as_str())))
        .collect();
    let started = node.start_at_once(&spec, Some(&lines))?.task;
    if let Wanted::NoMore = replace(wanted, Wanted::Task(started.clone())) {
        take_back(node, &started);
    }
    let task = node.task_wait(&started)?;
    replace(wanted, Wanted::Nothing);
    if task.status != Status::Done.word() {
        let why = task.reason.unwrap_or(task.status);
        return Err(ApiError::new("task-failed", why, ""));
    }
    let odd = |why: String| ApiError::new("internal", format!("internal: {why}"), "report this");
    let path = task.output.ok_or_else(|| odd("no output".into()))?;
    let kept = std::fs::read_to_string(path).map_err(|e| odd(e.to_string()))?;
    let vectors = kept.lines().map(serde_json::from_str);
    vectors
        .collect::<Result<_, _>>()
        .map_err(|e| odd(e.to_string()))
}
