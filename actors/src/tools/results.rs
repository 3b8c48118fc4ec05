//! The one shape of a tool's result, and the results that tools have in common.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Value, json};

use crate::actor::AskError;
use crate::domain::slots::SlotError;
use crate::domain::{Appointment, Shop, spoken};
use crate::ports::StoreError;

/// What comes of a tool: a result either way, `Err` when it did not do what was asked.
pub(super) type Ran = Result<Value, Value>;

/// A result that did what was asked.
pub(super) fn success(data: Value, message: impl Into<String>) -> Value {
    json!({ "success": true, "data": data, "message": message.into() })
}

/// A result that did not; `message` helps the model to ask the right question.
pub(super) fn failure(error: &str, message: impl Into<String>) -> Value {
    json!({ "success": false, "error": error, "message": message.into() })
}

/// A moment on the shop's wall clock.
pub(super) fn local(shop: &Shop, at: DateTime<Utc>) -> NaiveDateTime {
    at.with_timezone(&shop.time_zone).naive_local()
}

/// What an appointment looks like to the model.
pub(super) fn appointment_json(shop: &Shop, appointment: &Appointment) -> Value {
    let at = local(shop, appointment.starts_at);
    json!({
        "appointment_id": appointment.id,
        "service": appointment.service,
        "date": at.date(),
        "time": at.format("%H:%M").to_string(),
        "spoken": spoken::date_time(at),
        "minutes": appointment.minutes,
        "status": appointment.status.as_str(),
    })
}

/// A store that did not do it. What is another customer's is answered like what does not exist.
pub(super) fn store_failure(error: &StoreError) -> Value {
    match error {
        StoreError::Fenced => interrupted(),
        StoreError::NotFound(what) => not_found(what),
        StoreError::NotOpen(status) => failure(
            "not_open",
            format!("The appointment is {} and cannot be changed any more.", status.as_str().replace('_', " ")),
        ),
        StoreError::JustTaken => failure("just_taken", "That time has just been taken."),
        StoreError::OnFile("phone") => {
            failure("phone_refused", "That number cannot be used for this record. Offer that a colleague helps.")
        }
        StoreError::OnFile(what) => failure("on_file", format!("That {what} is on file already.")),
        StoreError::UnknownOutcome => unknown_outcome(),
        _ => failure("unavailable", "The records cannot be reached right now. Apologise and offer to try again."),
    }
}

pub(super) fn not_found(what: &str) -> Value {
    failure("not_found", format!("There is no such {what}. Use an id that a tool returned in this call."))
}

pub(super) fn interrupted() -> Value {
    failure("interrupted", "The caller interrupted; this was not carried out.")
}

/// Nobody knows whether it was done: no answer came.
pub(super) fn unknown_outcome() -> Value {
    failure("unknown_outcome", "No answer came. It may have been carried out: do not claim either, and try again once.")
}

pub(super) fn unavailable(error: &AskError) -> Value {
    match error {
        AskError::TimedOut => unknown_outcome(),
        AskError::Unavailable | AskError::Lost => {
            failure("unavailable", "The records cannot be reached right now. Apologise and offer to try again.")
        }
    }
}

/// A rule of the shop that a time breaks.
pub(super) fn not_bookable(error: &SlotError) -> Value {
    failure("not_bookable", format!("{}.", sentence(error)))
}

pub(super) fn sentence(error: &SlotError) -> String {
    spoken::capital(&error.to_string())
}
