//! What the API and its token endpoint say and want, field by field as in the discovery document. Answers have more
//! fields than are read here, and grow.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// `POST` to the token endpoint.
#[derive(Deserialize)]
pub(super) struct TokenAnswer {
    pub(super) access_token: String,
    /// Seconds.
    pub(super) expires_in: u64,
    pub(super) refresh_token: Option<String>,
}

/// Its refusal (RFC 6749, section 5.2).
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct TokenRefusal {
    pub(super) error: String,
    pub(super) error_description: String,
}

/// A refusal of the API.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ErrorAnswer {
    pub(super) error: ErrorBody,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct ErrorBody {
    pub(super) errors: Vec<Reason>,
}

/// `Error` of the discovery document.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Reason {
    pub(super) reason: String,
}

/// `FreeBusyRequest`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FreeBusyRequest<'a> {
    pub(super) time_min: String,
    pub(super) time_max: String,
    pub(super) items: Vec<FreeBusyItem<'a>>,
}

#[derive(Serialize)]
pub(super) struct FreeBusyItem<'a> {
    pub(super) id: &'a str,
}

/// `FreeBusyResponse`.
#[derive(Deserialize)]
pub(super) struct FreeBusyAnswer {
    #[serde(default)]
    pub(super) calendars: BTreeMap<String, FreeBusyCalendar>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct FreeBusyCalendar {
    pub(super) busy: Vec<TimePeriod>,
    pub(super) errors: Vec<Reason>,
}

#[derive(Deserialize)]
pub(super) struct TimePeriod {
    pub(super) start: String,
    pub(super) end: String,
}

/// `Event`, as Otto writes it. An empty list of attendees takes a guest out again.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventToWrite<'a> {
    /// For an insertion only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) summary: String,
    pub(super) description: String,
    pub(super) location: &'a str,
    pub(super) status: &'static str,
    pub(super) transparency: &'static str,
    pub(super) start: EventTime,
    pub(super) end: EventTime,
    pub(super) attendees: Vec<Attendee<'a>>,
    pub(super) extended_properties: ExtendedProperties,
}

/// `EventAttendee`.
#[derive(Serialize)]
pub(super) struct Attendee<'a> {
    pub(super) email: &'a str,
}

/// `EventDateTime`.
#[derive(Serialize, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EventTime {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) date_time: Option<String>,
    /// In place of `dateTime`: a whole day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) time_zone: Option<String>,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(super) struct ExtendedProperties {
    pub(super) private: PrivateProperties,
}

/// What marks an event as Otto's. Values are text.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(super) struct PrivateProperties {
    pub(super) appointment_id: String,
    pub(super) version: String,
}

/// `Event`, as far as Otto reads it. Of a deleted event only the id is certain.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) etag: String,
    pub(super) updated: Option<String>,
    pub(super) start: EventTime,
    pub(super) end: EventTime,
    pub(super) extended_properties: ExtendedProperties,
}

/// `Events`: one page of a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventPage {
    #[serde(default)]
    pub(super) items: Vec<Event>,
    pub(super) next_page_token: Option<String>,
    pub(super) next_sync_token: Option<String>,
}

/// `Channel`, as Otto asks for one.
#[derive(Serialize)]
pub(super) struct ChannelWish<'a> {
    pub(super) id: String,
    pub(super) r#type: &'static str,
    pub(super) address: &'a str,
    pub(super) token: &'a str,
    /// Milliseconds since the Unix epoch, as text.
    pub(super) expiration: String,
}

/// `Channel`, as it was opened.
#[derive(Deserialize)]
pub(super) struct Channel {
    #[serde(default)]
    pub(super) expiration: Option<String>,
}
