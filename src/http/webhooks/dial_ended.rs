//! `POST /api/v1/webhooks/dial-ended`: the `<Dial action>` of a transfer. Apart from the end of a stream, because
//! asking the call again would transfer again; a human who does not answer must not leave the caller in silence.

use axum::Router;
use axum::extract::State;
use axum::routing::post;

use super::TwiMl;
use crate::http::signed::SignedForm;
use crate::http::state::AppState;
use crate::http::urls::DIAL_ENDED;
use crate::vendors::twilio::twiml;

pub(super) fn router() -> Router<AppState> {
    Router::new().route(DIAL_ENDED, post(leave))
}

async fn leave(State(state): State<AppState>, SignedForm { form, .. }: SignedForm) -> TwiMl {
    TwiMl(match form.get("DialCallStatus") {
        Some("completed" | "answered") => twiml::hangup(),
        _ => twiml::say_and_hangup(&state.say(&state.shop.wording.apology)),
    })
}
