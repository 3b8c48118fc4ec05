//! What is kept, what is given away, and what a vendor that fails is asked, on simulated time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{SinkExt, sink, stream};
use otto_actors::ports::{SttInput, Transcript, VendorErrorKind};
use tokio::time::sleep;

use super::*;

type Events = mpsc::UnboundedSender<Result<SttEvent, VendorError>>;

/// A vendor whose sessions are numbered from 1 and write down what they are sent.
#[derive(Default)]
struct Vendor {
    connects: AtomicUsize,
    refuses: Mutex<Option<VendorError>>,
    inputs: Arc<Mutex<Vec<(usize, SttInput)>>>,
    sessions: Mutex<Vec<Events>>,
}

#[async_trait]
impl SpeechToText for Vendor {
    async fn connect(&self) -> Result<SttSession, VendorError> {
        let number = self.connects.fetch_add(1, Ordering::SeqCst) + 1;
        // A handshake takes its time.
        sleep(Duration::from_millis(200)).await;
        if let Some(error) = self.refuses.lock().unwrap().clone() {
            return Err(error);
        }
        let (events, heard) = mpsc::unbounded_channel();
        self.sessions.lock().unwrap().push(events);
        let inputs = Arc::clone(&self.inputs);
        let input = sink::unfold((), move |(), input| {
            inputs.lock().unwrap().push((number, input));
            async { Ok(()) }
        });
        let events = stream::unfold(heard, async |mut heard| Some((heard.recv().await?, heard)));
        Ok(SttSession { input: Box::pin(input), events: events.boxed() })
    }
}

impl Vendor {
    fn connects(&self) -> usize {
        self.connects.load(Ordering::SeqCst)
    }

    fn says(&self, session: usize, event: Result<SttEvent, VendorError>) -> bool {
        self.sessions.lock().unwrap()[session - 1].send(event).is_ok()
    }

    fn sent(&self, session: usize) -> Vec<SttInput> {
        let inputs = self.inputs.lock().unwrap();
        inputs.iter().filter(|(number, _)| *number == session).map(|(_, input)| input.clone()).collect()
    }

    /// The sessions that are still open.
    fn open(&self) -> Vec<usize> {
        let sessions = self.sessions.lock().unwrap();
        sessions.iter().zip(1..).filter(|(events, _)| !events.is_closed()).map(|(_, number)| number).collect()
    }
}

fn error(kind: VendorErrorKind) -> VendorError {
    VendorError::new("fake", kind, "scripted")
}

async fn seconds(n: u64) {
    sleep(Duration::from_secs(n)).await;
}

/// A stock of so many, filled.
async fn stock(count: usize) -> (Arc<Vendor>, Arc<dyn SpeechToText>, Background) {
    let (vendor, background) = (Arc::new(Vendor::default()), Background::default());
    let warm = speech_to_text(vendor.clone(), count, &background);
    seconds(5).await;
    assert_eq!(vendor.connects(), count);
    (vendor, warm, background)
}

/// Takes a session and says which it is and whether it was ready.
async fn take(vendor: &Vendor, warm: &Arc<dyn SpeechToText>) -> (usize, bool, SttSession) {
    let before = tokio::time::Instant::now();
    let mut session = warm.connect().await.unwrap();
    let was_ready = before.elapsed().is_zero();
    session.input.send(SttInput::Finish).await.unwrap();
    let number = vendor.inputs.lock().unwrap().last().unwrap().0;
    (number, was_ready, session)
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_ready_is_given_once_and_replaced() {
    let (vendor, warm, _background) = stock(2).await;
    let mut held = Vec::new();
    for (expected, was_ready) in [(2, true), (1, true), (3, false)] {
        let (number, ready, session) = take(&vendor, &warm).await;
        assert_eq!((ready, number.min(3)), (was_ready, expected));
        held.push(session);
    }
    seconds(5).await;
    assert_eq!(vendor.connects(), 5, "three were taken and two are kept");
    assert!(take(&vendor, &warm).await.1);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_held_open() {
    let (vendor, warm, _background) = stock(1).await;
    seconds(20).await;
    let sent = vendor.sent(1);
    assert_eq!(sent[0], SttInput::Audio(FIRST_AUDIO), "within ten seconds of its opening");
    assert!(sent[1..].iter().all(|input| *input == SttInput::KeepAlive));
    assert_eq!(sent.len(), 1 + 6);
    assert_eq!(take(&vendor, &warm).await.0, 1);
    seconds(20).await;
    assert_eq!(vendor.sent(1).len(), 1 + 6 + 1, "whoever took it holds it");
}

#[tokio::test(start_paused = true)]
async fn times_count_from_the_callers_first_audio() {
    let (vendor, warm, _background) = stock(1).await;
    let words = |before_ms: u64| {
        let at = |ms| Duration::from_millis(ms + before_ms);
        let (text, is_final, speech_final) = ("hi".into(), true, true);
        let (audio_start, audio_end, last_word_end) = (at(0), at(500), Some(at(400)));
        SttEvent::Transcript(Transcript { text, is_final, speech_final, audio_start, audio_end, last_word_end })
    };
    vendor.says(1, Ok(SttEvent::SpeechStarted));
    seconds(1).await;
    let mut session = warm.connect().await.unwrap();
    vendor.says(1, Ok(words(20)));
    assert_eq!(session.events.next().await, Some(Ok(words(0))), "and what was said before is not heard");
}

#[tokio::test(start_paused = true)]
async fn what_dies_or_grows_old_is_not_given_away() {
    let (vendor, warm, _background) = stock(1).await;
    vendor.says(1, Err(error(VendorErrorKind::Failed)));
    let (number, was_ready, session) = take(&vendor, &warm).await;
    assert_eq!((number, was_ready), (2, false));
    drop(session);
    seconds(5).await;
    assert_eq!(vendor.open(), [3]);
    seconds(299).await;
    assert_eq!(vendor.open(), [4], "replaced for its age");
    assert_eq!(take(&vendor, &warm).await.0, 4);
}

#[tokio::test(start_paused = true)]
async fn a_vendor_that_refuses_is_asked_ever_less_often_and_its_errors_are_passed_on() {
    let vendor = Arc::new(Vendor::default());
    let busy = VendorError { retry_after: Some(Duration::from_secs(7)), ..error(VendorErrorKind::RateLimited) };
    *vendor.refuses.lock().unwrap() = Some(busy.clone());
    let background = Background::default();
    let warm = speech_to_text(vendor.clone(), 16, &background);
    seconds(60).await;
    let asked = vendor.connects();
    assert!((5..=7).contains(&asked), "one at a time, with pauses that double: {asked}");
    assert_eq!(warm.connect().await.err(), Some(busy));
    *vendor.refuses.lock().unwrap() = None;
    seconds(60).await;
    assert_eq!(vendor.open().len(), 16);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_at_the_end() {
    let (vendor, warm, background) = stock(3).await;
    background.stop().await;
    assert_eq!(vendor.open(), [0; 0]);
    assert!(!take(&vendor, &warm).await.1, "the port goes on without");

    let (vendor, warm, background) = stock(1).await;
    drop(warm);
    background.tasks.close();
    background.tasks.wait().await;
    assert_eq!(vendor.open(), [0; 0], "nobody is left to take one");
}

struct Voice(Arc<AtomicUsize>);

#[async_trait]
impl TextToSpeech for Voice {
    async fn connect(&self) -> Result<TtsSession, VendorError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(TtsSession {
            input: Box::pin(sink::drain().sink_map_err(|never| match never {})),
            events: stream::pending().boxed(),
        })
    }

    async fn synthesize(&self, text: &str) -> Result<Bytes, VendorError> {
        Ok(Bytes::copy_from_slice(text.as_bytes()))
    }
}

#[tokio::test(start_paused = true)]
async fn voices_are_kept_for_less_than_a_minute() {
    let (connects, background) = (Arc::new(AtomicUsize::new(0)), Background::default());
    let warm = text_to_speech(Arc::new(Voice(connects.clone())), 1, &background);
    for (after_s, expected) in [(49, 1), (2, 2), (50, 3)] {
        seconds(after_s).await;
        assert_eq!(connects.load(Ordering::SeqCst), expected);
    }
    drop(warm.connect().await.unwrap());
    seconds(1).await;
    assert_eq!(connects.load(Ordering::SeqCst), 4);
    assert_eq!(warm.synthesize("hi").await, Ok(Bytes::from_static(b"hi")));
}
