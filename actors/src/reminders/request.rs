//! A reminder call that somebody of the shop asks for, from the command line or the operators' API. Apart from the actor,
//! because it only adds a row: whichever node runs the ReminderSchedulerActor has it placed.

use chrono::{DateTime, Utc};

use crate::domain::{AppointmentId, AppointmentStatus, NewReminder, Reminder, ReminderKind, Shop};
use crate::ports::{Channel, ReminderStore, Store, StoreError};

/// Why nobody is called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No such row.
    #[error("found no appointment {0}, expected the number of one that is on file")]
    NoAppointment(AppointmentId),
    /// It is called off, over, or under way.
    #[error("the appointment is {}, expected one that is scheduled or confirmed", .0.as_str())]
    NotOpen(AppointmentStatus),
    /// There is no time left in which customers may be called.
    #[error("the appointment begins at {0}, before customers may be called again; expected a later one")]
    TooLate(DateTime<Utc>),
    /// The customer said no.
    #[error("the customer does not want reminder calls")]
    NoConsent,
    /// The number said no.
    #[error("the customer's number does not want calls")]
    OptedOut,
    /// The records do not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Adds a call about an appointment: now, if customers may be called now, and else as soon as they may. One that waits for the
/// same appointment already is given instead.
///
/// # Errors
/// [`RequestError`] says what stands against it.
pub async fn request(
    store: &dyn Store,
    reminders: &dyn ReminderStore,
    shop: &Shop,
    id: AppointmentId,
    now: DateTime<Utc>,
) -> Result<Reminder, RequestError> {
    let appointment = store.appointment(id).await?.ok_or(RequestError::NoAppointment(id))?;
    if !appointment.status.is_open() {
        return Err(RequestError::NotOpen(appointment.status));
    }
    let (from, window_ends) = shop.calling_window(now);
    let (due_at, until) = (from.max(now), window_ends.min(appointment.starts_at));
    if due_at >= until {
        return Err(RequestError::TooLate(appointment.starts_at));
    }
    let customer = store.customer(appointment.customer).await?.ok_or(StoreError::NotFound("customer"))?;
    if customer.reminder_consent == Some(false) {
        return Err(RequestError::NoConsent);
    }
    if reminders.has_opted_out(&customer.phone, Channel::Voice).await? {
        return Err(RequestError::OptedOut);
    }
    let new = NewReminder {
        kind: ReminderKind::Requested,
        appointment: Some(id),
        customer: Some(customer.id),
        phone: customer.phone,
        about: None,
        due_at,
        until,
        for_staff: false,
    };
    let row = reminders.add_reminder(&new, now).await?;
    Ok(reminders.reminder(row).await?.ok_or(StoreError::NotFound("reminder"))?)
}
