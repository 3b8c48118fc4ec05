//! Twilio: its REST API, and the voice platform that rings the engine's webhooks, runs TwiML and holds the media stream
//! while a scripted caller talks. Source: Twilio's documentation and twilio_api_v2010.json of 2026-04-14.

mod call;
mod caller;
mod fields;
mod media;
mod messages;
mod playout;
mod registry;
mod report;
mod rest;
mod script;
mod signature;
mod twiml;
mod webhook;

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use url::Url;

use crate::knobs::Knobs;
use crate::record::{Log, Violation};
use crate::seed::Seed;
use crate::server::Scope;

pub use media::{HandshakeError, MediaSocket, media_handshake};
pub use registry::{OutboundCall, RestRequest, SentMessage};
pub use report::{CallReport, CallerEvent, HeardWord, OttoUtterance, Response, SaidUtterance, Side, What};
pub use script::Step;
pub use signature::sign;
pub use twiml::{Stream, TwimlError, Verb, parse as parse_twiml};

use registry::{Control, Registry};

/// Settings of the platform.
#[derive(Clone, Debug, PartialEq)]
pub struct TwilioSettings {
    /// Pace of every caller's voice.
    pub ms_per_char: u32,
    /// Time that a webhook may take.
    pub webhook_timeout: Duration,
}

impl Default for TwilioSettings {
    fn default() -> Self {
        TwilioSettings { ms_per_char: crate::speech::DEFAULT_MS_PER_CHAR, webhook_timeout: Duration::from_secs(15) }
    }
}

/// What can go wrong. REST faults strike requests, the others strike streams or webhooks.
#[derive(Clone, Debug, PartialEq)]
pub enum TwilioFault {
    /// A REST request is answered with this status and not processed.
    RestStatus {
        /// For example 429 or 500.
        status: u16,
    },
    /// A REST request is never answered.
    RestStall,
    /// A REST request is processed, and its answer is lost.
    RestLostAnswer,
    /// The media socket breaks without a close frame.
    DropStream {
        /// Time since the stream began, in milliseconds.
        after_ms: u64,
    },
    /// The caller's audio stops coming for a while, as on a bad mobile line.
    PauseMedia {
        /// Time since the stream began, in milliseconds.
        after_ms: u64,
        /// How long nothing comes, in milliseconds.
        for_ms: u64,
    },
    /// The media socket's handshake has a wrong signature.
    BadStreamSignature,
    /// Every status callback is sent twice.
    DuplicateStatus,
}

impl TwilioFault {
    pub(crate) fn is_rest(&self) -> bool {
        matches!(self, TwilioFault::RestStatus { .. } | TwilioFault::RestStall | TwilioFault::RestLostAnswer)
    }

    pub(crate) fn is_stream(&self) -> bool {
        !self.is_rest() && !self.is_status()
    }

    pub(crate) fn is_status(&self) -> bool {
        matches!(self, TwilioFault::DuplicateStatus)
    }
}

/// Where the engine is: how Twilio knows it, and where it really listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// The public address, for URLs and signatures.
    pub base_url: Url,
    /// The loopback address that is dialled instead, in plain.
    pub local: SocketAddr,
}

/// A call to be placed.
#[derive(Clone, Debug)]
pub struct CallPlan {
    /// The caller's number, or what stands in its place.
    pub from: String,
    /// The number called; the account's own when `None`.
    pub to: Option<String>,
    /// What the caller does. When the steps are done the caller hangs up.
    pub steps: Vec<Step>,
    /// The caller hangs up after this long, whatever happens.
    pub max_duration: Duration,
    /// Receives every event as it happens.
    pub events: Option<UnboundedSender<CallerEvent>>,
    /// What a `<Dial>` comes to: `completed`, `busy`, `no-answer`, `failed`.
    pub dial_status: String,
    /// `AnsweredBy` of an outbound call, when the engine asked for machine detection.
    pub answered_by: Option<String>,
    /// The call's own sid; a random one when `None`.
    pub call_sid: Option<String>,
}

impl CallPlan {
    /// A caller with this number who does these things.
    pub fn new(from: impl Into<String>, steps: Vec<Step>) -> Self {
        CallPlan {
            from: from.into(),
            to: None,
            steps,
            max_duration: Duration::from_secs(180),
            events: None,
            dial_status: "completed".to_owned(),
            answered_by: None,
            call_sid: None,
        }
    }

    /// Sends every event to `events` as it happens.
    #[must_use]
    pub fn with_events(mut self, events: UnboundedSender<CallerEvent>) -> Self {
        self.events = Some(events);
        self
    }

    /// Hangs up after this long.
    #[must_use]
    pub fn with_max_duration(mut self, max_duration: Duration) -> Self {
        self.max_duration = max_duration;
        self
    }
}

/// A call in progress.
#[derive(Debug)]
pub struct CallHandle {
    /// Its sid.
    pub call_sid: String,
    control: UnboundedSender<Control>,
    report: JoinHandle<CallReport>,
}

impl CallHandle {
    /// Waits for the end of the call.
    ///
    /// # Panics
    /// When the call's task panicked.
    pub async fn report(self) -> CallReport {
        self.report.await.expect("a simulated call does not panic")
    }

    /// The caller hangs up now, wherever the script is.
    pub fn hang_up(&self) {
        let _ = self.control.send(Control::CallerHangsUp);
    }

    /// Whether the call has ended.
    pub fn is_finished(&self) -> bool {
        self.report.is_finished()
    }
}

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

    /// Places an inbound call to the engine.
    ///
    /// # Panics
    /// When no engine was connected.
    pub fn place_call(&self, plan: CallPlan) -> CallHandle {
        self.start(plan, None)
    }

    /// Answers a call that the engine placed: runs the TwiML of its `Url` or `Twiml`.
    ///
    /// # Panics
    /// When no engine was connected.
    pub fn answer(&self, outbound: &OutboundCall, plan: CallPlan) -> CallHandle {
        self.start(plan, Some(outbound.clone()))
    }

    /// Lets a call that the engine placed come to nothing: its status callbacks end with `status`, which is `busy`,
    /// `no-answer`, `failed` or `canceled`.
    ///
    /// # Panics
    /// When no engine was connected.
    pub async fn decline(&self, outbound: &OutboundCall, status: &str) {
        let plan = CallPlan::new(outbound.to.clone(), Vec::new());
        let (call, ..) = call::Call::new(Arc::clone(&self.shared), self.engine(), plan, Some(outbound.clone()));
        self.shared.scope.run(call.decline(status)).await;
    }

    fn engine(&self) -> Engine {
        let engine = self.shared.engine.read().unwrap_or_else(PoisonError::into_inner).clone();
        engine.expect("connect_engine comes before the first call")
    }

    fn start(&self, plan: CallPlan, outbound: Option<OutboundCall>) -> CallHandle {
        let engine = self.engine();
        let (call, control, call_sid) = call::Call::new(Arc::clone(&self.shared), engine, plan, outbound);
        let report = self.shared.scope.tasks.spawn(call.run());
        CallHandle { call_sid, control, report }
    }

    /// Every REST request, whether it was accepted or not.
    pub fn rest_requests(&self) -> &Log<RestRequest> {
        &self.shared.registry.requests
    }

    /// Text messages that were accepted.
    pub fn messages(&self) -> &Log<SentMessage> {
        &self.shared.registry.messages
    }

    /// Calls that the engine placed.
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

#[cfg(test)]
mod tests;
