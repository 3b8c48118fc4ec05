//! Ears and voice: speech to text, text to speech.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use super::{BoxSink, VendorError, VendorErrorKind};

/// Hears: one session a call.
#[async_trait]
pub trait SpeechToText: Send + Sync {
    /// Opens a session for mu-law 8 kHz mono.
    async fn connect(&self) -> Result<SttSession, VendorError>;
}

/// An open speech-to-text session. Dropping it closes the socket.
pub struct SttSession {
    /// Where audio goes.
    pub input: BoxSink<SttInput, VendorError>,
    /// What was heard; ends with the session.
    pub events: BoxStream<'static, Result<SttEvent, VendorError>>,
}

/// What a speech-to-text session takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SttInput {
    /// The caller's voice; never empty.
    Audio(Bytes),
    /// Holds the session open while no audio flows.
    KeepAlive,
    /// No more audio will come.
    Finish,
}

/// What a speech-to-text session says.
#[derive(Debug, Clone, PartialEq)]
pub enum SttEvent {
    /// Sound that may be speech; words may or may not follow.
    SpeechStarted,
    /// Words.
    Transcript(Transcript),
    /// No word for a while.
    UtteranceEnd,
    /// The speaker has probably stopped: what was said in this turn so far, never empty. Either
    /// [`SttEvent::TurnResumed`] follows, or a speech-final transcript with the same words.
    EagerEndOfTurn(String),
    /// The speaker goes on after [`SttEvent::EagerEndOfTurn`].
    TurnResumed,
    /// Nothing new; the vendor is there.
    Alive,
}

/// Words that were heard.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Transcript {
    /// The words, possibly none.
    pub text: String,
    /// These words will not change any more; an interim is replaced by the next transcript.
    pub is_final: bool,
    /// The speaker has stopped: the end of an utterance.
    pub speech_final: bool,
    /// Where in the session's audio this begins.
    pub audio_start: Duration,
    /// Where in the session's audio this ends.
    pub audio_end: Duration,
    /// Where in the session's audio the last word ends, when the vendor says so.
    pub last_word_end: Option<Duration>,
}

/// Speaks: one session a call.
#[async_trait]
pub trait TextToSpeech: Send + Sync {
    /// Opens a session that yields mu-law 8 kHz mono.
    async fn connect(&self) -> Result<TtsSession, VendorError>;

    /// The whole audio of a text without a session, mu-law 8 kHz mono; empty when the text has no words. May take
    /// several requests, so the caller sets the deadline.
    async fn synthesize(&self, _text: &str) -> Result<Bytes, VendorError> {
        Err(VendorError::new("text-to-speech", VendorErrorKind::Rejected, "not supported"))
    }
}

/// An open text-to-speech session. Dropping it closes the socket.
pub struct TtsSession {
    /// Where text goes.
    pub input: BoxSink<TtsInput, VendorError>,
    /// The voice; ends with the session.
    pub events: BoxStream<'static, Result<TtsEvent, VendorError>>,
}

/// What a text-to-speech session takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TtsInput {
    /// Text to be spoken after what was given before; white space counts. At most
    /// [`crate::limits::TTS_SPEAK_MAX_CHARS`].
    Speak(String),
    /// Synthesise all that was given.
    Flush,
    /// Forget all that was given and not yet delivered.
    Clear,
}

/// What a text-to-speech session says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TtsEvent {
    /// Mu-law 8 kHz mono, of any length but never empty.
    Audio(Bytes),
    /// All audio of one flush has been delivered.
    Flushed,
    /// The answer to `Clear`; audio before it belongs to what was cleared.
    Cleared,
    /// The vendor did not do something, such as a flush above its limit.
    Warning(String),
}
