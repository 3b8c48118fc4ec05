//! The caller's end of a media stream: plays what it gets in simulated time, returns marks, forgets on `clear`.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Sink, sink};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::PATIENCE;
use super::log::Log;
use super::reel::{Reel, plays, sounded};
use super::timed::{OnDrop, Timed};
use super::tts::SAMPLES_PER_CHAR;
use crate::ports::{MediaEvent, MediaFrame, MediaSink, MediaSource, VendorError};

#[derive(Default)]
struct Speaker {
    reel: Reel,
    loses_marks: bool,
}

/// Cloning gives another hand on the same phone.
#[derive(Clone)]
pub(crate) struct Phone {
    speaker: Arc<Mutex<Speaker>>,
    events: Timed<MediaEvent>,
    /// What Otto sent, and when.
    pub(crate) frames: Log<(Instant, MediaFrame)>,
    /// Otto's side is closed.
    closed: Arc<watch::Sender<bool>>,
    /// While false, the socket takes nothing.
    flowing: Arc<watch::Sender<bool>>,
}

impl Speaker {
    fn text_until(&self, then: Instant) -> String {
        let chars = |piece: &(Instant, Bytes)| {
            sounded(piece, then).chunks_exact(SAMPLES_PER_CHAR).map(|c| char::from(c[0])).collect::<String>()
        };
        self.reel.pieces.iter().map(chars).collect()
    }
}

/// A sink that tells when it is closed or dropped.
struct Closing<G> {
    sink: MediaSink,
    closes: Option<G>,
}

impl<G: Unpin> Sink<MediaFrame> for Closing<G> {
    type Error = VendorError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), VendorError>> {
        self.sink.as_mut().poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, frame: MediaFrame) -> Result<(), VendorError> {
        self.sink.as_mut().start_send(frame)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), VendorError>> {
        self.sink.as_mut().poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), VendorError>> {
        self.closes = None;
        self.sink.as_mut().poll_close(cx)
    }
}

impl Phone {
    pub(crate) fn new() -> Self {
        let (speaker, events, frames) = Default::default();
        let (closed, flowing) = (Arc::new(watch::Sender::new(false)), Arc::new(watch::Sender::new(true)));
        Self { speaker, events, frames, closed, flowing }
    }

    /// Otto's ends of the socket.
    pub(crate) fn socket(&self) -> (MediaSource, MediaSink) {
        let phone = self.clone();
        let closes = OnDrop(move || {
            phone.closed.send_replace(true);
            phone.events.close();
        });
        let sink = sink::unfold(self.clone(), |phone, frame| async move {
            // Never an error: the sender of `flowing` lives in the phone.
            let _ = phone.flowing.subscribe().wait_for(|flowing| *flowing).await;
            phone.take(frame);
            Ok::<_, VendorError>(phone)
        });
        (self.events.stream(()), Box::pin(Closing { sink: Box::pin(sink), closes: Some(closes) }))
    }

    fn take(&self, frame: MediaFrame) {
        let now = Instant::now();
        let mut speaker = self.speaker.lock().unwrap();
        match &frame {
            MediaFrame::Audio(audio) => speaker.reel.add(audio.clone()),
            MediaFrame::Mark(name) if !speaker.loses_marks => {
                self.events.push(speaker.reel.ends_at(), MediaEvent::Mark(name.clone()));
            }
            MediaFrame::Mark(_) => {}
            MediaFrame::Clear => {
                speaker.reel.clear();
                self.events.hurry();
            }
        }
        drop(speaker);
        self.frames.push((now, frame));
    }

    pub(crate) fn sends(&self, event: MediaEvent) {
        self.events.now(event);
    }

    pub(crate) fn hangs_up(&self) {
        self.sends(MediaEvent::Stop);
        self.events.close();
    }

    /// What was on its way is lost with it.
    pub(crate) fn loses_connection(&self) {
        self.events.clear();
        self.events.close();
    }

    pub(crate) fn loses_marks(&self) {
        self.speaker.lock().unwrap().loses_marks = true;
    }

    pub(crate) fn flows(&self, flowing: bool) {
        self.flowing.send_replace(flowing);
    }

    /// Everything that has sounded so far.
    pub(crate) fn heard(&self) -> String {
        self.speaker.lock().unwrap().text_until(Instant::now())
    }

    fn will_be_heard(&self) -> (String, Instant) {
        let speaker = self.speaker.lock().unwrap();
        let end = speaker.reel.ends_at();
        (speaker.text_until(end), end)
    }

    /// Waits until a text has been on its way to the ear.
    pub(crate) async fn gets(&self, text: &str) {
        self.frames.until(&format!("audio of {text:?}"), |_| self.will_be_heard().0.contains(text)).await;
    }

    /// Waits until a text has sounded to its end.
    pub(crate) async fn hears(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.heard().contains(text) {
            assert!(Instant::now() < deadline, "{text:?} was cut each time; heard: {:?}", self.heard());
            self.gets(text).await;
            // The last character sounds at the end of the audio at the latest.
            let part = |(begins, audio): &(Instant, Bytes)| *begins + plays(audio.len());
            let ends: Vec<Instant> = self.speaker.lock().unwrap().reel.pieces.iter().map(part).collect();
            let next = ends.into_iter().find(|end| *end > Instant::now());
            sleep_until(next.unwrap_or_else(|| Instant::now() + plays(SAMPLES_PER_CHAR))).await;
        }
    }

    /// Waits until Otto has closed the stream.
    pub(crate) async fn is_closed(&self) {
        let mut watching = self.closed.subscribe();
        let closed = timeout(PATIENCE, watching.wait_for(|closed| *closed)).await;
        assert!(closed.is_ok(), "Otto did not close the stream; heard: {:?}", self.heard());
    }
}
