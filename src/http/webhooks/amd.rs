//! `POST /api/v1/webhooks/amd`: what has answered a call that Otto placed, found out while it goes on. Nobody reads the
//! answer: the call itself acts on it.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use otto_actors::ports::CallProgress;

use super::placed::{Attempt, journal, progress};
use crate::http::error::ApiError;
use crate::http::signed::SignedForm;
use crate::http::state::AppState;
use crate::http::urls::AMD;
use crate::vendors::twilio::form::answered_by;

pub(super) fn router() -> Router<AppState> {
    Router::new().route(AMD, post(note))
}

async fn note(
    State(state): State<AppState>,
    SignedForm { call, form, query }: SignedForm,
) -> Result<StatusCode, ApiError> {
    Attempt::of(&query)?;
    let expected = "what has answered, such as human or machine_end_beep";
    let word = form.get("AnsweredBy").ok_or_else(|| ApiError::field("AnsweredBy", "nothing", expected))?;
    if let Some(by) = answered_by(word) {
        state.calls.answered_by(&call, by);
        journal(&state, &CallProgress { answered_by: Some(by), ..progress(&state, &call, None) }).await;
    }
    Ok(StatusCode::NO_CONTENT)
}
