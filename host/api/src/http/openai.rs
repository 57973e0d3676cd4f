//! `/v1` as OpenAI's clients speak it: embeddings, chat completions (also streamed) and the list of models, by the workloads
//! `embeddings` and `chat`. Loopback alone; where the setting `openai_key` is given, its bearer alone.
//!
//! Each request is a task run by hand: no rules are asked, and a receipt is kept. What a request asks for that these
//! workloads do not do, such as tools, is refused by name and not passed over.

mod chat;
mod embeddings;
mod error;

use super::{CONNECTION_LIFE, Door, only_here};
use crate::response::ApiError;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use error::Wrong;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use weft_node::Node;
use weft_node::report::ModelReport;

/// Most connections at a time.
const CONNECTIONS: usize = 32;
/// Bytes of a request.
const BODY_BYTES: usize = 8 * 1024 * 1024;
/// Answers take their time.
const LIFE: Duration = CONNECTION_LIFE.saturating_mul(30);

/// An address that is bound and not yet served.
pub struct OpenAi {
    listener: TcpListener,
    address: SocketAddr,
    node: Arc<Node>,
}

impl OpenAi {
    /// Binds an address of loopback. Needs a tokio runtime.
    ///
    /// # Errors
    /// `refused` for another address, `unavailable` when it can't be listened on.
    pub async fn bind(address: SocketAddr, node: Arc<Node>) -> Result<Self, ApiError> {
        let (listener, address) = super::bind(address, "openai_listen").await?;
        Ok(Self {
            listener,
            address,
            node,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop` is cancelled; requests in flight are dropped then.
    pub async fn serve(self, stop: CancellationToken) {
        let app = Router::new()
            .route("/v1/embeddings", post(embeddings::create))
            .route("/v1/chat/completions", post(chat::create))
            .route("/v1/models", get(models))
            .route("/v1/models/{name}", get(model))
            .fallback(|| async { Wrong::not_found("there is no such endpoint") })
            .method_not_allowed_fallback(|| async {
                Wrong::method("this endpoint is asked in another way: POST, and GET for models")
            })
            .layer(middleware::map_response(in_json))
            .layer(DefaultBodyLimit::max(BODY_BYTES))
            .layer(middleware::from_fn_with_state(
                Arc::clone(&self.node),
                with_key,
            ))
            .layer(middleware::from_fn(only_here))
            .with_state(self.node);
        let door = Door::new(self.listener, CONNECTIONS, LIFE);
        tokio::select! {
            () = stop.cancelled() => {}
            ended = axum::serve(door, app) => if let Err(e) = ended {
                tracing::error!("OpenAI's clients are answered no more: {e}");
            },
        }
    }
}

/// What the layers below refuse by themselves, such as a body that is too large, is said as everything else is.
async fn in_json(response: Response) -> Response {
    match response.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Wrong::too_large(BODY_BYTES).into_response(),
        _ => response,
    }
}

/// Lets through what has the key, where there is one.
async fn with_key(State(node): State<Arc<Node>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION);
    let given = given.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    match node.openai_key() {
        Some(key) if given != Some(&key) => Wrong::no_key().into_response(),
        _ => next.run(request).await,
    }
}

/// Work of the node, on a thread of its own.
async fn by_node<T: Send + 'static>(
    node: &Arc<Node>,
    work: impl FnOnce(&Arc<Node>) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, Wrong> {
    let node = Arc::clone(node);
    let done = tokio::task::spawn_blocking(move || work(&node)).await;
    done.map_err(|e| Wrong::internal(&e))?.map_err(Wrong::from)
}

/// A JSON body; another one would come from a page in a browser, which asks nobody before it sends plain text.
fn body<T: serde::de::DeserializeOwned>(
    headers: &axum::http::HeaderMap,
    bytes: &[u8],
) -> Result<T, Wrong> {
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        return Err(Wrong::invalid("the content type is application/json"));
    }
    serde_json::from_slice(bytes)
        .map_err(|e| Wrong::invalid(format!("the body does not read: {e}")))
}

fn shown(model: &ModelReport) -> Value {
    json!({"id": model.name, "object": "model", "created": seconds(&model.added_at), "owned_by": model.source})
}

/// Seconds since 1970 of an instant as it is shown.
fn seconds(instant: &str) -> i64 {
    weft_node::clock::instant_of(instant).unwrap_or_default() / 1_000
}

async fn models(State(node): State<Arc<Node>>) -> Result<Response, Wrong> {
    let found = by_node(&node, |node| Ok(node.model_list()?)).await?;
    let data: Vec<Value> = found.iter().map(shown).collect();
    Ok(axum::Json(json!({"object": "list", "data": data})).into_response())
}

async fn model(State(node): State<Arc<Node>>, Path(name): Path<String>) -> Result<Response, Wrong> {
    let found = by_node(&node, move |node| Ok(node.model_show(&name)?)).await?;
    Ok(axum::Json(shown(&found)).into_response())
}
