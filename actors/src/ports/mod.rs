//! The outside as the actors know it: one trait a port. Adapters live in the `otto` crate; nothing here names a vendor's
//! type.
//!
//! Sessions (speech-to-text, text-to-speech, telephony media) are a sink and a stream, so that one task can own both
//! halves of a socket and nothing is allocated per frame. Everything else is a call with a typed error. An error answers
//! two questions: whether the same request may be sent again, and what happened.

mod calendar;
mod error;
mod media;
mod model;
mod speech;
mod store;
mod telephony;
mod vin;

pub use calendar::{
    Applied, Backlog, BusyTimes, Calendar, CalendarChange, CalendarError, CalendarEvent, CalendarJob, CalendarRecords,
    CalendarRow, CalendarWork, Changes, EventNow, Put, Settled, Tell,
};
pub use error::{VendorError, VendorErrorKind};
pub use media::{MediaAnomaly, MediaEvent, MediaFrame, MediaSink, MediaSource};
pub use model::{LanguageModel, Message, ModelEnd, ModelEvent, ModelRequest, ModelStream, ToolCall, ToolSpec};
pub use speech::{
    SpeechToText, SttEvent, SttInput, SttSession, TextToSpeech, Transcript, TtsEvent, TtsInput, TtsSession,
};
pub use store::{
    Action, AppointmentChange, AppointmentStep, Booking, BookingCustomer, BookingStore, CalendarOrder, CallClaim,
    CallEnd, CallFacts, CallProgress, CallRecord, CallSettled, Channel, Claim, CustomerStore, DueCall, DueTask, Found,
    JournalRow, JournalStore, NewMessage, OptOut, Order, OutboxRow, OutboxStore, PlannedCall, ReminderStore, Render,
    RenderCustomer, RenderMessage, RenderVehicle, Source, Store, StoreError, TakenMessage, TextKind, TextOrder,
    TextProgress, TextStore,
};
pub use telephony::{Dial, DialError, PlacedCall, SentText, StreamEnd, Telephony, Text};
pub use vin::VinDecoder;

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::Sink;

/// A boxed sink, the writing half of a session.
pub type BoxSink<T, E> = Pin<Box<dyn Sink<T, Error = E> + Send>>;

/// A fast place for what may be lost. An error is never more than a miss to the caller, so there is none.
#[async_trait]
pub trait Cache: Send + Sync {
    /// The value, unless it is missing, expired or the cache is away.
    async fn get(&self, key: &str) -> Option<Bytes>;

    /// Keeps a value for a while, if the cache is there. Says whether it was kept.
    async fn put(&self, key: &str, value: Bytes, ttl: Duration) -> bool;

    /// Keeps a value unless the key has one. Says whether it was kept.
    async fn put_new(&self, key: &str, value: Bytes, ttl: Duration) -> bool;

    /// Keeps a value under several keys as one: nobody finds some of them changed and others not. Says whether it was
    /// kept.
    async fn put_all(&self, keys: &[String], value: Bytes, ttl: Duration) -> bool;

    /// Forgets a value.
    async fn remove(&self, key: &str);

    /// Whether the cache answers.
    async fn ping(&self) -> bool;
}

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
