//! `POST /v1/chat/completions`.

use super::error::Wrong;
use super::{body, by_node};
use crate::lines::{ChatLine, Usage};
use crate::response::ApiError;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::mpsc;
use weft_model::task::{Status, TaskSpec};
use weft_node::Node;
use weft_node::report::TaskReport;

const WORKLOAD: &str = "chat";
/// Pieces that wait for a client at most; then the job waits, too.
const AHEAD: usize = 64;
/// What is understood, beside what is said and how it is shown; handed on to the workload by these names.
const HANDED_ON: [&str; 6] = [
    "temperature",
    "top_p",
    "seed",
    "top_k",
    "repetition_penalty",
    "skills",
];
/// What says nothing of the answer itself.
const PASSED_OVER: [&str; 6] = [
    "user",
    "prompt_cache_key",
    "metadata",
    "store",
    "service_tier",
    "safety_identifier",
];

#[derive(Deserialize)]
struct Asked {
    model: String,
    messages: Vec<Message>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<u32>,
    max_completion_tokens: Option<u32>,
    stop: Option<Stop>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
    /// Padding that hides how long pieces are: nobody listens in on loopback.
    #[serde(default)]
    #[expect(dead_code, reason = "it is understood, and there is nothing to do")]
    include_obfuscation: Option<bool>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
struct Message {
    role: String,
    content: Option<Content>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// What says where a text came from, or may be kept of it, is passed over.
#[derive(Deserialize)]
struct Part {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

impl Asked {
    /// The task, and what is said.
    fn task(&self) -> Result<(TaskSpec, String), Wrong> {
        let mut params = Map::new();
        params.insert("model".into(), self.model.as_str().into());
        params.insert("input".into(), "json".into());
        for (name, value) in self.rest.iter().filter(|(_, value)| !value.is_null()) {
            if HANDED_ON.contains(&name.as_str()) {
                // OpenAI's seeds have a sign; any of them is a place where chance begins.
                let seed = value.as_i64().filter(|_| name == "seed");
                let value = seed.map_or_else(|| value.clone(), |seed| seed.cast_unsigned().into());
                params.insert(name.clone(), value);
            } else if !PASSED_OVER.contains(&name.as_str()) && !is_nothing(name, value) {
                return Err(Wrong::invalid(format!("`{name}` is not done here")));
            }
        }
        if !params.contains_key("seed") {
            // As everywhere: who names none gets another answer each time. The receipt's params have it.
            let seed = getrandom::u32().map_err(|e| Wrong::internal(&e))?;
            params.insert("seed".into(), seed.into());
        }
        if let Some(tokens) = self.max_completion_tokens.or(self.max_tokens) {
            params.insert("max_tokens".into(), tokens.into());
        }
        match &self.stop {
            Some(Stop::One(text)) => drop(params.insert("stop".into(), json!([text]))),
            Some(Stop::Several(texts)) => drop(params.insert("stop".into(), json!(texts))),
            None => {}
        }
        let turns = self.messages.iter().map(Message::turn);
        let turns = Value::from(turns.collect::<Result<Vec<_>, _>>()?);
        let mut spec = TaskSpec::new(WORKLOAD, "");
        spec.params = Some(Value::from(params).to_string());
        Ok((spec, turns.to_string()))
    }
}

/// Whether a setting asks for what is done anyway.
fn is_nothing(name: &str, value: &Value) -> bool {
    match name {
        "n" => *value == json!(1),
        "response_format" => *value == json!({"type": "text"}),
        "tools" => *value == json!([]),
        // Without tools none is chosen.
        "tool_choice" => *value == json!("none") || *value == json!("auto"),
        "logit_bias" => *value == json!({}),
        "top_logprobs" => *value == json!(0),
        "frequency_penalty" | "presence_penalty" => value.as_f64() == Some(0.0),
        "logprobs" | "parallel_tool_calls" => *value == json!(false),
        _ => false,
    }
}

impl Message {
    fn turn(&self) -> Result<Value, Wrong> {
        // A name is for whoever wrote the conversation; templates know none.
        let mut rest = self.rest.iter().filter(|(name, _)| *name != "name");
        if let Some((name, _)) = rest.find(|(_, value)| !value.is_null()) {
            return Err(Wrong::invalid(format!(
                "`{name}` of a message is not done here"
            )));
        }
        let role = match self.role.as_str() {
            "developer" => "system",
            role @ ("system" | "user" | "assistant") => role,
            _ => {
                let why = "a message is of `system`, `developer`, `user` or `assistant`";
                return Err(Wrong::invalid(why));
            }
        };
        let content = match &self.content {
            None => return Err(Wrong::invalid("a message without content is not done here")),
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => {
                let texts = parts.iter().map(|part| match &part.text {
                    Some(text) if part.kind == "text" => Ok(text.as_str()),
                    _ => Err(Wrong::invalid("parts of a message are texts here")),
                });
                texts.collect::<Result<String, _>>()?
            }
        };
        Ok(json!({"role": role, "content": content}))
    }
}

/// What a job tells while it runs.
enum Told {
    Piece(String),
    Ended(Box<Result<Ended, Wrong>>),
}

struct Ended {
    usage: Usage,
    task: TaskReport,
}

/// What is the same in every part of an answer.
struct Head {
    id: String,
    created: u64,
    model: String,
}

impl Head {
    fn with(&self, object: &str, choices: Value, usage: Option<&Ended>) -> Value {
        let mut whole = json!({"id": self.id, "object": object, "created": self.created, "model": self.model,
            "choices": choices});
        if let Some(Ended { usage, task }) = usage {
            whole["usage"] = json!({"prompt_tokens": usage.prompt_tokens, "completion_tokens": usage.answer_tokens,
                "total_tokens": usage.prompt_tokens + usage.answer_tokens});
            whole["weft"] = json!({"task": task.task, "receipt": task.receipt});
        }
        whole
    }

    fn chunk(&self, delta: Value, end: Option<&str>) -> Value {
        let choice = json!([{"index": 0, "delta": delta, "finish_reason": end, "logprobs": null}]);
        self.with("chat.completion.chunk", choice, None)
    }
}

/// Why it is over, as OpenAI names it.
fn reason(usage: &Usage) -> &str {
    match usage.end.as_str() {
        "length" => "length",
        _ => "stop",
    }
}

pub(super) async fn create(
    State(node): State<Arc<Node>>,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, Wrong> {
    let asked: Asked = body(&headers, &bytes)?;
    let (spec, turns) = asked.task()?;
    let (tell, mut told) = mpsc::channel(AHEAD);
    // Started and followed by one thread: whoever asked may go away while a model is loaded.
    let started = by_node(&node, move |node| {
        let started = node.start_at_once(&spec, Some(&turns))?;
        let (node, id) = (Arc::clone(node), started.task.clone());
        std::thread::Builder::new()
            .name("weft-follow".into())
            .spawn(move || follow(&node, &id, &tell))
            .map_err(|e| ApiError::new("io", format!("no thread: {e}"), ""))?;
        Ok(started)
    })
    .await?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let head = Head {
        id: format!("chatcmpl-{}", started.task),
        created: now.unwrap_or_default().as_secs(),
        model: asked.model,
    };
    if asked.stream == Some(true) {
        let usage = asked.stream_options.is_some_and(|o| o.include_usage);
        // What can't be done is told as elsewhere, before anything is answered.
        return match told.recv().await {
            Some(Told::Ended(ended)) => match *ended {
                Err(wrong) => Err(wrong),
                ended => Ok(streamed(
                    head,
                    Some(Told::Ended(Box::new(ended))),
                    told,
                    usage,
                )),
            },
            first => Ok(streamed(head, first, told, usage)),
        };
    }
    let mut answer = String::new();
    while let Some(said) = told.recv().await {
        match said {
            Told::Piece(piece) => answer.push_str(&piece),
            Told::Ended(ended) => {
                let ended = (*ended)?;
                let message = json!({"role": "assistant", "content": answer, "refusal": null});
                let choice = json!([{"index": 0, "message": message, "finish_reason": reason(&ended.usage),
                    "logprobs": null}]);
                let whole = head.with("chat.completion", choice, Some(&ended));
                return Ok(axum::Json(whole).into_response());
            }
        }
    }
    Err(Wrong::internal(&"a job told no end"))
}

/// Events as they come.
fn streamed(head: Head, next: Option<Told>, told: mpsc::Receiver<Told>, usage: bool) -> Response {
    let begin = head.chunk(json!({"role": "assistant", "content": ""}), None);
    let first = stream::iter([event(&begin)]);
    let rest = stream::unfold(Some((head, next, told)), move |state| async move {
        let (head, next, mut told) = state?;
        let next = match next {
            Some(next) => Some(next),
            None => told.recv().await,
        };
        Some(match next {
            Some(Told::Piece(piece)) => {
                let chunk = head.chunk(json!({"content": piece}), None);
                (vec![event(&chunk)], Some((head, None, told)))
            }
            Some(Told::Ended(ended)) => (last(&head, *ended, usage), None),
            None => (Vec::new(), None),
        })
    });
    let rest = futures::StreamExt::flat_map(rest, stream::iter);
    Sse::new(futures::StreamExt::chain(first, rest)).into_response()
}

/// The last events of an answer.
fn last(head: &Head, ended: Result<Ended, Wrong>, usage: bool) -> Vec<Result<Event, Infallible>> {
    let mut events = Vec::new();
    match ended {
        Ok(ended) => {
            events.push(event(&head.chunk(json!({}), Some(reason(&ended.usage)))));
            if usage {
                let whole = head.with("chat.completion.chunk", json!([]), Some(&ended));
                events.push(event(&whole));
            }
        }
        Err(wrong) => events.push(event(&wrong.body())),
    }
    events.push(Ok(Event::default().data("[DONE]")));
    events
}

fn event(value: &Value) -> Result<Event, Infallible> {
    Ok(Event::default().data(value.to_string()))
}

/// Tells what a task writes until it has ended, or nobody listens any more: then the task is taken back.
fn follow(node: &Arc<Node>, task: &str, tell: &mpsc::Sender<Told>) {
    let ended = tell_all(node, task, tell);
    if !matches!(ended, Ok(Some(_)))
        && let Err(e) = node.task_cancel(task)
    {
        // Such as one that failed by itself.
        tracing::debug!("a task that nobody waits for: {e}");
    }
    if let Some(ended) = ended.transpose() {
        // Who asked may be gone by now.
        let _ = tell.blocking_send(Told::Ended(Box::new(ended.map_err(Wrong::from))));
    }
}

/// None: nobody listens.
fn tell_all(
    node: &Arc<Node>,
    task: &str,
    tell: &mpsc::Sender<Told>,
) -> Result<Option<Ended>, ApiError> {
    let odd = |why: String| ApiError::new("internal", format!("internal: {why}"), "report this");
    let mut from = 0;
    let mut usage = None;
    loop {
        let tail = node.task_tail(task, from)?;
        for line in tail.text.lines() {
            match serde_json::from_str(line).map_err(|e| odd(e.to_string()))? {
                ChatLine::Usage(found) => usage = Some(found),
                ChatLine::Piece { piece } => {
                    if tell.blocking_send(Told::Piece(piece)).is_err() {
                        return Ok(None);
                    }
                }
            }
        }
        from = tail.next;
        if let Some(task) = tail.task {
            if task.status != Status::Done.word() {
                let why = task.reason.unwrap_or(task.status);
                return Err(ApiError::new("task-failed", why, ""));
            }
            let usage = usage.ok_or_else(|| odd("an answer without its end".into()))?;
            return Ok(Some(Ended { usage, task: *task }));
        }
        if tell.is_closed() {
            return Ok(None);
        }
    }
}
