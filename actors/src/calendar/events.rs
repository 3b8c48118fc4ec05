//! What operators see of the calendar outside: a log line and its metric are one type. Names no customer and no vehicle.

use metrics::Label;
use tracing::{debug, error, info, warn};

use super::errands::SyncError;
use crate::domain::{AppointmentId, BayId};
use crate::events::InternalEvent;
use crate::metrics::Metric;
use crate::ports::{Applied, Backlog, CalendarError, Settled, StoreError, VendorError};

fn count(metric: Metric, key: &'static str, value: &'static str) {
    metric.counter(vec![Label::from_static_parts(key, value)]).increment(1);
}

/// A question for free times was answered without the calendar, or without some bays of it.
#[derive(Debug)]
pub(super) struct BusyUnknown {
    /// How many bays the calendar said nothing about; none when it said nothing at all.
    pub(super) bays: Option<usize>,
}

impl InternalEvent for BusyUnknown {
    fn emit(self) {
        match self.bays {
            Some(bays) => warn!(bays, "the calendar does not know about some bays: answered from the database"),
            None => warn!("the calendar does not answer in time: answered from the database"),
        }
        count(Metric::CalendarBusyUnknown, "what", if self.bays.is_some() { "bays" } else { "all" });
    }
}

/// A question to the calendar failed. Who asked is told by [`BusyUnknown`].
#[derive(Debug)]
pub(super) struct BusyFailed<'a> {
    pub(super) error: &'a CalendarError,
}

impl InternalEvent for BusyFailed<'_> {
    fn emit(self) {
        debug!(error = %self.error, "the calendar does not say when the bays are taken");
    }
}

/// A row of the outbox was delivered, or not.
#[derive(Debug)]
pub(super) struct OutboxSettled<'a> {
    pub(super) appointment: AppointmentId,
    pub(super) settled: &'a Settled,
}

impl InternalEvent for OutboxSettled<'_> {
    fn emit(self) {
        let appointment = self.appointment.0;
        let result = match self.settled {
            Settled::Delivered => {
                debug!(appointment, "the calendar has the appointment as it is");
                "delivered"
            }
            Settled::RetryAt(at, error) => {
                info!(appointment, %at, error, "the calendar has to wait for the appointment");
                "later"
            }
            Settled::Parked(error) => {
                error!(appointment, error, "the calendar refuses the appointment: staff must enter it by hand");
                "parked"
            }
        };
        count(Metric::CalendarOutbox, "result", result);
    }
}

/// The outbox could not be read or written; its rows come again.
#[derive(Debug)]
pub(super) struct OutboxStuck<'a> {
    pub(super) error: &'a StoreError,
}

impl InternalEvent for OutboxStuck<'_> {
    fn emit(self) {
        warn!(error = %self.error, "the outbox does not answer");
        count(Metric::CalendarOutbox, "result", "stuck");
    }
}

/// What is left in the outbox after a round of deliveries.
#[derive(Debug)]
pub(super) struct OutboxLeft(pub(super) Backlog);

impl InternalEvent for OutboxLeft {
    fn emit(self) {
        for (state, rows) in [("waiting", self.0.waiting), ("parked", self.0.parked)] {
            Metric::CalendarOutboxRows.gauge(vec![Label::from_static_parts("state", state)]).set(rows as f64);
        }
    }
}

/// Changes in the calendar could not be read or applied; they come again.
#[derive(Debug)]
pub(super) struct CalendarSyncFailed<'a> {
    pub(super) bay: BayId,
    pub(super) error: &'a SyncError,
}

impl InternalEvent for CalendarSyncFailed<'_> {
    fn emit(self) {
        warn!(bay = self.bay.0, error = %self.error, "the calendar's changes could not be brought in");
        count(Metric::CalendarChanges, "result", "failed");
    }
}

/// Somebody changed an appointment in the calendar.
#[derive(Debug)]
pub(super) struct CalendarChanged {
    pub(super) appointment: AppointmentId,
    pub(super) applied: Applied,
}

impl InternalEvent for CalendarChanged {
    fn emit(self) {
        let appointment = self.appointment.0;
        let result = match self.applied {
            Applied::Unchanged => "unchanged",
            Applied::Moved => "moved",
            Applied::Cancelled => "cancelled",
            Applied::Waiting => "waiting",
            Applied::PutBack => "put_back",
        };
        if self.applied == Applied::PutBack {
            error!(appointment, "moved in the calendar to where it is not possible: it stays where it was");
        } else {
            info!(appointment, result, "changed in the calendar");
        }
        count(Metric::CalendarChanges, "result", result);
    }
}

/// The calendar does not let Otto in, and will not before an operator has done something. Told once until it does again.
#[derive(Debug)]
pub struct CalendarLockedOut<'a> {
    /// What the vendor says.
    pub error: &'a VendorError,
}

impl InternalEvent for CalendarLockedOut<'_> {
    fn emit(self) {
        error!(error = %self.error, "the calendar does not let Otto in: an operator must renew the access");
        count(Metric::CalendarLockedOut, "vendor", self.error.vendor);
    }
}
