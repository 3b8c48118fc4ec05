//! Twilio: its REST API, and the voice platform that rings the engine's webhooks, runs TwiML and holds the media stream
//! while a scripted caller talks. Source: Twilio's documentation and twilio_api_v2010.json of 2026-04-14.

mod amd;
mod call;
mod callbacks;
mod caller;
mod fields;
mod media;
mod messages;
mod phone;
mod placed;
mod plan;
mod playout;
mod progress;
mod registry;
mod report;
mod rest;
mod script;
mod settings;
mod signature;
mod texts;
mod twiml;
mod webhook;

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use chrono::{DateTime, Utc};
use url::Url;
use uuid::Uuid;

use crate::knobs::Knobs;
use crate::record::{Log, Violation};
use crate::seed::Seed;
use crate::server::Scope;

pub use media::{HandshakeError, MediaSocket, media_handshake};
pub use phone::Answer;
pub use plan::{CallHandle, CallPlan};
pub use registry::{CallRecord, MessageRecord, OutboundCall, RestRequest, SentMessage};
pub use report::{CallReport, CallerEvent, HeardWord, OttoUtterance, Response, SaidUtterance, Side, What};
pub use script::Step;
pub use settings::{TwilioFault, TwilioSettings};
pub use signature::sign;
pub use texts::{Fate, TextAnswer};
pub use twiml::{Stream, TwimlError, Verb, parse as parse_twiml};
pub use webhook::Engine;

use registry::Registry;

/// The simulated platform. Clones share everything.
#[derive(Clone, Debug)]
pub struct Twilio {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) account_sid: String,
    pub(crate) auth_token: String,
    pub(crate) phone_number: String,
    pub(crate) knobs: Knobs<TwilioSettings, TwilioFault>,
    pub(crate) registry: Registry,
    phones: phone::Phones,
    texting: texts::Texting,
    pace: placed::Pace,
    clock: settings::Clock,
    pub(crate) violations: Log<Violation>,
    pub(crate) engine: RwLock<Option<Engine>>,
    pub(crate) http: reqwest::Client,
    pub(crate) scope: Scope,
}

impl Twilio {
    pub(crate) fn new(
        account: (&str, &str, &str),
        seed: Seed,
        settings: TwilioSettings,
        scope: Scope,
    ) -> Result<Self, reqwest::Error> {
        let (account_sid, auth_token, phone_number) = account;
        let shared = Shared {
            account_sid: account_sid.to_owned(),
            auth_token: auth_token.to_owned(),
            phone_number: phone_number.to_owned(),
            knobs: Knobs::new(seed, "twilio", settings),
            registry: Registry::default(),
            phones: phone::Phones::default(),
            texting: texts::Texting::default(),
            pace: placed::Pace::default(),
            clock: settings::Clock::default(),
            violations: Log::default(),
            engine: RwLock::new(None),
            http: webhook::client()?,
            scope,
        };
        Ok(Twilio { shared: Arc::new(shared) })
    }

    pub(crate) fn router(&self) -> Router {
        rest::router(Arc::clone(&self.shared))
    }

    /// Says where the engine is. Calls that are in progress keep the address that they began with.
    pub fn connect_engine(&self, base_url: Url, local: SocketAddr) {
        *self.shared.engine.write().unwrap_or_else(PoisonError::into_inner) = Some(Engine { base_url, local });
    }

    /// Settings and faults.
    pub fn knobs(&self) -> &Knobs<TwilioSettings, TwilioFault> {
        &self.shared.knobs
    }

    /// Dates calls and text messages by this clock, in place of the machine's.
    pub fn set_clock(&self, now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) {
        self.shared.clock.set(now);
    }

    /// Says what happens to the engine's next calls to a number, one after the other. Nobody answers any further ones,
    /// nor calls to any other number.
    pub fn phone(&self, number: &str, answers: Vec<Answer>) {
        self.shared.phones.set(number, answers);
    }

    /// Says what becomes of the engine's next text messages to a number; any others arrive.
    pub fn text_fates(&self, number: &str, fates: Vec<Fate>) {
        self.shared.texting.set(number, fates);
    }

    /// Places an inbound call to the engine.
    ///
    /// # Panics
    /// When no engine was connected.
    pub fn place_call(&self, plan: CallPlan) -> CallHandle {
        let (shared, engine) = (&self.shared, self.engine());
        let now = shared.clock.now();
        let record = CallRecord {
            sid: plan.call_sid.clone().unwrap_or_else(|| format!("CA{}", Uuid::new_v4().simple())),
            to: plan.to.clone().unwrap_or_else(|| shared.phone_number.clone()),
            from: plan.from.clone(),
            direction: "inbound",
            status: "ringing",
            created: now,
            started: Some(now),
            answered: None,
            ended: None,
            answered_by: None,
        };
        let parties = fields::Parties::of(&shared.account_sid, &record);
        let progress = progress::Progress::inbound(shared, &engine, parties.clone());
        let call_sid = record.sid.clone();
        let (sender, control) = shared.registry.begin(record);
        let line = call::Line { parties, control, progress, taken: None };
        let call = call::Call::new(Arc::clone(shared), engine, plan, line);
        CallHandle { call_sid, control: sender, report: shared.scope.tasks.spawn(call.run()) }
    }

    /// Brings a customer's text message to the engine, as it is and signed, and returns what the engine answers. Word of
    /// STOP and START is kept as Twilio keeps it: the engine's messages to that number are refused with error 21610.
    ///
    /// # Panics
    /// When no engine was connected.
    pub async fn text(&self, from: &str, body: &str) -> TextAnswer {
        texts::receive(&self.shared, &self.engine(), from, body).await
    }

    fn engine(&self) -> Engine {
        self.shared.engine().expect("connect_engine comes before the first call")
    }

    /// Every REST request, whether it was accepted or not.
    pub fn rest_requests(&self) -> &Log<RestRequest> {
        &self.shared.registry.requests
    }

    /// Text messages that were accepted.
    pub fn messages(&self) -> &Log<SentMessage> {
        &self.shared.registry.messages
    }

    /// How each accepted text message stands, oldest first.
    pub fn message_records(&self) -> Vec<MessageRecord> {
        self.shared.registry.all_texts()
    }

    /// How every call stands, whoever placed it, oldest first.
    pub fn call_records(&self) -> Vec<CallRecord> {
        self.shared.registry.all_calls()
    }

    /// Calls that the engine placed and that are over, in the order in which they ended.
    pub fn ended_calls(&self) -> &Log<CallRecord> {
        &self.shared.registry.ended
    }

    /// What was heard and said in the calls that the engine placed and somebody took, in the order in which they ended.
    pub fn talks(&self) -> &Log<CallReport> {
        &self.shared.registry.talks
    }

    /// Calls that the engine placed, in the order in which it asked for them.
    pub fn outbound_calls(&self) -> &Log<OutboundCall> {
        &self.shared.registry.outbound
    }

    /// What the engine did against the protocol, over all calls.
    pub fn violations(&self) -> &Log<Violation> {
        &self.shared.violations
    }

    /// How many calls are in progress.
    pub fn live_calls(&self) -> usize {
        self.shared.registry.live()
    }
}

impl Shared {
    fn engine(&self) -> Option<Engine> {
        self.engine.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests;
