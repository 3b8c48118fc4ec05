//! The telephony socket of a drill as Twilio keeps it: plays what it gets in real time, returns marks when they are
//! played, forgets on `clear`; and the caller's ear at its far end.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures_util::Sink;
use tokio::time::Instant;

use super::audio::{Decoder, Sound};
use crate::ports::{MediaEvent, MediaFrame, MediaSink, MediaSource, VendorError, VendorErrorKind};
use crate::testing::reel::{Reel, sounded};
use crate::testing::timed::Timed;

#[derive(Default)]
struct Speaker {
    reel: Reel,
    /// The piece that the ear is at, and how much of it was heard.
    at: (usize, usize),
    decoder: Decoder,
}

/// One call's line. Clones are the same.
#[derive(Clone, Default)]
pub(super) struct Line {
    speaker: Arc<Mutex<Speaker>>,
    events: Timed<MediaEvent>,
    /// Otto has closed its side, or Twilio has.
    closed: Arc<Mutex<bool>>,
}

/// What the ear has heard since it last listened.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) text: String,
    /// Something sounds right now.
    pub(super) sounding: bool,
}

impl Speaker {
    fn listen(&mut self) -> Heard {
        let now = Instant::now();
        let mut heard = Heard::default();
        while let Some(piece) = self.reel.pieces.get(self.at.0) {
            let (begins, audio) = piece;
            let played = sounded(piece, now);
            for (_, sound) in self.decoder.decode(&played[self.at.1.min(played.len())..]) {
                if let Sound::Char(c) = sound {
                    heard.text.push(c);
                }
            }
            self.at.1 = played.len();
            if played.len() < audio.len() {
                heard.sounding = *begins <= now && !played.is_empty();
                return heard;
            }
            self.at = (self.at.0 + 1, 0);
        }
        heard
    }
}

impl Line {
    /// Otto's ends of the socket.
    pub(super) fn socket(&self) -> (MediaSource, MediaSink) {
        (self.events.stream(()), Box::pin(Wire(self.clone())))
    }

    /// What the caller's ear has heard since the last time.
    pub(super) fn listen(&self) -> Heard {
        self.speaker.lock().unwrap().listen()
    }

    /// The caller's voice, or another event.
    pub(super) fn sends(&self, event: MediaEvent) {
        self.events.now(event);
    }

    pub(super) fn is_closed(&self) -> bool {
        *self.closed.lock().unwrap()
    }

    /// Twilio's side is over: nothing sounds any more.
    pub(super) fn ends(&self) {
        if !std::mem::replace(&mut *self.closed.lock().unwrap(), true) {
            self.events.now(MediaEvent::Stop);
        }
        self.speaker.lock().unwrap().reel.clear();
        self.events.close();
    }

    fn take(&self, frame: MediaFrame) {
        let mut speaker = self.speaker.lock().unwrap();
        match frame {
            MediaFrame::Audio(audio) => speaker.reel.add(audio),
            MediaFrame::Mark(name) => self.events.push(speaker.reel.ends_at(), MediaEvent::Mark(name)),
            MediaFrame::Clear => {
                speaker.reel.clear();
                self.events.hurry();
            }
        }
    }
}

/// Otto's writing end. Twilio closes with the stream; what it has not played by then is lost.
struct Wire(Line);

impl Sink<MediaFrame> for Wire {
    type Error = VendorError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), VendorError>> {
        let gone = || VendorError::new("drill-line", VendorErrorKind::Unreachable, "the call is over");
        Poll::Ready(if self.0.is_closed() { Err(gone()) } else { Ok(()) })
    }

    fn start_send(self: Pin<&mut Self>, frame: MediaFrame) -> Result<(), VendorError> {
        self.0.take(frame);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), VendorError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), VendorError>> {
        self.0.ends();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.0.ends();
    }
}
