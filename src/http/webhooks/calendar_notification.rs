//! `POST /api/v1/webhooks/calendar/notification`: something has changed in one of Google's calendars. The notification does
//! not say what, so the CalendarActor looks; the answer does not wait for it.
//!
//! Source of the headers: Google's guide to push notifications of the Calendar API.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use otto_actors::calendar::CalendarMsg;

use crate::http::error::ApiError;
use crate::http::state::AppState;
use crate::http::urls::CALENDAR_NOTIFICATION;

/// Proves that a notification belongs to a channel of this installation.
const TOKEN: &str = "x-goog-channel-token";
/// What has happened: `sync` when a channel was opened, `exists` when something has changed.
const RESOURCE_STATE: &str = "x-goog-resource-state";

pub(super) fn router() -> Router<AppState> {
    Router::new().route(CALENDAR_NOTIFICATION, post(notice))
}

async fn notice(State(state): State<AppState>, headers: HeaderMap) -> Result<StatusCode, ApiError> {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(calendar) = &state.calendar else { return Err(ApiError::NotFound) };
    if !calendar.token.is(header(TOKEN)) {
        return Err(ApiError::WrongChannel);
    }
    if header(RESOURCE_STATE) != "sync" {
        // While the actor is being restarted this is lost; it looks for changes when it starts.
        let _ = calendar.actor.cast(CalendarMsg::OutsideChanged);
    }
    Ok(StatusCode::OK)
}
