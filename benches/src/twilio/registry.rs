//! What the platform keeps: live calls by sid, and everything that REST asked for.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

use crate::record::Log;

/// A request to the REST API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestRequest {
    /// The path.
    pub path: String,
    /// Decoded form fields, repeated names kept.
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

/// A call that the engine placed. It rings until [`super::Twilio::answer`] is called for it.
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

/// What happens to a live call from outside.
#[derive(Debug)]
pub(crate) enum Control {
    /// REST ended it.
    Complete,
    /// REST gave it a new document.
    Replace(String),
    /// REST gave it a new document at this URL.
    Fetch(String),
    /// The caller hung up.
    CallerHangsUp,
}

#[derive(Debug, Default)]
pub(crate) struct Registry {
    calls: Mutex<Calls>,
    pub(crate) requests: Log<RestRequest>,
    pub(crate) messages: Log<SentMessage>,
    pub(crate) outbound: Log<OutboundCall>,
}

#[derive(Debug, Default)]
struct Calls {
    live: HashMap<String, UnboundedSender<Control>>,
    ended: HashSet<String>,
}

/// What a control came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Delivered,
    /// The call has ended.
    Ended,
    Unknown,
}

impl Registry {
    pub(crate) fn begin(&self, sid: &str, control: UnboundedSender<Control>) {
        self.lock().live.insert(sid.to_owned(), control);
    }

    pub(crate) fn end(&self, sid: &str) {
        let mut calls = self.lock();
        calls.live.remove(sid);
        calls.ended.insert(sid.to_owned());
    }

    pub(crate) fn deliver(&self, sid: &str, control: Control) -> Delivery {
        let calls = self.lock();
        match calls.live.get(sid) {
            Some(live) if live.send(control).is_ok() => Delivery::Delivered,
            Some(_) => Delivery::Ended,
            None if calls.ended.contains(sid) => Delivery::Ended,
            None => Delivery::Unknown,
        }
    }

    pub(crate) fn live(&self) -> usize {
        self.lock().live.len()
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
