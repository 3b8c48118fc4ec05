//! A whole Otto on fakes: the root supervisor with its shared actors, and callers who dial in.

use std::sync::Arc;

use tokio::time::timeout;

use super::model::FakeModel;
use super::phone::Phone;
use super::store::{FakeCache, FakeStore};
use super::stt::FakeStt;
use super::telephony::FakeTelephony;
use super::tts::FakeTts;
use super::{FakeClock, PATIENCE};
use crate::actor;
use crate::call::{Outside, Vendors};
use crate::domain::{CallSid, PhoneNumber, Shop, StreamSid};
use crate::names::Leg;
use crate::ports::{Cache, Store};
use crate::registry::{Admission, AfterStream, AttachError, Calls, IncomingCall, Purpose, StreamEnd, StreamOffer};
use crate::root::{Addresses, RootArgs, RootRef, RootSupervisor};

/// Otto and everything outside.
pub(crate) struct World {
    pub(crate) stt: Arc<FakeStt>,
    pub(crate) tts: Arc<FakeTts>,
    pub(crate) model: Arc<FakeModel>,
    pub(crate) store: Arc<FakeStore>,
    pub(crate) cache: Arc<FakeCache>,
    pub(crate) telephony: Arc<FakeTelephony>,
    pub(crate) addresses: Addresses,
    pub(crate) calls: Calls,
    pub(crate) root: RootRef,
}

pub(crate) const MAX_CALLS: usize = 3;
pub(crate) const COLLEAGUE: &str = "+15555550199";

/// A call's name, by its number.
pub(crate) fn sid(number: u32) -> CallSid {
    CallSid::parse(&format!("CA{number}")).unwrap()
}

pub(crate) fn incoming(number: u32, caller: &str) -> IncomingCall {
    IncomingCall { call: sid(number), caller: PhoneNumber::parse(caller).ok(), line: None, purpose: Purpose::Inbound }
}

/// A running Otto.
pub(crate) struct Otto {
    pub(crate) addresses: Addresses,
    pub(crate) calls: Calls,
    pub(crate) root: RootRef,
}

/// Starts an Otto on these vendors and records, on a Monday morning, with a colleague to transfer to.
pub(crate) async fn start(vendors: Vendors, shop: Arc<Shop>, store: Arc<dyn Store>, cache: Arc<dyn Cache>) -> Otto {
    let addresses = Addresses::default();
    let (reminders, texts) = (Arc::<FakeStore>::default(), Arc::<FakeStore>::default());
    let clock = Arc::new(FakeClock::monday_morning());
    let escalation = PhoneNumber::parse(COLLEAGUE).ok();
    let outside = Outside::new(vendors, clock, shop, escalation, &addresses);
    let args = RootArgs {
        addresses: addresses.clone(),
        store,
        cache,
        calendar: None,
        reminders,
        texts,
        outside: Arc::new(outside),
        max_calls: MAX_CALLS,
    };
    let root = actor::spawn(RootSupervisor, args, None).await.unwrap();
    let calls = Calls::new(addresses.registry.clone());
    Otto { addresses, calls, root }
}

impl World {
    pub(crate) async fn new(model: FakeModel) -> Self {
        Self::with(model, FakeStore::default()).await
    }

    pub(crate) async fn with(model: FakeModel, store: FakeStore) -> Self {
        let (stt, tts, cache, telephony) =
            (Arc::<FakeStt>::default(), Arc::<FakeTts>::default(), Arc::<FakeCache>::default(), Arc::default());
        let (model, store): (_, Arc<FakeStore>) = (Arc::new(model), Arc::new(store));
        let telephony: Arc<FakeTelephony> = telephony;
        let vendors =
            Vendors { stt: stt.clone(), tts: tts.clone(), model: model.clone(), telephony: Some(telephony.clone()) };
        let Otto { addresses, calls, root } =
            start(vendors, Arc::new(Shop::default()), store.clone(), cache.clone()).await;
        Self { stt, tts, model, store, cache, telephony, addresses, calls, root }
    }

    pub(crate) async fn admit(&self, number: u32, caller: &str) -> Admission {
        self.calls.admit(incoming(number, caller)).await.unwrap()
    }

    pub(crate) async fn attach(&self, number: u32, token: &str, phone: &Phone) -> Result<(), AttachError> {
        let (source, sink) = phone.socket();
        let stream = StreamSid::parse(&format!("MZ{number}")).unwrap();
        self.calls.attach(StreamOffer { call: sid(number), stream, token: token.into(), source, sink }).await
    }

    /// A caller dials and is connected.
    pub(crate) async fn dial(&self, caller: &str) -> Phone {
        let Admission::Accepted { token } = self.admit(1, caller).await else { panic!("the call was refused") };
        let phone = Phone::new();
        self.attach(1, &token, &phone).await.unwrap();
        phone
    }

    /// Otto calls Maria, who has answered.
    pub(crate) async fn calls_maria(&self, purpose: Purpose) -> Phone {
        let call = IncomingCall { purpose, ..incoming(1, super::store::KNOWN_PHONE) };
        let Ok(Admission::Accepted { token }) = self.calls.admit(call).await else { panic!("the call was refused") };
        let phone = Phone::new();
        self.attach(1, &token, &phone).await.unwrap();
        phone
    }

    pub(crate) fn crash(&self, leg: Leg) {
        self.calls.crash_leg(&sid(1), leg);
    }

    /// Twilio asks what comes after the stream, as it does when the stream is over.
    pub(crate) async fn verdict(&self) -> StreamEnd {
        match self.calls.stream_ended(&sid(1)).await {
            AfterStream::Ends(end) => end,
            AfterStream::GoesOn { .. } => panic!("the call goes on"),
        }
    }

    /// Twilio asks what comes after the stream, which nobody has ended, and opens the next one.
    pub(crate) async fn rejoin(&self) -> Phone {
        let AfterStream::GoesOn { token } = self.calls.stream_ended(&sid(1)).await else {
            panic!("the call has ended")
        };
        let phone = Phone::new();
        self.attach(1, &token, &phone).await.unwrap();
        phone
    }

    /// Waits until the last call has ended and checks that nothing is left of any.
    pub(crate) async fn leaves_nothing(self) -> Arc<FakeStore> {
        assert!(self.calls.drain(PATIENCE).await, "a call goes on: {:?}", self.calls.view().await);
        let view = self.calls.view().await.unwrap();
        assert_eq!((view.residue, view.ending, view.live.len()), (0, 0, 0));
        self.root.stop();
        assert!(timeout(PATIENCE, self.root.ended()).await.is_ok(), "the root does not end");
        self.store
    }
}
