//! `POST /api/v1/webhooks/sms-status`: how a text message stands.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use otto_actors::domain::OutboxId;
use otto_actors::ports::TextProgress;
use tokio::time::timeout;
use tracing::warn;

use super::number;
use super::placed::NOTE_TIMEOUT_MS;
use crate::http::error::ApiError;
use crate::http::signed::Signed;
use crate::http::state::AppState;
use crate::http::urls::{SMS_STATUS, query};
use crate::vendors::twilio::form::{Form, is_message_sid};

/// Longest word for a status, in bytes; Twilio's own have up to 19.
const STATUS_MAX_BYTES: usize = 32;

pub(super) fn router() -> Router<AppState> {
    Router::new().route(SMS_STATUS, post(note))
}

async fn note(State(state): State<AppState>, Signed { form, query }: Signed) -> Result<StatusCode, ApiError> {
    let progress = progress(&form, &query)?;
    let order = progress.order.0;
    match timeout(NOTE_TIMEOUT_MS, state.outbound.records.text_progress(&progress, state.clock.now())).await {
        Ok(Ok(())) => {}
        // Twilio does not say it again; the message itself is on its way all the same.
        Ok(Err(error)) => warn!(order, %error, "how a text message stands is not noted"),
        Err(_) => warn!(order, error = "no answer in time", "how a text message stands is not noted"),
    }
    Ok(StatusCode::NO_CONTENT)
}

fn progress(form: &Form, query: &Form) -> Result<TextProgress, ApiError> {
    let order =
        number(query, query::ORDER)?.ok_or_else(|| ApiError::field(query::ORDER, "nothing", "a whole number"))?;
    let sid = text(form, "MessageSid", "SM or MM followed by 1 to 62 letters or digits", is_message_sid)?;
    let status = text(form, "MessageStatus", "a word such as sent or delivered", is_word)?;
    Ok(TextProgress { order: OutboxId(order), sid, status, error_code: number(form, "ErrorCode")? })
}

fn text(form: &Form, name: &str, expected: &str, fits: fn(&str) -> bool) -> Result<String, ApiError> {
    let text = form.get(name).ok_or_else(|| ApiError::field(name, "nothing", expected))?;
    if fits(text) { Ok(text.to_owned()) } else { Err(ApiError::field(name, "text of another form", expected)) }
}

fn is_word(text: &str) -> bool {
    text.len() <= STATUS_MAX_BYTES && text.bytes().all(|b| b.is_ascii_lowercase() || matches!(b, b'_' | b'-'))
}
