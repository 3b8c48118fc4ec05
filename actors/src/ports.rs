//! The outside as the actors know it: one trait a port. Adapters live in the `otto` crate; nothing here names a vendor's
//! type.
//!
//! Sessions (speech-to-text, text-to-speech, telephony media) are a sink and a stream, so that one task can own both
//! halves of a socket and nothing is allocated per frame. Everything else is a call with a typed error. An error answers
//! two questions: whether the same request may be sent again, and what happened.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::Sink;
use futures_util::stream::BoxStream;
use serde_json::Value;

use crate::domain::{
    Appointment, BookedTime, CallSid, Customer, CustomerId, NewAppointment, NewCustomer, PhoneNumber, TurnId, Vehicle,
};
use crate::effects::{EffectId, Fence};

/// A boxed sink, the writing half of a session.
pub type BoxSink<T, E> = Pin<Box<dyn Sink<T, Error = E> + Send>>;

// ---------------------------------------------------------------------------------------------------------------------
// Vendors' errors

/// Why a vendor did not do what was asked.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{vendor}: {kind}: {detail}")]
pub struct VendorError {
    /// Who, in lower case, such as `deepgram-stt`.
    pub vendor: &'static str,
    /// What sort of failure.
    pub kind: VendorErrorKind,
    /// The vendor's own words, free of personal data and secrets.
    pub detail: String,
    /// How long the vendor asks to wait before the next attempt.
    pub retry_after: Option<Duration>,
}

/// The sorts of failure that call for different reactions.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq, Hash)]
pub enum VendorErrorKind {
    /// No connection, or it broke: may be tried again.
    #[error("unreachable")]
    Unreachable,
    /// No answer in time: may be tried again where the request is harmless to repeat.
    #[error("timed out")]
    TimedOut,
    /// The vendor asks to slow down: may be tried again after a while.
    #[error("rate limited")]
    RateLimited,
    /// The vendor failed: may be tried again.
    #[error("failed")]
    Failed,
    /// The account is out of credit: trying again is useless, an operator must act.
    #[error("quota exhausted")]
    QuotaExhausted,
    /// The request or the credentials are refused: trying again is useless.
    #[error("rejected")]
    Rejected,
    /// The vendor said something that its protocol does not allow.
    #[error("protocol violated")]
    Protocol,
}

impl VendorError {
    /// An error without a wish to wait.
    pub fn new(vendor: &'static str, kind: VendorErrorKind, detail: impl Into<String>) -> Self {
        Self { vendor, kind, detail: detail.into(), retry_after: None }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        use VendorErrorKind::{Failed, Protocol, RateLimited, TimedOut, Unreachable};
        matches!(self.kind, Unreachable | TimedOut | RateLimited | Failed | Protocol)
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Telephony media

/// What arrives on the telephony socket after its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaEvent {
    /// The caller's voice, mu-law 8 kHz mono, of any length.
    Audio(Bytes),
    /// A key that the caller pressed: `0`-`9`, `*`, `#`, `A`-`D`.
    Dtmf(char),
    /// Everything sent before this mark has been played, or was cleared.
    Mark(String),
    /// The caller's side ended the stream.
    Stop,
    /// A message that the protocol does not allow; it was dropped.
    Anomaly(MediaAnomaly),
}

/// The ways in which a media message can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum MediaAnomaly {
    /// Not JSON, or JSON of another shape.
    #[error("malformed message")]
    Malformed,
    /// JSON with an `event` that is not known.
    #[error("unknown event")]
    UnknownEvent,
    /// For another stream or another call.
    #[error("message for another stream")]
    WrongStream,
    /// A binary frame where only text is allowed.
    #[error("binary frame")]
    Binary,
    /// A frame above the size limit.
    #[error("frame too large")]
    TooLarge,
    /// Audio or a key before the stream has started.
    #[error("message before start")]
    BeforeStart,
    /// A second `start` on one stream.
    #[error("second start")]
    SecondStart,
    /// A payload that is not base64, or an empty one.
    #[error("bad payload")]
    BadPayload,
}

/// What is sent on the telephony socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaFrame {
    /// Otto's voice, mu-law 8 kHz mono, of any length but never empty.
    Audio(Bytes),
    /// Comes back as [`MediaEvent::Mark`] when all before it has been played or cleared.
    Mark(String),
    /// Forget what has not been played.
    Clear,
}

/// The reading half of the telephony socket; it ends when the socket does.
pub type MediaSource = BoxStream<'static, MediaEvent>;
/// The writing half of the telephony socket; closing it ends the stream.
pub type MediaSink = BoxSink<MediaFrame, VendorError>;

// ---------------------------------------------------------------------------------------------------------------------
// Speech to text

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

// ---------------------------------------------------------------------------------------------------------------------
// Text to speech

/// Speaks: one session a call.
#[async_trait]
pub trait TextToSpeech: Send + Sync {
    /// Opens a session that yields mu-law 8 kHz mono.
    async fn connect(&self) -> Result<TtsSession, VendorError>;
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

// ---------------------------------------------------------------------------------------------------------------------
// Language model

/// Thinks.
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// Starts one reply. Dropping the stream cancels it.
    async fn reply(&self, request: ModelRequest) -> Result<ModelStream, VendorError>;
}

/// A reply as it comes. It ends after [`ModelEvent::Done`] or an error.
pub type ModelStream = BoxStream<'static, Result<ModelEvent, VendorError>>;

/// Everything a model needs for one reply.
#[derive(Debug, Clone)]
pub struct ModelRequest {
    /// What never changes during a call, so that the vendor can cache it.
    pub instructions: Arc<str>,
    /// What is known of this call and this moment.
    pub situation: String,
    /// The conversation so far; every tool call in it has exactly one tool message.
    pub history: Vec<Message>,
    /// What the model may call.
    pub tools: Arc<[ToolSpec]>,
}

/// One message of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// What the caller said.
    User(String),
    /// What Otto said and did.
    Assistant {
        /// What was (or will be) heard; empty when only tools were called.
        text: String,
        /// Its tool calls, in the model's order.
        tool_calls: Vec<ToolCall>,
    },
    /// What came of a tool call.
    Tool {
        /// [`ToolCall::id`].
        tool_call_id: String,
        /// JSON.
        content: String,
    },
}

/// A tool as the model sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolSpec {
    /// Letters, digits, `_` and `-`, at most 64.
    pub name: &'static str,
    /// When to call it.
    pub description: &'static str,
    /// Strict JSON schema of its arguments: an object, closed, all properties required.
    pub parameters: Value,
}

/// A model's wish to run a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The model's name for this call.
    pub id: String,
    /// Which tool.
    pub name: String,
    /// JSON as the model wrote it; may be anything.
    pub arguments: String,
}

/// A piece of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelEvent {
    /// Some more text, never empty.
    Text(String),
    /// One whole tool call.
    ToolCall(ToolCall),
    /// The reply is complete.
    Done(ModelEnd),
}

/// How a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelEnd {
    /// The reply hit the length limit: the text is cut and tool calls are not to be trusted.
    pub truncated: bool,
    /// Tokens of the request, when the vendor says so.
    pub prompt_tokens: Option<u64>,
    /// Tokens of the reply, when the vendor says so.
    pub completion_tokens: Option<u64>,
}

// ---------------------------------------------------------------------------------------------------------------------
// Telephony commands

/// Acts on live calls.
#[async_trait]
pub trait Telephony: Send + Sync {
    /// Ends a call that is in progress. A call that is over already is no error.
    async fn hang_up(&self, call: &CallSid) -> Result<(), VendorError>;

    /// Connects the caller with another number: ends the media stream and dials.
    async fn transfer(&self, call: &CallSid, to: &PhoneNumber) -> Result<(), VendorError>;
}

// ---------------------------------------------------------------------------------------------------------------------
// Store

/// The workshop's records. Writes that come from a tool call take an [`EffectId`]: the effect, its stored result and
/// what must follow from it are written in one transaction, and the same identity again returns the stored result.
#[async_trait]
pub trait Store: Send + Sync {
    /// The customer with that number.
    async fn customer_by_phone(&self, phone: &PhoneNumber) -> Result<Option<Customer>, StoreError>;

    /// A customer's vehicles, oldest row first.
    async fn vehicles_of(&self, customer: CustomerId) -> Result<Vec<Vehicle>, StoreError>;

    /// A customer's scheduled and confirmed appointments that start at or after `from`, earliest first.
    async fn upcoming(&self, customer: CustomerId, from: DateTime<Utc>) -> Result<Vec<Appointment>, StoreError>;

    /// All times in which a bay is taken that overlap `from..to`.
    async fn booked_between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<Vec<BookedTime>, StoreError>;

    /// How many bays there are.
    async fn bay_count(&self) -> Result<usize, StoreError>;

    /// Books the first free bay, and adds the customer first if it is a new one (or finds the one with that number).
    /// `render` turns the row into the tool's result, which is stored with the effect. `fence` is asked last before the
    /// commit: a turn that was interrupted meanwhile leaves nothing behind.
    ///
    /// # Errors
    /// [`StoreError::JustTaken`] when no bay is free, [`StoreError::Fenced`] when the turn is over.
    async fn book(
        &self,
        effect: &EffectId,
        fence: &Fence,
        booking: Booking,
        render: Render,
    ) -> Result<Value, StoreError>;

    /// Adds events to a call's journal. The same (call, seq) again is ignored.
    async fn append_events(&self, events: &[JournalRow]) -> Result<(), StoreError>;

    /// Notes that a call began.
    async fn call_started(&self, call: &CallRecord) -> Result<(), StoreError>;

    /// Notes how a call ended.
    async fn call_ended(&self, call: &CallSid, end: &CallEnd) -> Result<(), StoreError>;

    /// Whether the database answers.
    async fn ping(&self) -> Result<(), StoreError>;
}

/// Turns what was booked into the result of the tool.
pub type Render = Arc<dyn Fn(&Appointment, &Customer) -> Value + Send + Sync>;

/// What to book, and for whom.
#[derive(Debug, Clone)]
pub struct Booking {
    /// For whom.
    pub customer: BookingCustomer,
    /// What; the `customer` in it is set by the store for a new one.
    pub appointment: NewAppointment,
}

/// For whom a booking is.
#[derive(Debug, Clone)]
pub enum BookingCustomer {
    /// Somebody on file.
    OnFile(CustomerId),
    /// Somebody who is put on file with the booking.
    New(NewCustomer),
}

/// One journal event as a row.
#[derive(Debug, Clone)]
pub struct JournalRow {
    /// The call.
    pub call: CallSid,
    /// Counts the call's events from 1.
    pub seq: u64,
    /// When.
    pub at: DateTime<Utc>,
    /// The turn.
    pub turn: TurnId,
    /// What, as a short name for queries by hand.
    pub kind: &'static str,
    /// An `otto.v1.CallEvent`, encoded.
    pub payload: Bytes,
}

/// A call as it begins.
#[derive(Debug, Clone)]
pub struct CallRecord {
    /// The call.
    pub call: CallSid,
    /// `inbound` or `outbound`.
    pub direction: &'static str,
    /// Who calls, when the number is not withheld.
    pub caller: Option<PhoneNumber>,
    /// The customer with that number.
    pub customer: Option<CustomerId>,
    /// When.
    pub started_at: DateTime<Utc>,
}

/// A call as it ended.
#[derive(Debug, Clone)]
pub struct CallEnd {
    /// When.
    pub ended_at: DateTime<Utc>,
    /// How, such as `hangup_by_caller`.
    pub outcome: &'static str,
    /// How many turns the caller had.
    pub turns: u64,
    /// The conversation as text, a line an utterance.
    pub transcript: String,
}

/// Why the store did not do what was asked.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum StoreError {
    /// No bay is free at that time any more.
    #[error("that time has just been taken")]
    JustTaken,
    /// The turn that wanted this was interrupted; nothing was written.
    #[error("interrupted before it took effect")]
    Fenced,
    /// A row that is referred to does not exist.
    #[error("not found: {0}")]
    NotFound(&'static str),
    /// The database is busy or away: the same request may be sent again.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database refuses: sending the request again is useless.
    #[error("the database refused: {0}")]
    Refused(String),
}

// ---------------------------------------------------------------------------------------------------------------------
// Cache

/// A fast place for what may be lost. An error is never more than a miss to the caller, so there is none.
#[async_trait]
pub trait Cache: Send + Sync {
    /// The value, unless it is missing, expired or the cache is away.
    async fn get(&self, key: &str) -> Option<Bytes>;

    /// Keeps a value for a while, if the cache is there. Says whether it was kept.
    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> bool;

    /// Forgets a value.
    async fn remove(&self, key: &str);

    /// Whether the cache answers.
    async fn ping(&self) -> bool;
}

// ---------------------------------------------------------------------------------------------------------------------
// Time

/// Wall-clock time, so that tests can say what day it is. Durations are measured with tokio's clock.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
