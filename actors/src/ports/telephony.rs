//! The telephone company: what a live call does next when Otto does not speak in it any more, calls that Otto places, and
//! text messages.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::VendorError;
use crate::domain::{AnsweredBy, AppointmentId, CallSid, CallStatus, OutboxId, PhoneNumber, ReminderId};

/// What a call does when its media stream has ended, or instead of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEnd {
    /// Otto said goodbye.
    HangUp,
    /// Otto hands over to a human.
    Transfer(PhoneNumber),
    /// Nobody asked for it: say sorry, then hand over to a human if there is one.
    Apologise,
    /// Otto could not say this to its end; it is said in another voice first.
    Say {
        /// What the caller has not heard.
        text: String,
        /// What comes after it.
        then: Box<StreamEnd>,
    },
}

/// A call to be placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dial {
    /// Whom to call.
    pub to: PhoneNumber,
    /// For which row.
    pub reminder: ReminderId,
    /// Which attempt; word of the call names both.
    pub attempt: u32,
    /// What it is about, when it is about an appointment.
    pub appointment: Option<AppointmentId>,
}

/// A call that the telephone company knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedCall {
    /// The call.
    pub call: CallSid,
    /// Where it stands.
    pub status: CallStatus,
    /// When it was asked for, as far as it is known.
    pub created_at: Option<DateTime<Utc>>,
    /// What answered, as far as it is known.
    pub answered_by: Option<AnsweredBy>,
    /// How long it was, in whole seconds, when it is over.
    pub duration_s: Option<u32>,
}

/// A text message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// To whom.
    pub to: PhoneNumber,
    /// At most 1,600 characters.
    pub body: String,
    /// For which order; word of the message names it.
    pub order: OutboxId,
}

/// A text message that the telephone company knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentText {
    /// Twilio's name for the message.
    pub sid: String,
    /// Such as `queued`.
    pub status: String,
    /// What it says.
    pub body: String,
    /// When it was asked for, as far as it is known.
    pub created_at: Option<DateTime<Utc>>,
}

/// Why a call was not placed, or a text message not sent, by what is to be done about it. There is no idempotency key: what
/// may have been processed must be looked for before it is sent again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// It was not processed, and the same request may be sent later.
    #[error("{0}")]
    NotNow(VendorError),
    /// It is refused, and the same request is refused again.
    #[error("{0}")]
    Refused(VendorError),
    /// Nobody knows whether it was processed.
    #[error("{0}")]
    Unknown(VendorError),
}

/// Acts on calls and sends text messages.
#[async_trait]
pub trait Telephony: Send + Sync {
    /// Makes a call that is in progress do this at once, whatever it does now; its media stream ends. Harmless to
    /// repeat. To hang up on a call that is over already is no error.
    async fn proceed(&self, call: &CallSid, with: &StreamEnd) -> Result<(), VendorError>;

    /// Whether calls can be placed: there is a number to call from.
    fn can_dial(&self) -> bool;

    /// Places a call, once: an attempt whose end is unknown is not repeated.
    async fn dial(&self, dial: &Dial) -> Result<CallSid, DialError>;

    /// The calls to a number that were asked for at or after a time, latest first.
    async fn calls_to(&self, to: &PhoneNumber, since: DateTime<Utc>) -> Result<Vec<PlacedCall>, VendorError>;

    /// How a call stands; none when it is not known.
    async fn call(&self, call: &CallSid) -> Result<Option<PlacedCall>, VendorError>;

    /// Takes back a call that waits to be placed, or rings. Harmless to repeat. An error when it goes on, or when nobody knows.
    async fn cancel(&self, call: &CallSid) -> Result<(), VendorError>;

    /// Whether text messages can be sent: there is a number to send from.
    fn can_text(&self) -> bool;

    /// Sends a text message, once. Says Twilio's name for it.
    async fn text(&self, text: &Text) -> Result<String, DialError>;

    /// The text messages to a number that were asked for at or after a time, latest first.
    async fn texts_to(&self, to: &PhoneNumber, since: DateTime<Utc>) -> Result<Vec<SentText>, VendorError>;
}
