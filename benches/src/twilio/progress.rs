//! How a call goes, as the platform keeps it and as it tells the engine: the record and the status callbacks, which belong
//! together since the callbacks say what the record says.

use std::sync::Arc;

use super::callbacks::Callbacks;
use super::fields::Parties;
use super::registry::{CallRecord, OutboundCall};
use super::webhook::Product;
use super::{Engine, Shared};

/// The number's status callback.
const STATUS_PATH: &str = "/api/v1/webhooks/call-status";

/// The progress of one call.
#[derive(Debug)]
pub(super) struct Progress {
    shared: Arc<Shared>,
    parties: Parties,
    /// Events that the engine wants to hear of.
    wanted: Vec<String>,
    callbacks: Option<Callbacks>,
    sequence: u32,
}

impl Progress {
    /// Of a call that the engine placed: it has said where and of what it wants to be told.
    pub(super) fn placed(shared: &Arc<Shared>, engine: &Engine, parties: Parties, call: &OutboundCall) -> Self {
        let events = call.params.iter().filter(|(name, _)| name == "StatusCallbackEvent");
        let mut wanted: Vec<String> = events.flat_map(|(_, e)| e.split(' ').map(str::to_owned)).collect();
        if wanted.is_empty() {
            wanted.push("completed".to_owned());
        }
        Self::open(shared, engine, parties, wanted, call.param("StatusCallback"))
    }

    /// Of a call to the number, for which only the end is reported.
    pub(super) fn inbound(shared: &Arc<Shared>, engine: &Engine, parties: Parties) -> Self {
        Self::open(shared, engine, parties, vec!["completed".to_owned()], Some(STATUS_PATH))
    }

    fn open(shared: &Arc<Shared>, engine: &Engine, parties: Parties, wanted: Vec<String>, url: Option<&str>) -> Self {
        let url = url.and_then(|url| engine.absolute(&engine.base_url, url).ok());
        let callbacks = url.map(|url| Callbacks::open(shared, engine, url, Product::Voice));
        Progress { shared: Arc::clone(shared), parties, wanted, callbacks, sequence: 0 }
    }

    /// Changes the record.
    pub(super) fn update(&self, change: impl FnOnce(&mut CallRecord)) {
        self.shared.registry.update(&self.parties.call_sid, change);
    }

    /// Tells of an event, which is not what the status is called: `answered` comes with `in-progress`.
    pub(super) fn tell(&mut self, event: &str, status: &str) {
        let Some(callbacks) = self.callbacks.as_ref().filter(|_| self.wanted.iter().any(|wanted| wanted == event))
        else {
            return;
        };
        let mut params = self.parties.voice(status);
        let mut add = |name: &str, value: String| params.push((name.to_owned(), value));
        add("Timestamp", self.shared.clock.now().to_rfc2822());
        add("CallbackSource", "call-progress-events".to_owned());
        add("SequenceNumber", self.sequence.to_string());
        if event == "completed" {
            let record = self.shared.registry.call(&self.parties.call_sid);
            let seconds = record.and_then(|record| record.duration_s()).unwrap_or(0);
            add("CallDuration", seconds.to_string());
            add("Duration", seconds.div_ceil(60).to_string());
            add("SipResponseCode", sip_code(status).to_owned());
        }
        self.sequence += 1;
        callbacks.post(params);
    }

    /// The call is over: the record says so, and everything has been told.
    pub(super) async fn end(mut self, status: &'static str) {
        self.shared.registry.end(&self.parties.call_sid, status, self.shared.clock.now());
        self.tell("completed", status);
        if let Some(callbacks) = self.callbacks {
            callbacks.close().await;
        }
    }

    /// The call is over, and nobody is told.
    pub(super) fn end_in_silence(self, status: &'static str) {
        self.shared.registry.end(&self.parties.call_sid, status, self.shared.clock.now());
    }
}

fn sip_code(status: &str) -> &'static str {
    match status {
        "busy" => "486",
        "no-answer" | "canceled" => "487",
        "failed" => "404",
        _ => "200",
    }
}
