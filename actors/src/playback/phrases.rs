//! The audio of fixed texts, ready before they are needed: what is said from here needs no vendor and no time. Shared by
//! all calls; replaced whole at every change, so that a call reads it without a lock.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::time::{sleep, timeout};

use crate::limits;
use crate::ports::{TextToSpeech, VendorError, VendorErrorKind};

/// The fixed texts of one voice.
pub struct Phrases {
    port: Arc<dyn TextToSpeech>,
    audio: ArcSwap<HashMap<String, Bytes>>,
}

/// The audio of a text of one call, such as its greeting by name.
#[derive(Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The text, exactly as it will be said.
    pub text: String,
    /// Mu-law 8 kHz mono.
    pub audio: Bytes,
}

/// The text may hold a name.
impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prepared({} samples)", self.audio.len())
    }
}

impl Phrases {
    /// No phrase is ready yet.
    #[must_use]
    pub fn new(port: Arc<dyn TextToSpeech>) -> Self {
        Self { port, audio: ArcSwap::default() }
    }

    /// The audio of exactly this text, if it is ready.
    #[must_use]
    pub fn get(&self, text: &str) -> Option<Bytes> {
        self.audio.load().get(text).cloned()
    }

    /// Makes texts ready, one after the other so that calls are not held up, each as often as it takes. To be run by one
    /// task. A text that the vendor refuses for good, or that does not fit, is left out: it is then said like any other.
    pub async fn fill(&self, texts: Vec<String>) {
        for text in texts {
            if self.get(&text).is_none()
                && let Some(audio) = self.obtain(&text).await
            {
                self.keep(text, audio);
            }
        }
    }

    /// Synthesises a text once, for one call.
    ///
    /// # Errors
    /// When the vendor fails or takes too long; the text is then said like any other.
    pub async fn prepare(&self, text: String) -> Result<Prepared, VendorError> {
        let audio = self.synthesise(&text).await?;
        Ok(Prepared { text, audio })
    }

    async fn obtain(&self, text: &str) -> Option<Bytes> {
        let mut pause = limits::PHRASE_RETRY_FIRST_MS;
        loop {
            match self.synthesise(text).await {
                Ok(audio) => return Some(audio).filter(|audio| !audio.is_empty()),
                Err(error) if !error.is_transient() => return None,
                Err(error) => sleep(pause.max(error.retry_after.unwrap_or(Duration::ZERO))).await,
            }
            pause = (pause * 2).min(limits::PHRASE_RETRY_MAX_MS);
        }
    }

    async fn synthesise(&self, text: &str) -> Result<Bytes, VendorError> {
        let slow = |_| VendorError::new("text-to-speech", VendorErrorKind::TimedOut, "a synthesis took too long");
        timeout(limits::PHRASE_TIMEOUT_MS, self.port.synthesize(text)).await.map_err(slow).and_then(|audio| audio)
    }

    /// Only [`Self::fill`] writes, so nothing is lost between reading and replacing.
    fn keep(&self, text: String, audio: Bytes) {
        let mut all = HashMap::clone(&self.audio.load());
        let kept: usize = all.values().map(Bytes::len).sum();
        if kept + audio.len() <= limits::PHRASES_MAX_BYTES {
            all.insert(text, audio);
            self.audio.store(Arc::new(all));
        }
    }
}

impl std::fmt::Debug for Phrases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Phrases")
    }
}

/// What one PlaybackActor can say without a session.
#[derive(Debug)]
pub(super) struct Repertoire {
    pub(super) shared: Arc<Phrases>,
    pub(super) prepared: Option<Prepared>,
    /// What is said when speech is away for a moment.
    pub(super) filler: String,
}

impl Repertoire {
    pub(super) fn get(&self, text: &str) -> Option<Bytes> {
        let own = self.prepared.as_ref().filter(|own| own.text == text).map(|own| own.audio.clone());
        own.or_else(|| self.shared.get(text))
    }

    /// This text has been said, as far as it will be. If it was synthesised for this call, seconds of audio are not kept for
    /// the rest of it.
    pub(super) fn said(&mut self, text: &str) {
        self.prepared.take_if(|own| own.text == text);
    }

    pub(super) fn filler(&self) -> Option<Bytes> {
        self.get(&self.filler)
    }
}
