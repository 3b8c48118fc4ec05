//! What has become of Otto's events: an incremental list, page by page, and where one of them is. Events of other people are
//! left out.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use otto_actors::domain::{AppointmentId, BayId};
use otto_actors::ports::{CalendarChange, CalendarError, Changes, EventNow, VendorError, VendorErrorKind};
use reqwest::Method;

use super::VENDOR;
use super::api::{Api, Ask};
use super::errors::Failure;
use super::events::{self, CANCELLED, appointment_of, id_of, version_of};
use super::wire::{Event, EventPage, EventTime};

/// Events on one page (the vendor's limit is 2,500).
const PAGE_EVENTS: &str = "250";
/// Pages of one list; beyond it the vendor goes round in circles.
const PAGES: usize = 10_000;

/// Asks for the changes since a token, or for everything when there is none or Google no longer knows it.
pub(super) async fn changes(
    api: &Api,
    (bay, calendar): (BayId, &str),
    zone: Tz,
    since: Option<&str>,
) -> Result<Changes, CalendarError> {
    let (events, token, full) = match list(api, calendar, since).await {
        Err(failure) if failure.status() == Some(410) && since.is_some() => {
            tracing::info!(bay = bay.0, "Google has forgotten what Otto knew of a bay's calendar: reading all of it");
            let (events, token) = list(api, calendar, None).await?;
            (events, token, true)
        }
        outcome => {
            let (events, token) = outcome?;
            (events, token, since.is_none())
        }
    };
    let events = events.iter().filter_map(|event| change(bay, zone, event)).collect();
    Ok(Changes { events, token, full })
}

/// Where an appointment's event is; the newest one, while Otto itself is moving it from one calendar to another.
pub(super) async fn find(
    api: &Api,
    bays: &[(BayId, String)],
    zone: Tz,
    appointment: AppointmentId,
) -> Result<Option<CalendarChange>, CalendarError> {
    let (id, mut newest) = (id_of(appointment), None::<CalendarChange>);
    for (bay, calendar) in bays {
        let event = events::get(api, calendar, &id).await?.filter(|event| event.status != CANCELLED);
        let Some(event) = event else { continue };
        let found = change(*bay, zone, &event).ok_or_else(|| protocol("an event has no times"))?;
        if newest.as_ref().is_none_or(|known| known.version < found.version) {
            newest = Some(found);
        }
    }
    Ok(newest)
}

async fn list(api: &Api, calendar: &str, since: Option<&str>) -> Result<(Vec<Event>, String), Failure> {
    let (mut events, mut page_token) = (Vec::new(), None::<String>);
    for _ in 0..PAGES {
        // Between the pages, and from one list to the next, the other parameters must stay the same.
        let mut query = vec![("showDeleted", "true"), ("maxResults", PAGE_EVENTS)];
        query.extend(since.map(|token| ("syncToken", token)));
        query.extend(page_token.as_deref().map(|token| ("pageToken", token)));
        let path = ["calendars", calendar, "events"];
        let ask = Ask::<()> { method: Method::GET, path: &path, query: &query, body: None, if_match: None };
        let page: EventPage = api.read(ask).await?;
        events.extend(page.items.into_iter().filter(|event| appointment_of(&event.id).is_some()));
        match (page.next_page_token, page.next_sync_token) {
            (Some(next), _) => page_token = Some(next),
            (None, Some(token)) => return Ok((events, token)),
            (None, None) => return Err(protocol("a list ends without a token for the next one")),
        }
    }
    Err(protocol("a list does not end"))
}

fn protocol(detail: &'static str) -> Failure {
    Failure::Before(CalendarError::Away(VendorError::new(VENDOR, VendorErrorKind::Protocol, detail)))
}

fn change(bay: BayId, zone: Tz, event: &Event) -> Option<CalendarChange> {
    let now = if event.status == CANCELLED {
        EventNow::Cancelled
    } else {
        EventNow::Planned { starts_at: instant(&event.start, zone)?, ends_at: instant(&event.end, zone)? }
    };
    Some(CalendarChange {
        appointment: appointment_of(&event.id)?,
        bay,
        version: version_of(event),
        etag: event.etag.clone(),
        updated: event.updated.as_deref().and_then(rfc3339),
        now,
    })
}

/// When an event starts or ends; whole days begin at midnight in the shop's zone.
fn instant(time: &EventTime, zone: Tz) -> Option<DateTime<Utc>> {
    if let Some(text) = &time.date_time {
        return rfc3339(text);
    }
    let date: NaiveDate = time.date.as_deref()?.parse().ok()?;
    zone.from_local_datetime(&date.and_time(NaiveTime::MIN)).earliest().map(|at| at.to_utc())
}

fn rfc3339(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc())
}
