//! `POST /api/v1/webhooks/outbound-reminder`: somebody or something has answered a call that Otto placed. Only a call that
//! was placed for an open row, or that reaches the customer of an appointment, gets a conversation.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use otto_actors::domain::{AnsweredBy, AppointmentId, CallSid, CallStatus, PhoneNumber, Reminder, ReminderStatus};
use otto_actors::ports::{CallProgress, StoreError};
use otto_actors::registry::{Admission, IncomingCall, Purpose};
use tokio::time::timeout;
use tracing::warn;

use super::placed::{Attempt, progress};
use super::{TwiMl, connect, number};
use crate::http::error::ApiError;
use crate::http::signed::SignedForm;
use crate::http::state::AppState;
use crate::http::urls::{OUTBOUND_REMINDER, query};
use crate::vendors::twilio::form::{self, Form, answered_by};
use crate::vendors::twilio::twiml;

/// Looking up what a call is about: somebody holds a silent telephone meanwhile.
const LOOK_UP_TIMEOUT_MS: Duration = Duration::from_millis(3_000);

pub(super) fn router() -> Router<AppState> {
    Router::new().route(OUTBOUND_REMINDER, post(answer))
}

/// A call that Otto placed, as Twilio says of it when it is answered.
struct Placed {
    call: CallSid,
    to: PhoneNumber,
    from: Option<PhoneNumber>,
    answered_by: Option<AnsweredBy>,
    attempt: Option<Attempt>,
    appointment: Option<AppointmentId>,
}

async fn answer(
    State(state): State<AppState>,
    SignedForm { call, form, query }: SignedForm,
) -> Result<TwiMl, ApiError> {
    let placed = Placed::read(call, &form, &query)?;
    let purpose = match timeout(LOOK_UP_TIMEOUT_MS, placed.purpose(&state)).await {
        Ok(Ok(Some(purpose))) => purpose,
        Ok(Ok(None)) => return Ok(leave(&state, &state.shop.wording.apology)),
        Ok(Err(error)) => return Ok(placed.looked_up_in_vain(&state, &error.to_string())),
        Err(_) => return Ok(placed.looked_up_in_vain(&state, "no answer in time")),
    };
    if placed.answered_by == Some(AnsweredBy::Fax) {
        placed.tell(&state, CallStatus::InProgress);
        return Ok(TwiMl(twiml::hangup()));
    }
    Ok(placed.admit(&state, purpose).await)
}

impl Placed {
    fn read(call: CallSid, form: &Form, query: &Form) -> Result<Self, ApiError> {
        let number_of = |name| form::number(form, name);
        let to = number_of("To").ok_or_else(|| ApiError::field("To", "no number", "the number that was called"))?;
        let (attempt, appointment) = (Attempt::of(query)?, number(query, query::APPOINTMENT)?.map(AppointmentId));
        if attempt.is_none() && appointment.is_none() {
            return Err(ApiError::field(query::APPOINTMENT, "nothing", "an appointment, or a reminder and an attempt"));
        }
        let answered_by = form.get("AnsweredBy").and_then(answered_by);
        Ok(Self { call, to, from: number_of("From"), answered_by, attempt, appointment })
    }

    /// Why there is this call; none when Otto did not place it, or has given it up.
    async fn purpose(&self, state: &AppState) -> Result<Option<Purpose>, StoreError> {
        match self.attempt {
            Some(attempt) => {
                let row = state.outbound.records.reminder(attempt.reminder).await?;
                Ok(row.filter(|row| self.is_for(row, attempt)).map(|row| purpose_of(&row)))
            }
            None => self.without_a_row(state).await,
        }
    }

    fn is_for(&self, row: &Reminder, attempt: Attempt) -> bool {
        let is_open = match row.status {
            ReminderStatus::Dialling | ReminderStatus::Calling => true,
            // Twilio did not seem to have the attempt, and it has come through after all.
            ReminderStatus::Pending => row.call.is_none() && attempt.number > 0,
            _ => false,
        };
        is_open
            && row.attempts == attempt.number
            && row.appointment == self.appointment
            && row.phone == self.to
            && row.call.as_ref().is_none_or(|call| *call == self.call)
    }

    /// A person of the shop, or a test, had Twilio call: about an appointment that is still open, and nobody but its
    /// customer.
    async fn without_a_row(&self, state: &AppState) -> Result<Option<Purpose>, StoreError> {
        let Some(id) = self.appointment else { return Ok(None) };
        let Some(appointment) = state.store.appointment(id).await? else { return Ok(None) };
        let Some(customer) = state.store.customer(appointment.customer).await? else { return Ok(None) };
        if !appointment.status.is_open() || customer.phone != self.to {
            return Ok(None);
        }
        // What comes of this conversation closes an open row: nobody is called twice about the same.
        let reminder = state.outbound.records.open_reminder_of(id).await?;
        Ok(Some(Purpose::Reminder { reminder, appointment: id }))
    }

    async fn admit(self, state: &AppState, purpose: Purpose) -> TwiMl {
        let (call, caller, line) = (self.call.clone(), Some(self.to.clone()), self.from.clone());
        match state.calls.admit(IncomingCall { call, caller, line, purpose }).await {
            Ok(Admission::Accepted { token }) => {
                self.tell(state, CallStatus::InProgress);
                if let Some(by) = self.answered_by {
                    state.calls.answered_by(&self.call, by);
                }
                connect(state, &token)
            }
            Ok(Admission::Full | Admission::Draining) => self.turn_away(state, &state.shop.wording.busy),
            Err(_) => self.turn_away(state, &state.shop.wording.apology),
        }
    }

    fn looked_up_in_vain(&self, state: &AppState, error: &str) -> TwiMl {
        warn!(call = %self.call, error, "a call that was placed cannot be taken: its row cannot be read");
        self.turn_away(state, &state.shop.wording.apology)
    }

    /// Nobody was spoken to, so the attempt has failed, whatever Twilio says of the call.
    fn turn_away(&self, state: &AppState, text: &str) -> TwiMl {
        self.tell(state, CallStatus::Failed);
        leave(state, text)
    }

    /// The row learns of its call, should the answer to the request for it have been lost.
    fn tell(&self, state: &AppState, status: CallStatus) {
        if let Some(attempt) = self.attempt {
            let progress = progress(state, &self.call, Some(status));
            attempt.tell(state, CallProgress { answered_by: self.answered_by, ..progress });
        }
    }
}

/// A reminder that the customer has put off is one still.
fn purpose_of(row: &Reminder) -> Purpose {
    match row.appointment {
        Some(appointment) => Purpose::Reminder { reminder: Some(row.id), appointment },
        None => Purpose::CallBack { reminder: row.id },
    }
}

/// Nobody else takes over: it is Otto who called.
fn leave(state: &AppState, text: &str) -> TwiMl {
    TwiMl(twiml::say_and_hangup(&state.say(text)))
}
