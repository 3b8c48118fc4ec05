//! Sessions that are open before a call needs them, as the ports that give them away: a call begins without waiting for a
//! handshake. When none is ready the vendor is asked directly, so that its errors reach who decides about them.

mod keeper;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use metrics::Label;
use otto_actors::limits::SAMPLES_PER_MS;
use otto_actors::metrics::Metric;
use otto_actors::ports::{SpeechToText, SttEvent, SttSession, TextToSpeech, TtsSession, VendorError};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use keeper::{Keeper, Kept};

/// A speech-to-text session needs its first audio within 10 s of its opening; KeepAlive alone does not hold one that never
/// had any. 20 ms of mu-law zero are no speech.
const FIRST_AUDIO: Bytes = Bytes::from_static(&[0xFF; (FIRST_AUDIO_MS * SAMPLES_PER_MS) as usize]);
const FIRST_AUDIO_MS: u64 = 20;
/// Takers that wait at the same moment; more connect directly.
const TAKERS: usize = 64;

/// A port with sessions in stock.
pub struct Warm<P: ?Sized, S> {
    port: Arc<P>,
    takers: mpsc::Sender<oneshot::Sender<S>>,
    name: &'static str,
}

/// Where the keeping of sessions runs, and what ends it.
#[derive(Debug, Clone, Default)]
pub struct Background {
    /// Knows when all of it has ended.
    pub tasks: TaskTracker,
    /// Ends it.
    pub end: CancellationToken,
}

impl Background {
    /// Ends all of it and waits until it has.
    pub async fn stop(&self) {
        self.end.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Speech-to-text with so many sessions in stock.
#[must_use]
pub fn speech_to_text(port: Arc<dyn SpeechToText>, count: usize, background: &Background) -> Arc<dyn SpeechToText> {
    let connect = Arc::clone(&port);
    let open = move || {
        let port = Arc::clone(&connect);
        async move { port.connect().await }
    };
    Arc::new(Warm { port, takers: keep(count, open, background), name: "stt" })
}

/// Text-to-speech with so many sessions in stock.
#[must_use]
pub fn text_to_speech(port: Arc<dyn TextToSpeech>, count: usize, background: &Background) -> Arc<dyn TextToSpeech> {
    let connect = Arc::clone(&port);
    let open = move || {
        let port = Arc::clone(&connect);
        async move { port.connect().await }
    };
    Arc::new(Warm { port, takers: keep(count, open, background), name: "tts" })
}

fn keep<S, F>(
    count: usize,
    open: impl Fn() -> F + Send + 'static,
    background: &Background,
) -> mpsc::Sender<oneshot::Sender<S>>
where
    S: Kept,
    F: Future<Output = Result<S, VendorError>> + Send + 'static,
{
    let (takers, taken) = mpsc::channel(TAKERS);
    let end = background.end.clone();
    background.tasks.spawn(end.run_until_cancelled_owned(Keeper::new(count, open, taken).run()));
    takers
}

impl<P: ?Sized, S> Warm<P, S> {
    /// A session from the stock, if there is one.
    async fn take(&self) -> Option<S> {
        let (reply_to, session) = oneshot::channel();
        // A keeper that is busy or gone has none.
        let session = match self.takers.try_send(reply_to) {
            Ok(()) => session.await.ok(),
            Err(_) => None,
        };
        let result = if session.is_some() { "warm" } else { "cold" };
        let labels = [("port", self.name), ("result", result)];
        let labels = labels.map(|(key, value)| Label::from_static_parts(key, value));
        Metric::SessionsTaken.counter(labels.to_vec()).increment(1);
        session
    }
}

#[async_trait]
impl SpeechToText for Warm<dyn SpeechToText, SttSession> {
    async fn connect(&self) -> Result<SttSession, VendorError> {
        match self.take().await {
            Some(session) => Ok(from_its_first_audio(session)),
            None => self.port.connect().await,
        }
    }
}

#[async_trait]
impl TextToSpeech for Warm<dyn TextToSpeech, TtsSession> {
    async fn connect(&self) -> Result<TtsSession, VendorError> {
        match self.take().await {
            Some(session) => Ok(session),
            None => self.port.connect().await,
        }
    }

    async fn synthesize(&self, text: &str) -> Result<Bytes, VendorError> {
        self.port.synthesize(text).await
    }
}

/// The vendor counts the audio that held the session, the session the caller's alone.
fn from_its_first_audio(session: SttSession) -> SttSession {
    let SttSession { input, events } = session;
    SttSession { input, events: events.map(|event| event.map(since_first_audio)).boxed() }
}

fn since_first_audio(event: SttEvent) -> SttEvent {
    let SttEvent::Transcript(mut heard) = event else { return event };
    for time in [Some(&mut heard.audio_start), Some(&mut heard.audio_end), heard.last_word_end.as_mut()] {
        let before = Duration::from_millis(FIRST_AUDIO_MS);
        time.into_iter().for_each(|time| *time = time.saturating_sub(before));
    }
    SttEvent::Transcript(heard)
}
