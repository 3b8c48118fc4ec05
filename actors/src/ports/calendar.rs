//! The calendar outside and the records that go with it. [`Calendar`] is the vendor's side: busy times, Otto's events,
//! what people changed there. [`CalendarRecords`] is the database's side: what is still to be written into the calendar,
//! and what a change in it means for an appointment.

use std::fmt;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::{StoreError, VendorError};
use crate::domain::{AppointmentId, BayId, BookedTime};

/// A calendar outside, with one calendar for each bay.
#[async_trait]
pub trait Calendar: Send + Sync {
    /// The bays that have a calendar.
    fn bays(&self) -> Vec<BayId>;

    /// When the bays are taken between `from` and `to`, Otto's own events included.
    async fn busy(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<BusyTimes, CalendarError>;

    /// Makes an appointment's event as described: in its bay's calendar and in no other. Safe to repeat. An event of a
    /// newer version is left alone.
    async fn put(&self, event: &CalendarEvent) -> Result<Put, CalendarError>;

    /// Takes an appointment's event out of every calendar. Safe to repeat; an event that is gone already is no error.
    async fn remove(&self, appointment: AppointmentId) -> Result<(), CalendarError>;

    /// What has become of Otto's events in a bay's calendar since a token, or of all of them without one. A token that the
    /// vendor no longer takes is answered as none.
    async fn changes(&self, bay: BayId, since: Option<&str>) -> Result<Changes, CalendarError>;

    /// Where an appointment's event takes place, in whichever bay's calendar; none when every calendar has been asked and
    /// none has it.
    async fn find(&self, appointment: AppointmentId) -> Result<Option<CalendarChange>, CalendarError>;

    /// Whether the calendar lets Otto in and knows about every bay. Asks the vendor.
    async fn check(&self) -> Result<(), CalendarError>;
}

/// When bays are taken, as far as the calendar knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BusyTimes {
    /// Times in which a bay is taken.
    pub taken: Vec<BookedTime>,
    /// Bays of which the calendar could not say anything: neither free nor taken.
    pub unknown: Vec<BayId>,
}

/// An appointment as it is written into the calendar.
#[derive(Clone, PartialEq, Eq)]
pub struct CalendarEvent {
    /// Whose event it is; the event's id is derived from it.
    pub appointment: AppointmentId,
    /// Counts the changes of the appointment from 1.
    pub version: i64,
    /// Where.
    pub bay: BayId,
    /// When work starts.
    pub starts_at: DateTime<Utc>,
    /// When the bay is free again, exclusive.
    pub ends_at: DateTime<Utc>,
    /// What is done.
    pub service: String,
    /// For whom.
    pub customer: String,
    /// What they drive, as staff would say it.
    pub vehicle: Option<String>,
    /// What they say is wrong.
    pub concerns: Option<String>,
    /// Who gets an invitation.
    pub email: Option<String>,
}

/// Names nobody: events end up in logs.
impl fmt::Debug for CalendarEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { appointment, version, bay, starts_at, ends_at, .. } = self;
        write!(f, "CalendarEvent(appointment {appointment} v{version}, bay {bay}, {starts_at} to {ends_at})")
    }
}

/// What came of [`Calendar::put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The event is as described.
    Written,
    /// The calendar has a newer version of it; nothing was changed.
    NewerThere,
}

/// What has become of Otto's events in one bay's calendar.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// The events that are not as they were, Otto's own changes included.
    pub events: Vec<CalendarChange>,
    /// What to ask with the next time.
    pub token: String,
    /// The answer is about all events, not only about those that changed.
    pub full: bool,
}

/// One of Otto's events as the calendar has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarChange {
    /// Whose event it is.
    pub appointment: AppointmentId,
    /// In which bay's calendar.
    pub bay: BayId,
    /// The version that Otto wrote last, when the calendar still knows it.
    pub version: Option<i64>,
    /// The vendor's name for this state of the event: the same again is no change.
    pub etag: String,
    /// When it came to be so.
    pub updated: Option<DateTime<Utc>>,
    /// What it is like now.
    pub now: EventNow,
}

/// What an event is like now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventNow {
    /// It takes place.
    Planned {
        /// From.
        starts_at: DateTime<Utc>,
        /// Until, exclusive.
        ends_at: DateTime<Utc>,
    },
    /// It was deleted. In a list of changes it may also have gone to another bay's calendar.
    Cancelled,
}

/// Why the calendar did not do what was asked, by what is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalendarError {
    /// The same request may succeed later.
    #[error("{0}")]
    Away(VendorError),
    /// Otto is not let in, or not to one of the calendars: an operator must act, then the same request succeeds.
    #[error("no access: {0}")]
    NoAccess(VendorError),
    /// This one request will never succeed.
    #[error("{0}")]
    Refused(VendorError),
}

impl CalendarError {
    /// The vendor's side of it.
    #[must_use]
    pub fn vendor(&self) -> &VendorError {
        match self {
            Self::Away(error) | Self::NoAccess(error) | Self::Refused(error) => error,
        }
    }
}

/// The part of the records that belongs to the calendar outside.
#[async_trait]
pub trait CalendarRecords: Send + Sync {
    /// Takes up to `limit` due rows of the kinds `calendar_upsert` and `calendar_delete` and holds them until `lease_until`,
    /// each with what the calendar must become: the appointment as it is now, no event if it is called off, and whatever it
    /// is if the appointment is over. Of one appointment at most one row is held at a time, on whatever node.
    async fn claim(
        &self,
        now: DateTime<Utc>,
        lease_until: DateTime<Utc>,
        limit: usize,
    ) -> Result<Vec<CalendarJob>, StoreError>;

    /// Notes what came of a row that was taken.
    async fn settle(&self, job: &CalendarJob, outcome: &Settled) -> Result<(), StoreError>;

    /// How many rows there are still.
    async fn backlog(&self) -> Result<Backlog, StoreError>;

    /// The token to go on with in a bay's calendar.
    async fn sync_token(&self, bay: BayId) -> Result<Option<String>, StoreError>;

    /// Keeps the token that came with changes, all of which have been applied.
    async fn keep_sync_token(&self, bay: BayId, token: &str) -> Result<(), StoreError>;

    /// Makes an appointment as the calendar has it, where people changed it there: another time, another bay, or none. An
    /// event that was deleted must have been looked for with [`Calendar::find`]. Safe to repeat. Nothing is done
    ///
    /// - when the appointment is like that already,
    /// - when it is over or called off, or its version is newer than the event's,
    /// - when an event of an unknown version was deleted in the calendar of another bay: Otto may have done that,
    /// - while a row of it waits in the outbox: the change is to come again when that is delivered.
    async fn apply_calendar_change(&self, change: &CalendarChange, tell: Tell) -> Result<Applied, StoreError>;
}

/// How the customer hears of what people change in the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// By a text message, as after a change by telephone: of another start and of a cancellation.
    ByText,
    /// Not from Otto, who sends no text messages.
    Nothing,
}

/// A row of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CalendarRow(pub i64);

/// Something to write into the calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarJob {
    /// The row.
    pub row: CalendarRow,
    /// The appointment that it is about.
    pub appointment: AppointmentId,
    /// The appointment's version that it is about.
    pub version: i64,
    /// Attempts before this one.
    pub attempts: u32,
    /// What to do.
    pub work: CalendarWork,
}

/// What a row of the outbox asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CalendarWork {
    /// `calendar_upsert`.
    Put(Box<CalendarEvent>),
    /// `calendar_delete`.
    Remove,
    /// Nothing: the appointment is over, and nobody is invited to what is over.
    Leave,
}

/// Rows of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// To be delivered.
    pub waiting: u64,
    /// Refused for good: kept for the operators.
    pub parked: u64,
}

/// What came of a row of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settled {
    /// Done, or overtaken by a newer version.
    Delivered,
    /// To be tried again at that time.
    RetryAt(DateTime<Utc>, String),
    /// Will never succeed: kept for the operators and not tried again.
    Parked(String),
}

/// What a change in the calendar did to an appointment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// Nothing.
    Unchanged,
    /// It has other times now, or another bay.
    Moved,
    /// It is called off.
    Cancelled,
    /// Nothing yet: what Otto has changed itself is still on its way into the calendar.
    Waiting,
    /// The new place is not possible, such as on top of another appointment: it stays as it is, and the calendar is to
    /// show that again.
    PutBack,
}
