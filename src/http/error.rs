//! What can be wrong with a request: the only mapping to status codes. Each refusal is counted.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use metrics::counter;
use otto_actors::ports::StoreError;
use serde_json::json;
use tracing::debug;

/// Refused requests, by reason.
pub const REJECTED_METRIC: &str = "otto_http_rejected_total";
/// The status of a request that took too long.
pub const TIMED_OUT: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// The body is above the size limit.
    #[error("found a body that is too large, expected at most 64 KiB")]
    TooLarge,
    /// The body did not arrive whole.
    #[error("found a body that breaks off, expected a whole one")]
    BrokenBody,
    /// The signature is missing or not Twilio's.
    #[error("found no valid X-Twilio-Signature, expected one made with this account's Auth Token")]
    Unsigned,
    /// The notification is not for a channel of this installation.
    #[error("found no valid X-Goog-Channel-Token, expected the one that the channel was opened with")]
    WrongChannel,
    /// A field is missing or malformed. Says what was found and what is expected, and never repeats a value.
    #[error("{0}")]
    Invalid(String),
    /// A plain request where a WebSocket is expected.
    #[error("found a plain request, expected a WebSocket handshake")]
    NotAHandshake,
    /// Too many sockets wait for their first message.
    #[error("too many media sockets are waiting for their start")]
    Busy,
    /// No such path.
    #[error("no such path")]
    NotFound,
    /// The path exists and takes another method.
    #[error("this path takes another method")]
    MethodNotAllowed,
    /// No OPERATOR_TOKEN is set.
    #[error("the operators' paths are closed; set OPERATOR_TOKEN to open them")]
    OperatorsClosed,
    /// The token is missing or wrong.
    #[error("found no valid token, expected \"Authorization: Bearer\" with OPERATOR_TOKEN")]
    NotAnOperator,
    /// Something that is named in the request is not there. Says what.
    #[error("{0}")]
    NoSuchThing(String),
    /// What is asked for is not possible as things are. Says why.
    #[error("{0}")]
    Conflict(String),
    /// The records do not answer.
    #[error("the database does not answer; try again")]
    Away,
    /// Otto's own fault.
    #[error("internal error")]
    Internal,
}

impl ApiError {
    /// A form's field that is not as it should be.
    #[must_use]
    pub fn field(name: &str, found: &str, expected: &str) -> Self {
        Self::Invalid(format!("{name}: found {found}, expected {expected}"))
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BrokenBody | Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Unsigned | Self::WrongChannel => StatusCode::FORBIDDEN,
            Self::NotAHandshake => StatusCode::UPGRADE_REQUIRED,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::OperatorsClosed => StatusCode::FORBIDDEN,
            Self::NotAnOperator => StatusCode::UNAUTHORIZED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Away => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotFound | Self::NoSuchThing(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    const fn reason(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::BrokenBody => "broken_body",
            Self::Unsigned => "signature",
            Self::WrongChannel => "channel",
            Self::Invalid(_) => "form",
            Self::NotAHandshake => "not_a_handshake",
            Self::Busy => "busy",
            Self::OperatorsClosed | Self::NotAnOperator => "operator",
            Self::Conflict(_) => "conflict",
            Self::Away => "away",
            Self::NotFound | Self::NoSuchThing(_) => "not_found",
            Self::MethodNotAllowed => "method",
            Self::Internal => "internal",
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) | StoreError::Contended | StoreError::UnknownOutcome => Self::Away,
            StoreError::NotFound(what) => Self::NoSuchThing(format!("no such {what}")),
            _ => Self::Internal,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        counter!(REJECTED_METRIC, "reason" => self.reason()).increment(1);
        debug!(reason = self.reason(), "request refused");
        (self.status(), Json(json!({ "error": self.to_string() }))).into_response()
    }
}
