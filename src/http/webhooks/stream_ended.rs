//! `POST /api/v1/webhooks/stream-ended`: the `<Connect action>`. An end that Otto asked for hangs up or transfers; any
//! other gets an apology.

use axum::Router;
use axum::extract::State;
use axum::routing::post;

use super::TwiMl;
use crate::http::signed::SignedForm;
use crate::http::state::AppState;
use crate::http::urls::STREAM_ENDED;
use crate::vendors::twilio::twiml::Ending;

pub(super) fn router() -> Router<AppState> {
    Router::new().route(STREAM_ENDED, post(what_now))
}

async fn what_now(State(state): State<AppState>, SignedForm { call, .. }: SignedForm) -> TwiMl {
    let ending = Ending {
        apology: state.say(&state.shop.wording.apology),
        human: state.escalation.clone(),
        dial_ended_url: state.public.dial_ended(),
    };
    TwiMl(ending.document(&state.calls.stream_ended(&call).await))
}
