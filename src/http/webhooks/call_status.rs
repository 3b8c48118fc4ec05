//! `POST /api/v1/webhooks/call-status`: how a call stands. Requests may arrive out of order, so what they say is ranked
//! where it is kept, and a line is given back after a final state only: after one of them a call does not come back.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use otto_actors::domain::CallStatus;
use otto_actors::ports::CallProgress;
use otto_actors::registry;

use super::number;
use super::placed::{Attempt, journal, progress};
use crate::http::error::ApiError;
use crate::http::signed::SignedForm;
use crate::http::state::AppState;
use crate::http::urls::CALL_STATUS;
use crate::vendors::twilio::form::answered_by;

/// Calls that Otto placed, and legs of transfers, begin like this; the shop's callers are `inbound`.
const OUTBOUND: &str = "outbound";

pub(super) fn router() -> Router<AppState> {
    Router::new().route(CALL_STATUS, post(note))
}

async fn note(
    State(state): State<AppState>,
    SignedForm { call, form, query }: SignedForm,
) -> Result<StatusCode, ApiError> {
    let attempt = Attempt::of(&query)?;
    let expected = "a status such as in-progress or completed";
    let word = form.get("CallStatus").ok_or_else(|| ApiError::field("CallStatus", "nothing", expected))?;
    let progress = CallProgress {
        answered_by: form.get("AnsweredBy").and_then(answered_by),
        duration_s: number(&form, "CallDuration")?,
        outbound: attempt.is_some() || form.get("Direction").is_some_and(|way| way.starts_with(OUTBOUND)),
        ..progress(&state, &call, CallStatus::parse(word))
    };
    // Twilio may come up with other words for a call that is alive.
    let is_over = progress.status.is_some_and(CallStatus::is_final);
    let line = if is_over { registry::CallProgress::Over } else { registry::CallProgress::Live };
    state.calls.call_status(&call, line);
    if let Some(attempt) = attempt {
        attempt.tell(&state, progress.clone());
    }
    journal(&state, &progress).await;
    Ok(StatusCode::NO_CONTENT)
}
