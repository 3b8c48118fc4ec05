//! When the bays are taken. An error of a single calendar comes inside an answer of status 200 and beside an empty list:
//! such a calendar is unknown, never free.

use chrono::{DateTime, SecondsFormat, Utc};
use otto_actors::domain::{BayId, BookedTime};
use otto_actors::ports::{BusyTimes, CalendarError};
use reqwest::Method;

use super::api::{Api, Ask};
use super::wire::{FreeBusyAnswer, FreeBusyCalendar, FreeBusyItem, FreeBusyRequest};
use crate::vendors::detail;

/// Calendars that one question may be about (`calendarExpansionMax`).
const CALENDARS_PER_QUESTION: usize = 50;

pub(super) async fn busy(
    api: &Api,
    bays: &[(BayId, String)],
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<BusyTimes, CalendarError> {
    let mut times = BusyTimes::default();
    for bays in bays.chunks(CALENDARS_PER_QUESTION) {
        let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        let items = bays.iter().map(|(_, id)| FreeBusyItem { id }).collect();
        let body = FreeBusyRequest { time_min: text(from), time_max: text(to), items };
        let ask = Ask { method: Method::POST, path: &["freeBusy"], query: &[], body: Some(&body), if_match: None };
        let answer: FreeBusyAnswer = api.read(ask).await?;
        for (bay, id) in bays {
            match answer.calendars.get(id).and_then(|calendar| taken(*bay, calendar)) {
                Some(taken) => times.taken.extend(taken),
                None => times.unknown.push(*bay),
            }
        }
    }
    Ok(times)
}

/// The times in which a bay is taken; none when the calendar has errors or cannot be read.
fn taken(bay: BayId, calendar: &FreeBusyCalendar) -> Option<Vec<BookedTime>> {
    if let Some(error) = calendar.errors.first() {
        tracing::warn!(bay = bay.0, reason = detail(&error.reason), "Google does not know about a bay's calendar");
        return None;
    }
    let instant = |text: &str| DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc());
    let periods = calendar.busy.iter();
    periods.map(|p| Some(BookedTime { bay, starts_at: instant(&p.start)?, ends_at: instant(&p.end)? })).collect()
}
