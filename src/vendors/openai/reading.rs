//! Reads the body of a streamed reply: bytes become server-sent events, and these, through an accumulator of either wire
//! format, [`ModelEvent`]s.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{BoxStream, unfold};
use otto_actors::ports::{ModelEvent, ModelStream, VendorError};
use sse_stream::{Sse, SseByteStream};

use super::errors::{self, protocol};

/// A whole reply with its framing, in bytes; a few hundred tokens take about 100 KiB.
const REPLY_MAX_BYTES: usize = 2 * 1024 * 1024;
/// How long to wait for what may follow once the reply is finished.
const AFTER_FINISH_TIMEOUT_MS: Duration = Duration::from_millis(1_000);
/// How long to wait for the end of the body after the last event, so that the connection can be used again.
const AFTER_DONE_TIMEOUT_MS: Duration = Duration::from_millis(20);

/// Gathers one reply, purely: feed it the data of every server-sent event, then [`Accumulate::end`] when the stream
/// ends.
pub trait Accumulate: Send + 'static {
    /// Takes the data of one event.
    ///
    /// # Errors
    /// When the vendor reports an error, breaks its protocol or a limit; the reply is over then.
    fn chunk(&mut self, data: &str) -> Result<Vec<ModelEvent>, VendorError>;

    /// The stream has ended.
    ///
    /// # Errors
    /// When the reply was not finished: the stream was cut.
    fn end(&mut self) -> Result<Vec<ModelEvent>, VendorError>;

    /// Whether the reply is complete: nothing more is read.
    fn is_done(&self) -> bool;

    /// Whether only what the reply can do without is still to come.
    fn is_finished(&self) -> bool {
        self.is_done()
    }
}

type Bytes = BoxStream<'static, Result<bytes::Bytes, VendorError>>;

/// Fails when more comes than any reply has, such as one line without an end.
fn bounded(bytes: Bytes) -> Bytes {
    let mut left = REPLY_MAX_BYTES;
    let bound = move |chunk: Result<bytes::Bytes, VendorError>| {
        let chunk = chunk?;
        left = left.checked_sub(chunk.len()).ok_or_else(|| protocol("the reply is too large"))?;
        Ok(chunk)
    };
    bytes.map(bound).boxed()
}

/// What stopped the reading: the connection, or bytes that are no events.
fn broken(error: sse_stream::Error) -> VendorError {
    match error {
        sse_stream::Error::Body(error) if error.is::<VendorError>() => {
            error.downcast().map_or_else(|_| protocol("the reply broke off"), |error| *error)
        }
        _ => protocol("the reply is no event stream"),
    }
}

/// Where the reading of a reply stands.
struct Reading<A> {
    source: SseByteStream<Bytes>,
    reply: A,
    ready: std::vec::IntoIter<ModelEvent>,
}

/// The events of a reply, as `reply` gathers them from the body.
pub(super) fn events(body: Bytes, reply: impl Accumulate) -> ModelStream {
    let reading = Reading { source: SseByteStream::new(bounded(body)), reply, ready: Vec::new().into_iter() };
    unfold(Some(reading), |reading| async move {
        let mut reading = reading?;
        match reading.next().await {
            Some(Ok(event)) => Some((Ok(event), Some(reading))),
            Some(Err(error)) => Some((Err(error), None)),
            None => None,
        }
    })
    .boxed()
}

impl<A: Accumulate> Reading<A> {
    async fn next(&mut self) -> Option<Result<ModelEvent, VendorError>> {
        loop {
            if let Some(event) = self.ready.next() {
                return Some(Ok(event));
            }
            if self.reply.is_done() {
                return None;
            }
            match self.read().await {
                Ok(events) => self.ready = events.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    async fn read(&mut self) -> Result<Vec<ModelEvent>, VendorError> {
        let next = if self.reply.is_finished() {
            tokio::time::timeout(AFTER_FINISH_TIMEOUT_MS, self.source.next()).await.unwrap_or(None)
        } else {
            self.source.next().await
        };
        let events = match next {
            Some(Ok(Sse { event: Some(kind), data, .. })) if kind == "error" => {
                return Err(errors::in_event(&data.unwrap_or_default()));
            }
            Some(Ok(Sse { data: Some(data), .. })) => self.reply.chunk(&data)?,
            Some(Ok(Sse { data: None, .. })) => Vec::new(),
            Some(Err(error)) if !self.reply.is_finished() => return Err(broken(error)),
            Some(Err(_)) | None => self.reply.end()?,
        };
        if self.reply.is_done() {
            let _ = tokio::time::timeout(AFTER_DONE_TIMEOUT_MS, self.source.next()).await;
        }
        Ok(events)
    }
}
