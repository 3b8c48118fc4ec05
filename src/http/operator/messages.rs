//! `/api/v1/operator/messages`: what callers asked Otto to tell the people of the shop, latest first.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use chrono::{DateTime, Days, NaiveDate, Utc};
use otto_actors::domain::slots;
use otto_actors::ports::TakenMessage;
use serde::{Deserialize, Serialize};

use super::Operator;
use crate::http::error::ApiError;
use crate::http::state::AppState;

/// The list.
const MESSAGES: &str = "/api/v1/operator/messages";
/// Messages of one answer.
const LIST_MAX_ROWS: u32 = 1_000;
/// How far back the list goes when nothing is said: a week.
const DEFAULT_DAYS: u64 = 7;

pub(super) fn router() -> Router<AppState> {
    Router::new().route(MESSAGES, get(list))
}

/// From which day on, in the shop's zone.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Since {
    from: Option<NaiveDate>,
}

#[derive(Serialize)]
struct List {
    messages: Vec<Row>,
}

/// A message, as operators see it.
#[derive(Serialize)]
struct Row {
    at: DateTime<Utc>,
    call_sid: String,
    name: Option<String>,
    call_back_number: Option<String>,
    customer_id: Option<i64>,
    message: String,
}

impl From<TakenMessage> for Row {
    fn from(taken: TakenMessage) -> Self {
        let TakenMessage { at, call, message } = taken;
        Self {
            at,
            call_sid: call.to_string(),
            name: message.name,
            call_back_number: message.caller.map(|number| number.as_e164().to_owned()),
            customer_id: message.customer.map(|id| id.0),
            message: message.text,
        }
    }
}

async fn list(
    _: Operator,
    State(state): State<AppState>,
    since: Result<Query<Since>, QueryRejection>,
) -> Result<Json<List>, ApiError> {
    let expected = || ApiError::field("from", "text of another form", "a date such as 2026-11-24");
    let Query(since) = since.map_err(|_| expected())?;
    let today = state.clock.now().with_timezone(&state.shop.time_zone).date_naive();
    let from = since.from.or_else(|| today.checked_sub_days(Days::new(DEFAULT_DAYS))).unwrap_or(today);
    let begin = slots::day_bounds(&state.shop, from).0;
    let rows = state.outbound.records.messages_since(begin, LIST_MAX_ROWS).await?;
    Ok(Json(List { messages: rows.into_iter().map(Row::from).collect() }))
}
