//! Text messages: what was sent, what became of it, and what customers answer. The orders are rows of the outbox.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::domain::{Appointment, AppointmentId, Customer, OutboxId, PhoneNumber};

/// What a text message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextKind {
    /// An appointment was booked.
    Booked,
    /// It was moved.
    Moved,
    /// It was called off.
    Cancelled,
    /// Reminder calls went unanswered.
    Reminder,
}

/// About which appointment a text message is. What it says is made when it is sent, from what is on file then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextOrder {
    /// Why it is sent.
    pub about: TextKind,
    /// The appointment.
    pub appointment: AppointmentId,
    /// The appointment's version when the order was written, for queries by hand.
    pub version: i64,
}

/// Where a text message stands, in Twilio's words; `undelivered` and `failed` are ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextProgress {
    /// The order that it came from.
    pub order: OutboxId,
    /// Twilio's name for the message.
    pub sid: String,
    /// Such as `sent` or `delivered`.
    pub status: String,
    /// Twilio's number for what went wrong.
    pub error_code: Option<u32>,
}

impl TextProgress {
    /// Whether this report replaces what is known of the same message: the one that is furthest on stays, an end for
    /// good. Words are those of <https://www.twilio.com/docs/messaging/api/message-resource#message-status-values>; one
    /// that is not known counts as a beginning.
    #[must_use]
    pub fn follows(&self, known: &str) -> bool {
        rank(known) < END && rank(known) <= rank(&self.status)
    }
}

/// How far on a message is whose status is an end.
const END: u8 = 3;

fn rank(status: &str) -> u8 {
    match status {
        "sending" => 1,
        "sent" => 2,
        "delivered" | "undelivered" | "failed" | "canceled" | "read" => END,
        _ => 0,
    }
}

/// Text messages on file.
#[async_trait]
pub trait TextStore: Send + Sync {
    /// Notes how a message stands. Reports arrive in any order: an end stays.
    async fn text_progress(&self, progress: &TextProgress, now: DateTime<Utc>) -> Result<(), StoreError>;

    /// The order's message, when one was noted: it is not sent a second time.
    async fn text_of(&self, order: OutboxId) -> Result<Option<String>, StoreError>;

    /// Confirms the coming appointment of whoever has that number that the latest text message to them was about, as far as
    /// it has not failed; harmless to repeat. Without one it is the earliest that is only scheduled. None when there is nothing
    /// to confirm.
    async fn confirm_by_text(
        &self,
        phone: &PhoneNumber,
        now: DateTime<Utc>,
    ) -> Result<Option<(Appointment, Customer)>, StoreError>;
}
