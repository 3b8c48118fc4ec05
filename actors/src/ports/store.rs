//! The workshop's records.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::{
    Appointment, BookedTime, CallSid, Customer, CustomerId, NewAppointment, NewCustomer, PhoneNumber, TurnId, Vehicle,
};
use crate::effects::{EffectId, Fence};

/// The workshop's records. Writes that come from a tool call take an [`EffectId`]: the effect, its stored result and
/// what must follow from it are written in one transaction, and the same identity again returns the stored result.
#[async_trait]
pub trait Store: Send + Sync {
    /// The customer with that number.
    async fn customer_by_phone(&self, phone: &PhoneNumber) -> Result<Option<Customer>, StoreError>;

    /// A customer's vehicles, oldest row first.
    async fn vehicles_of(&self, customer: CustomerId) -> Result<Vec<Vehicle>, StoreError>;

    /// A customer's scheduled and confirmed appointments that start at or after `from`, earliest first.
    async fn upcoming(&self, customer: CustomerId, from: DateTime<Utc>) -> Result<Vec<Appointment>, StoreError>;

    /// All times in which a bay is taken that overlap `from..to`.
    async fn booked_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<BookedTime>, StoreError>;

    /// How many bays there are.
    async fn bay_count(&self) -> Result<usize, StoreError>;

    /// Books the first free bay, and adds the customer first if it is a new one (or finds the one with that number).
    /// `render` turns the row into the tool's result, which is stored with the effect. `fence` is asked last before the
    /// commit: a turn that was interrupted meanwhile leaves nothing behind.
    ///
    /// # Errors
    /// [`StoreError::JustTaken`] when no bay is free, [`StoreError::Fenced`] when the turn is over.
    async fn book(
        &self,
        effect: &EffectId,
        fence: &Fence,
        booking: Booking,
        render: Render,
    ) -> Result<Value, StoreError>;

    /// Adds events to a call's journal. The same (call, seq) again is ignored.
    async fn append_events(&self, events: &[JournalRow]) -> Result<(), StoreError>;

    /// Notes that a call began.
    async fn call_started(&self, call: &CallRecord) -> Result<(), StoreError>;

    /// Notes how a call ended.
    async fn call_ended(&self, call: &CallSid, end: &CallEnd) -> Result<(), StoreError>;

    /// Whether the database answers.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// Turns what was booked into the result of the tool.
pub type Render = Arc<dyn Fn(&Appointment, &Customer) -> Value + Send + Sync>;

/// What to book, and for whom.
#[derive(Debug, Clone)]
pub struct Booking {
    /// For whom.
    pub customer: BookingCustomer,
    /// What; the `customer` in it is set by the store for a new one.
    pub appointment: NewAppointment,
}

/// For whom a booking is.
#[derive(Debug, Clone)]
pub enum BookingCustomer {
    /// Somebody on file.
    OnFile(CustomerId),
    /// Somebody who is put on file with the booking.
    New(NewCustomer),
}

/// One journal event as a row.
#[derive(Debug, Clone)]
pub struct JournalRow {
    /// The call.
    pub call: CallSid,
    /// Counts the call's events from 1.
    pub seq: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// The turn.
    pub turn: TurnId,
    /// What, as a short name for queries by hand.
    pub kind: &'static str,
    /// An `otto.v1.CallEvent`, encoded.
    pub payload: Bytes,
}

/// A call as it begins.
#[derive(Debug, Clone)]
pub struct CallRecord {
    /// The call.
    pub call: CallSid,
    /// `inbound` or `outbound`.
    pub direction: &'static str,
    /// Who calls, when the number is not withheld.
    pub caller: Option<PhoneNumber>,
    /// The customer with that number.
    pub customer: Option<CustomerId>,
    /// When.
    pub started_at: DateTime<Utc>,
}

/// A call as it ended.
#[derive(Debug, Clone)]
pub struct CallEnd {
    /// When.
    pub ended_at: DateTime<Utc>,
    /// How, such as `hangup_by_caller`.
    pub outcome: &'static str,
    /// How many turns the caller had.
    pub turns: u64,
    /// The conversation as text, a line an utterance.
    pub transcript: String,
}

/// Why the store did not do what was asked.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum StoreError {
    /// No bay is free at that time any more.
    #[error("that time has just been taken")]
    JustTaken,
    /// The turn that wanted this was interrupted; nothing was written.
    #[error("interrupted before it took effect")]
    Fenced,
    /// A row that is referred to does not exist.
    #[error("not found: {0}")]
    NotFound(&'static str),
    /// The database is busy or away: the same request may be sent again.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database refuses: sending the request again is useless.
    #[error("the database refused: {0}")]
    Refused(String),
}
