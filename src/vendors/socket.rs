//! What the vendors' WebSocket clients share: connecting, reading until the end, and what a refused handshake or a
//! close frame means.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use chrono::Utc;
use futures_util::stream::{BoxStream, SplitSink, SplitStream};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use otto_actors::ports::{VendorError, VendorErrorKind};
use secrecy::{ExposeSecret, SecretString};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::AUTHORIZATION;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderValue, Request, StatusCode};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use url::Url;

use super::{crypto, detail, rest};

/// A client's socket, plain or TLS.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Largest message that is taken from a vendor, in bytes.
const MESSAGE_MAX_BYTES: usize = 1024 * 1024;
/// What may wait for a vendor that does not read, in bytes: half a minute of audio.
const WRITE_BUFFER_MAX_BYTES: usize = 256 * 1024;

/// What a vendor sends, without the protocol's own frames.
pub(super) enum Frame {
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
}

/// Opens a socket with a Deepgram-style `Authorization: Token` header. Tungstenite clears the `read_buffer` before every
/// read, so one that has just enough bytes for the vendor's usual message saves CPU and memory.
///
/// # Errors
/// When the vendor cannot be reached in time or refuses the handshake.
pub async fn connect(
    vendor: &'static str,
    url: &Url,
    key: &SecretString,
    timeout: Duration,
    read_buffer: usize,
) -> Result<Socket, VendorError> {
    crypto::install();
    let request = request(vendor, url, key)?;
    let config = WebSocketConfig::default()
        .read_buffer_size(read_buffer)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER_MAX_BYTES)
        .max_message_size(Some(MESSAGE_MAX_BYTES))
        .max_frame_size(Some(MESSAGE_MAX_BYTES));
    let no_delay = true;
    match tokio::time::timeout(timeout, Box::pin(connect_async_with_config(request, Some(config), no_delay))).await {
        Ok(Ok((socket, _))) => Ok(socket),
        Ok(Err(error)) => Err(refused(vendor, &error)),
        Err(_) => Err(VendorError::new(vendor, VendorErrorKind::TimedOut, "no connection in time")),
    }
}

fn request(vendor: &'static str, url: &Url, key: &SecretString) -> Result<Request<()>, VendorError> {
    let mut request = url
        .as_str()
        .into_client_request()
        .map_err(|_| VendorError::new(vendor, VendorErrorKind::Rejected, "the address is no WebSocket URL"))?;
    request.headers_mut().insert(AUTHORIZATION, token(vendor, key)?);
    Ok(request)
}

/// The value of a Deepgram-style `Authorization` header.
pub(super) fn token(vendor: &'static str, key: &SecretString) -> Result<HeaderValue, VendorError> {
    let mut token = HeaderValue::try_from(format!("Token {}", key.expose_secret()))
        .map_err(|_| VendorError::new(vendor, VendorErrorKind::Rejected, "the key holds characters that no key has"))?;
    token.set_sensitive(true);
    Ok(token)
}

/// The scheme of a vendor's base URL as a WebSocket scheme, and a path below it.
pub(super) fn endpoint(base: &Url, path: &str) -> Url {
    let mut url = rest::below(base, path);
    let scheme = match base.scheme() {
        "http" | "ws" => "ws",
        _ => "wss",
    };
    // These four schemes may be exchanged for each other, so this does not fail.
    let _ = url.set_scheme(scheme);
    url
}

fn refused(vendor: &'static str, error: &Error) -> VendorError {
    match error {
        Error::Http(response) => refused_by_status(vendor, response.status(), response.headers()),
        Error::Url(_) | Error::HttpFormat(_) => {
            VendorError::new(vendor, VendorErrorKind::Rejected, "the address is no WebSocket URL")
        }
        Error::Protocol(_) => VendorError::new(vendor, VendorErrorKind::Protocol, "the handshake is not a WebSocket's"),
        _ => VendorError::new(vendor, VendorErrorKind::Unreachable, "cannot connect"),
    }
}

/// What an answer of Deepgram's other than success means. Its body may quote the request and is left out.
pub(super) fn refused_by_status(vendor: &'static str, status: StatusCode, headers: &HeaderMap) -> VendorError {
    let reason = headers.get("dg-error").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut error = VendorError::new(vendor, rest::kind_of(status), detail(&format!("HTTP {status} {reason}")));
    error.retry_after = rest::retry_after(headers, Utc::now());
    error
}

/// What a close frame means; `None` for a normal end.
pub(super) fn closed(vendor: &'static str, frame: Option<&CloseFrame>) -> Option<VendorError> {
    let frame = frame?;
    let code = u16::from(frame.code);
    let kind = match frame.code {
        CloseCode::Normal | CloseCode::Status => return None,
        // Too many characters in the recent window; the same code stands for commands that are not valid.
        CloseCode::Policy if frame.reason.contains("DATA-0001") => VendorErrorKind::RateLimited,
        CloseCode::Policy | CloseCode::Unsupported | CloseCode::Invalid | CloseCode::Size => VendorErrorKind::Rejected,
        CloseCode::Away | CloseCode::Abnormal => VendorErrorKind::Unreachable,
        CloseCode::Again => VendorErrorKind::RateLimited,
        CloseCode::Protocol => VendorErrorKind::Protocol,
        _ => VendorErrorKind::Failed,
    };
    Some(VendorError::new(vendor, kind, detail(&format!("closed with {code} {}", frame.reason))))
}

/// What a failed read or write means.
pub(super) fn broken(vendor: &'static str, error: &Error) -> VendorError {
    let (kind, text) = match error {
        Error::Capacity(_) => (VendorErrorKind::Protocol, "a message above the size limit"),
        Error::Utf8(_) => (VendorErrorKind::Protocol, "a text message that is not UTF-8"),
        Error::WriteBufferFull(_) => (VendorErrorKind::Unreachable, "the vendor does not read"),
        _ => (VendorErrorKind::Unreachable, "the connection broke"),
    };
    VendorError::new(vendor, kind, text)
}

/// Reads a socket to its end: `read` turns a message into at most one event. The stream ends after the first error.
pub(super) fn events<T, F>(
    vendor: &'static str,
    messages: SplitStream<Socket>,
    read: F,
) -> BoxStream<'static, Result<T, VendorError>>
where
    T: Send + 'static,
    F: FnMut(Frame) -> Result<Option<T>, VendorError> + Send + Unpin + 'static,
{
    Events { vendor, messages: Some(messages), read }.boxed()
}

/// The messages of a socket as events, until its end. A plain type, since it is asked for every frame of a call.
struct Events<F> {
    vendor: &'static str,
    /// None after the end.
    messages: Option<SplitStream<Socket>>,
    read: F,
}

impl<T, F> Stream for Events<F>
where
    F: FnMut(Frame) -> Result<Option<T>, VendorError> + Unpin,
{
    type Item = Result<T, VendorError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            let Some(messages) = &mut this.messages else { return Poll::Ready(None) };
            let end = match ready!(messages.poll_next_unpin(cx)) {
                Some(Ok(Message::Text(text))) => (this.read)(Frame::Text(text)),
                Some(Ok(Message::Binary(data))) => (this.read)(Frame::Binary(data)),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
                Some(Ok(Message::Close(frame))) => {
                    this.messages = None;
                    closed(this.vendor, frame.as_ref()).map_or(Ok(None), Err)
                }
                Some(Err(Error::ConnectionClosed | Error::AlreadyClosed)) | None => {
                    this.messages = None;
                    Ok(None)
                }
                Some(Err(error)) => Err(broken(this.vendor, &error)),
            };
            match end {
                Ok(Some(event)) => return Poll::Ready(Some(Ok(event))),
                Ok(None) => {}
                Err(error) => {
                    this.messages = None;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

/// Takes inputs, each of which is at most one message.
pub(super) struct Input<F> {
    vendor: &'static str,
    messages: SplitSink<Socket, Message>,
    write: F,
}

impl<F> Input<F> {
    pub(super) fn new(vendor: &'static str, messages: SplitSink<Socket, Message>, write: F) -> Self {
        Self { vendor, messages, write }
    }
}

impl<I, F: FnMut(I) -> Option<Message> + Unpin> Sink<I> for Input<F> {
    type Error = VendorError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), VendorError>> {
        self.messages.poll_ready_unpin(cx).map_err(|error| broken(self.vendor, &error))
    }

    fn start_send(mut self: Pin<&mut Self>, input: I) -> Result<(), VendorError> {
        let Some(message) = (self.write)(input) else { return Ok(()) };
        self.messages.start_send_unpin(message).map_err(|error| broken(self.vendor, &error))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), VendorError>> {
        self.messages.poll_flush_unpin(cx).map_err(|error| broken(self.vendor, &error))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), VendorError>> {
        self.messages.poll_close_unpin(cx).map_err(|error| broken(self.vendor, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(code: u16, reason: &str) -> Option<VendorErrorKind> {
        let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
        closed("test", Some(&frame)).map(|error| error.kind)
    }

    #[test]
    fn close_frames_say_whether_to_try_again() {
        use VendorErrorKind::*;
        for (code, reason, expected) in [
            (1000, "", None),
            (1008, "DATA-0000", Some(Rejected)),
            (1008, "DATA-0001", Some(RateLimited)),
            (1009, "BIG-0000", Some(Rejected)),
            (1011, "NET-0001", Some(Failed)),
            (1001, "", Some(Unreachable)),
            (4000, "", Some(Failed)),
        ] {
            assert_eq!(kind(code, reason), expected, "{code} {reason}");
        }
        assert_eq!(closed("test", None), None);
    }

    #[test]
    fn endpoints_follow_the_base() {
        for (base, expected) in [
            ("wss://api.deepgram.com", "wss://api.deepgram.com/v1/listen"),
            ("ws://127.0.0.1:9", "ws://127.0.0.1:9/v1/listen"),
            ("http://127.0.0.1:9/dg/", "ws://127.0.0.1:9/dg/v1/listen"),
            ("https://h", "wss://h/v1/listen"),
        ] {
            assert_eq!(endpoint(&base.parse().unwrap(), "v1/listen").as_str(), expected);
        }
    }

    #[test]
    fn the_key_is_in_no_error() {
        let key = SecretString::from("bad\nkey");
        let error = request("test", &"ws://h".parse().unwrap(), &key).unwrap_err();
        assert!(!error.to_string().contains("bad\nkey"));
        assert_eq!(error.kind, VendorErrorKind::Rejected);
    }
}
