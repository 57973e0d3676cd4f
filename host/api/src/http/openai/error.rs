//! Errors as OpenAI's clients read them.

use crate::response::ApiError;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What is wrong with a request.
#[derive(Debug)]
pub(super) struct Wrong {
    status: StatusCode,
    code: String,
    message: String,
}

impl Wrong {
    fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", message)
    }

    pub fn method(message: impl Into<String>) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "invalid", message)
    }

    pub fn too_large(most: usize) -> Self {
        let message = format!("a request has at most {most} bytes here; send the texts in several");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", message)
    }

    pub fn no_key() -> Self {
        let message = "the key is not the one of the setting openai_key";
        Self::new(StatusCode::UNAUTHORIZED, "invalid_api_key", message)
    }

    /// What went wrong is for the log, not for who asks.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!("a request broke off: {error}");
        let message = "see the daemon's log";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    /// As a client reads it.
    pub fn body(&self) -> Value {
        let kind = match self.status.is_client_error() {
            true => "invalid_request_error",
            false => "server_error",
        };
        json!({"error": {"message": self.message, "type": kind, "param": null, "code": self.code}})
    }
}

impl From<ApiError> for Wrong {
    fn from(e: ApiError) -> Self {
        let status = match e.code.as_str() {
            "not-found" => StatusCode::NOT_FOUND,
            "busy" | "unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            "io" | "damaged" | "disk-full" | "newer-database" | "internal" => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
            _ => StatusCode::BAD_REQUEST,
        };
        let message = match e.remedy.is_empty() {
            true => e.message,
            false => format!("{}; {}", e.message, e.remedy),
        };
        Self::new(status, &e.code, message)
    }
}

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        (self.status, axum::Json(self.body())).into_response()
    }
}
