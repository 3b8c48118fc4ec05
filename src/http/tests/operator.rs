//! The operators' paths: closed by default, and what they show and take.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use chrono::{DateTime, Utc};
use otto_actors::domain::{Appointment, CallSid, PhoneNumber, Shop, TurnId};
use otto_actors::effects::{EffectId, Fence};
use otto_actors::ports::{Action, Channel, Clock, NewMessage, OptOut};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::http::testing::{Edge, Script};
use crate::store::{Records, SqliteStore};

const REMINDERS: &str = "/api/v1/operator/reminders";
const PLAN: &str = "/api/v1/operator/reminders/plan";
const MESSAGES: &str = "/api/v1/operator/messages";
const TOKEN: &str = "a-long-token";

/// A clock that stands.
struct At(&'static str);

impl Clock for At {
    fn now(&self) -> DateTime<Utc> {
        self.0.parse().unwrap()
    }
}

/// An edge with the demonstration's records, on a Monday in Springfield at that time.
async fn edge(token: Option<&str>, now: &'static str) -> (Edge, Arc<dyn Records>, Vec<Appointment>) {
    let records: Arc<dyn Records> = Arc::new(SqliteStore::open("sqlite::memory:").await.unwrap());
    let shop = Shop::default();
    records.sync_bays(&otto_actors::domain::ShopBay::list(&shop.bays, &[])).await.unwrap();
    records.seed_demo("2026-11-20".parse().unwrap(), shop.time_zone).await.unwrap();
    let mut coming = Vec::new();
    for number in 101..120 {
        let phone = PhoneNumber::parse(&format!("+15555550{number}")).unwrap();
        let Some(customer) = records.customer_by_phone(&phone).await.unwrap() else { continue };
        coming.extend(records.upcoming(customer.id, At(now).now()).await.unwrap());
    }
    let behind = Arc::clone(&records);
    let token = token.map(|token| SecretString::from(token.to_owned()));
    let edge = Edge::with(Script::default(), true, |parts| {
        parts.outbound.records = behind;
        parts.operator_token = token;
        parts.clock = Arc::new(At(now));
    });
    (edge.await, records, coming)
}

async fn send(edge: &Edge, method: Method, path: &str, token: &str, body: &str) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    let request = request.header("authorization", token).body(Body::from(body.to_owned())).unwrap();
    let (status, body) = edge.call(request).await;
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

async fn get(edge: &Edge, path: &str) -> (StatusCode, Value) {
    send(edge, Method::GET, path, &format!("Bearer {TOKEN}"), "").await
}

async fn post(edge: &Edge, body: &str) -> (StatusCode, Value) {
    send(edge, Method::POST, REMINDERS, &format!("Bearer {TOKEN}"), body).await
}

const NOON: &str = "2026-11-23T18:00:00Z";
const NIGHT: &str = "2026-11-24T05:00:00Z";

#[tokio::test]
async fn without_a_token_the_paths_are_closed_and_with_one_they_want_it() {
    let right = format!("Bearer {TOKEN}");
    for (set, shown, expected) in [
        (None, right.as_str(), StatusCode::FORBIDDEN),
        (None, "Bearer ", StatusCode::FORBIDDEN),
        (Some(TOKEN), "", StatusCode::UNAUTHORIZED),
        (Some(TOKEN), "Bearer ", StatusCode::UNAUTHORIZED),
        (Some(TOKEN), "Bearer a-long-toke", StatusCode::UNAUTHORIZED),
        (Some(TOKEN), TOKEN, StatusCode::UNAUTHORIZED),
        (Some(TOKEN), right.as_str(), StatusCode::OK),
    ] {
        let (edge, ..) = edge(set, NOON).await;
        for path in [REMINDERS, PLAN, MESSAGES] {
            assert_eq!(send(&edge, Method::GET, path, shown, "").await.0, expected, "{set:?} {shown:?} {path}");
        }
    }
}

#[tokio::test]
async fn a_reminder_that_is_asked_for_is_due_at_once_and_only_once() {
    let (edge, _, coming) = edge(Some(TOKEN), NOON).await;
    let wish = json!({ "appointment_id": coming[0].id }).to_string();
    let (status, row) = post(&edge, &wish).await;
    assert_eq!(status, StatusCode::CREATED, "{row}");
    assert_eq!((&row["kind"], &row["status"]), (&json!("requested"), &json!("pending")));
    assert_eq!((&row["due_at"], &row["until"]), (&json!("2026-11-23T18:00:00Z"), &json!("2026-11-24T02:00:00Z")));
    let (_, again) = post(&edge, &wish).await;
    assert_eq!(again["id"], row["id"], "one that waits is given instead of another");
    let (_, list) = get(&edge, REMINDERS).await;
    assert_eq!(list["reminders"].as_array().unwrap().len(), 1, "{list}");
    let (_, other_day) = get(&edge, "/api/v1/operator/reminders?from=2026-11-25&to=2026-11-26").await;
    assert_eq!(other_day["reminders"], json!([]));
}

#[tokio::test]
async fn nobody_is_called_at_night() {
    let (edge, _, coming) = edge(Some(TOKEN), NIGHT).await;
    let (status, row) = post(&edge, &json!({ "appointment_id": coming.last().unwrap().id }).to_string()).await;
    assert_eq!((status, &row["due_at"]), (StatusCode::CREATED, &json!("2026-11-24T15:00:00Z")), "{row}");
}

#[tokio::test]
async fn what_stands_against_a_call_is_said() {
    let (edge, records, coming) = edge(Some(TOKEN), NOON).await;
    let whose = |appointment: &Appointment| {
        let (records, customer) = (Arc::clone(&records), appointment.customer);
        async move { records.customer(customer).await.unwrap().unwrap().phone }
    };
    let phone: PhoneNumber = whose(&coming[0]).await;
    let opt_out = OptOut { phone, channel: Channel::Voice, reason: "asked" };
    records.opt_out(&opt_out, At(NOON).now()).await.unwrap();
    let opted_out = json!({ "appointment_id": coming[0].id }).to_string();
    for (body, status, words) in [
        (opted_out.as_str(), StatusCode::CONFLICT, "does not want calls"),
        (r#"{"appointment_id": 4711}"#, StatusCode::NOT_FOUND, "found no appointment 4711"),
        (r#"{"appointment": 1}"#, StatusCode::BAD_REQUEST, "expected JSON such as"),
        ("", StatusCode::BAD_REQUEST, "expected JSON such as"),
    ] {
        let (found, answer) = post(&edge, body).await;
        assert_eq!(found, status, "{body}: {answer}");
        assert!(answer["error"].as_str().unwrap().contains(words), "{answer}");
    }
    for query in ["?from=yesterday", "?from=2026-11-24&to=2026-11-23", "?from=2026-01-01&to=2028-01-01", "?on=x"] {
        assert_eq!(get(&edge, &format!("{REMINDERS}{query}")).await.0, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn the_plan_names_who_would_be_called_and_calls_nobody() {
    let (edge, _, coming) = edge(Some(TOKEN), NOON).await;
    let (status, plan) = get(&edge, PLAN).await;
    assert_eq!(status, StatusCode::OK);
    let planned: Vec<i64> =
        plan["calls"].as_array().unwrap().iter().map(|call| call["appointment_id"].as_i64().unwrap()).collect();
    assert!(!planned.is_empty() && planned.iter().all(|id| coming.iter().any(|a| a.id.0 == *id)), "{plan}");
    assert_eq!(get(&edge, REMINDERS).await.1["reminders"], json!([]));
}

#[tokio::test]
async fn what_callers_left_is_shown() {
    let (edge, records, _) = edge(Some(TOKEN), NOON).await;
    let message = NewMessage {
        caller: PhoneNumber::parse("+15555550123").ok(),
        customer: None,
        name: Some("Pat Smith".into()),
        text: "the brakes squeak".into(),
    };
    let call = CallSid::parse("CA1").unwrap();
    let effect = EffectId { call, turn: TurnId(1), tool_call_id: "call_1".into() };
    let action = Action::TakeMessage { message, render: Arc::new(|| Value::Null) };
    records.act(&effect, &Fence::open(), action).await.unwrap();
    // The database says when it was left, which is now.
    let (status, list) = get(&edge, &format!("{MESSAGES}?from=2026-01-01")).await;
    assert_eq!(status, StatusCode::OK);
    let shown = &list["messages"][0];
    assert_eq!((&shown["name"], &shown["call_back_number"]), (&json!("Pat Smith"), &json!("+15555550123")));
    assert_eq!((&shown["message"], &shown["call_sid"]), (&json!("the brakes squeak"), &json!("CA1")));
    assert_eq!(get(&edge, &format!("{MESSAGES}?from=2126-01-01")).await.1["messages"], json!([]));
    assert_eq!(get(&edge, &format!("{MESSAGES}?since=monday")).await.0, StatusCode::BAD_REQUEST);
}
