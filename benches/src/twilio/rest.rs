//! The REST API: what every request goes through, and which resource it is about. Everything is recorded, whatever it is
//! answered.

mod calls;
mod list;
mod texts;

use std::future::pending;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use url::Url;

use super::callbacks::Params;
use super::registry::RestRequest;
use super::{Shared, TwilioFault};

/// Where the API begins.
const BASE: &str = "/2010-04-01/Accounts/";

/// An error in Twilio's shape.
struct RestError(StatusCode, u32, String);

type RestResult = Result<(StatusCode, Value), RestError>;

impl RestError {
    fn bad_request(code: u32, message: impl Into<String>) -> Self {
        RestError(StatusCode::BAD_REQUEST, code, message.into())
    }

    fn not_found(path: &str) -> Self {
        RestError(StatusCode::NOT_FOUND, 20404, format!("The requested resource {path} was not found"))
    }

    fn response(&self) -> Response {
        let RestError(status, code, message) = self;
        let more_info = format!("https://www.twilio.com/docs/errors/{code}");
        let body = json!({"status": status.as_u16(), "message": message, "code": code, "more_info": more_info});
        (*status, Json(body)).into_response()
    }
}

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(handle).with_state(shared)
}

/// What every request goes through: key, form, fault, record.
async fn handle(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fields = if method == Method::POST { &body[..] } else { uri.query().unwrap_or_default().as_bytes() };
    let params: Params = form_urlencoded::parse(fields).into_owned().collect();
    let fault = shared.knobs.draw_fault_where(TwilioFault::is_rest);
    let checked = || {
        authorise(&shared, uri.path(), &headers)?;
        if method == Method::POST {
            form(&headers)?;
        }
        route(&shared, &method, uri.path(), &params)
    };
    let result = match fault {
        Some(TwilioFault::RestStatus { status }) => Err(injected(status)),
        Some(TwilioFault::RestAccepted { status }) => checked().and_then(|_| Err(injected(status))),
        _ => checked(),
    };
    let response = match result {
        Ok((status, body)) => (status, Json(body)).into_response(),
        Err(error) => error.response(),
    };
    let (method, path, status) = (method.to_string(), uri.path().to_owned(), response.status().as_u16());
    shared.registry.requests.push(RestRequest { method, path, params, status });
    if let Some(TwilioFault::RestStall | TwilioFault::RestLostAnswer) = fault {
        shared.scope.run(pending::<()>()).await;
    }
    response
}

/// Finds the resource. Without the suffix Twilio answers XML, which nobody wants.
fn route(shared: &Arc<Shared>, method: &Method, path: &str, params: &Params) -> RestResult {
    let unknown = || RestError::not_found(path);
    let resource = path.strip_suffix(".json").and_then(|path| path.strip_prefix(BASE)).ok_or_else(unknown)?;
    let parts: Vec<&str> = resource.split('/').skip(1).collect();
    match (method.as_str(), parts.as_slice()) {
        ("POST", ["Calls"]) => calls::create(shared, params),
        ("GET", ["Calls"]) => calls::list(shared, path, params),
        ("POST", ["Calls", sid]) => calls::update(shared, sid, params)?.ok_or_else(unknown),
        ("GET", ["Calls", sid]) => calls::fetch(shared, sid).ok_or_else(unknown),
        ("POST", ["Messages"]) => texts::create(shared, params),
        ("GET", ["Messages"]) => texts::list(shared, path, params),
        ("GET", ["Messages", sid]) => texts::fetch(shared, sid).ok_or_else(unknown),
        _ => Err(unknown()),
    }
}

fn injected(status: u16) -> RestError {
    let code = if status == 429 { 20429 } else { 20500 };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    RestError(status, code, "An injected fault.".to_owned())
}

fn authorise(shared: &Shared, path: &str, headers: &HeaderMap) -> Result<(), RestError> {
    let expected = STANDARD.encode(format!("{}:{}", shared.account_sid, shared.auth_token));
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let account = path.strip_prefix(BASE).and_then(|rest| rest.split('/').next());
    if given.strip_prefix("Basic ") == Some(expected.as_str()) && account == Some(shared.account_sid.as_str()) {
        return Ok(());
    }
    Err(RestError(StatusCode::UNAUTHORIZED, 20003, "Authenticate".to_owned()))
}

fn form(headers: &HeaderMap) -> Result<(), RestError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/x-www-form-urlencoded") {
        return Ok(());
    }
    Err(RestError(StatusCode::UNSUPPORTED_MEDIA_TYPE, 20415, "Unsupported content type".to_owned()))
}

fn value<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

fn required(params: &Params, name: &str, code: u32) -> Result<String, RestError> {
    let found = value(params, name).map(str::to_owned);
    found.ok_or_else(|| RestError::bad_request(code, format!("A '{name}' parameter is required.")))
}

/// A number to call or write to.
fn receiver(params: &Params, missing: u32) -> Result<String, RestError> {
    let to = required(params, "To", missing)?;
    let digits = to.strip_prefix('+').unwrap_or_default();
    if (8..=15).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Ok(to);
    }
    Err(RestError::bad_request(21211, format!("Invalid 'To' Phone Number: {to}")))
}

/// A URL that Twilio would call; underscores are not allowed in its host.
fn callback(params: &Params, name: &str, code: u32) -> Result<Option<String>, RestError> {
    let Some(text) = value(params, name) else { return Ok(None) };
    let url: Option<Url> = text.parse().ok();
    let fits =
        |url: &Url| ["http", "https"].contains(&url.scheme()) && url.host_str().is_some_and(|host| !host.contains('_'));
    if url.as_ref().is_some_and(fits) {
        return Ok(Some(text.to_owned()));
    }
    Err(RestError::bad_request(code, format!("The '{name}' URL {text} is not a valid URL.")))
}

fn rfc_2822(at: Option<DateTime<Utc>>) -> Option<String> {
    at.map(|at| at.to_rfc2822())
}
