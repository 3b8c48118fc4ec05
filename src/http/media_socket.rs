//! The media socket's two halves as the actors take them: a stream of [`MediaEvent`]s and a sink of [`MediaFrame`]s.
//!
//! The halves are lent: when the actors do not take them, they come back, so that a refused socket still gets a close
//! frame that says why.

use std::future::poll_fn;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use otto_actors::domain::StreamSid;
use otto_actors::ports::{MediaAnomaly, MediaEvent, MediaFrame, MediaSink, MediaSource, VendorError, VendorErrorKind};
use tokio::sync::oneshot;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::upgrade::Socket;
use crate::vendors::twilio::media::{MediaParser, MediaWriter, Parsed};

/// The half that writes.
pub(super) type Writer = SplitSink<Socket, Message>;
/// The half that reads.
pub(super) type Reader = SplitStream<Socket>;

/// From a close frame to the peer's; then the socket is dropped.
const CLOSE_TIMEOUT_MS: Duration = Duration::from_millis(1_000);

/// Why a socket is closed by Otto before it belongs to a call.
pub(super) struct Refusal {
    code: CloseCode,
    pub(super) reason: &'static str,
}

impl Refusal {
    pub(super) const UNSUPPORTED: Self = Self { code: CloseCode::Unsupported, reason: "not mu-law 8 kHz mono" };
    pub(super) const UNAVAILABLE: Self = Self { code: CloseCode::Error, reason: "not available" };

    pub(super) const fn policy(reason: &'static str) -> Self {
        Self { code: CloseCode::Policy, reason }
    }
}

/// Both halves of a socket.
pub(super) struct Halves {
    pub(super) writer: Writer,
    pub(super) reader: Reader,
}

impl Halves {
    /// Says why and waits a moment for the peer's close frame: a socket that is dropped with unread audio in it would
    /// take the close frame with it.
    pub(super) async fn refuse(mut self, refusal: Refusal) {
        let frame = CloseFrame { code: refusal.code, reason: refusal.reason.into() };
        let goodbye = async {
            if self.writer.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(Ok(_)) = self.reader.next().await {}
            }
        };
        let _ = tokio::time::timeout(CLOSE_TIMEOUT_MS, goodbye).await;
    }

    /// The halves as the actors take them, and where they come back.
    pub(super) fn lend(self, stream: &StreamSid, parser: MediaParser) -> (MediaSource, MediaSink, Returned) {
        let (writer, writer_back) = Lent::new(self.writer);
        let (reader, reader_back) = Lent::new(self.reader);
        let sink = FrameSink { socket: writer, text: MediaWriter::new(stream), is_closing: false };
        (
            Box::pin(EventSource { socket: reader, parser }),
            Box::pin(sink),
            Returned { writer: writer_back, reader: reader_back },
        )
    }
}

/// Where lent halves come back.
pub(super) struct Returned {
    writer: oneshot::Receiver<Writer>,
    reader: oneshot::Receiver<Reader>,
}

impl Returned {
    /// Both halves, once both have been dropped.
    pub(super) async fn halves(self) -> Option<Halves> {
        Some(Halves { writer: self.writer.await.ok()?, reader: self.reader.await.ok()? })
    }
}

/// Something that goes back to its owner when it is dropped, if the owner still waits for it.
struct Lent<T>(Option<(T, oneshot::Sender<T>)>);

impl<T> Lent<T> {
    fn new(thing: T) -> (Self, oneshot::Receiver<T>) {
        let (home, back) = oneshot::channel();
        (Self(Some((thing, home))), back)
    }
}

impl<T> Deref for Lent<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.as_ref().expect("there until dropped").0
    }
}

impl<T> DerefMut for Lent<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0.as_mut().expect("there until dropped").0
    }
}

impl<T> Drop for Lent<T> {
    fn drop(&mut self) {
        if let Some((thing, home)) = self.0.take() {
            let _ = home.send(thing);
        }
    }
}

/// Reads one message; `None` at the end of the socket.
pub(super) async fn next(reader: &mut Reader, parser: &mut MediaParser) -> Option<Parsed> {
    poll_fn(|cx| poll_next(reader, parser, cx)).await
}

fn poll_next(reader: &mut Reader, parser: &mut MediaParser, cx: &mut Context<'_>) -> Poll<Option<Parsed>> {
    loop {
        let parsed = match ready!(reader.poll_next_unpin(cx)) {
            Some(Ok(Message::Text(text))) => Some(parser.parse(&text)),
            Some(Ok(Message::Binary(_))) => Some(Parsed::Event(MediaEvent::Anomaly(MediaAnomaly::Binary))),
            // Pings are answered below; after a close frame one more read sends the answer and finds the end.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_))) => continue,
            Some(Err(_)) | None => None,
        };
        return Poll::Ready(parsed);
    }
}

/// Messages become events.
struct EventSource {
    socket: Lent<Reader>,
    parser: MediaParser,
}

impl Stream for EventSource {
    type Item = MediaEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<MediaEvent>> {
        let Self { socket, parser } = self.get_mut();
        loop {
            match ready!(poll_next(socket, parser, cx)) {
                Some(Parsed::Event(event)) => return Poll::Ready(Some(event)),
                Some(Parsed::Connected | Parsed::Ignored | Parsed::Start(_)) => {}
                None => return Poll::Ready(None),
            }
        }
    }
}

/// Frames become text messages; closing says goodbye with a close frame.
struct FrameSink {
    socket: Lent<Writer>,
    text: MediaWriter,
    is_closing: bool,
}

fn broken<E>(_: E) -> VendorError {
    VendorError::new("twilio-media", VendorErrorKind::Unreachable, "the connection broke")
}

impl Sink<MediaFrame> for FrameSink {
    type Error = VendorError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), VendorError>> {
        self.socket.poll_ready_unpin(cx).map_err(broken)
    }

    fn start_send(mut self: Pin<&mut Self>, frame: MediaFrame) -> Result<(), VendorError> {
        let text = self.text.write(&frame);
        self.socket.start_send_unpin(Message::Text(text.into())).map_err(broken)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), VendorError>> {
        self.socket.poll_flush_unpin(cx).map_err(broken)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), VendorError>> {
        if !self.is_closing {
            ready!(self.socket.poll_ready_unpin(cx)).map_err(broken)?;
            let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            self.socket.start_send_unpin(Message::Close(Some(frame))).map_err(broken)?;
            self.is_closing = true;
        }
        self.socket.poll_flush_unpin(cx).map_err(broken)
    }
}
