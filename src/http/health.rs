//! `GET /health...`: probes. Alive means that the process answers, ready means that a new call would be taken.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use otto_actors::ports::CalendarError;
use otto_actors::registry::RegistryView;
use serde::Serialize;
use tokio::time::timeout;

use super::state::AppState;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/health/db", get(db))
        .route("/health/redis", get(redis))
        .route("/health/calendar", get(calendar))
        .route("/health", get(summary))
}

/// From a probe to its answer; a part that takes longer counts as away.
const PROBE_TIMEOUT_MS: Duration = Duration::from_millis(1_000);

#[derive(Serialize)]
struct Probe {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<&'static str>,
}

#[derive(Serialize)]
struct Summary {
    status: &'static str,
    version: &'static str,
    reasons: Vec<&'static str>,
    store: bool,
    cache: bool,
    calls: Option<CallCounts>,
}

#[derive(Serialize)]
struct CallCounts {
    live: usize,
    ending: usize,
    residue: u64,
}

async fn live() -> Json<Probe> {
    Json(Probe { status: "alive", reasons: Vec::new() })
}

async fn ready(State(state): State<AppState>) -> (StatusCode, Json<Probe>) {
    let reasons = Seen::look(&state).await.reasons();
    let status = if reasons.is_empty() { "ready" } else { "not ready" };
    (code(reasons.is_empty()), Json(Probe { status, reasons }))
}

async fn db(State(state): State<AppState>) -> (StatusCode, Json<Probe>) {
    part(store_answers(&state).await)
}

/// Otto does without a cache, so this is for operators and never part of the readiness.
async fn redis(State(state): State<AppState>) -> (StatusCode, Json<Probe>) {
    part(cache_answers(&state).await)
}

/// Otto books without the calendar outside too, so this is for operators and never part of the readiness.
async fn calendar(State(state): State<AppState>) -> (StatusCode, Json<Probe>) {
    let Some(parts) = &state.calendar else {
        return (StatusCode::OK, Json(Probe { status: "off", reasons: Vec::new() }));
    };
    let seen = timeout(PROBE_TIMEOUT_MS, parts.calendar.check()).await;
    let (status, reason) = match seen {
        Ok(Ok(())) => return refused_orders(&state).await,
        Ok(Err(CalendarError::NoAccess(_))) => {
            ("no access", "an operator must renew the access or correct GOOGLE_CALENDAR_IDS")
        }
        Ok(Err(CalendarError::Refused(_))) => ("away", "the calendar refuses the question"),
        Ok(Err(CalendarError::Away(_))) | Err(_) => ("away", "the calendar does not answer"),
    };
    (code(false), Json(Probe { status, reasons: vec![reason] }))
}

/// The calendar is there. Whether it has refused appointments, which staff must then enter by hand.
async fn refused_orders(state: &AppState) -> (StatusCode, Json<Probe>) {
    match timeout(PROBE_TIMEOUT_MS, state.store.given_up()).await {
        Ok(Ok(0)) => part(true),
        Ok(Ok(_)) => {
            let reasons = vec!["the calendar has refused appointments: see parked rows in the table outbox"];
            (StatusCode::OK, Json(Probe { status: "degraded", reasons }))
        }
        Ok(Err(_)) | Err(_) => part(false),
    }
}

async fn summary(State(state): State<AppState>) -> (StatusCode, Json<Summary>) {
    let (seen, cache) = tokio::join!(Seen::look(&state), cache_answers(&state));
    let reasons = seen.reasons();
    let status = match (reasons.is_empty(), cache) {
        (true, true) => "ok",
        (true, false) => "degraded",
        (false, _) => "not ready",
    };
    let code = code(reasons.is_empty());
    let calls =
        seen.registry.map(|view| CallCounts { live: view.live.len(), ending: view.ending, residue: view.residue });
    let version = env!("CARGO_PKG_VERSION");
    (code, Json(Summary { status, version, reasons, store: seen.store, cache, calls }))
}

/// What the readiness depends on, at one moment.
struct Seen {
    welcome: bool,
    store: bool,
    registry: Option<RegistryView>,
}

impl Seen {
    async fn look(state: &AppState) -> Self {
        let (store, registry) = tokio::join!(store_answers(state), timeout(PROBE_TIMEOUT_MS, state.calls.view()));
        Self { welcome: state.ready.load(Ordering::Acquire), store, registry: registry.ok().and_then(Result::ok) }
    }

    fn reasons(&self) -> Vec<&'static str> {
        let draining = !self.welcome || self.registry.as_ref().is_some_and(|view| view.draining);
        [
            (draining, "draining"),
            (!self.store, "the store does not answer"),
            (self.registry.is_none(), "the call registry does not answer"),
        ]
        .into_iter()
        .filter_map(|(applies, reason)| applies.then_some(reason))
        .collect()
    }
}

async fn store_answers(state: &AppState) -> bool {
    matches!(timeout(PROBE_TIMEOUT_MS, state.store.ping()).await, Ok(Ok(())))
}

async fn cache_answers(state: &AppState) -> bool {
    timeout(PROBE_TIMEOUT_MS, state.cache.ping()).await.unwrap_or(false)
}

const fn code(fine: bool) -> StatusCode {
    if fine { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

fn part(answers: bool) -> (StatusCode, Json<Probe>) {
    let status = if answers { "ok" } else { "away" };
    (code(answers), Json(Probe { status, reasons: Vec::new() }))
}
