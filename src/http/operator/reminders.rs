//! `/api/v1/operator/reminders`: the calls that Otto places. GET lists them by day, POST asks for one, `/plan` says who
//! would be called and when.

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Days, NaiveDate, Utc};
use otto_actors::domain::{AppointmentId, Reminder, slots};
use otto_actors::ports::PlannedCall;
use otto_actors::reminders::{self, RemindersMsg, RequestError};
use serde::{Deserialize, Serialize};

use super::Operator;
use crate::http::error::ApiError;
use crate::http::state::AppState;

/// The list.
const REMINDERS: &str = "/api/v1/operator/reminders";
/// The dry run.
const PLAN: &str = "/api/v1/operator/reminders/plan";
/// Rows of one answer.
const LIST_MAX_ROWS: u32 = 1_000;
/// Days of one answer.
const LIST_MAX_DAYS: u64 = 366;

pub(super) fn router() -> Router<AppState> {
    Router::new().route(REMINDERS, get(list).post(request)).route(PLAN, get(plan))
}

/// Which days, in the shop's zone: today, when nothing is said.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Span {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
}

#[derive(Serialize)]
struct List {
    reminders: Vec<Row>,
}

/// A call, as operators see it.
#[derive(Serialize)]
struct Row {
    id: i64,
    kind: &'static str,
    status: &'static str,
    outcome: Option<&'static str>,
    reason: Option<String>,
    appointment_id: Option<i64>,
    customer_id: Option<i64>,
    phone: String,
    about: Option<String>,
    due_at: DateTime<Utc>,
    until: DateTime<Utc>,
    next_at: DateTime<Utc>,
    attempts: u32,
    call_sid: Option<String>,
}

impl From<Reminder> for Row {
    fn from(row: Reminder) -> Self {
        Self {
            id: row.id.0,
            kind: row.kind.as_str(),
            status: row.status.as_str(),
            outcome: row.outcome.map(|outcome| outcome.as_str()),
            reason: row.reason,
            appointment_id: row.appointment.map(|id| id.0),
            customer_id: row.customer.map(|id| id.0),
            phone: row.phone.as_e164().to_owned(),
            about: row.about,
            due_at: row.due_at,
            until: row.until,
            next_at: row.next_at,
            attempts: row.attempts,
            call_sid: row.call.map(|call| call.to_string()),
        }
    }
}

async fn list(
    _: Operator,
    State(state): State<AppState>,
    span: Result<Query<Span>, QueryRejection>,
) -> Result<Json<List>, ApiError> {
    let expected = || ApiError::field("from, to", "text of another form", "dates such as 2026-11-24");
    let Query(span) = span.map_err(|_| expected())?;
    let today = state.clock.now().with_timezone(&state.shop.time_zone).date_naive();
    let from = span.from.unwrap_or(today);
    let to = span.to.unwrap_or(from);
    let latest = from.checked_add_days(Days::new(LIST_MAX_DAYS)).unwrap_or(NaiveDate::MAX);
    if to < from || to > latest {
        return Err(ApiError::field("to", "another date", "one from 0 to 366 days after `from`"));
    }
    let (begin, end) = (slots::day_bounds(&state.shop, from).0, slots::day_bounds(&state.shop, to).1);
    let rows = state.outbound.records.reminders_between(begin, end, LIST_MAX_ROWS).await?;
    Ok(Json(List { reminders: rows.into_iter().map(Row::from).collect() }))
}

/// About which appointment somebody is to be called.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    appointment_id: AppointmentId,
}

async fn request(
    _: Operator,
    State(state): State<AppState>,
    wish: Result<Json<Wish>, JsonRejection>,
) -> Result<(StatusCode, Json<Row>), ApiError> {
    let expected = || ApiError::field("the body", "something else", r#"JSON such as {"appointment_id": 17}"#);
    let Json(wish) = wish.map_err(|_| expected())?;
    let records = state.outbound.records.as_ref();
    let row = reminders::request(records, records, &state.shop, wish.appointment_id, state.clock.now()).await?;
    // While the actor is being restarted this is lost; it looks for due calls when it starts.
    let _ = state.outbound.reminders.cast(RemindersMsg::Added);
    Ok((StatusCode::CREATED, Json(row.into())))
}

#[derive(Serialize)]
struct Plan {
    calls: Vec<Planned>,
}

/// A call that would be placed.
#[derive(Serialize)]
struct Planned {
    due_at: DateTime<Utc>,
    kind: &'static str,
    appointment_id: i64,
    starts_at: DateTime<Utc>,
    service: String,
    customer_id: i64,
    customer: String,
    phone: String,
}

impl From<PlannedCall> for Planned {
    fn from(call: PlannedCall) -> Self {
        Self {
            due_at: call.due_at,
            kind: call.kind.as_str(),
            appointment_id: call.appointment.id.0,
            starts_at: call.appointment.starts_at,
            service: call.appointment.service,
            customer_id: call.customer.id.0,
            customer: call.customer.name,
            phone: call.customer.phone.as_e164().to_owned(),
        }
    }
}

async fn plan(_: Operator, State(state): State<AppState>) -> Result<Json<Plan>, ApiError> {
    let calls = reminders::plan(state.outbound.records.as_ref(), &state.shop, state.clock.now()).await?;
    Ok(Json(Plan { calls: calls.into_iter().map(Planned::from).collect() }))
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Store(error) => error.into(),
            RequestError::NoAppointment(_) => Self::NoSuchThing(error.to_string()),
            _ => Self::Conflict(error.to_string()),
        }
    }
}
