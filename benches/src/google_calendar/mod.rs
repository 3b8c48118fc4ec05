//! Google Calendar v3 and its token endpoint, in memory. Source: the discovery document of 2026-10-30 and Google's
//! pages on errors and OAuth.

mod calendar;
mod routes;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use serde_json::Value;

use crate::knobs::{Knobs, Latency};
use crate::record::Log;
use crate::seed::Seed;
use crate::server::Scope;

use calendar::Calendars;

/// The client that the token endpoint knows.
pub const CLIENT_ID: &str = "otto.apps.googleusercontent.com";
/// Its secret.
pub const CLIENT_SECRET: &str = "GOCSPX-simulated";
/// The refresh token that it accepts.
pub const REFRESH_TOKEN: &str = "1//simulated-refresh-token";

/// How the service behaves when it is well.
#[derive(Clone, Debug, PartialEq)]
pub struct CalendarSettings {
    /// Delay of every answer.
    pub latency: Latency,
    /// Life of an access token, in seconds.
    pub token_life_s: u64,
    /// Events on a page, at most.
    pub page_events: usize,
}

impl Default for CalendarSettings {
    fn default() -> Self {
        CalendarSettings { latency: Latency::new(90.0, 40.0), token_life_s: 3_599, page_events: 2_500 }
    }
}

/// What can go wrong with a request.
#[derive(Clone, Debug, PartialEq)]
pub enum CalendarFault {
    /// An API error with this status and reason, for example 403 `rateLimitExceeded` or 500 `backendError`.
    Status(u16, &'static str),
    /// No answer; the request is not processed.
    Stall,
    /// The request is processed, and its answer is lost.
    LostAnswer,
    /// A late answer, in milliseconds.
    Slow(u64),
    /// Every access token is void: 401 `authError`, until the client has fetched another.
    TokenVoid,
    /// freeBusy answers 200 with an error in place of every calendar's data.
    FreeBusyErrors,
    /// 429 `rateLimitExceeded`, with the wish to wait so many seconds.
    Limited(u64),
    /// The token endpoint says `invalid_grant`.
    InvalidGrant,
    /// The token endpoint has trouble of its own, with this status.
    TokenStatus(u16),
}

impl CalendarFault {
    fn is_token(&self) -> bool {
        matches!(self, CalendarFault::InvalidGrant | CalendarFault::TokenStatus(_))
    }
}

/// A request to the API, as it was answered.
#[derive(Clone, Debug, PartialEq)]
pub struct CalendarRequest {
    /// Method and path.
    pub line: String,
    /// The query as it was sent.
    pub query: String,
    /// The `If-Match` header.
    pub if_match: Option<String>,
    /// The body, `null` when there was none.
    pub body: Value,
    /// The status that it was answered with.
    pub status: u16,
}

/// The simulated service. Clones share everything.
#[derive(Clone, Debug)]
pub struct GoogleCalendar {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    knobs: Knobs<CalendarSettings, CalendarFault>,
    requests: Log<CalendarRequest>,
    state: Mutex<Calendars>,
    scope: Scope,
}

impl GoogleCalendar {
    pub(crate) fn new(seed: Seed, settings: CalendarSettings, calendar_ids: &[String], scope: Scope) -> Self {
        let knobs = Knobs::new(seed, "google-calendar", settings);
        let state = Mutex::new(Calendars::new(calendar_ids));
        GoogleCalendar { shared: Arc::new(Shared { knobs, requests: Log::default(), state, scope }) }
    }

    pub(crate) fn router(&self) -> Router {
        routes::router(self.clone())
    }

    /// Settings and faults.
    pub fn knobs(&self) -> &Knobs<CalendarSettings, CalendarFault> {
        &self.shared.knobs
    }

    /// Every request, in order.
    pub fn requests(&self) -> &Log<CalendarRequest> {
        &self.shared.requests
    }

    /// The events of a calendar that are not cancelled.
    pub fn events(&self, calendar_id: &str) -> Vec<Value> {
        self.state().events(calendar_id)
    }

    /// Makes a stretch of a calendar busy, as a colleague would: RFC 3339 times.
    pub fn add_busy(&self, calendar_id: &str, start: &str, end: &str) {
        let event = serde_json::json!({"summary": "busy", "start": {"dateTime": start}, "end": {"dateTime": end}});
        let _ = self.state().insert(calendar_id, event);
    }

    /// An event, deleted or not.
    pub fn event(&self, calendar_id: &str, id: &str) -> Option<Value> {
        self.state().get(calendar_id, id).ok()
    }

    /// Changes an event as a colleague would, in the merge semantics of PATCH. Whether it was there.
    pub fn edit(&self, calendar_id: &str, id: &str, change: &Value) -> bool {
        self.state().patch(calendar_id, id, change, None).is_ok()
    }

    /// Deletes an event as a colleague would. Whether it was there.
    pub fn cancel(&self, calendar_id: &str, id: &str) -> bool {
        self.state().delete(calendar_id, id, None).is_ok()
    }

    /// Drags an event into another calendar as a colleague would. Whether it was there.
    pub fn move_to(&self, from: &str, to: &str, id: &str) -> bool {
        self.state().move_to(from, to, id).is_ok()
    }

    /// Forgets all sync tokens: the next incremental list is answered with 410.
    pub fn forget_syncs(&self) {
        self.state().forget_syncs();
    }

    fn state(&self) -> MutexGuard<'_, Calendars> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
