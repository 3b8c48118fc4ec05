//! `POST /api/v1/webhooks/stream-ended`: the `<Connect action>`. An end that Otto asked for hangs up or transfers. A
//! stream that was lost is followed by another one, on which the call goes on, unless the call is over or lost.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use otto_actors::domain::CallStatus;
use otto_actors::registry::{AfterStream, CallProgress};

use super::{TwiMl, connect};
use crate::http::signed::SignedForm;
use crate::http::state::AppState;
use crate::http::urls::STREAM_ENDED;
use crate::vendors::twilio::twiml::Ending;

pub(super) fn router() -> Router<AppState> {
    Router::new().route(STREAM_ENDED, post(what_now))
}

async fn what_now(State(state): State<AppState>, SignedForm { call, form, .. }: SignedForm) -> TwiMl {
    if form.get("CallStatus").and_then(CallStatus::parse).is_some_and(CallStatus::is_final) {
        // Nobody is there to be connected again.
        state.calls.call_status(&call, CallProgress::Over);
    }
    let end = match state.calls.stream_ended(&call).await {
        AfterStream::GoesOn { token } => return connect(&state, &token),
        AfterStream::Ends(end) => end,
    };
    let ending = Ending {
        apology: state.say(&state.shop.wording.apology),
        human: state.escalation.clone(),
        dial_ended_url: state.public.dial_ended(),
    };
    TwiMl(ending.document(&end))
}
