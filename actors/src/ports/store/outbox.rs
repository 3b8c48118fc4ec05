//! What must still be done outside. Rows are written with the change that decided them; workers claim, deliver and
//! confirm them.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{StoreError, TextKind, TextOrder};
use crate::domain::{AppointmentId, BayId, OutboxId};

/// The orders to the outside. An order is delivered at least once; of the orders about one appointment, one is claimed
/// at a time, in the order in which they were written.
#[async_trait]
pub trait OutboxStore: Send + Sync {
    /// Claims orders that are due and that nobody else holds, oldest first. A claim that is not confirmed within its
    /// lease is open to others again. Each claim counts as an attempt.
    async fn claim_due(&self, claim: &Claim<'_>) -> Result<Vec<OutboxRow>, StoreError>;

    /// Notes that a claimed order was carried out. False when the claim was lost meanwhile: another worker has the
    /// order, or has carried it out.
    async fn delivered(&self, row: &OutboxRow, now: DateTime<Utc>) -> Result<bool, StoreError>;

    /// Gives a claimed order back, to be tried again at `next_attempt_at`. `reason` must hold no personal data. False
    /// as for [`Self::delivered`].
    async fn failed(&self, row: &OutboxRow, next_attempt_at: DateTime<Utc>, reason: &str) -> Result<bool, StoreError>;

    /// Keeps a claimed order that will never succeed, for the operators: it is not tried again and no later order waits
    /// for it. `reason` must hold no personal data. False as for [`Self::delivered`].
    async fn parked(&self, row: &OutboxRow, now: DateTime<Utc>, reason: &str) -> Result<bool, StoreError>;

    /// How many orders were given up and kept.
    async fn given_up(&self) -> Result<u64, StoreError>;

    /// How many orders wait, those that are claimed included.
    async fn undelivered(&self) -> Result<u64, StoreError>;
}

/// Who claims how many orders of which kind, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The orders' kind begins like this, such as `calendar`.
    pub kind: &'a str,
    /// Names the worker; two that run at the same time have different names.
    pub worker: &'a str,
    /// At most so many.
    pub limit: u32,
    /// How long the worker has for each.
    pub lease: Duration,
    /// Now.
    pub now: DateTime<Utc>,
}

/// A claimed order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// The row.
    pub id: OutboxId,
    /// What to do.
    pub order: Order,
    /// Counts the attempts from 1, this one included.
    pub attempts: u32,
    /// Who claimed it.
    pub worker: String,
}

/// Something to do outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "about", rename_all = "snake_case")]
pub enum Order {
    /// The bay's calendar shows the appointment as it is now.
    CalendarUpsert(CalendarOrder),
    /// The bay's calendar does not show the appointment any more.
    CalendarDelete(CalendarOrder),
    /// The customer gets a text message.
    Text(TextOrder),
}

/// About which appointment an order to the calendar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarOrder {
    /// The appointment.
    pub appointment: AppointmentId,
    /// In whose calendar; an appointment that moved to another bay is deleted from the old one's.
    pub bay: BayId,
    /// The appointment's version when the order was written. When the appointment has a higher one now, a newer order
    /// is on its way and this one may be skipped.
    pub version: i64,
}

impl Order {
    /// A short name for queries by hand, and what a [`Claim`] asks for.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::CalendarUpsert(_) => "calendar_upsert",
            Self::CalendarDelete(_) => "calendar_delete",
            Self::Text(_) => "text",
        }
    }

    /// What it is about: orders about one subject keep their order.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::CalendarUpsert(about) | Self::CalendarDelete(about) => format!("appointment:{}", about.appointment),
            // Of its own: what was just done is confirmed while a reminder waits for the morning.
            Self::Text(TextOrder { about: TextKind::Reminder, appointment, .. }) => format!("reminder:{appointment}"),
            // Of its own: a text message does not wait for a calendar that is away.
            Self::Text(about) => format!("text:{}", about.appointment),
        }
    }
}
