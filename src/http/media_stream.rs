//! `GET /api/v1/voice/media-stream`: Twilio's media socket. Its handshake is checked before the upgrade; it then has a
//! while to say which call it belongs to and to show that call's token.

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use futures_util::StreamExt;
use metrics::Label;
use otto_actors::limits::STREAM_START_TIMEOUT_MS;
use otto_actors::metrics::Metric;
use otto_actors::ports::{MediaAnomaly, MediaEvent};
use otto_actors::registry::{AttachError, StreamOffer};
use tokio::sync::OwnedSemaphorePermit;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tracing::debug;

use super::error::ApiError;
use super::media_socket::{self, Halves, Reader, Refusal};
use super::signed::SignedHandshake;
use super::state::AppState;
use super::upgrade::{Socket, Upgrade};
use super::urls::MEDIA_STREAM;
use crate::vendors::twilio::media::{MediaParser, Parsed, Start};

pub(super) fn router() -> Router<AppState> {
    Router::new().route(MEDIA_STREAM, get(open)).route(&format!("{MEDIA_STREAM}/"), get(open))
}

/// Two messages with a frame of audio. Tungstenite clears this buffer before every read, so a small one saves CPU and
/// memory; a longer message gets what it needs.
const READ_BUFFER_BYTES: usize = 1_024;
/// A message above this ends the socket. One above the parser's limit and below this is dropped and counted.
const SOCKET_MESSAGE_MAX_BYTES: usize = 1024 * 1024;

async fn open(
    State(state): State<AppState>,
    _signed: SignedHandshake,
    upgrade: Result<Upgrade, ApiError>,
) -> Result<Response, ApiError> {
    let upgrade = upgrade?;
    let place = state.waiting_sockets().clone().try_acquire_owned().map_err(|_| ApiError::Busy)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_message_size(Some(SOCKET_MESSAGE_MAX_BYTES))
        .max_frame_size(Some(SOCKET_MESSAGE_MAX_BYTES));
    Ok(upgrade.serve(config, move |socket| serve(socket, state, place)))
}

/// Brings a socket to its call; from then on the call owns it, and this task is done.
async fn serve(socket: Socket, state: AppState, place: OwnedSemaphorePermit) {
    let (writer, mut reader) = socket.split();
    let mut parser = MediaParser::new();
    let start = introduction(&mut reader, &mut parser, &state).await;
    drop(place);
    let refusal = match start {
        Ok(start) => match attach(&state, start, parser, Halves { writer, reader }).await {
            Ok(()) => return,
            Err(refused) => refused,
        },
        Err(Some(refusal)) => (refusal, Halves { writer, reader }),
        Err(None) => return,
    };
    let (refusal, halves) = refusal;
    debug!(reason = refusal.reason, "media socket refused");
    halves.refuse(refusal).await;
}

/// Waits for an acceptable `start`; an error without a refusal means that the socket has ended.
async fn introduction(
    reader: &mut Reader,
    parser: &mut MediaParser,
    state: &AppState,
) -> Result<Start, Option<Refusal>> {
    let start = tokio::time::timeout(STREAM_START_TIMEOUT_MS, first_start(reader, parser))
        .await
        .map_err(|_| Refusal::policy("no start in time"))?
        .ok_or(None)?;
    if !start.is_mulaw_8k {
        return Err(Some(Refusal::UNSUPPORTED));
    }
    if state.account.as_ref().is_some_and(|ours| !start.account.is_empty() && start.account != *ours) {
        return Err(Some(Refusal::policy("another account")));
    }
    Ok(start)
}

async fn first_start(reader: &mut Reader, parser: &mut MediaParser) -> Option<Start> {
    loop {
        match media_socket::next(reader, parser).await? {
            Parsed::Start(start) => return Some(start),
            Parsed::Event(MediaEvent::Anomaly(anomaly)) => count(anomaly),
            // Nothing else comes out of a parser that has seen no start.
            Parsed::Event(_) | Parsed::Connected | Parsed::Ignored => {}
        }
    }
}

/// No call is known yet to which the message could be ascribed.
fn count(anomaly: MediaAnomaly) {
    Metric::MediaAnomalies.counter(vec![Label::new("what", anomaly.to_string())]).increment(1);
}

async fn attach(state: &AppState, start: Start, parser: MediaParser, halves: Halves) -> Result<(), (Refusal, Halves)> {
    let (source, sink, returned) = halves.lend(&start.stream, parser);
    let Start { call, stream, token, .. } = start;
    let offer = StreamOffer { call, stream, token: token.unwrap_or_default(), source, sink };
    let Err(error) = state.calls.attach(offer).await else { return Ok(()) };
    let refusal = match error {
        AttachError::UnknownCall => Refusal::policy("no such call"),
        AttachError::BadToken => Refusal::policy("wrong token"),
        AttachError::Unavailable => Refusal::UNAVAILABLE,
    };
    // The halves come back when the offer is dropped. If they are lost, there is nobody to tell.
    match returned.halves().await {
        Some(halves) => Err((refusal, halves)),
        None => Ok(()),
    }
}
