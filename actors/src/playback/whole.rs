//! Speech without a socket, as a session: text is synthesised sentence by sentence over the port's other interface. The
//! pump cannot tell it from a socket.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, sink, stream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::limits;
use crate::ports::{TextToSpeech, TtsEvent, TtsInput, TtsSession, VendorError, VendorErrorKind};
use crate::speech;

const TTS: &str = "text-to-speech";

/// A session that is open at once: nothing is sent before there is something to say.
pub(super) fn session(port: Arc<dyn TextToSpeech>) -> TtsSession {
    let (to_voice, inputs) = mpsc::channel(limits::TTS_COMMANDS);
    let input = sink::unfold(to_voice, |to_voice, input| async move {
        let closed = |_| VendorError::new(TTS, VendorErrorKind::Unreachable, "the session has ended");
        to_voice.send(input).await.map_err(closed)?;
        Ok(to_voice)
    });
    let voice = Voice { port, inputs, text: String::new(), waiting: VecDeque::new(), synthesis: None };
    let events = stream::unfold(Some(voice), |voice| async move {
        let mut voice = voice?;
        let event = voice.next().await?;
        // After a failure the session is over.
        let voice = event.is_ok().then_some(voice);
        Some((event, voice))
    });
    TtsSession { input: Box::pin(input), events: events.boxed() }
}

/// What is to be done, in order.
enum Piece {
    Sentence(String),
    Flushed,
}

struct Voice {
    port: Arc<dyn TextToSpeech>,
    inputs: mpsc::Receiver<TtsInput>,
    /// What is no whole sentence yet.
    text: String,
    waiting: VecDeque<Piece>,
    synthesis: Option<BoxFuture<'static, Result<Bytes, VendorError>>>,
}

impl Voice {
    async fn next(&mut self) -> Option<Result<TtsEvent, VendorError>> {
        loop {
            if let Some(event) = self.start_next() {
                return Some(Ok(event));
            }
            let synthesis = async {
                match &mut self.synthesis {
                    Some(synthesis) => synthesis.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                input = self.inputs.recv() => match input? {
                    TtsInput::Speak(text) => self.take(&text),
                    TtsInput::Flush => self.flush(),
                    TtsInput::Clear => {
                        self.forget();
                        return Some(Ok(TtsEvent::Cleared));
                    }
                },
                audio = synthesis => {
                    self.synthesis = None;
                    match audio {
                        // A text without words has no sound.
                        Ok(audio) if audio.is_empty() => {}
                        Ok(audio) => return Some(Ok(TtsEvent::Audio(audio))),
                        Err(error) => return Some(Err(error)),
                    }
                }
            }
        }
    }

    /// Begins with the next sentence, unless one is in hand; says when a flush is through.
    fn start_next(&mut self) -> Option<TtsEvent> {
        if self.synthesis.is_some() {
            return None;
        }
        match self.waiting.pop_front()? {
            Piece::Flushed => Some(TtsEvent::Flushed),
            Piece::Sentence(text) => {
                self.synthesis = Some(synthesise(Arc::clone(&self.port), text).boxed());
                None
            }
        }
    }

    /// Whole sentences need not wait for the flush.
    fn take(&mut self, text: &str) {
        self.text.push_str(text);
        let sentences = speech::sentences(&self.text);
        let (last, whole) = sentences.split_last().map_or(("", &[][..]), |(last, whole)| (*last, whole));
        let rest = last.to_owned();
        self.waiting.extend(whole.iter().map(|sentence| Piece::Sentence((*sentence).to_owned())));
        self.text = rest;
    }

    fn flush(&mut self) {
        let rest = std::mem::take(&mut self.text);
        if !rest.trim().is_empty() {
            self.waiting.push_back(Piece::Sentence(rest));
        }
        self.waiting.push_back(Piece::Flushed);
    }

    fn forget(&mut self) {
        self.text.clear();
        self.waiting.clear();
        self.synthesis = None;
    }
}

async fn synthesise(port: Arc<dyn TextToSpeech>, text: String) -> Result<Bytes, VendorError> {
    let slow = |_| VendorError::new(TTS, VendorErrorKind::TimedOut, "a synthesis took too long");
    timeout(limits::TTS_WHOLE_TIMEOUT_MS, port.synthesize(&text)).await.map_err(slow).and_then(|audio| audio)
}
