//! Text messages: what becomes of those that the engine sends, and those that customers send to the engine.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::sleep;
use uuid::Uuid;

use super::callbacks::{Callbacks, Params};
use super::fields::{owned, place};
use super::registry::SentMessage;
use super::webhook::{self, Product};
use super::{Engine, Shared, Verb, parse_twiml};
use crate::record::Violation;

/// The number's messaging URL, under the engine's base URL.
const INBOUND_PATH: &str = "/api/v1/webhooks/inbound-sms";

/// Seconds until a message is sent, and again until it is delivered.
const STAGE_S: f64 = 1.0;

/// Words that end messages to whoever sends them, and words that allow them again: Twilio's own lists.
const STOP_WORDS: [&str; 6] = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"];
const START_WORDS: [&str; 3] = ["START", "YES", "UNSTOP"];

/// What becomes of a message that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It arrives.
    Delivered,
    /// It is sent and does not arrive, for this reason, such as 30003.
    Undelivered(u32),
    /// It is not sent, for this reason, such as 30007.
    Failed(u32),
}

/// What the engine answered a customer's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextAnswer {
    /// The HTTP status; 0 when there was no answer.
    pub status: u16,
    /// The texts that the customer gets.
    pub replies: Vec<String>,
}

/// Who wants no messages, and what becomes of the next ones.
#[derive(Debug, Default)]
pub(super) struct Texting(Mutex<Receivers>);

#[derive(Debug, Default)]
struct Receivers {
    opted_out: HashSet<String>,
    fates: HashMap<String, VecDeque<Fate>>,
}

impl Texting {
    pub(super) fn set(&self, number: &str, fates: Vec<Fate>) {
        self.with(|receivers| receivers.fates.insert(number.to_owned(), fates.into()));
    }

    pub(super) fn is_opted_out(&self, number: &str) -> bool {
        self.with(|receivers| receivers.opted_out.contains(number))
    }

    fn next(&self, number: &str) -> Fate {
        let next = self.with(|receivers| receivers.fates.get_mut(number).and_then(VecDeque::pop_front));
        next.unwrap_or(Fate::Delivered)
    }

    /// The platform reads along.
    fn read(&self, from: &str, body: &str) {
        let word = body.trim().to_uppercase();
        self.with(|receivers| {
            if STOP_WORDS.contains(&word.as_str()) {
                receivers.opted_out.insert(from.to_owned());
            } else if START_WORDS.contains(&word.as_str()) {
                receivers.opted_out.remove(from);
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Receivers) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Takes an accepted message to its end.
pub(super) async fn deliver(
    shared: Arc<Shared>,
    engine: Option<Engine>,
    message: SentMessage,
    callback: Option<String>,
) {
    let callbacks = engine.zip(callback).and_then(|(engine, url)| {
        let url = engine.absolute(&engine.base_url, &url).ok()?;
        Some(Callbacks::open(&shared, &engine, url, Product::Messaging))
    });
    let stages: &[(&'static str, Option<u32>)] = match shared.texting.next(&message.to) {
        Fate::Delivered => &[("sent", None), ("delivered", None)],
        Fate::Undelivered(code) => &[("sent", None), ("undelivered", Some(code))],
        Fate::Failed(code) => &[("failed", Some(code))],
    };
    for &(status, error_code) in stages {
        sleep(shared.knobs.settings().seconds(STAGE_S)).await;
        let now = shared.clock.now();
        shared.registry.update_text(&message.sid, |record| {
            (record.status, record.error_code) = (status, error_code);
            record.sent = record.sent.or((status != "failed").then_some(now));
        });
        if let Some(callbacks) = &callbacks {
            callbacks.post(status_params(&shared, &message, status, error_code));
        }
    }
    if let Some(callbacks) = callbacks {
        callbacks.close().await;
    }
}

fn status_params(shared: &Shared, message: &SentMessage, status: &str, error_code: Option<u32>) -> Params {
    let mut params = owned([
        ("MessageSid", &message.sid),
        ("SmsSid", &message.sid),
        ("MessageStatus", status),
        ("SmsStatus", status),
        ("AccountSid", &shared.account_sid),
        ("From", &message.from),
        ("To", &message.to),
        ("ApiVersion", "2010-04-01"),
    ]);
    if let Some(code) = error_code {
        params.push(("ErrorCode".to_owned(), code.to_string()));
    }
    if matches!(status, "delivered" | "undelivered") {
        params.push(("RawDlrDoneDate".to_owned(), shared.clock.now().format("%y%m%d%H%M").to_string()));
    }
    params
}

/// Brings a customer's message to the engine.
pub(super) async fn receive(shared: &Arc<Shared>, engine: &Engine, from: &str, body: &str) -> TextAnswer {
    shared.texting.read(from, body);
    let sid = format!("SM{}", Uuid::new_v4().simple());
    let mut params = owned([
        ("MessageSid", &sid),
        ("SmsMessageSid", &sid),
        ("SmsSid", &sid),
        ("SmsStatus", "received"),
        ("AccountSid", &shared.account_sid),
        ("From", from),
        ("To", &shared.phone_number),
        ("Body", body),
        ("NumMedia", "0"),
        ("NumSegments", &segments(body).to_string()),
        ("ApiVersion", "2010-04-01"),
    ]);
    params.extend(["From", "To"].into_iter().flat_map(place));
    let answer = async {
        let url = engine.absolute(&engine.base_url, INBOUND_PATH)?;
        webhook::post(shared, engine, &url, &params, Product::Messaging, &Uuid::new_v4().to_string()).await
    };
    let answer = answer.await;
    let status = answer.as_ref().map_or(0, |answer| answer.status);
    let replies = match answer {
        Ok(answer) if (200..300).contains(&status) => replies(&answer.body),
        Ok(_) => Err(Violation::new("11200", format!("webhook answered {status}"))),
        Err(error) => Err(Violation::new("11200", error)),
    };
    let replies = replies.unwrap_or_else(|violation| {
        shared.violations.push(violation);
        Vec::new()
    });
    TextAnswer { status, replies: if shared.texting.is_opted_out(from) { Vec::new() } else { replies } }
}

/// The texts of a document.
fn replies(document: &str) -> Result<Vec<String>, Violation> {
    if document.trim().is_empty() {
        return Ok(Vec::new());
    }
    let verbs = parse_twiml(document).map_err(|error| Violation::new("12100", error.to_string()))?;
    let text = |verb| match verb {
        Verb::Message(text) => Ok(text),
        other => Err(Violation::new("12200", format!("{other:?} does not answer a message"))),
    };
    verbs.into_iter().map(text).collect()
}

/// How many messages carry a text, as far as it is in the alphabet of telephones.
pub(super) fn segments(body: &str) -> usize {
    body.chars().count().div_ceil(160).max(1)
}
