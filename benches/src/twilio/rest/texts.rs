//! Text messages: sent, looked up and listed.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::list::{Dates, page};
use super::{Params, RestError, RestResult, callback, receiver, required, rfc_2822, value};
use crate::twilio::Shared;
use crate::twilio::registry::{MessageRecord, SentMessage};
use crate::twilio::texts::{deliver, segments};

/// Characters in a text message.
const BODY_LIMIT_CHARS: usize = 1_600;

pub(super) fn create(shared: &Arc<Shared>, params: &Params) -> RestResult {
    let to = receiver(params, 21604)?;
    let from = match (value(params, "From"), value(params, "MessagingServiceSid")) {
        (Some(from), _) if from != shared.phone_number => {
            let message = format!("The 'From' number {from} is not a valid, SMS-capable inbound phone number.");
            return Err(RestError::bad_request(21606, message));
        }
        (Some(from), _) | (None, Some(from)) => from.to_owned(),
        (None, None) => return Err(RestError::bad_request(21603, "A 'From' phone number is required.")),
    };
    let body = required(params, "Body", 21602)?;
    if body.chars().count() > BODY_LIMIT_CHARS {
        return Err(RestError::bad_request(21617, "The concatenated message body exceeds the 1600 character limit."));
    }
    let status_callback = callback(params, "StatusCallback", 21609)?;
    if shared.texting.is_opted_out(&to) {
        return Err(RestError::bad_request(21610, "Attempt to send to unsubscribed recipient"));
    }
    let message = SentMessage { sid: format!("SM{}", Uuid::new_v4().simple()), to, from, body };
    let record = MessageRecord {
        message: message.clone(),
        status: "queued",
        error_code: None,
        created: shared.clock.now(),
        sent: None,
    };
    let answer = json(shared, &record);
    shared.registry.accept(record);
    let stop = shared.scope.stop.clone();
    let delivery = deliver(Arc::clone(shared), shared.engine(), message, status_callback);
    shared.scope.tasks.spawn(async move {
        stop.run_until_cancelled(delivery).await;
    });
    Ok((StatusCode::CREATED, answer))
}

pub(super) fn list(shared: &Shared, path: &str, params: &Params) -> RestResult {
    let dates = Dates::of(params, "DateSent")?;
    let same = |name: &str, field: &str| value(params, name).is_none_or(|wanted| wanted == field);
    let newest = shared.clock.now() - shared.knobs.settings().list_lag;
    let texts = shared.registry.all_texts().into_iter().rev().filter(|text| {
        let fits = same("To", &text.message.to) && same("From", &text.message.from);
        fits && dates.include(text.sent) && text.created <= newest
    });
    let items = texts.map(|text| (text.message.sid.clone(), json(shared, &text))).collect();
    Ok((StatusCode::OK, page("messages", path, params, items)?))
}

pub(super) fn fetch(shared: &Shared, sid: &str) -> Option<(StatusCode, Value)> {
    let text = shared.registry.all_texts().into_iter().find(|text| text.message.sid == sid)?;
    Some((StatusCode::OK, json(shared, &text)))
}

fn json(shared: &Shared, text: &MessageRecord) -> Value {
    let account = &shared.account_sid;
    let SentMessage { sid, to, from, body } = &text.message;
    let uri = format!("/2010-04-01/Accounts/{account}/Messages/{sid}.json");
    let error = text.error_code.map(|code| format!("Error {code}"));
    json!({"sid": sid, "account_sid": account, "status": text.status, "to": to, "from": from, "body": body,
        "direction": "outbound-api", "api_version": "2010-04-01", "date_created": rfc_2822(Some(text.created)),
        "date_sent": rfc_2822(text.sent), "date_updated": rfc_2822(text.sent.or(Some(text.created))),
        "error_code": text.error_code, "error_message": error, "messaging_service_sid": null,
        "num_media": "0", "num_segments": segments(body).to_string(), "price": null,
        "price_unit": null, "uri": uri, "subresource_uris": {"media": uri.replace(".json", "/Media.json")}})
}
