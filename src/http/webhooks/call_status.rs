//! `POST /api/v1/webhooks/call-status`: how a call stands. Requests may arrive out of order, so only the final states
//! mean something: after one of them a call does not come back.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use otto_actors::registry::CallProgress;

use crate::http::error::ApiError;
use crate::http::signed::SignedForm;
use crate::http::state::AppState;
use crate::http::urls::CALL_STATUS;

pub(super) fn router() -> Router<AppState> {
    Router::new().route(CALL_STATUS, post(note))
}

async fn note(State(state): State<AppState>, SignedForm { call, form }: SignedForm) -> Result<StatusCode, ApiError> {
    let expected = "a status such as in-progress or completed";
    let progress = match form.get("CallStatus") {
        None => return Err(ApiError::field("CallStatus", "nothing", expected)),
        Some("completed" | "busy" | "failed" | "no-answer" | "canceled") => CallProgress::Over,
        // Also what Twilio may come up with later.
        Some(_) => CallProgress::Live,
    };
    state.calls.call_status(&call, progress);
    Ok(StatusCode::NO_CONTENT)
}
