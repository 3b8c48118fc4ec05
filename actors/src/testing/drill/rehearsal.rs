//! Runs one drill: a world of its own on paused time.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::caller::Caller;
use super::chain::Chain;
use super::ears::Ears;
use super::fault::{Fault, Lasts, Phase, What};
use super::line::Line;
use super::mind::Mind;
use super::records::Trouble;
use super::report::{Aftermath, Report};
use super::stage::Stage;
use super::telephony::Switchboard;
use super::voice::Voice;
use crate::call::Vendors;
use crate::dialogue::BuiltInDialogue;
use crate::domain::{Shop, StreamSid};
use crate::ports::{LanguageModel, StreamEnd};
use crate::registry::{Admission, AfterStream, CallProgress, StreamOffer};
use crate::root::RootMsg;
use crate::testing::log::Log;
use crate::testing::ms;
use crate::testing::store::{FakeCache, FakeStore, KNOWN_PHONE};
use crate::testing::world::{self, Otto, incoming, sid};

/// From the webhook to the media stream.
const CONNECTING: Duration = ms(150);
/// From the stream's end to Twilio's question what comes next.
const ASKING: Duration = ms(80);
/// Everything of a call is gone by then.
const CLEANING: Duration = Duration::from_secs(30);
/// A second booking would find a bay.
const BAYS: i64 = 2;

/// One call with one fault.
pub(crate) fn run(fault: Fault, phase: Phase, seed: u64) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(rehearse(fault, phase, seed))
}

struct Set {
    stage: Stage,
    line: Line,
    store: Arc<FakeStore>,
    told: Log<StreamEnd>,
    otto: Otto,
}

/// A fault that ends is the vendor's alone to get over; behind one that does not, there is a last resort.
fn thinker(stage: &Stage, shop: &Arc<Shop>) -> Arc<dyn LanguageModel> {
    let mind = Mind::new(stage.clone(), Arc::clone(shop));
    match stage.fault().lasts {
        Lasts::Always => Arc::new(Chain::new(stage.clone(), mind, BuiltInDialogue::new(Arc::clone(shop)))),
        Lasts::Times(_) | Lasts::For(_) => Arc::new(mind),
    }
}

async fn build(fault: Fault, phase: Phase, seed: u64) -> Set {
    let stage = Stage::new(fault, phase, seed);
    let (line, told, shop) = (Line::default(), Log::default(), Arc::new(Shop::default()));
    let store = Arc::new(FakeStore { gate: Some(Arc::new(Trouble(stage.clone()))), ..FakeStore::default() });
    store.change(|records| records.bays = BAYS);
    let vendors = Vendors {
        stt: Arc::new(Ears::new(stage.clone())),
        tts: Arc::new(Voice::new(stage.clone())),
        model: thinker(&stage, &shop),
        telephony: Some(Arc::new(Switchboard { stage: stage.clone(), line: line.clone(), told: told.clone() })),
    };
    let otto = world::start(vendors, shop, store.clone(), Arc::<FakeCache>::default()).await;
    let (calls, root) = (otto.calls.clone(), otto.root.clone());
    stage.on_strike(move |what| match what {
        What::Leg(leg) => calls.crash_leg(&sid(1), leg),
        What::Shared(shared) => drop(root.cast(RootMsg::Crash(shared))),
        _ => {}
    });
    Set { stage, line, store, told, otto }
}

async fn rehearse(fault: Fault, phase: Phase, seed: u64) -> Report {
    let Set { stage, line, store, told, otto } = build(fault, phase, seed).await;
    let of_call = matches!(fault.what, What::Leg(_));
    if !of_call {
        stage.reached(Phase::Ringing);
    }
    let Ok(Admission::Accepted { token }) = otto.calls.admit(incoming(1, KNOWN_PHONE)).await else {
        panic!("the call was refused")
    };
    tokio::time::sleep(CONNECTING).await;
    stage.reached(Phase::Ringing);
    let (source, sink) = line.socket();
    let stream = StreamSid::parse("MZ1").unwrap();
    if let Err(error) = otto.calls.attach(StreamOffer { call: sid(1), stream, token, source, sink }).await {
        // Twilio's socket is closed, and Twilio asks what comes next.
        stage.note(format!("the stream is refused: {error}"));
        line.ends();
    }
    let story = Caller::new(stage.clone(), line.clone()).lives().await;
    line.ends();
    tokio::time::sleep(ASKING).await;
    let AfterStream::Ends(verdict) = otto.calls.stream_ended(&sid(1)).await else {
        panic!("no drill loses the stream, and nobody is there to open another one")
    };
    stage.note(format!("twilio asks: {verdict:?}"));
    otto.calls.call_status(&sid(1), CallProgress::Over);
    let drained = otto.calls.drain(CLEANING).await;
    let view = otto.calls.view().await.ok();
    otto.root.stop();
    let stopped = timeout(CLEANING, otto.root.ended()).await.is_ok();
    if !stopped {
        stage.wrong("the root does not stop");
    }
    Aftermath {
        story,
        verdict,
        told: told.all(),
        bookings: store.appointments().len(),
        struck: stage.has_struck(),
        residue: view.filter(|_| drained).map(|view| view.residue),
        wrongs: stage.wrongs(),
        log: stage.log(),
    }
    .judge()
}
