//! What the daemon answers over HTTP, on loopback alone: its figures, `GET /metrics` as Prometheus reads it, and at another
//! address what OpenAI's clients ask (`openai`).
//!
//! Of figures: at most [`CONNECTIONS`] at a time, each for at most [`CONNECTION_LIFE`]; who comes then waits in the system's queue. One
//! reading is made at a time; who asks meanwhile waits for the next one. A request whose `Host` names no loopback is
//! refused, so that no page in a browser reads the figures under a name of its own.
//!
//! It shows figures and nothing else: no task's name, no text of a person.

mod door;
mod openai;
mod text;

pub use openai::OpenAi;

use crate::response::ApiError;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use door::Door;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use weft_node::Node;

/// Most connections at a time.
pub const CONNECTIONS: usize = 16;

/// How long a connection may stay; a scraper then makes another one.
pub const CONNECTION_LIFE: Duration = Duration::from_secs(120);

/// What is sent, as Prometheus names it.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// An address that is bound and not yet served.
pub struct Http {
    listener: TcpListener,
    address: SocketAddr,
    node: Arc<Node>,
}

/// What a request needs.
#[derive(Clone)]
struct Shared {
    node: Arc<Node>,
    turn: Arc<Semaphore>,
}

impl Http {
    /// Binds an address of loopback. Needs a tokio runtime.
    ///
    /// # Errors
    /// `refused` for another address, `unavailable` when it can't be listened on.
    pub async fn bind(address: SocketAddr, node: Arc<Node>) -> Result<Self, ApiError> {
        let (listener, address) = bind(address, "http_listen").await?;
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
        let shared = Shared {
            node: self.node,
            turn: Arc::new(Semaphore::new(1)),
        };
        let app = Router::new()
            .route("/metrics", get(metrics))
            .layer(middleware::from_fn(only_here))
            .with_state(shared);
        let door = Door::new(self.listener, CONNECTIONS, CONNECTION_LIFE);
        tokio::select! {
            () = stop.cancelled() => {}
            ended = axum::serve(door, app) => if let Err(e) = ended {
                tracing::error!("figures are shown no more: {e}");
            },
        }
    }
}

/// Binds an address of loopback that a setting names.
async fn bind(address: SocketAddr, setting: &str) -> Result<(TcpListener, SocketAddr), ApiError> {
    if !address.ip().is_loopback() {
        return Err(ApiError::new(
            "refused",
            format!("`{address}` can be reached by others, and nothing guards what is shown there"),
            format!(
                "take an address of loopback, such as 127.0.0.1:9090, for the setting {setting}"
            ),
        ));
    }
    let refused = |e: std::io::Error| {
        ApiError::new(
            "unavailable",
            format!("can't listen on `{address}`: {e}"),
            format!("choose another port for the setting {setting}, or stop who has it"),
        )
    };
    let listener = TcpListener::bind(address).await.map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((listener, address))
}

/// Answers only what was meant for this machine's loopback.
async fn only_here(request: Request, next: Next) -> Response {
    if is_here(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "ask by an address of loopback\n").into_response()
}

fn is_here(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|h| h.to_str().ok()) else {
        return false;
    };
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host();
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|a| a.is_loopback())
}

async fn metrics(State(shared): State<Shared>) -> Response {
    let Ok(turn) = shared.turn.acquire_owned().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let node = shared.node;
    let read = tokio::task::spawn_blocking(move || {
        let text = text::of(node.figures());
        drop(turn);
        text
    });
    match read.await {
        Ok(Ok(text)) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Ok(Err(e)) => broken(&e),
        Err(e) => broken(&e),
    }
}

/// What went wrong is for the log, not for who asks.
fn broken(error: &dyn std::error::Error) -> Response {
    tracing::error!("the figures could not be shown: {error}");
    (StatusCode::INTERNAL_SERVER_ERROR, "see the daemon's log\n").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_names_of_loopback_are_served() {
        let asked = |host: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static(host));
            is_here(&headers)
        };
        for fine in [
            "127.0.0.1:9090",
            "127.0.0.1",
            "localhost:9090",
            "LOCALHOST",
            "[::1]:9090",
            "[::1]",
        ] {
            assert!(asked(fine), "{fine}");
        }
        for refused in [
            "",
            "evil.example",
            "evil.example:9090",
            "localhost.evil.example",
            "192.168.1.2:9090",
            "localhost:9090:1",
        ] {
            assert!(!asked(refused), "{refused}");
        }
        assert!(!is_here(&HeaderMap::new()));
    }
}
