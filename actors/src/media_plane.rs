//! The media plane: how 20 ms frames travel between the I/O tasks of a call without passing through a mailbox.
//!
//! The telephony socket belongs to two tasks that outlive the actors on both sides of them, so that a leg that fails
//! costs no audio path. Inwards, a ring keeps what has not been understood yet, at most five seconds, so that whoever takes
//! over hears it again; the silence of a line that has long been quiet goes on in parcels, a sound at once. Outwards, a
//! bounded queue holds the text-to-speech back to the pace of the socket, small pieces travel together while the caller has
//! enough ahead, and a control queue overtakes it all, so that `clear` never waits behind audio. Audio carries an epoch; a
//! `clear` begins a new one, and audio of an older epoch is dropped wherever it is.

mod loudness;
mod playout;
mod reader;
mod voice;
mod writer;

pub(crate) use loudness::is_audible;
#[cfg(test)]
pub(crate) use loudness::tests::tone;
pub use playout::{Playout, PlayoutClock};
pub(crate) use playout::{duration, samples};
pub use reader::{MediaListener, MediaSignal};
pub use voice::{LastSound, Voice, VoiceReader, VoiceRing};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use crate::domain::StreamSid;
use crate::limits;
use crate::ports::{MediaSink, MediaSource};
use crate::tasks::TaskScope;

/// Counts the `clear`s of a stream: audio of an earlier epoch is never heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Epoch(pub u64);

/// One call's open media stream. Cloning gives another handle to the same stream.
#[derive(Debug, Clone)]
pub struct MediaLine {
    /// Twilio's name of the stream.
    pub stream: StreamSid,
    voice: VoiceRing,
    listener: watch::Sender<Option<MediaListener>>,
    out: LineOut,
}

/// The way out to the caller's ear.
#[derive(Debug, Clone)]
pub struct LineOut {
    audio: mpsc::Sender<OutItem>,
    control: mpsc::Sender<writer::Control>,
    epoch: Arc<AtomicU64>,
    playout: watch::Receiver<Playout>,
}

/// What waits for the telephony socket.
#[derive(Debug)]
pub(crate) enum OutItem {
    Audio(Epoch, Bytes),
    Mark(Epoch, u64),
}

/// The stream is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the media stream is closed")]
pub struct LineClosed;

impl MediaLine {
    /// Starts the two tasks of a stream in the call's scope.
    #[must_use]
    pub fn open(stream: StreamSid, source: MediaSource, sink: MediaSink, scope: &TaskScope) -> Self {
        let voice = VoiceRing::default();
        let (listener, signals_to) = watch::channel(None);
        let (audio, audio_queue) = mpsc::channel(limits::AUDIO_OUT_CHUNKS);
        let (control, control_queue) = mpsc::channel(limits::MEDIA_CONTROL_FRAMES);
        let (publish, playout) = watch::channel(Playout::silent(tokio::time::Instant::now()));
        let epoch = Arc::new(AtomicU64::new(0));
        scope.spawn(reader::run(source, voice.clone(), signals_to.clone(), control.clone()));
        scope.spawn(writer::run(writer::Writer {
            sink,
            audio_queue,
            control_queue,
            epoch: epoch.clone(),
            publish,
            signals_to,
            is_asked: false,
        }));
        let out = LineOut { audio, control, epoch, playout };
        Self { stream, voice, listener, out }
    }

    /// Who hears the stream's signals from now on; those that came while nobody listened have waited.
    pub fn listen(&self, listener: MediaListener) {
        self.listener.send_replace(Some(listener));
    }

    /// The caller's voice.
    #[must_use]
    pub fn voice(&self) -> VoiceRing {
        self.voice.clone()
    }

    /// The way to the caller's ear.
    #[must_use]
    pub fn out(&self) -> LineOut {
        self.out.clone()
    }

    /// Closes the stream; Twilio then asks what comes next.
    pub fn close(&self) {
        // A full or closed queue means that the writer is stuck or gone, and with it the stream.
        let _ = self.out.control.try_send(writer::Control::Close);
    }
}

impl LineOut {
    /// The epoch that is heard now.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        Epoch(self.epoch.load(Ordering::Acquire))
    }

    /// Drops everything that has not been played and begins a new epoch. Takes effect at once here, and as soon as the
    /// socket takes one frame at the caller's.
    pub fn clear(&self) -> Epoch {
        let epoch = Epoch(self.epoch.fetch_add(1, Ordering::AcqRel) + 1);
        let _ = self.control.try_send(writer::Control::Clear(epoch));
        epoch
    }

    /// Queues audio, waiting while the queue is full. Audio of an old epoch is dropped.
    ///
    /// # Errors
    /// When the stream is closed.
    pub async fn audio(&self, epoch: Epoch, audio: Bytes) -> Result<(), LineClosed> {
        self.push(OutItem::Audio(epoch, audio)).await
    }

    /// Queues a mark at a position: the samples of this epoch that were queued before it.
    ///
    /// # Errors
    /// When the stream is closed.
    pub async fn mark(&self, epoch: Epoch, position: u64) -> Result<(), LineClosed> {
        self.push(OutItem::Mark(epoch, position)).await
    }

    async fn push(&self, item: OutItem) -> Result<(), LineClosed> {
        self.audio.send(item).await.map_err(|_| LineClosed)
    }

    /// What has been played, as far as is known. Of an epoch that has just begun nothing was sent.
    #[must_use]
    pub fn playout(&self) -> Playout {
        let (reading, epoch) = (*self.playout.borrow(), self.epoch());
        if reading.epoch == epoch { reading } else { Playout { epoch, ..Playout::silent(tokio::time::Instant::now()) } }
    }
}

#[cfg(test)]
mod tests;
