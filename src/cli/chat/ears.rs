//! Speech to text where the caller types: every line is one whole utterance.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt as _, sink, stream};
use otto_actors::ports::{SpeechToText, SttEvent, SttInput, SttSession, Transcript, VendorError};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// Lines that wait for a session; the terminal gives one at a time.
const LINES_WAITING: usize = 16;
/// How much of the session's audio a line stands for: words at the same place would be taken for the same words.
const LINE_LASTS: Duration = Duration::from_secs(1);

/// Hears what is typed.
#[derive(Debug, Clone)]
pub(super) struct TypedEars {
    lines: broadcast::Sender<String>,
}

impl TypedEars {
    pub(super) fn new() -> Self {
        Self { lines: broadcast::channel(LINES_WAITING).0 }
    }

    /// The caller has typed this. False when no session is open to hear it.
    pub(super) fn hear(&self, line: String) -> bool {
        self.lines.send(line).is_ok()
    }
}

#[async_trait]
impl SpeechToText for TypedEars {
    async fn connect(&self) -> Result<SttSession, VendorError> {
        let input = sink::unfold((), |(), _: SttInput| async { Ok(()) });
        let events = stream::unfold((self.lines.subscribe(), Duration::ZERO), |(mut lines, audio_start)| async move {
            loop {
                match lines.recv().await {
                    Ok(text) => {
                        let audio_end = audio_start + LINE_LASTS;
                        let (is_final, speech_final, last_word_end) = (true, true, None);
                        let heard = Transcript { text, is_final, speech_final, audio_start, audio_end, last_word_end };
                        return Some((Ok(SttEvent::Transcript(heard)), (lines, audio_end)));
                    }
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        });
        Ok(SttSession { input: Box::pin(input), events: events.boxed() })
    }
}
