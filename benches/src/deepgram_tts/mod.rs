//! Deepgram's text-to-speech, `/v1/speak` as a WebSocket and as a POST: speaks text as [`crate::speech`] encodes it.
//! Source: Deepgram's asyncapi.yml and openapi.yml of 2026-07-22 and its documentation.

mod rest;
mod socket;
mod voice;

use std::sync::Arc;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::time::Instant;

use crate::deepgram::{Query, Refusal, authorise};
use crate::knobs::{Knobs, Latency};
use crate::record::{Log, Violation};
use crate::seed::Seed;
use crate::server::{SOCKET_READ_BUFFER_BYTES, Scope};
use crate::speech::DEFAULT_MS_PER_CHAR;

/// How the simulated service behaves when it is well.
#[derive(Clone, Debug, PartialEq)]
pub struct TtsSettings {
    /// Delay between the text of an idle socket and its first audio.
    pub first_byte: Latency,
    /// Pace of the voice.
    pub ms_per_char: u32,
    /// How many times faster than real time audio is made; 0 is without limit.
    pub speed: f64,
    /// Bytes in a message of audio.
    pub chunk_bytes: usize,
    /// Whether whole sentences are spoken before a Flush once enough text is there, as the vendor does.
    pub eager: bool,
    /// Flushes that a socket may send in 60 s.
    pub flushes_per_minute: usize,
    /// Characters that a socket may send in 60 s at the default pace; a quicker voice may speak more.
    pub chars_per_minute: usize,
}

impl Default for TtsSettings {
    fn default() -> Self {
        TtsSettings {
            first_byte: Latency::new(150.0, 40.0),
            ms_per_char: DEFAULT_MS_PER_CHAR,
            speed: 20.0,
            chunk_bytes: 3_200,
            eager: true,
            flushes_per_minute: 20,
            chars_per_minute: 2_400,
        }
    }
}

/// What can go wrong with a connection or a request.
#[derive(Clone, Debug, PartialEq)]
pub enum TtsFault {
    /// The upgrade or the POST is answered with this HTTP status.
    Refuse {
        /// For example 401, 429 or 503.
        status: u16,
    },
    /// The TCP connection breaks without a close frame after so much audio.
    DropAfterBytes {
        /// Bytes of audio sent before.
        bytes: usize,
    },
    /// A close frame after so much audio.
    CloseAfterBytes {
        /// Bytes of audio sent before.
        bytes: usize,
        /// Close code, such as 1011.
        code: u16,
        /// Reason, such as `NET-0000`.
        reason: String,
    },
    /// The connection stays open but says nothing more after so much audio.
    StallAfterBytes {
        /// Bytes of audio sent before.
        bytes: usize,
    },
    /// The first byte of every reply comes later than usual.
    Slow {
        /// Additional delay in milliseconds.
        extra_ms: u64,
    },
    /// Every Flush is answered with a warning and not processed.
    FlushLimit,
    /// This fault, on sockets alone.
    OnSocket(Box<TtsFault>),
    /// This fault, on POST requests alone.
    OnRest(Box<TtsFault>),
}

/// How the service is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Socket,
    Rest,
}

impl TtsFault {
    fn applies_to(&self, way: Way) -> bool {
        match self {
            TtsFault::OnSocket(_) => way == Way::Socket,
            TtsFault::OnRest(_) => way == Way::Rest,
            _ => true,
        }
    }

    fn strip(self) -> TtsFault {
        match self {
            TtsFault::OnSocket(fault) | TtsFault::OnRest(fault) => fault.strip(),
            fault => fault,
        }
    }
}

/// A message or request that the service accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TtsRequest {
    /// A WebSocket was opened with this query.
    Open(String),
    /// Text to speak on a WebSocket.
    Speak(String),
    /// The end of a reply.
    Flush,
    /// An interruption.
    Clear,
    /// The client ends the socket.
    Close,
    /// Text to speak over REST.
    Rest(String),
}

/// A reply of a socket, when its first audio was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// The text that it began with.
    pub text: String,
    /// When that text arrived.
    pub asked: Instant,
    /// When its first audio was about to be written.
    pub began: Instant,
}

/// The simulated service. Clones share everything.
#[derive(Clone, Debug)]
pub struct DeepgramTts {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    api_key: String,
    knobs: Knobs<TtsSettings, TtsFault>,
    violations: Log<Violation>,
    requests: Log<TtsRequest>,
    spoken: Log<Spoken>,
    scope: Scope,
}

impl DeepgramTts {
    pub(crate) fn new(api_key: &str, seed: Seed, settings: TtsSettings, scope: Scope) -> Self {
        let shared = Shared {
            api_key: api_key.to_owned(),
            knobs: Knobs::new(seed, "deepgram-tts", settings),
            violations: Log::default(),
            requests: Log::default(),
            spoken: Log::default(),
            scope,
        };
        DeepgramTts { shared: Arc::new(shared) }
    }

    pub(crate) fn router(&self) -> Router {
        Router::new().route("/v1/speak", get(upgrade).post(rest::speak)).with_state(self.clone())
    }

    /// Settings and faults.
    pub fn knobs(&self) -> &Knobs<TtsSettings, TtsFault> {
        &self.shared.knobs
    }

    /// What the client did against the protocol.
    pub fn violations(&self) -> &Log<Violation> {
        &self.shared.violations
    }

    /// Everything that was asked for, over all connections.
    pub fn requests(&self) -> &Log<TtsRequest> {
        &self.shared.requests
    }

    /// Every reply of a socket whose text found it idle and of which something was spoken.
    pub fn spoken(&self) -> &Log<Spoken> {
        &self.shared.spoken
    }
}

async fn upgrade(
    State(tts): State<DeepgramTts>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let raw = raw.unwrap_or_default();
    match admit(
        &tts,
        Way::Socket,
        &headers,
        &raw,
        &["model", "encoding", "sample_rate", "container", "speed", "mip_opt_out"],
    ) {
        Ok((model, fault)) => {
            tts.shared.requests.push(TtsRequest::Open(raw));
            upgrade.read_buffer_size(SOCKET_READ_BUFFER_BYTES).on_upgrade(move |socket| async move {
                let scope = tts.shared.scope.clone();
                scope.run(socket::serve(tts, socket, model, fault)).await;
            })
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Checks key and query; draws the fault of this connection. Returns the model's name.
fn admit(
    tts: &DeepgramTts,
    way: Way,
    headers: &HeaderMap,
    raw: &str,
    known: &[&str],
) -> Result<(String, Option<TtsFault>), Refusal> {
    authorise(headers, &tts.shared.api_key)?;
    let fault = tts.knobs().draw_fault_where(|fault| fault.applies_to(way)).map(TtsFault::strip);
    if let Some(TtsFault::Refuse { status }) = fault {
        return Err(Refusal::injected(status));
    }
    let query = Query::parse(raw, known)?;
    query.require_telephone_audio()?;
    if query.get("container").is_some_and(|container| container != "none") {
        return Err(Refusal::bad_request("container must be none for raw audio."));
    }
    let model = query.get("model").unwrap_or("aura-asteria-en");
    if !is_model(model) {
        return Err(Refusal::bad_request("No such model/version combination found."));
    }
    Ok((model.to_owned(), fault))
}

/// `aura-<voice>-en` or `aura-2-<voice>-<language>`.
fn is_model(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let word = |text: &str| text.len() >= 2 && text.bytes().all(|byte| byte.is_ascii_lowercase());
    match parts.as_slice() {
        ["aura", voice, "en"] => word(voice),
        ["aura", "2", voice, language] => word(voice) && ["en", "es", "de", "nl", "fr", "it", "ja"].contains(language),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
