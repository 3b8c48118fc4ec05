//! What the tests of the HTTP edge need: a state with a registry that answers from a script, and requests as Twilio
//! sends them.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use metrics_exporter_prometheus::PrometheusBuilder;
use otto_actors::actor::{self, ActorError, Behaviour, Mailbox};
use otto_actors::address::Address;
use otto_actors::domain::{
    Appointment, AppointmentId, Bay, BookedTime, CallSid, Customer, CustomerId, PhoneNumber, ServiceRecord, Shop,
    Vehicle,
};
use otto_actors::effects::{EffectId, Fence};
use otto_actors::names::ActorKind;
use otto_actors::ports::{
    Action, BookingStore, Cache, CallEnd, CallProgress, CallRecord, Claim, CustomerStore, JournalRow, JournalStore,
    OutboxRow, OutboxStore, Store, StoreError, SystemClock,
};
use otto_actors::registry::{
    Admission, AttachError, Calls, Purpose, RegistryMsg, RegistryView, StreamEnd, StreamOffer,
};
use otto_actors::reminders::RemindersMsg;
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::mpsc;
use tower::ServiceExt;

use super::{AppParts, AppState, OutboundParts, PublicUrls, router};
use crate::store::{Records, SqliteStore};
use crate::vendors::twilio::signature::SignatureCheck;

pub(super) const BASE: &str = "https://otto.example";
pub(super) const ACCOUNT: &str = "AC1";

/// How the scripted registry answers.
pub(super) struct Script {
    pub(super) admission: Admission,
    pub(super) end: StreamEnd,
    pub(super) attach: Result<(), AttachError>,
}

impl Default for Script {
    fn default() -> Self {
        Self { admission: Admission::Accepted { token: "t1".into() }, end: StreamEnd::HangUp, attach: Ok(()) }
    }
}

struct ScriptedRegistry;

struct Scripted {
    script: Script,
    heard: mpsc::UnboundedSender<String>,
    offers: mpsc::UnboundedSender<StreamOffer>,
}

impl Behaviour for ScriptedRegistry {
    const KIND: ActorKind = ActorKind::Registry;
    type Msg = RegistryMsg;
    type Args = Scripted;
    type State = Scripted;

    async fn start(&self, _: &Mailbox<RegistryMsg>, args: Scripted) -> Result<Scripted, ActorError> {
        Ok(args)
    }

    async fn handle(&self, _: &Mailbox<RegistryMsg>, msg: RegistryMsg, state: &mut Scripted) -> Result<(), ActorError> {
        let Script { admission, end, attach } = &state.script;
        match msg {
            RegistryMsg::Admit { call, reply_to } => {
                let number = |number: Option<PhoneNumber>| number.map(|n| n.as_e164().to_owned()).unwrap_or_default();
                let why =
                    if call.purpose == Purpose::Inbound { String::new() } else { format!(": {:?}", call.purpose) };
                let words = format!("admit {} from {} to {}{why}", call.call, number(call.caller), number(call.line));
                state.heard.send(words)?;
                reply_to.send(admission.clone());
            }
            RegistryMsg::Attach { offer, reply_to } => {
                state.heard.send(format!("attach {} {} {}", offer.call, offer.stream, offer.token))?;
                if attach.is_ok() {
                    let _ = state.offers.send(offer);
                }
                reply_to.send(*attach);
            }
            RegistryMsg::StreamEnded { reply_to, .. } => reply_to.send(Some(end.clone())),
            RegistryMsg::Status { call, progress } => state.heard.send(format!("status {call} {progress:?}"))?,
            RegistryMsg::AnsweredBy { call, by } => state.heard.send(format!("{by:?} took {call}"))?,
            RegistryMsg::View { reply_to } => reply_to.send(RegistryView::default()),
            _ => {}
        }
        Ok(())
    }
}

/// Writes down what it is told.
struct ScriptedReminders;

impl Behaviour for ScriptedReminders {
    const KIND: ActorKind = ActorKind::Reminders;
    type Msg = RemindersMsg;
    type Args = mpsc::UnboundedSender<String>;
    type State = mpsc::UnboundedSender<String>;

    async fn start(&self, _: &Mailbox<RemindersMsg>, heard: Self::Args) -> Result<Self::State, ActorError> {
        Ok(heard)
    }

    async fn handle(
        &self,
        _: &Mailbox<RemindersMsg>,
        msg: RemindersMsg,
        heard: &mut Self::State,
    ) -> Result<(), ActorError> {
        if let RemindersMsg::CallStatus { reminder, attempt, progress } = msg {
            let CallProgress { call, status, answered_by, duration_s, .. } = progress;
            heard.send(format!("{reminder}/{attempt} {call} {status:?} {answered_by:?} {duration_s:?}"))?;
        }
        Ok(())
    }
}

/// The edge under test.
pub(super) struct Edge {
    pub(super) router: Router,
    pub(super) check: SignatureCheck,
    pub(super) heard: mpsc::UnboundedReceiver<String>,
    pub(super) offers: mpsc::UnboundedReceiver<StreamOffer>,
    /// What the ReminderSchedulerActor was told.
    pub(super) reminded: mpsc::UnboundedReceiver<String>,
    /// A database in memory, without customers.
    pub(super) records: Arc<dyn Records>,
    pub(super) ready: Arc<AtomicBool>,
    pub(super) registry: Address<RegistryMsg>,
}

impl Edge {
    /// An edge that checks signatures and has a human at hand.
    pub(super) async fn new(script: Script) -> Self {
        Self::with(script, true, |_| {}).await
    }

    pub(super) async fn with(script: Script, signed: bool, change: impl FnOnce(&mut AppParts)) -> Self {
        let (heard_tx, heard) = mpsc::unbounded_channel();
        let (offers_tx, offers) = mpsc::unbounded_channel();
        let scripted = Scripted { script, heard: heard_tx, offers: offers_tx };
        let registry = Address::default();
        registry.set(Some(actor::spawn(ScriptedRegistry, scripted, None).await.unwrap()));
        let base: url::Url = BASE.parse().unwrap();
        let check = SignatureCheck::new(SecretString::from("12345"), base.clone());
        let ready = Arc::new(AtomicBool::new(true));
        let records: Arc<dyn Records> = Arc::new(SqliteStore::open("sqlite::memory:").await.unwrap());
        let (reminded_tx, reminded) = mpsc::unbounded_channel();
        let reminders = Address::default();
        reminders.set(Some(actor::spawn(ScriptedReminders, reminded_tx, None).await.unwrap()));
        let mut parts = AppParts {
            calls: Calls::new(registry.clone()),
            public: PublicUrls::new(base),
            signatures: signed.then(|| check.clone()),
            account: Some(ACCOUNT.into()),
            shop: Arc::new(Shop::default()),
            escalation: PhoneNumber::parse("+15555550199").ok(),
            store: Arc::new(Nothing { answers: true }),
            cache: Arc::new(Nothing { answers: true }),
            calendar: None,
            outbound: OutboundParts { records: Arc::clone(&records), reminders, notifier: Address::default() },
            operator_token: None,
            clock: Arc::new(SystemClock),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            ready: Arc::clone(&ready),
            waiting_sockets_max: 4,
        };
        change(&mut parts);
        Self { router: router(AppState::new(parts)), check, heard, offers, reminded, records, ready, registry }
    }

    /// Posts a signed form.
    pub(super) async fn post(&self, path: &str, form: &[(&str, &str)]) -> (StatusCode, String) {
        let signature = self.check.sign(&format!("{BASE}{path}"), form.iter().copied());
        self.send(form_request(path, form).header("x-twilio-signature", signature), form).await
    }

    pub(super) async fn send(
        &self,
        request: axum::http::request::Builder,
        form: &[(&str, &str)],
    ) -> (StatusCode, String) {
        let request = request.body(Body::from(encode(form))).unwrap();
        self.call(request).await
    }

    pub(super) async fn get(&self, path: &str) -> (StatusCode, String) {
        self.call(Request::builder().uri(path).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn call(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

pub(super) fn form_request(path: &str, form: &[(&str, &str)]) -> axum::http::request::Builder {
    Request::builder()
        .method(Method::POST)
        .uri(path)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("content-length", encode(form).len())
}

fn encode(form: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
}

/// A store and a cache that hold nothing and answer to a ping, or not.
pub(super) struct Nothing {
    pub(super) answers: bool,
}

fn away<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("a test".into()))
}

#[async_trait]
impl CustomerStore for Nothing {
    async fn customer_by_phone(&self, _: &PhoneNumber) -> Result<Option<Customer>, StoreError> {
        away()
    }
    async fn customer(&self, _: CustomerId) -> Result<Option<Customer>, StoreError> {
        away()
    }
    async fn customers_by_name(&self, _: &str, _: u32) -> Result<Vec<Customer>, StoreError> {
        away()
    }
    async fn vehicles_of(&self, _: CustomerId) -> Result<Vec<Vehicle>, StoreError> {
        away()
    }
    async fn service_history(&self, _: CustomerId, _: u32) -> Result<Vec<ServiceRecord>, StoreError> {
        away()
    }
}

#[async_trait]
impl BookingStore for Nothing {
    async fn appointment(&self, _: AppointmentId) -> Result<Option<Appointment>, StoreError> {
        away()
    }
    async fn upcoming(&self, _: CustomerId, _: DateTime<Utc>) -> Result<Vec<Appointment>, StoreError> {
        away()
    }
    async fn booked_between(&self, _: DateTime<Utc>, _: DateTime<Utc>) -> Result<Vec<BookedTime>, StoreError> {
        away()
    }
    async fn bays(&self) -> Result<Vec<Bay>, StoreError> {
        away()
    }
    async fn bay_count(&self) -> Result<usize, StoreError> {
        away()
    }
}

#[async_trait]
impl JournalStore for Nothing {
    async fn append_events(&self, _: &[JournalRow]) -> Result<(), StoreError> {
        away()
    }
    async fn call_started(&self, _: &CallRecord) -> Result<(), StoreError> {
        away()
    }
    async fn call_ended(&self, _: &CallSid, _: &CallEnd) -> Result<(), StoreError> {
        away()
    }
    async fn call_progress(&self, _: &CallProgress) -> Result<(), StoreError> {
        away()
    }
}

#[async_trait]
impl OutboxStore for Nothing {
    async fn claim_due(&self, _: &Claim<'_>) -> Result<Vec<OutboxRow>, StoreError> {
        away()
    }
    async fn delivered(&self, _: &OutboxRow, _: DateTime<Utc>) -> Result<bool, StoreError> {
        away()
    }
    async fn failed(&self, _: &OutboxRow, _: DateTime<Utc>, _: &str) -> Result<bool, StoreError> {
        away()
    }
    async fn parked(&self, _: &OutboxRow, _: DateTime<Utc>, _: &str) -> Result<bool, StoreError> {
        away()
    }
    async fn given_up(&self) -> Result<u64, StoreError> {
        if self.answers { Ok(0) } else { away() }
    }
    async fn undelivered(&self) -> Result<u64, StoreError> {
        away()
    }
}

#[async_trait]
impl Store for Nothing {
    async fn act(&self, _: &EffectId, _: &Fence, _: Action) -> Result<Value, StoreError> {
        away()
    }
    async fn ping(&self) -> Result<(), StoreError> {
        if self.answers { Ok(()) } else { away() }
    }
}

#[async_trait]
impl Cache for Nothing {
    async fn get(&self, _: &str) -> Option<Bytes> {
        None
    }
    async fn put(&self, _: &str, _: Bytes, _: Duration) -> bool {
        false
    }
    async fn put_new(&self, _: &str, _: Bytes, _: Duration) -> bool {
        false
    }
    async fn put_all(&self, _: &[String], _: Bytes, _: Duration) -> bool {
        false
    }
    async fn remove(&self, _: &str) {}
    async fn ping(&self) -> bool {
        self.answers
    }
}
