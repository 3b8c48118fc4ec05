//! The HTTP face of the calendars: routes, tokens, error shapes, faults.

use std::collections::HashMap;
use std::future::pending;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::calendar::{Failure, ListQuery, NOT_FOUND, instant};
use super::{CLIENT_ID, CLIENT_SECRET, CalendarFault, CalendarRequest, GoogleCalendar, REFRESH_TOKEN};

/// An answer that is not an error: a status and a body, `null` for none.
type Answer = Result<(StatusCode, Value), Failure>;

pub(super) fn router(google: GoogleCalendar) -> Router {
    Router::new()
        .route("/token", post(token))
        .route("/calendar/v3/freeBusy", post(api))
        .route("/calendar/v3/calendars/{calendar}/events", get(api).post(api))
        .route("/calendar/v3/calendars/{calendar}/events/{event}", get(api).patch(api).delete(api))
        .route("/calendar/v3/calendars/{calendar}/events/watch", post(api))
        .with_state(google)
}

async fn token(State(google): State<GoogleCalendar>, body: Bytes) -> Response {
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let fault = google.knobs().draw_fault_where(CalendarFault::is_token);
    let error = if let Some(CalendarFault::TokenStatus(status)) = fault {
        Some((status, "temporarily_unavailable", "Please try again."))
    } else if field("grant_type") != "refresh_token" {
        Some((400, "unsupported_grant_type", "Invalid grant_type."))
    } else if field("client_id") != CLIENT_ID || field("client_secret") != CLIENT_SECRET {
        Some((401, "invalid_client", "The OAuth client was not found."))
    } else if field("refresh_token") != REFRESH_TOKEN || fault.is_some() {
        Some((400, "invalid_grant", "Token has been expired or revoked."))
    } else {
        None
    };
    let (status, body) = match error {
        Some((status, error, description)) => (status, json!({"error": error, "error_description": description})),
        None => {
            let token = google.state().issue_token();
            let life = google.knobs().settings().token_life_s;
            let scope = "https://www.googleapis.com/auth/calendar";
            (200, json!({"access_token": token, "expires_in": life, "scope": scope, "token_type": "Bearer"}))
        }
    };
    google.shared.requests.push(CalendarRequest {
        line: "POST /token".to_owned(),
        query: String::new(),
        if_match: None,
        body: Value::Null,
        status,
    });
    (StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST), Json(body)).into_response()
}

/// Every call of the API: delay, fault, token, work, record.
async fn api(
    State(google): State<GoogleCalendar>,
    method: Method,
    uri: Uri,
    path: Path<HashMap<String, String>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let parsed: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let fault = google.knobs().draw_fault_where(|fault| !fault.is_token());
    if !wait(&google, fault.as_ref()).await {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let query = query.unwrap_or_default();
    let watches = uri.path().ends_with("/events/watch");
    let request = Request { method: &method, path: &path.0, query: &query, headers: &headers, body: &parsed, watches };
    let answer = checked(&google, fault.as_ref(), &request);
    if fault == Some(CalendarFault::LostAnswer) {
        google.shared.scope.run(pending::<()>()).await;
    }
    let mut response = respond(answer);
    if let Some(CalendarFault::Limited(seconds)) = fault {
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    let status = response.status().as_u16();
    let if_match = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let line = format!("{method} {}", uri.path());
    google.shared.requests.push(CalendarRequest { line, query, if_match, body: parsed, status });
    response
}

struct Request<'a> {
    method: &'a Method,
    path: &'a HashMap<String, String>,
    query: &'a str,
    headers: &'a HeaderMap,
    body: &'a Value,
    watches: bool,
}

/// Waits as the settings and the fault say; whether the server goes on.
async fn wait(google: &GoogleCalendar, fault: Option<&CalendarFault>) -> bool {
    let latency = google.knobs().delay(google.knobs().settings().latency);
    let extra = match fault {
        Some(CalendarFault::Slow(ms)) => Duration::from_millis(*ms),
        Some(CalendarFault::Stall) => return google.shared.scope.run(pending::<bool>()).await.unwrap_or(false),
        _ => Duration::ZERO,
    };
    google.shared.scope.run(tokio::time::sleep(latency + extra)).await.is_some()
}

fn checked(google: &GoogleCalendar, fault: Option<&CalendarFault>, request: &Request<'_>) -> Answer {
    match fault {
        Some(CalendarFault::Status(status, reason)) => return Err(Failure(*status, reason, "An injected fault.")),
        Some(CalendarFault::Limited(_)) => {
            return Err(Failure(429, "rateLimitExceeded", "Rate Limit Exceeded"));
        }
        Some(CalendarFault::TokenVoid) => google.state().void_tokens(),
        _ => {}
    }
    let token = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !google.state().is_token(token.strip_prefix("Bearer ").unwrap_or_default()) {
        return Err(Failure(401, "authError", "Invalid Credentials"));
    }
    work(google, request, fault == Some(&CalendarFault::FreeBusyErrors))
}

fn work(google: &GoogleCalendar, request: &Request<'_>, free_busy_fails: bool) -> Answer {
    let mut state = google.state();
    let Some(calendar) = request.path.get("calendar") else {
        return state.free_busy(request.body, free_busy_fails).map(|body| (StatusCode::OK, body));
    };
    let if_match = request.headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let ok = |body| (StatusCode::OK, body);
    match (request.method.as_str(), request.path.get("event")) {
        ("POST", None) if request.watches => watch(calendar, request.body).map(ok),
        ("POST", None) => state.insert(calendar, request.body.clone()).map(ok),
        ("GET", None) => {
            let mut query = list_query(request.query)?;
            query.max_results = query.max_results.min(google.knobs().settings().page_events);
            state.page(calendar, &query).map(ok)
        }
        ("GET", Some(event)) => state.get(calendar, event).map(ok),
        ("PATCH", Some(event)) => state.patch(calendar, event, request.body, if_match).map(ok),
        ("DELETE", Some(event)) => {
            state.delete(calendar, event, if_match).map(|()| (StatusCode::NO_CONTENT, Value::Null))
        }
        _ => Err(NOT_FOUND),
    }
}

/// Opens a notification channel: public https addresses only.
fn watch(calendar: &str, body: &Value) -> Result<Value, Failure> {
    let address = body["address"].as_str().unwrap_or_default();
    if !address.starts_with("https://") || body["id"].as_str().is_none() || body["type"] != "web_hook" {
        return Err(Failure(400, "push.webhookUrlNotHttps", "WebHook callback must be HTTPS"));
    }
    Ok(json!({"kind": "api#channel", "id": body["id"], "resourceId": format!("resource of {calendar}"),
        "token": body["token"], "expiration": body["expiration"]}))
}

fn list_query(raw: &str) -> Result<ListQuery, Failure> {
    let mut query = ListQuery::default();
    let time = |value: &str| instant(&json!(value)).map(Some).ok_or(Failure(400, "badRequest", "Bad Request"));
    for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
        match name.as_ref() {
            "timeMin" => query.time_min = time(&value)?,
            "timeMax" => query.time_max = time(&value)?,
            "syncToken" => query.sync_token = Some(value.into_owned()),
            "pageToken" => query.page_token = Some(value.into_owned()),
            "maxResults" => query.max_results = value.parse().map_err(|_| Failure(400, "badRequest", "Bad Request"))?,
            "showDeleted" => query.show_deleted = value == "true",
            "privateExtendedProperty" => {
                let (name, value) = value.split_once('=').unwrap_or((&value, ""));
                query.properties.push((name.to_owned(), value.to_owned()));
            }
            _ => {}
        }
    }
    Ok(query)
}

fn respond(answer: Answer) -> Response {
    match answer {
        Ok((status, Value::Null)) => status.into_response(),
        Ok((status, body)) => (status, Json(body)).into_response(),
        Err(Failure(code, reason, message)) => {
            let limit = reason.ends_with("Exceeded");
            let domain = if limit { "usageLimits" } else { "global" };
            let errors = json!([{"domain": domain, "reason": reason, "message": message}]);
            let body = json!({"error": {"code": code, "message": message, "errors": errors}});
            (StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Json(body)).into_response()
        }
    }
}
