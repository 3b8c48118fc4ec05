//! Text to speech where the caller reads: a moment of silence stands for every piece of text. What was said is printed
//! from the call's events, once it counts as heard.

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt as _, sink, stream};
use otto_actors::ports::{TextToSpeech, TtsEvent, TtsInput, TtsSession, VendorError};
use tokio::sync::mpsc;

/// Mu-law silence.
const SILENCE: u8 = 0xFF;
/// 20 ms of it, in samples.
const MOMENT_SAMPLES: usize = 160;

/// Speaks without a sound.
#[derive(Debug, Clone, Copy)]
pub(super) struct SilentVoice;

#[async_trait]
impl TextToSpeech for SilentVoice {
    async fn connect(&self) -> Result<TtsSession, VendorError> {
        let (events, heard) = mpsc::unbounded_channel();
        let input = sink::unfold(events, |events: mpsc::UnboundedSender<TtsEvent>, input: TtsInput| async move {
            for event in answer(&input) {
                // Fails only when the session is being dropped.
                let _ = events.send(event);
            }
            Ok(events)
        });
        let events = stream::unfold(heard, |mut heard| async { heard.recv().await.map(|event| (Ok(event), heard)) });
        Ok(TtsSession { input: Box::pin(input), events: events.boxed() })
    }
}

fn answer(input: &TtsInput) -> Vec<TtsEvent> {
    match input {
        TtsInput::Speak(_) => Vec::new(),
        TtsInput::Flush => vec![TtsEvent::Audio(Bytes::from(vec![SILENCE; MOMENT_SAMPLES])), TtsEvent::Flushed],
        TtsInput::Clear => vec![TtsEvent::Cleared],
    }
}
