//! The vendors' webhooks, one resource a file.

mod calendar_notification;
mod call_status;
mod dial_ended;
mod inbound_call;
mod stream_ended;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::state::AppState;
use crate::vendors::twilio::twiml;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .merge(inbound_call::router())
        .merge(stream_ended::router())
        .merge(dial_ended::router())
        .merge(call_status::router())
        .merge(calendar_notification::router())
}

/// A document that Twilio runs.
struct TwiMl(String);

impl IntoResponse for TwiMl {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "text/xml; charset=utf-8")], self.0).into_response()
    }
}

/// Says something, then hands over to a human if there is one, and else ends the call.
fn say_and_leave(state: &AppState, text: &str) -> TwiMl {
    let text = state.say(text);
    TwiMl(match &state.escalation {
        Some(human) => twiml::say_and_dial(&text, human),
        None => twiml::say_and_hangup(&text),
    })
}
