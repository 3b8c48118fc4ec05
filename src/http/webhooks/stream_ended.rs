//! `POST /api/v1/webhooks/stream-ended`: the `<Connect action>`. An end that Otto asked for hangs up or transfers; any
//! other gets an apology.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use otto_actors::registry::StreamEnd;

use super::{TwiMl, say_and_leave};
use crate::http::signed::SignedForm;
use crate::http::state::AppState;
use crate::http::urls::STREAM_ENDED;
use crate::vendors::twilio::twiml;

pub(super) fn router() -> Router<AppState> {
    Router::new().route(STREAM_ENDED, post(what_now))
}

async fn what_now(State(state): State<AppState>, SignedForm { call, .. }: SignedForm) -> TwiMl {
    match state.calls.stream_ended(&call).await {
        StreamEnd::HangUp => TwiMl(twiml::hangup()),
        StreamEnd::Transfer(number) => TwiMl(twiml::dial(&number, &state.public.dial_ended())),
        StreamEnd::Apologise => say_and_leave(&state, &state.shop.wording.apology),
    }
}
