//! Calls: placed, looked up, listed, and changed while they go on.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::list::{Dates, page};
use super::{Params, RestError, RestResult, callback, receiver, required, rfc_2822, value};
use crate::twilio::Shared;
use crate::twilio::placed::Placed;
use crate::twilio::registry::{CallRecord, Control, Delivery, OutboundCall};

/// Characters of TwiML in a request.
const TWIML_LIMIT_CHARS: usize = 4_000;

/// Seconds for which a call may ring.
const TIMEOUT_MAX_S: u32 = 600;

/// Seconds that machine detection may take, over this API.
const DETECTION_S: std::ops::RangeInclusive<u32> = 3..=59;

pub(super) fn create(shared: &Arc<Shared>, params: &Params) -> RestResult {
    let (to, from) = (receiver(params, 21201)?, required(params, "From", 21213)?);
    if from != shared.phone_number {
        return Err(RestError::bad_request(21210, format!("The source phone number {from} is not yet verified.")));
    }
    check(params)?;
    let record = CallRecord {
        sid: format!("CA{}", Uuid::new_v4().simple()),
        to: to.clone(),
        from: from.clone(),
        direction: "outbound-api",
        status: "queued",
        created: shared.clock.now(),
        started: None,
        answered: None,
        ended: None,
        answered_by: None,
    };
    let call = OutboundCall { sid: record.sid.clone(), to, from, params: params.clone() };
    let answer = json(shared, &record);
    let (_, control) = shared.registry.begin(record.clone());
    shared.registry.outbound.push(call.clone());
    match shared.engine() {
        Some(engine) => {
            let placed = Placed::new(shared, engine, call, &record, control);
            shared.scope.tasks.spawn(placed.run());
        }
        // Nobody can be asked what to say.
        None => shared.registry.end(&record.sid, "failed", record.created),
    }
    Ok((StatusCode::CREATED, answer))
}

fn check(params: &Params) -> Result<(), RestError> {
    if value(params, "Url").is_none() && value(params, "Twiml").is_none() {
        return Err(RestError::bad_request(21205, "Url parameter is required."));
    }
    if value(params, "Twiml").is_some_and(|twiml| twiml.chars().count() > TWIML_LIMIT_CHARS) {
        return Err(RestError::bad_request(21239, "Twiml is too long."));
    }
    for name in ["Url", "StatusCallback", "AsyncAmdStatusCallback", "FallbackUrl"] {
        callback(params, name, 21205)?;
    }
    let invalid = |name: &str| RestError::bad_request(20001, format!("Invalid parameter: {name}"));
    let one_of = |name: &str, words: &[&str]| match value(params, name) {
        Some(word) if !words.contains(&word) => Err(invalid(name)),
        _ => Ok(()),
    };
    one_of("MachineDetection", &["Enable", "DetectMessageEnd"])?;
    one_of("AsyncAmd", &["true", "false"])?;
    let within = |name: &str, range: &std::ops::RangeInclusive<u32>| match value(params, name).map(str::parse::<u32>) {
        Some(Ok(seconds)) if range.contains(&seconds) => Ok(()),
        None => Ok(()),
        Some(_) => Err(invalid(name)),
    };
    within("Timeout", &(1..=TIMEOUT_MAX_S))?;
    within("MachineDetectionTimeout", &DETECTION_S)?;
    let events = params.iter().filter(|(name, _)| name == "StatusCallbackEvent");
    let known = ["initiated", "ringing", "answered", "completed"];
    match events.flat_map(|(_, words)| words.split(' ')).find(|word| !known.contains(word)) {
        Some(_) => Err(invalid("StatusCallbackEvent")),
        None => Ok(()),
    }
}

pub(super) fn list(shared: &Shared, path: &str, params: &Params) -> RestResult {
    let dates = Dates::of(params, "StartTime")?;
    let same = |name: &str, field: &str| value(params, name).is_none_or(|wanted| wanted == field);
    let newest = shared.clock.now() - shared.knobs.settings().list_lag;
    let calls = shared.registry.all_calls().into_iter().rev().filter(|call| {
        let fits = same("To", &call.to) && same("From", &call.from) && same("Status", call.status);
        fits && dates.include(call.started) && call.created <= newest
    });
    let items = calls.map(|call| (call.sid.clone(), json(shared, &call))).collect();
    Ok((StatusCode::OK, page("calls", path, params, items)?))
}

pub(super) fn fetch(shared: &Shared, sid: &str) -> Option<(StatusCode, Value)> {
    Some((StatusCode::OK, json(shared, &shared.registry.call(sid)?)))
}

/// None when there is no such call.
pub(super) fn update(shared: &Shared, sid: &str, params: &Params) -> Result<Option<(StatusCode, Value)>, RestError> {
    let (status, control) = change(params)?;
    match shared.registry.deliver(sid, control) {
        Delivery::Delivered(record) => {
            let record = CallRecord { status, ..record };
            Ok(Some((StatusCode::OK, json(shared, &record))))
        }
        Delivery::Refused => Err(RestError::bad_request(21220, "Call is not in-progress. Cannot redirect.")),
        Delivery::Unknown => Ok(None),
    }
}

/// What an update asks for: the status that the answer has, and what happens to the call.
fn change(params: &Params) -> Result<(&'static str, Control), RestError> {
    match (value(params, "Status"), value(params, "Twiml"), value(params, "Url")) {
        (Some("completed"), ..) => Ok(("completed", Control::Complete)),
        (Some("canceled"), ..) => Ok(("canceled", Control::Cancel)),
        (Some(_), ..) => Err(RestError::bad_request(21218, "Invalid Status.")),
        (None, Some(_), Some(_)) => Err(RestError::bad_request(21218, "Url and Twiml are mutually exclusive.")),
        (None, Some(twiml), None) => Ok(("in-progress", Control::Replace(twiml.to_owned()))),
        (None, None, Some(url)) => Ok(("in-progress", Control::Fetch(url.to_owned()))),
        (None, None, None) => Err(RestError::bad_request(21205, "Url parameter is required.")),
    }
}

fn json(shared: &Shared, call: &CallRecord) -> Value {
    let account = &shared.account_sid;
    let uri = format!("/2010-04-01/Accounts/{account}/Calls/{}.json", call.sid);
    let links = json!({"notifications": uri.replace(".json", "/Notifications.json"),
        "recordings": uri.replace(".json", "/Recordings.json"), "events": uri.replace(".json", "/Events.json")});
    let queued = call.started.map_or(0, |started| (started - call.created).num_milliseconds());
    json!({"sid": call.sid, "account_sid": account, "status": call.status, "to": call.to, "from": call.from,
        "to_formatted": call.to, "from_formatted": call.from, "direction": call.direction,
        "api_version": "2010-04-01", "answered_by": call.answered_by, "caller_name": null,
        "date_created": rfc_2822(Some(call.created)), "date_updated": rfc_2822(call.ended.or(Some(call.created))),
        "start_time": rfc_2822(call.started), "end_time": rfc_2822(call.ended),
        "duration": call.duration_s().map(|seconds| seconds.to_string()), "forwarded_from": null, "group_sid": null,
        "parent_call_sid": null, "phone_number_sid": null, "price": null, "price_unit": "USD",
        "queue_time": queued.to_string(), "trunk_sid": null, "uri": uri, "subresource_uris": links})
}
