//! The calendars themselves: events by id, with the vendor's rules of identity, deletion and concurrency. No HTTP.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// An API error: status, reason, message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure(pub(super) u16, pub(super) &'static str, pub(super) &'static str);

pub(super) const NOT_FOUND: Failure = Failure(404, "notFound", "Not Found");
const DUPLICATE: Failure = Failure(409, "duplicate", "The requested identifier already exists.");
const DELETED: Failure = Failure(410, "deleted", "Resource has been deleted");
const STALE: Failure = Failure(412, "conditionNotMet", "Precondition Failed");
const EMPTY_RANGE: Failure = Failure(400, "timeRangeEmpty", "The specified time range is empty.");
const SYNC_LOST: Failure = Failure(410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.");
const SYNC_FILTERED: Failure = Failure(400, "invalid", "Sync token cannot be used with that parameter.");
const INVALID: Failure = Failure(400, "invalid", "Invalid resource value.");

/// All calendars and the access tokens that are good for them.
#[derive(Debug, Default)]
pub(super) struct Calendars {
    calendars: BTreeMap<String, BTreeMap<String, Value>>,
    tokens: Vec<String>,
    version: u64,
    /// Sync tokens from before this version are no longer known.
    synced_from: u64,
}

/// Etags are versions above this.
const ETAG_BASE: u64 = 3_000_000_000_000_000;

/// A stretch of time.
type Span = (DateTime<Utc>, DateTime<Utc>);

impl Calendars {
    pub(super) fn new(ids: &[String]) -> Self {
        let calendars = ids.iter().map(|id| (id.clone(), BTreeMap::new())).collect();
        Calendars { calendars, ..Calendars::default() }
    }

    pub(super) fn issue_token(&mut self) -> String {
        let token = format!("ya29.{}", Uuid::new_v4().simple());
        self.tokens.push(token.clone());
        token
    }

    pub(super) fn is_token(&self, token: &str) -> bool {
        self.tokens.iter().any(|good| good == token)
    }

    pub(super) fn void_tokens(&mut self) {
        self.tokens.clear();
    }

    pub(super) fn events(&self, calendar: &str) -> Vec<Value> {
        let events = self.calendars.get(calendar).into_iter().flat_map(BTreeMap::values);
        events.filter(|event| event["status"] != "cancelled").cloned().collect()
    }

    pub(super) fn insert(&mut self, calendar: &str, event: Value) -> Result<Value, Failure> {
        span(&event)?;
        let fresh = || Uuid::new_v4().simple().to_string();
        let id = event["id"].as_str().map_or_else(fresh, str::to_owned);
        let legal = |byte: u8| matches!(byte, b'a'..=b'v' | b'0'..=b'9');
        if !(5..=1_024).contains(&id.len()) || !id.bytes().all(legal) {
            return Err(INVALID);
        }
        let stamp = self.stamp();
        let events = self.calendars.get_mut(calendar).ok_or(NOT_FOUND)?;
        if events.contains_key(&id) {
            return Err(DUPLICATE);
        }
        let mut stored = json!({"kind": "calendar#event", "status": "confirmed", "created": now(), "sequence": 0,
            "iCalUID": format!("{id}@google.com"), "eventType": "default",
            "htmlLink": format!("https://www.google.com/calendar/event?eid={id}"),
            "creator": {"email": "otto@example.com", "self": true},
            "organizer": {"email": calendar, "self": true}});
        merge(&mut stored, &event);
        stored["id"] = json!(id);
        stamp.mark(&mut stored);
        events.insert(id, stored.clone());
        Ok(stored)
    }

    pub(super) fn get(&self, calendar: &str, id: &str) -> Result<Value, Failure> {
        self.calendars.get(calendar).and_then(|events| events.get(id)).cloned().ok_or(NOT_FOUND)
    }

    pub(super) fn patch(
        &mut self,
        calendar: &str,
        id: &str,
        change: &Value,
        if_match: Option<&str>,
    ) -> Result<Value, Failure> {
        let mut event = self.get(calendar, id)?;
        check_etag(&event, if_match)?;
        merge(&mut event, change);
        span(&event)?;
        event["sequence"] = json!(event["sequence"].as_u64().unwrap_or(0) + 1);
        self.stamp().mark(&mut event);
        self.store(calendar, id, event.clone());
        Ok(event)
    }

    pub(super) fn delete(&mut self, calendar: &str, id: &str, if_match: Option<&str>) -> Result<(), Failure> {
        let mut event = self.get(calendar, id)?;
        if event["status"] == "cancelled" {
            return Err(DELETED);
        }
        check_etag(&event, if_match)?;
        event["status"] = json!("cancelled");
        self.stamp().mark(&mut event);
        self.store(calendar, id, event);
        Ok(())
    }

    /// `events.move`: the event keeps its id, and the calendar that it leaves has it as a deleted one.
    pub(super) fn move_to(&mut self, from: &str, to: &str, id: &str) -> Result<Value, Failure> {
        let mut event = self.get(from, id)?;
        if event["status"] == "cancelled" {
            return Err(DELETED);
        }
        self.calendars.get(to).ok_or(NOT_FOUND)?;
        self.delete(from, id, None)?;
        event["organizer"]["email"] = json!(to);
        self.stamp().mark(&mut event);
        self.store(to, id, event.clone());
        Ok(event)
    }

    /// Events of a calendar within a range, by start.
    pub(super) fn list(&self, calendar: &str, query: &ListQuery) -> Result<Vec<Value>, Failure> {
        let since = self.since(query)?.unwrap_or(0);
        let events = self.calendars.get(calendar).ok_or(NOT_FOUND)?.values().filter(|event| version(event) > since);
        let mut found: Vec<(Span, &Value)> = events
            .filter_map(|event| Some((span(event).ok()?, event)))
            .filter(|(span, event)| query.wants(*span, event))
            .collect();
        found.sort_by_key(|((start, _), _)| *start);
        Ok(found.into_iter().map(|(_, event)| event.clone()).collect())
    }

    /// One page of a list, as it is answered. The last page has a token for the changes from then on.
    pub(super) fn page(&self, calendar: &str, query: &ListQuery) -> Result<Value, Failure> {
        let found = self.list(calendar, query)?;
        let first = query.page_token.as_deref().map_or(Some(0), |token| token.strip_prefix('p')?.parse().ok());
        let first: usize = first.ok_or(INVALID)?;
        let items: Vec<Value> = found.iter().skip(first).take(query.max_results).cloned().collect();
        let next = first + items.len();
        let mut page = json!({"kind": "calendar#events", "summary": calendar, "timeZone": "UTC", "items": items});
        if next < found.len() {
            page["nextPageToken"] = json!(format!("p{next}"));
        } else {
            page["nextSyncToken"] = json!(format!("s{}", self.version));
        }
        Ok(page)
    }

    /// From now on no sync token is known that was given before.
    pub(super) fn forget_syncs(&mut self) {
        self.version += 1;
        self.synced_from = self.version;
    }

    /// The version after which a sync token asks.
    fn since(&self, query: &ListQuery) -> Result<Option<u64>, Failure> {
        let Some(token) = &query.sync_token else { return Ok(None) };
        if query.time_min.is_some() || query.time_max.is_some() || !query.properties.is_empty() || !query.show_deleted {
            return Err(SYNC_FILTERED);
        }
        let version = token.strip_prefix('s').and_then(|version| version.parse().ok()).ok_or(INVALID)?;
        if version < self.synced_from { Err(SYNC_LOST) } else { Ok(Some(version)) }
    }

    /// The freeBusy answer. A calendar that is not there has its error inside the answer.
    pub(super) fn free_busy(&self, body: &Value, all_fail: bool) -> Result<Value, Failure> {
        let (from, to) = (instant(&body["timeMin"]).ok_or(INVALID)?, instant(&body["timeMax"]).ok_or(INVALID)?);
        if from >= to {
            return Err(EMPTY_RANGE);
        }
        let mut calendars = Map::new();
        for item in body["items"].as_array().into_iter().flatten() {
            let id = item["id"].as_str().unwrap_or_default();
            let reason = if all_fail { "backendError" } else { "notFound" };
            let answer = match self.calendars.get(id).filter(|_| !all_fail) {
                Some(_) => json!({"busy": self.busy(id, from, to)}),
                None => json!({"errors": [{"domain": "global", "reason": reason}], "busy": []}),
            };
            calendars.insert(id.to_owned(), answer);
        }
        Ok(json!({"kind": "calendar#freeBusy", "timeMin": rfc(from), "timeMax": rfc(to), "calendars": calendars}))
    }

    /// Busy stretches, merged, cut to the range.
    fn busy(&self, calendar: &str, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Value> {
        let opaque = self.events(calendar).into_iter().filter(|event| event["transparency"] != "transparent");
        let mut spans: Vec<Span> = opaque
            .filter_map(|event| span(&event).ok())
            .filter(|(start, end)| *start < to && *end > from)
            .map(|(start, end)| (start.max(from), end.min(to)))
            .collect();
        spans.sort();
        let mut merged: Vec<Span> = Vec::new();
        for (start, end) in spans {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        merged.into_iter().map(|(start, end)| json!({"start": rfc(start), "end": rfc(end)})).collect()
    }

    fn store(&mut self, calendar: &str, id: &str, event: Value) {
        if let Some(events) = self.calendars.get_mut(calendar) {
            events.insert(id.to_owned(), event);
        }
    }

    fn stamp(&mut self) -> Stamp {
        self.version += 1;
        Stamp(self.version)
    }
}

/// The version in an event's etag.
fn version(event: &Value) -> u64 {
    let etag = event["etag"].as_str().unwrap_or_default().trim_matches('"');
    etag.parse::<u64>().unwrap_or_default().saturating_sub(ETAG_BASE)
}

/// A new version of an event.
struct Stamp(u64);

impl Stamp {
    fn mark(&self, event: &mut Value) {
        event["etag"] = json!(format!("\"{}\"", ETAG_BASE + self.0));
        event["updated"] = json!(now());
    }
}

/// Filters of a list.
#[derive(Debug)]
pub(super) struct ListQuery {
    pub(super) time_min: Option<DateTime<Utc>>,
    pub(super) time_max: Option<DateTime<Utc>>,
    pub(super) show_deleted: bool,
    /// `name=value` pairs of private extended properties.
    pub(super) properties: Vec<(String, String)>,
    pub(super) sync_token: Option<String>,
    pub(super) page_token: Option<String>,
    pub(super) max_results: usize,
}

impl Default for ListQuery {
    fn default() -> Self {
        let (time_min, time_max, show_deleted, properties) = Default::default();
        let (sync_token, page_token) = Default::default();
        ListQuery { time_min, time_max, show_deleted, properties, sync_token, page_token, max_results: 250 }
    }
}

impl ListQuery {
    /// `timeMin` counts for the end of an event and `timeMax` for its start, both exclusive.
    fn wants(&self, (start, end): Span, event: &Value) -> bool {
        let private = &event["extendedProperties"]["private"];
        self.time_min.is_none_or(|min| end > min)
            && self.time_max.is_none_or(|max| start < max)
            && (self.show_deleted || event["status"] != "cancelled")
            && self.properties.iter().all(|(name, value)| private[name] == value.as_str())
    }
}

fn check_etag(event: &Value, if_match: Option<&str>) -> Result<(), Failure> {
    match if_match {
        Some(etag) if etag != "*" && event["etag"] != etag => Err(STALE),
        _ => Ok(()),
    }
}

/// Merge semantics of PATCH: objects merge, null deletes, everything else replaces.
fn merge(target: &mut Value, change: &Value) {
    match (target.as_object_mut(), change.as_object()) {
        (Some(fields), Some(changes)) => {
            for (name, value) in changes {
                if value.is_null() {
                    fields.remove(name);
                } else {
                    merge(fields.entry(name.clone()).or_insert(Value::Null), value);
                }
            }
        }
        _ => *target = change.clone(),
    }
}

fn span(event: &Value) -> Result<Span, Failure> {
    let (start, end) = (instant(&event["start"]["dateTime"]), instant(&event["end"]["dateTime"]));
    match (start, end) {
        (Some(start), Some(end)) if start < end => Ok((start, end)),
        (Some(_), Some(_)) => Err(EMPTY_RANGE),
        _ => Err(INVALID),
    }
}

/// An RFC 3339 time with an offset.
pub(super) fn instant(value: &Value) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(value.as_str()?).ok().map(|time| time.to_utc())
}

fn rfc(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn now() -> String {
    Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}
