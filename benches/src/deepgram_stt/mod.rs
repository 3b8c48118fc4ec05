//! Deepgram's streaming speech-to-text, `GET /v1/listen` (Nova) and `GET /v2/listen` (Flux): a WebSocket that hears what
//! was really sent to it, as [`crate::speech`] encodes it. Source: Deepgram's asyncapi.yml of 2026-07-22 and its documentation.

mod ear;
mod flux;
mod query;
mod recogniser;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use tokio::time::Instant;
use uuid::Uuid;

use crate::deepgram::{Refusal, authorise};
use crate::knobs::{Knobs, Latency};
use crate::record::{Log, Violation};
use crate::seed::Seed;
use crate::server::{SOCKET_READ_BUFFER_BYTES, Scope};

use self::ear::Ear;

pub use ear::Event;
pub use flux::{FluxQuery, FluxRecogniser};
pub use query::ListenQuery;
pub use recogniser::Recogniser;

/// How the simulated service behaves when it is well.
#[derive(Clone, Debug, PartialEq)]
pub struct SttSettings {
    /// Delay of every event after the audio that causes it.
    pub latency: Latency,
    /// Audio between two interim results.
    pub interim_ms: u64,
    /// Audio after which words become final although the speaker goes on.
    pub longest_segment_ms: u64,
    /// Silence of the client after which the socket is closed with NET-0001.
    pub idle_timeout: Duration,
    /// Silence after which Flux is quite sure that a turn has ended; it is less sure in proportion before.
    pub sure_after_ms: u64,
    /// Whether Flux says when a turn has probably ended, for a client that wants to know. Else its confidence jumps.
    pub eager_ends: bool,
}

impl Default for SttSettings {
    fn default() -> Self {
        SttSettings {
            latency: Latency::new(120.0, 40.0),
            interim_ms: 250,
            longest_segment_ms: 5_000,
            idle_timeout: Duration::from_secs(10),
            sure_after_ms: 500,
            eager_ends: true,
        }
    }
}

/// What can go wrong with a connection.
#[derive(Clone, Debug, PartialEq)]
pub enum SttFault {
    /// The upgrade is answered with this HTTP status.
    Refuse {
        /// For example 401, 429 or 503.
        status: u16,
    },
    /// The upgrade is answered with 429 and a time to come again.
    Busy {
        /// Seconds in the `Retry-After` header.
        retry_after_s: u64,
    },
    /// The TCP connection breaks without a close frame once so much audio has arrived.
    DropAfterAudio {
        /// Audio received before the break, in milliseconds.
        ms: u64,
    },
    /// A close frame once so much audio has arrived.
    CloseAfterAudio {
        /// Audio received before, in milliseconds.
        ms: u64,
        /// Close code, such as 1011.
        code: u16,
        /// Reason, such as `NET-0000`.
        reason: String,
    },
    /// The socket stays open but says nothing more once so much audio has arrived.
    StallAfterAudio {
        /// Audio received before, in milliseconds.
        ms: u64,
    },
    /// As the fault within, but sound alone counts as audio: it strikes in the middle of what is said.
    AfterSpeech {
        /// Sound received before, in milliseconds, in place of the fault's own amount.
        ms: u64,
        /// A drop, a close or a stall.
        fault: Box<SttFault>,
    },
    /// Every event comes later than usual.
    Slow {
        /// Additional delay in milliseconds.
        extra_ms: u64,
    },
    /// Silence never ends an utterance with `speech_final`, as in constant noise; `UtteranceEnd` still comes. On
    /// Flux only the time-out ends a turn.
    NoSpeechFinal,
}

/// What one connection was, written when it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct SttSession {
    /// The query it was opened with.
    pub query: String,
    /// Bytes of audio received.
    pub audio_bytes: u64,
    /// Final transcripts, in order, without empty ones.
    pub finals: Vec<String>,
    /// KeepAlive messages received.
    pub keep_alives: u32,
    /// Finalize messages received.
    pub finalizes: u32,
    /// Whether the client ended it with CloseStream.
    pub closed_by_client: bool,
    /// Jitter of the arriving audio as RFC 3550 reckons it (section 6.4.1), at the end.
    pub jitter: Duration,
}

/// Words that were told to the client.
#[derive(Clone, Debug, PartialEq)]
pub struct Transcript {
    /// When the message was about to be written to the socket.
    pub at: Instant,
    /// What it says: the whole transcript of an interim, final or turn event.
    pub text: String,
    /// Whether the message says that the speaker has finished.
    pub ends_turn: bool,
    /// When the newest sound that it knows of had arrived.
    pub heard_at: Instant,
}

/// The simulated service. Clones share everything.
#[derive(Clone, Debug)]
pub struct DeepgramStt {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    api_key: String,
    knobs: Knobs<SttSettings, SttFault>,
    violations: Log<Violation>,
    sessions: Log<SttSession>,
    opened: Log<String>,
    transcripts: Log<Transcript>,
    scope: Scope,
}

impl DeepgramStt {
    pub(crate) fn new(api_key: &str, seed: Seed, settings: SttSettings, scope: Scope) -> Self {
        let shared = Shared {
            api_key: api_key.to_owned(),
            knobs: Knobs::new(seed, "deepgram-stt", settings),
            violations: Log::default(),
            sessions: Log::default(),
            opened: Log::default(),
            transcripts: Log::default(),
            scope,
        };
        DeepgramStt { shared: Arc::new(shared) }
    }

    pub(crate) fn router(&self) -> Router {
        Router::new().route("/v1/listen", listen(nova)).route("/v2/listen", listen(flux)).with_state(self.clone())
    }

    /// Settings and faults.
    pub fn knobs(&self) -> &Knobs<SttSettings, SttFault> {
        &self.shared.knobs
    }

    /// What the client did against the protocol.
    pub fn violations(&self) -> &Log<Violation> {
        &self.shared.violations
    }

    /// Connections that have ended.
    pub fn sessions(&self) -> &Log<SttSession> {
        &self.shared.sessions
    }

    /// The query of every connection that was accepted, when it was accepted.
    pub fn opened(&self) -> &Log<String> {
        &self.shared.opened
    }

    /// Every message with words in it, in the order of writing; those of one socket are in their own order.
    pub fn transcripts(&self) -> &Log<Transcript> {
        &self.shared.transcripts
    }
}

/// An interface whose sockets have this ear.
fn listen(ear: MakeEar) -> MethodRouter<DeepgramStt> {
    get(async move |stt: State<DeepgramStt>, raw: RawQuery, headers: HeaderMap, upgrade: WebSocketUpgrade| {
        open(stt.0, raw.0.unwrap_or_default(), &headers, upgrade, ear)
    })
}

/// Makes the ear that a query asks for.
type MakeEar = fn(&str, &SttSettings, Option<&SttFault>) -> Result<Box<dyn Ear>, Refusal>;

fn nova(raw: &str, settings: &SttSettings, fault: Option<&SttFault>) -> Result<Box<dyn Ear>, Refusal> {
    let mut query = ListenQuery::parse(raw)?;
    if fault == Some(&SttFault::NoSpeechFinal) {
        query.endpointing_ms = None;
    }
    Ok(Box::new(Recogniser::new(query, request_id(), settings.interim_ms, settings.longest_segment_ms)))
}

fn flux(raw: &str, settings: &SttSettings, fault: Option<&SttFault>) -> Result<Box<dyn Ear>, Refusal> {
    let mut query = FluxQuery::parse(raw)?;
    if fault == Some(&SttFault::NoSpeechFinal) {
        // Never sure of an end: the time-out alone ends a turn.
        query.eot_threshold = f64::INFINITY;
    }
    query.eager_eot_threshold = query.eager_eot_threshold.filter(|_| settings.eager_ends);
    Ok(Box::new(FluxRecogniser::new(query, request_id(), settings.interim_ms, settings.sure_after_ms)))
}

fn request_id() -> String {
    Uuid::new_v4().to_string()
}

fn open(stt: DeepgramStt, raw: String, headers: &HeaderMap, upgrade: WebSocketUpgrade, ear: MakeEar) -> Response {
    match admit(&stt, headers, &raw, ear) {
        Ok((ear, fault)) => {
            stt.shared.opened.push(raw.clone());
            upgrade.read_buffer_size(SOCKET_READ_BUFFER_BYTES).on_upgrade(move |socket| async move {
                let scope = stt.shared.scope.clone();
                scope.run(socket::serve(stt, socket, raw, ear, fault)).await;
            })
        }
        Err(refusal) => refusal.into_response(),
    }
}

fn admit(
    stt: &DeepgramStt,
    headers: &HeaderMap,
    raw: &str,
    ear: MakeEar,
) -> Result<(Box<dyn Ear>, Option<SttFault>), Refusal> {
    authorise(headers, &stt.shared.api_key)?;
    let fault = stt.knobs().draw_fault();
    match fault {
        Some(SttFault::Refuse { status }) => return Err(Refusal::injected(status)),
        Some(SttFault::Busy { retry_after_s }) => return Err(Refusal::busy(retry_after_s)),
        _ => {}
    }
    Ok((ear(raw, &stt.knobs().settings(), fault.as_ref())?, fault))
}

#[cfg(test)]
mod tests;
