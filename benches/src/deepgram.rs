//! What both of Deepgram's services share: the key, the shape of a refused upgrade, queries and close frames.

use std::collections::HashMap;

use axum::body::Body;
use axum::extract::ws::{CloseFrame, Message};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use uuid::Uuid;

/// A request that Deepgram refuses before any audio flows.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// Seconds for the `Retry-After` header.
    pub(crate) retry_after_s: Option<u64>,
}

impl Refusal {
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Refusal { status: StatusCode::BAD_REQUEST, code: "Bad Request", message: message.into(), retry_after_s: None }
    }

    /// The refusal that goes with a bare status, for injected faults.
    pub(crate) fn injected(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let (code, message) = match status.as_u16() {
            401 => ("INVALID_AUTH", "Invalid credentials."),
            402 => ("ASR_PAYMENT_REQUIRED", "Project does not have enough credits for an ASR request."),
            403 => ("INSUFFICIENT_PERMISSIONS", "Project does not have access to the requested model."),
            429 => ("TOO_MANY_REQUESTS", "Too many requests. Please try again later."),
            _ => ("SERVICE_UNAVAILABLE", "The service is temporarily unavailable."),
        };
        Refusal { status, code, message: message.to_owned(), retry_after_s: None }
    }

    /// Too many connections; the client is told when to come again.
    pub(crate) fn busy(retry_after_s: u64) -> Self {
        Refusal { retry_after_s: Some(retry_after_s), ..Refusal::injected(429) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let request_id = Uuid::new_v4().to_string();
        let body = json!({"err_code": self.code, "err_msg": self.message, "request_id": request_id});
        let mut response = Response::builder().status(self.status);
        if let Some(seconds) = self.retry_after_s {
            response = response.header(header::RETRY_AFTER, seconds);
        }
        response
            .header(header::CONTENT_TYPE, "application/json")
            .header("dg-request-id", request_id)
            .header("dg-error", self.message)
            .body(Body::from(body.to_string()))
            .unwrap_or_else(|_| self.status.into_response())
    }
}

/// Checks `Authorization: Token <key>` or `Bearer <key>`.
pub(crate) fn authorise(headers: &HeaderMap, api_key: &str) -> Result<(), Refusal> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = given.strip_prefix("Token ").or_else(|| given.strip_prefix("Bearer "));
    if key == Some(api_key) { Ok(()) } else { Err(Refusal::injected(401)) }
}

/// Query parameters with repeated names kept.
#[derive(Debug)]
pub(crate) struct Query(HashMap<String, Vec<String>>);

impl Query {
    /// Parses a raw query and refuses names that are not `known`.
    pub(crate) fn parse(raw: &str, known: &[&str]) -> Result<Self, Refusal> {
        let mut values: HashMap<String, Vec<String>> = HashMap::new();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            if !known.contains(&name.as_ref()) {
                return Err(Refusal::bad_request(format!("Unexpected query parameter: {name}")));
            }
            values.entry(name.into_owned()).or_default().push(value.into_owned());
        }
        Ok(Query(values))
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.first().map(String::as_str)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A boolean: the strings `true` and `false` and nothing else.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(other) => Err(Refusal::bad_request(format!("Invalid value for {name}: {other}"))),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let parse =
            |text: &str| text.parse().map_err(|_| Refusal::bad_request(format!("Invalid value for {name}: {text}")));
        self.get(name).map(parse).transpose()
    }

    /// The simulated mouth and ear know telephone audio alone; what the vendor itself would refuse is refused too.
    pub(crate) fn require_telephone_audio(&self) -> Result<(), Refusal> {
        let rate = self.number("sample_rate")?;
        match (self.get("encoding"), rate) {
            (Some("mulaw"), Some(8_000)) => Ok(()),
            (Some("mulaw"), Some(16_000)) | (Some("linear16" | "alaw"), Some(_)) => {
                Err(Refusal::bad_request("The simulator knows encoding=mulaw&sample_rate=8000 alone."))
            }
            (Some(_), None) => Err(Refusal::bad_request("sample_rate is required when encoding is given.")),
            (None, _) => Err(Refusal::bad_request("encoding and sample_rate are required for raw audio.")),
            (Some(encoding), Some(rate)) => {
                Err(Refusal::bad_request(format!("Unsupported audio format: encoding={encoding}, sample_rate={rate}.")))
            }
        }
    }
}

/// A close frame as Deepgram words it: the code of RFC 6455, then its own.
pub(crate) fn close(code: u16, reason: &str) -> Message {
    Message::Close(Some(CloseFrame { code, reason: reason.to_owned().into() }))
}
