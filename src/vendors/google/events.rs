//! Otto's events. An event's id is derived from its appointment, so that a repeat finds the event and makes no second one.

use chrono::{DateTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use otto_actors::domain::AppointmentId;
use otto_actors::ports::{CalendarError, CalendarEvent, Put, VendorError, VendorErrorKind};
use reqwest::Method;

use super::api::{Api, Ask};
use super::errors::Failure;
use super::wire::{Attendee, Event, EventTime, EventToWrite, ExtendedProperties, PrivateProperties};
use super::{GoogleShop, VENDOR};

/// What the id of every event of Otto's begins with. Google allows the letters a to v and digits.
const ID_PREFIX: &str = "otto";
/// Digits of the appointment in an id, in base 16.
const ID_DIGITS: usize = 16;
/// The version of an appointment that was never changed.
pub(super) const FIRST_VERSION: i64 = 1;
/// Rounds of looking at an event and writing it, while others write it too.
const ROUNDS: usize = 3;
/// The status of a deleted event.
pub(super) const CANCELLED: &str = "cancelled";

/// Whether guests hear of a change by e-mail.
#[derive(Clone, Copy)]
pub(super) enum Guests {
    Tell,
    KeepQuiet,
}

impl Guests {
    fn query(self) -> [(&'static str, &'static str); 1] {
        [(
            "sendUpdates",
            match self {
                Self::Tell => "all",
                Self::KeepQuiet => "none",
            },
        )]
    }
}

/// The id of an appointment's event.
pub(super) fn id_of(appointment: AppointmentId) -> String {
    format!("{ID_PREFIX}{:0ID_DIGITS$x}", appointment.0)
}

/// The appointment whose event has this id.
pub(super) fn appointment_of(id: &str) -> Option<AppointmentId> {
    let digits = id.strip_prefix(ID_PREFIX).filter(|digits| digits.len() == ID_DIGITS)?;
    i64::from_str_radix(digits, 16).ok().map(AppointmentId)
}

/// Writes an appointment's event into its bay's calendar.
pub(super) async fn put(api: &Api, shop: &GoogleShop, event: &CalendarEvent) -> Result<Put, CalendarError> {
    let calendar = shop.bays.iter().find(|(bay, _)| *bay == event.bay).map_or("", |(_, calendar)| calendar.as_str());
    let (id, mut wanted) = (id_of(event.appointment), body(shop, event));
    let guests = if event.email.is_some() { Guests::Tell } else { Guests::KeepQuiet };
    let mut there = if event.version > FIRST_VERSION { get(api, calendar, &id).await? } else { None };
    for _ in 0..ROUNDS {
        let outcome = match &there {
            Some(found) if has_version(found, event.version) && found.status != CANCELLED => return Ok(Put::Written),
            Some(found) if version_of(found) > Some(event.version) => return Ok(Put::NewerThere),
            Some(found) => {
                wanted.id = None;
                patch(api, (calendar, &id), &wanted, &found.etag, guests).await
            }
            None => {
                wanted.id = Some(id.clone());
                insert(api, calendar, &wanted, guests).await
            }
        };
        match outcome {
            Ok(()) => return Ok(Put::Written),
            // It exists, or it was changed or deleted in this moment.
            Err(failure) if matches!(failure.status(), Some(409 | 410 | 412)) => {}
            Err(failure) => return Err(failure.into()),
        }
        there = get(api, calendar, &id).await?;
    }
    let detail = "the event was changed again and again while it was written";
    Err(CalendarError::Away(VendorError::new(VENDOR, VendorErrorKind::Failed, detail)))
}

/// Deletes an appointment's event. An event that is not there is deleted already.
pub(super) async fn delete(
    api: &Api,
    calendar: &str,
    appointment: AppointmentId,
    guests: Guests,
) -> Result<(), CalendarError> {
    let id = id_of(appointment);
    let path = ["calendars", calendar, "events", &id];
    let ask = Ask::<()> { method: Method::DELETE, path: &path, query: &guests.query(), body: None, if_match: None };
    match api.send(ask).await {
        Ok(_) => Ok(()),
        Err(failure) if matches!(failure.status(), Some(404 | 410)) => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

pub(super) async fn get(api: &Api, calendar: &str, id: &str) -> Result<Option<Event>, CalendarError> {
    let path = ["calendars", calendar, "events", id];
    let ask = Ask::<()> { method: Method::GET, path: &path, query: &[], body: None, if_match: None };
    match api.read(ask).await {
        Ok(event) => Ok(Some(event)),
        Err(failure) if failure.status() == Some(404) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

async fn insert(api: &Api, calendar: &str, event: &EventToWrite<'_>, guests: Guests) -> Result<(), Failure> {
    let (path, query) = (["calendars", calendar, "events"], guests.query());
    let ask = Ask { method: Method::POST, path: &path, query: &query, body: Some(event), if_match: None };
    api.send(ask).await.map(drop)
}

async fn patch(
    api: &Api,
    (calendar, id): (&str, &str),
    event: &EventToWrite<'_>,
    etag: &str,
    guests: Guests,
) -> Result<(), Failure> {
    let (path, query) = (["calendars", calendar, "events", id], guests.query());
    let ask = Ask { method: Method::PATCH, path: &path, query: &query, body: Some(event), if_match: Some(etag) };
    api.send(ask).await.map(drop)
}

/// The version of an appointment that an event shows.
pub(super) fn version_of(event: &Event) -> Option<i64> {
    event.extended_properties.private.version.parse().ok()
}

fn has_version(event: &Event, version: i64) -> bool {
    version_of(event) == Some(version)
}

/// The event as it shall be. `confirmed` brings a deleted one back.
fn body<'a>(shop: &'a GoogleShop, event: &'a CalendarEvent) -> EventToWrite<'a> {
    let lines = [event.vehicle.as_deref(), event.concerns.as_deref()];
    let private =
        PrivateProperties { appointment_id: event.appointment.to_string(), version: event.version.to_string() };
    EventToWrite {
        id: None,
        summary: format!("{} - {}", event.service, event.customer),
        description: lines.into_iter().flatten().collect::<Vec<_>>().join("\n"),
        location: &shop.address,
        status: "confirmed",
        transparency: "opaque",
        start: time(event.starts_at, shop.zone),
        end: time(event.ends_at, shop.zone),
        attendees: event.email.iter().map(|email| Attendee { email }).collect(),
        extended_properties: ExtendedProperties { private },
    }
}

/// A time with its offset and its zone: the offset says when it is, the zone how it is shown.
fn time(at: DateTime<Utc>, zone: Tz) -> EventTime {
    let local = at.with_timezone(&zone).to_rfc3339_opts(SecondsFormat::Secs, true);
    EventTime { date_time: Some(local), date: None, time_zone: Some(zone.name().to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_legal_and_lead_back_to_the_appointment() {
        for appointment in [1, 42, i64::MAX].map(AppointmentId) {
            let id = id_of(appointment);
            assert!(
                id.bytes().all(|b| matches!(b, b'a'..=b'v' | b'0'..=b'9')) && (5..=1_024).contains(&id.len()),
                "{id}"
            );
            assert_eq!(appointment_of(&id), Some(appointment));
        }
        for other in ["", "otto", "otto12", "abcdef0123456789abcd", "ottozzzzzzzzzzzzzzzz"] {
            assert_eq!(appointment_of(other), None, "{other}");
        }
    }
}
