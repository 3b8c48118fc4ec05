//! The vendors' webhooks, one resource a file.

mod amd;
mod calendar_notification;
mod call_status;
mod dial_ended;
mod inbound_call;
mod inbound_sms;
mod outbound_reminder;
mod placed;
mod sms_status;
mod stream_ended;

use std::str::FromStr;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::error::ApiError;
use super::state::AppState;
use crate::vendors::twilio::form::Form;
use crate::vendors::twilio::media::TOKEN_PARAMETER;
use crate::vendors::twilio::twiml;

pub(super) fn router() -> Router<AppState> {
    Router::new()
        .merge(inbound_call::router())
        .merge(stream_ended::router())
        .merge(dial_ended::router())
        .merge(call_status::router())
        .merge(outbound_reminder::router())
        .merge(amd::router())
        .merge(sms_status::router())
        .merge(inbound_sms::router())
        .merge(calendar_notification::router())
}

/// A document that Twilio runs.
struct TwiMl(String);

impl IntoResponse for TwiMl {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "text/xml; charset=utf-8")], self.0).into_response()
    }
}

/// Connects the call's audio with Otto.
fn connect(state: &AppState, token: &str) -> TwiMl {
    let (stream, ended) = (state.public.media_stream(), state.public.stream_ended());
    TwiMl(twiml::connect_stream(&stream, &ended, &[(TOKEN_PARAMETER, token)]))
}

/// A number in a form or a query; none when it is not there.
fn number<T: FromStr>(form: &Form, name: &str) -> Result<Option<T>, ApiError> {
    let refused = |_| ApiError::field(name, "text of another form", "a whole number");
    form.get(name).map(|text| text.parse().map_err(refused)).transpose()
}

/// Says something, then hands over to a human if there is one, and else ends the call.
fn say_and_leave(state: &AppState, text: &str) -> TwiMl {
    let text = state.say(text);
    TwiMl(match &state.escalation {
        Some(human) => twiml::say_and_dial(&text, human),
        None => twiml::say_and_hangup(&text),
    })
}
