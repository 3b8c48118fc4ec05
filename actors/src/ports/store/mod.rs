//! The workshop's records: one trait a concern, and [`Store`] as their sum.

mod action;
mod bookings;
mod customers;
mod journal;
mod outbox;
mod reminders;
mod texts;

pub use action::{
    Action, AppointmentChange, AppointmentStep, Booking, BookingCustomer, NewMessage, Render, RenderCustomer,
    RenderMessage, RenderVehicle,
};
pub use bookings::BookingStore;
pub use customers::{CustomerStore, Found, Source};
pub use journal::{CallEnd, CallFacts, CallProgress, CallRecord, JournalRow, JournalStore};
pub use outbox::{CalendarOrder, Claim, Order, OutboxRow, OutboxStore};
pub use reminders::{
    CallClaim, CallSettled, Channel, DueCall, DueTask, OptOut, PlannedCall, ReminderStore, TakenMessage,
};
pub use texts::{TextKind, TextOrder, TextProgress, TextStore};

use async_trait::async_trait;
use serde_json::Value;

use crate::domain::AppointmentStatus;
use crate::effects::{EffectId, Fence};

/// The workshop's records.
#[async_trait]
pub trait Store: CustomerStore + BookingStore + JournalStore + OutboxStore {
    /// Does what a tool call asks for, once. The change, its stored result and what must follow from it (rows of the
    /// outbox) are written in one transaction; the same identity again returns the stored result. `fence` is asked last
    /// before the commit: a turn that was interrupted meanwhile leaves nothing behind.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the turn is over, and what the [`Action`] says.
    async fn act(&self, effect: &EffectId, fence: &Fence, action: Action) -> Result<Value, StoreError>;

    /// [`Action::Book`], in short.
    ///
    /// # Errors
    /// As [`Self::act`].
    async fn book(
        &self,
        effect: &EffectId,
        fence: &Fence,
        booking: Booking,
        render: Render,
    ) -> Result<Value, StoreError> {
        self.act(effect, fence, Action::Book { booking, render }).await
    }

    /// Whether the database answers.
    async fn ping(&self) -> Result<(), StoreError>;
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
    /// A row that is referred to does not exist, or belongs to another customer.
    #[error("not found: {0}")]
    NotFound(&'static str),
    /// What may be on file once is on file already: `phone` or `vehicle`.
    #[error("on file already: {0}")]
    OnFile(&'static str),
    /// The appointment cannot be changed any more.
    #[error("the appointment is {}", .0.as_str())]
    NotOpen(AppointmentStatus),
    /// The database gave this transaction up for the sake of another one: the same request may be sent again.
    #[error("the database is busy with a conflicting request")]
    Contended,
    /// The database is busy or away: the same request may be sent again.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database has not said in time whether it was done. The same request may be sent again under the same identity.
    #[error("no answer in time; whether it was done is not known")]
    UnknownOutcome,
    /// The database refuses: sending the request again is useless.
    #[error("the database refused: {0}")]
    Refused(String),
}
