//! Speech-to-text that hears what the test says.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::sink;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::PATIENCE;
use super::log::Log;
use super::timed::{OnDrop, Timed};
use crate::ports::{SpeechToText, SttEvent, SttInput, SttSession, Transcript, VendorError};

type Events = Timed<Result<SttEvent, VendorError>>;

#[derive(Clone)]
struct Live {
    number: usize,
    opened: Instant,
    events: Events,
}

/// The latest session is the one that hears.
pub(crate) struct FakeStt {
    live: Arc<watch::Sender<Option<Live>>>,
    /// Answers to the next connects, before they succeed.
    pub(crate) refusals: Mutex<VecDeque<VendorError>>,
    /// What each session was sent.
    pub(crate) inputs: Log<(usize, Instant, SttInput)>,
    /// When sessions were opened or refused.
    pub(crate) connects: Log<Instant>,
}

impl Default for FakeStt {
    fn default() -> Self {
        let (refusals, inputs, connects) = Default::default();
        Self { live: Arc::new(watch::Sender::new(None)), refusals, inputs, connects }
    }
}

impl FakeStt {
    async fn session(&self) -> Live {
        let mut watching = self.live.subscribe();
        let live = timeout(PATIENCE, watching.wait_for(Option::is_some)).await;
        live.expect("no speech-to-text session").unwrap().clone().unwrap()
    }

    /// An event, once a session is open.
    pub(crate) async fn event(&self, event: SttEvent) {
        self.session().await.events.now(Ok(event));
    }

    /// Breaks the session that is open.
    pub(crate) async fn breaks(&self, error: VendorError) {
        self.session().await.events.now(Err(error));
    }

    /// The caller says a whole utterance, at this very moment, to the session that is open.
    pub(crate) fn says_now(&self, text: &str) {
        // Without a session nobody hears it.
        let Some(live) = self.live.borrow().clone() else { return };
        let (text, audio_end) = (text.to_owned(), live.opened.elapsed());
        let words = Transcript { text, is_final: true, speech_final: true, audio_end, ..Transcript::default() };
        live.events.now(Ok(SttEvent::Transcript(words)));
    }

    async fn transcript(&self, text: &str, is_final: bool, speech_final: bool) {
        // Time passes while somebody speaks, so that two utterances never end at the same moment of the audio.
        tokio::time::advance(std::time::Duration::from_millis(10)).await;
        let live = self.session().await;
        let audio_end = live.opened.elapsed();
        let text = text.to_owned();
        let words = Transcript { text, is_final, speech_final, audio_end, ..Transcript::default() };
        live.events.now(Ok(SttEvent::Transcript(words)));
    }

    /// The caller says a whole utterance.
    pub(crate) async fn says(&self, text: &str) {
        self.transcript(text, true, true).await;
    }

    /// The caller has begun to say something.
    pub(crate) async fn begins(&self, text: &str) {
        self.transcript(text, false, false).await;
    }
}

#[async_trait]
impl SpeechToText for FakeStt {
    async fn connect(&self) -> Result<SttSession, VendorError> {
        self.connects.push(Instant::now());
        if let Some(error) = self.refusals.lock().unwrap().pop_front() {
            return Err(error);
        }
        let (number, opened, events) = (self.connects.len(), Instant::now(), Events::default());
        self.live.send_replace(Some(Live { number, opened, events: events.clone() }));
        let inputs = self.inputs.clone();
        let input = sink::unfold(inputs, move |inputs, input| async move {
            inputs.push((number, Instant::now(), input));
            Ok(inputs)
        });
        let live = Arc::clone(&self.live);
        let gone = OnDrop(move || {
            live.send_if_modified(|live| live.take_if(|live| live.number == number).is_some());
        });
        Ok(SttSession { input: Box::pin(input), events: events.stream(gone) })
    }
}
