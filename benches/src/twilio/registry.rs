//! What the platform keeps: calls and text messages by sid, and everything that REST asked for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::CallReport;
use crate::record::Log;

/// A request to the REST API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestRequest {
    /// The HTTP method.
    pub method: String,
    /// The path.
    pub path: String,
    /// Decoded fields of the form, or of the query of a GET; repeated names kept.
    pub params: Vec<(String, String)>,
    /// The status that it was answered with.
    pub status: u16,
}

/// A text message that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMessage {
    /// Its sid.
    pub sid: String,
    /// Receiver.
    pub to: String,
    /// Sender, a number or a messaging service.
    pub from: String,
    /// The text.
    pub body: String,
}

/// How a text message stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageRecord {
    /// What was asked for.
    pub message: SentMessage,
    /// Such as `queued` or `delivered`.
    pub status: &'static str,
    /// Why it was not delivered.
    pub error_code: Option<u32>,
    /// When it was accepted.
    pub created: DateTime<Utc>,
    /// When it was sent.
    pub sent: Option<DateTime<Utc>>,
}

/// A call that the engine placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundCall {
    /// Its sid.
    pub sid: String,
    /// The number called.
    pub to: String,
    /// The caller id.
    pub from: String,
    /// Every field of the request.
    pub params: Vec<(String, String)>,
}

impl OutboundCall {
    /// The first value of a field.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// How a call stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallRecord {
    /// Its sid.
    pub sid: String,
    /// The number called.
    pub to: String,
    /// The calling number.
    pub from: String,
    /// `inbound` or `outbound-api`.
    pub direction: &'static str,
    /// Such as `queued`, `in-progress` or `no-answer`.
    pub status: &'static str,
    /// When it was asked for, or came in.
    pub created: DateTime<Utc>,
    /// When it was dialled.
    pub started: Option<DateTime<Utc>>,
    /// When it was picked up.
    pub answered: Option<DateTime<Utc>>,
    /// When it was over.
    pub ended: Option<DateTime<Utc>>,
    /// What machine detection has said.
    pub answered_by: Option<&'static str>,
}

impl CallRecord {
    /// How long it was talked, in whole seconds that have begun; none before the end, or when nobody answered.
    pub fn duration_s(&self) -> Option<u64> {
        let ms = (self.ended? - self.answered?).num_milliseconds();
        Some(u64::try_from(ms).unwrap_or(0).div_ceil(1_000))
    }
}

/// What happens to a live call from outside.
#[derive(Debug)]
pub(crate) enum Control {
    /// REST ended it.
    Complete,
    /// REST ended it, provided that nobody has answered yet.
    Cancel,
    /// REST gave it a new document.
    Replace(String),
    /// REST gave it a new document at this URL.
    Fetch(String),
    /// The caller hung up.
    CallerHangsUp,
}

impl Control {
    /// Whether it may happen to a call that stands like this.
    fn fits(&self, status: &str) -> bool {
        match self {
            Control::Complete | Control::CallerHangsUp => true,
            Control::Cancel => status != "in-progress",
            Control::Replace(_) | Control::Fetch(_) => status == "in-progress",
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Registry {
    calls: Mutex<Calls>,
    texts: Mutex<Vec<MessageRecord>>,
    pub(crate) requests: Log<RestRequest>,
    pub(crate) messages: Log<SentMessage>,
    pub(crate) outbound: Log<OutboundCall>,
    pub(crate) ended: Log<CallRecord>,
    pub(crate) talks: Log<CallReport>,
}

#[derive(Debug, Default)]
struct Calls {
    records: Vec<CallRecord>,
    places: HashMap<String, usize>,
    live: HashMap<String, UnboundedSender<Control>>,
}

impl Calls {
    fn record(&self, sid: &str) -> Option<&CallRecord> {
        self.places.get(sid).map(|&place| &self.records[place])
    }
}

/// What a control came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Delivered(CallRecord),
    /// The call has ended, or has not been answered yet.
    Refused,
    Unknown,
}

/// Both ends of a call's controls.
pub(crate) type Controls = (UnboundedSender<Control>, UnboundedReceiver<Control>);

impl Registry {
    pub(crate) fn begin(&self, record: CallRecord) -> Controls {
        let (sender, receiver) = unbounded_channel();
        let mut calls = self.calls();
        calls.live.insert(record.sid.clone(), sender.clone());
        let place = calls.records.len();
        calls.places.insert(record.sid.clone(), place);
        calls.records.push(record);
        (sender, receiver)
    }

    pub(crate) fn update(&self, sid: &str, change: impl FnOnce(&mut CallRecord)) {
        let mut calls = self.calls();
        if let Some(place) = calls.places.get(sid).copied() {
            change(&mut calls.records[place]);
        }
    }

    /// The call is over.
    pub(crate) fn end(&self, sid: &str, status: &'static str, now: DateTime<Utc>) {
        let mut calls = self.calls();
        calls.live.remove(sid);
        let Some(place) = calls.places.get(sid).copied() else { return };
        let record = &mut calls.records[place];
        (record.status, record.ended) = (status, Some(now));
        if record.direction != "inbound" {
            self.ended.push(record.clone());
        }
    }

    pub(crate) fn deliver(&self, sid: &str, control: Control) -> Delivery {
        let calls = self.calls();
        let Some(record) = calls.record(sid) else { return Delivery::Unknown };
        match calls.live.get(sid) {
            Some(live) if control.fits(record.status) && live.send(control).is_ok() => {
                Delivery::Delivered(record.clone())
            }
            _ => Delivery::Refused,
        }
    }

    pub(crate) fn live(&self) -> usize {
        self.calls().live.len()
    }

    pub(crate) fn call(&self, sid: &str) -> Option<CallRecord> {
        self.calls().record(sid).cloned()
    }

    /// Every call, oldest first.
    pub(crate) fn all_calls(&self) -> Vec<CallRecord> {
        self.calls().records.clone()
    }

    pub(crate) fn accept(&self, record: MessageRecord) {
        self.messages.push(record.message.clone());
        self.texts().push(record);
    }

    pub(crate) fn update_text(&self, sid: &str, change: impl FnOnce(&mut MessageRecord)) {
        if let Some(record) = self.texts().iter_mut().find(|record| record.message.sid == sid) {
            change(record);
        }
    }

    /// Every text message that was accepted, oldest first.
    pub(crate) fn all_texts(&self) -> Vec<MessageRecord> {
        self.texts().clone()
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn texts(&self) -> MutexGuard<'_, Vec<MessageRecord>> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
