//! `POST /api/v1/webhooks/inbound-sms`: a customer's text message. Twilio itself obeys STOP and START; Otto keeps the wish too,
//! confirms the appointment that the latest text message was about on "C", and explains itself on anything else.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use otto_actors::domain::{PhoneNumber, spoken};
use otto_actors::ports::{Channel, OptOut};

use super::TwiMl;
use crate::http::error::ApiError;
use crate::http::signed::Signed;
use crate::http::state::AppState;
use crate::http::urls::INBOUND_SMS;
use crate::vendors::twilio::twiml;

/// The words by which Twilio stops messages. Source: Twilio's support article on STOP keywords.
const STOP: &[&str] = &["stop", "stopall", "unsubscribe", "cancel", "end", "quit", "optout", "revoke"];
/// The words by which Twilio takes them up again, beside "yes".
const START: &[&str] = &["start", "unstop"];
/// The words that confirm an appointment.
const CONFIRM: &[&str] = &["c", "confirm", "y", YES];
/// Confirms, and is one of the words by which Twilio takes messages up again.
const YES: &str = "yes";

pub(super) fn router() -> Router<AppState> {
    Router::new().route(INBOUND_SMS, post(answer))
}

/// What a customer wants by a text message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Stop,
    Start,
    Confirm { starts: bool },
    Other,
}

impl Wish {
    /// One word, however it is written; what is longer is no keyword.
    fn of(body: &str) -> Self {
        let word = body.trim().trim_end_matches(['.', '!']).to_ascii_lowercase();
        let is = |words: &[&str]| words.contains(&word.as_str());
        match () {
            () if is(STOP) => Self::Stop,
            () if is(START) => Self::Start,
            () if is(CONFIRM) => Self::Confirm { starts: word == YES },
            () => Self::Other,
        }
    }
}

async fn answer(State(state): State<AppState>, Signed { form, .. }: Signed) -> Result<TwiMl, ApiError> {
    let expected = "an E.164 number";
    let from = form.get("From").ok_or_else(|| ApiError::field("From", "nothing", expected))?;
    let phone = PhoneNumber::parse(from).map_err(|_| ApiError::field("From", "text of another form", expected))?;
    let reply = match Wish::of(form.get("Body").unwrap_or_default()) {
        Wish::Stop => {
            let opt_out = OptOut { phone, channel: Channel::Text, reason: "asked" };
            state.outbound.records.opt_out(&opt_out, state.clock.now()).await?;
            // Twilio has answered, and would not send what Otto has to say.
            None
        }
        Wish::Start => {
            state.outbound.records.opt_in(&phone, Channel::Text).await?;
            None
        }
        Wish::Confirm { starts } => {
            if starts {
                state.outbound.records.opt_in(&phone, Channel::Text).await?;
            }
            Some(confirmed(&state, &phone).await?)
        }
        Wish::Other => Some(state.say(&state.shop.wording.text_help)),
    };
    Ok(TwiMl(twiml::message(reply.as_deref())))
}

async fn confirmed(state: &AppState, phone: &PhoneNumber) -> Result<String, ApiError> {
    let confirmed = state.outbound.records.confirm_by_text(phone, state.clock.now()).await?;
    let Some((appointment, _)) = confirmed else { return Ok(state.say(&state.shop.wording.text_help)) };
    let when = spoken::date_time(appointment.starts_at.with_timezone(&state.shop.time_zone).naive_local());
    Ok(state.say(&state.shop.wording.text_confirmed.replace("{when}", &when)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_one_word() {
        for (body, expected) in [
            ("STOP", Wish::Stop),
            (" Stop. ", Wish::Stop),
            ("unsubscribe", Wish::Stop),
            ("Start", Wish::Start),
            ("C", Wish::Confirm { starts: false }),
            ("Yes!", Wish::Confirm { starts: true }),
            ("confirm!", Wish::Confirm { starts: false }),
            ("please don't stop", Wish::Other),
            ("See you", Wish::Other),
            ("", Wish::Other),
        ] {
            assert_eq!(Wish::of(body), expected, "{body:?}");
        }
    }
}
