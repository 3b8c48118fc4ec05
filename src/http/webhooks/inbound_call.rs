//! `POST /api/v1/webhooks/inbound-call`: a call comes in. Whatever happens, the caller hears something.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use otto_actors::registry::{Admission, IncomingCall, Purpose};

use super::{TwiMl, connect, say_and_leave};
use crate::http::signed::SignedForm;
use crate::http::state::AppState;
use crate::http::urls::INBOUND_CALL;
use crate::vendors::twilio::form::number;

pub(super) fn router() -> Router<AppState> {
    Router::new().route(INBOUND_CALL, post(answer))
}

async fn answer(State(state): State<AppState>, SignedForm { call, form, .. }: SignedForm) -> TwiMl {
    let (caller, line) = (number(&form, "From"), number(&form, "To"));
    let call = IncomingCall { call, caller, line, purpose: Purpose::Inbound };
    match state.calls.admit(call).await {
        Ok(Admission::Accepted { token }) => connect(&state, &token),
        Ok(Admission::Full | Admission::Draining) => say_and_leave(&state, &state.shop.wording.busy),
        Err(_) => say_and_leave(&state, &state.shop.wording.apology),
    }
}
