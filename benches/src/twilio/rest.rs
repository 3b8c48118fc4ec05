//! The REST API: create a call, update a live one, send a message. Everything is recorded, whatever it is answered.

use std::future::pending;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use serde_json::{Value, json};
use uuid::Uuid;

use super::registry::{Control, Delivery, OutboundCall, RestRequest, SentMessage};
use super::{Shared, TwilioFault};

/// Characters in a text message.
const BODY_LIMIT_CHARS: usize = 1_600;

/// Characters of TwiML in a request.
const TWIML_LIMIT_CHARS: usize = 4_000;

type Params = Vec<(String, String)>;

/// An error in Twilio's shape.
struct RestError(StatusCode, u32, String);

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
    let base = "/2010-04-01/Accounts/{account}";
    Router::new()
        .route(&format!("{base}/Calls.json"), post(create_call))
        .route(&format!("{base}/Messages.json"), post(create_message))
        .route(&format!("{base}/Calls/{{sid}}"), post(update_call))
        .fallback(async |uri: Uri| RestError::not_found(uri.path()).response())
        .with_state(shared)
}

async fn create_call(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = |params: &Params| {
        let (to, from) = (required(params, "To", 21201)?, required(params, "From", 21213)?);
        if value(params, "Url").is_none() && value(params, "Twiml").is_none() {
            return Err(RestError::bad_request(21205, "Url parameter is required."));
        }
        if value(params, "Twiml").is_some_and(|twiml| twiml.chars().count() > TWIML_LIMIT_CHARS) {
            return Err(RestError::bad_request(21239, "Twiml is too long."));
        }
        let sid = format!("CA{}", Uuid::new_v4().simple());
        let answer = call_json(&shared, &sid, "queued", &to, &from);
        shared.registry.outbound.push(OutboundCall { sid, to, from, params: params.clone() });
        Ok((StatusCode::CREATED, answer))
    };
    serve(&shared, &account, &uri, &headers, &body, work).await
}

async fn update_call(
    State(shared): State<Arc<Shared>>,
    Path((account, file)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = |params: &Params| {
        // Without the suffix Twilio answers XML, which nobody wants.
        let sid = file.strip_suffix(".json").ok_or_else(|| RestError::not_found(uri.path()))?;
        let (status, control) = update(params)?;
        match shared.registry.deliver(sid, control) {
            Delivery::Delivered => Ok((StatusCode::OK, call_json(&shared, sid, status, &shared.phone_number, ""))),
            Delivery::Ended => Err(RestError::bad_request(21220, "Call is not in-progress. Cannot redirect.")),
            Delivery::Unknown => Err(RestError::not_found(uri.path())),
        }
    };
    serve(&shared, &account, &uri, &headers, &body, work).await
}

/// What an update asks for: the status that the answer has, and what happens to the call.
fn update(params: &Params) -> Result<(&'static str, Control), RestError> {
    match (value(params, "Status"), value(params, "Twiml"), value(params, "Url")) {
        (Some("completed"), ..) => Ok(("completed", Control::Complete)),
        (Some("canceled"), ..) => Err(RestError::bad_request(21220, "Call is in progress and cannot be canceled.")),
        (Some(_), ..) => Err(RestError::bad_request(21218, "Invalid Status.")),
        (None, Some(_), Some(_)) => Err(RestError::bad_request(21218, "Url and Twiml are mutually exclusive.")),
        (None, Some(twiml), None) => Ok(("in-progress", Control::Replace(twiml.to_owned()))),
        (None, None, Some(url)) => Ok(("in-progress", Control::Fetch(url.to_owned()))),
        (None, None, None) => Err(RestError::bad_request(21205, "Url parameter is required.")),
    }
}

async fn create_message(
    State(shared): State<Arc<Shared>>,
    Path(account): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = |params: &Params| {
        let to = required(params, "To", 21604)?;
        let from = value(params, "From").or_else(|| value(params, "MessagingServiceSid")).map(str::to_owned);
        let from = from.ok_or_else(|| RestError::bad_request(21603, "A 'From' phone number is required."))?;
        let body = required(params, "Body", 21602)?;
        if body.chars().count() > BODY_LIMIT_CHARS {
            return Err(RestError::bad_request(
                21617,
                "The concatenated message body exceeds the 1600 character limit.",
            ));
        }
        let sid = format!("SM{}", Uuid::new_v4().simple());
        let answer = message_json(&shared, &sid, &to, &from, &body);
        shared.registry.messages.push(SentMessage { sid, to, from, body });
        Ok((StatusCode::CREATED, answer))
    };
    serve(&shared, &account, &uri, &headers, &body, work).await
}

/// What every request goes through: key, form, fault, record.
async fn serve(
    shared: &Arc<Shared>,
    account: &str,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    work: impl FnOnce(&Params) -> Result<(StatusCode, Value), RestError>,
) -> Response {
    let params: Params = form_urlencoded::parse(body).into_owned().collect();
    let fault = shared.knobs.draw_fault_where(TwilioFault::is_rest);
    let result = match fault {
        Some(TwilioFault::RestStatus { status }) => Err(injected(status)),
        _ => authorise(shared, account, headers).and_then(|()| form(headers)).and_then(|()| work(&params)),
    };
    let response = match result {
        Ok((status, body)) => (status, Json(body)).into_response(),
        Err(error) => error.response(),
    };
    let status = response.status().as_u16();
    shared.registry.requests.push(RestRequest { path: uri.path().to_owned(), params, status });
    match fault {
        Some(TwilioFault::RestStall | TwilioFault::RestLostAnswer) => {
            shared.scope.run(pending::<()>()).await;
            response
        }
        _ => response,
    }
}

fn injected(status: u16) -> RestError {
    let code = if status == 429 { 20429 } else { 20500 };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    RestError(status, code, "An injected fault.".to_owned())
}

fn authorise(shared: &Shared, account: &str, headers: &HeaderMap) -> Result<(), RestError> {
    let expected = STANDARD.encode(format!("{}:{}", shared.account_sid, shared.auth_token));
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if given.strip_prefix("Basic ") == Some(expected.as_str()) && account == shared.account_sid {
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

fn call_json(shared: &Shared, sid: &str, status: &str, to: &str, from: &str) -> Value {
    let account = &shared.account_sid;
    let uri = format!("/2010-04-01/Accounts/{account}/Calls/{sid}.json");
    let now = Utc::now().to_rfc2822();
    let links = json!({"notifications": uri.replace(".json", "/Notifications.json"),
        "recordings": uri.replace(".json", "/Recordings.json"), "events": uri.replace(".json", "/Events.json")});
    json!({"sid": sid, "account_sid": account, "status": status, "to": to, "from": from, "to_formatted": to,
        "from_formatted": from, "direction": "outbound-api", "api_version": "2010-04-01", "answered_by": null,
        "caller_name": null, "date_created": now, "date_updated": now, "start_time": null, "end_time": null,
        "duration": null, "forwarded_from": null, "group_sid": null, "parent_call_sid": null,
        "phone_number_sid": null, "price": null, "price_unit": "USD", "queue_time": "0", "trunk_sid": null,
        "uri": uri, "subresource_uris": links})
}

fn message_json(shared: &Shared, sid: &str, to: &str, from: &str, body: &str) -> Value {
    let account = &shared.account_sid;
    let uri = format!("/2010-04-01/Accounts/{account}/Messages/{sid}.json");
    let now = Utc::now().to_rfc2822();
    json!({"sid": sid, "account_sid": account, "status": "queued", "to": to, "from": from, "body": body,
        "direction": "outbound-api", "api_version": "2010-04-01", "date_created": now, "date_sent": null,
        "date_updated": now, "error_code": null, "error_message": null, "messaging_service_sid": null,
        "num_media": "0", "num_segments": body.len().div_ceil(160).max(1).to_string(), "price": null,
        "price_unit": null, "uri": uri, "subresource_uris": {"media": uri.replace(".json", "/Media.json")}})
}
