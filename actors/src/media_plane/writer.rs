//! The task that writes the telephony socket: control first, then audio of the current epoch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use futures_util::SinkExt as _;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until, timeout};

use super::playout::{Playout, PlayoutClock};
use super::reader::{MediaListener, MediaSignal, deliver};
use super::{Epoch, OutItem};
use crate::limits;
use crate::ports::{MediaFrame, MediaSink};
use crate::tasks::within;

/// What overtakes audio.
#[derive(Debug)]
pub(super) enum Control {
    Clear(Epoch),
    Played(Epoch, u64, Instant),
    Close,
}

pub(super) struct Writer {
    pub(super) sink: MediaSink,
    pub(super) audio_queue: mpsc::Receiver<OutItem>,
    pub(super) control_queue: mpsc::Receiver<Control>,
    pub(super) epoch: Arc<AtomicU64>,
    pub(super) publish: watch::Sender<Playout>,
    pub(super) signals_to: watch::Receiver<Option<MediaListener>>,
    /// Otto or the reader wants the end.
    pub(super) is_asked: bool,
}

pub(super) async fn run(mut writer: Writer) {
    let mut clock = PlayoutClock::new(Instant::now());
    let mut parcel = BytesMut::new();
    while writer.step(&mut clock, &mut parcel).await {
        writer.publish.send_replace(clock.reading());
    }
    let Writer { mut sink, mut signals_to, is_asked, .. } = writer;
    let _ = timeout(limits::MEDIA_WRITE_TIMEOUT_MS, sink.close()).await;
    // With the reader's half gone, too, the connection ends.
    drop(sink);
    if !is_asked {
        // The reader may not know yet. Where it does, it has asked, and tells itself who has hung up.
        deliver(MediaSignal::Closed { hung_up: false }, &mut signals_to).await;
    }
}

impl Writer {
    /// Writes one thing; false when the stream is over. Audio that may wait, because the caller has more than enough ahead,
    /// is gathered in the parcel.
    async fn step(&mut self, clock: &mut PlayoutClock, parcel: &mut BytesMut) -> bool {
        let due = urgent_at(clock);
        tokio::select! {
            biased;
            control = self.control_queue.recv() => self.control(control, clock, parcel).await,
            item = self.audio_queue.recv() => match item {
                Some(item) => self.item(item, clock, parcel).await,
                None => false,
            },
            () = async { sleep_until(due).await }, if !parcel.is_empty() => self.send(parcel, clock).await,
        }
    }

    async fn control(&mut self, control: Option<Control>, clock: &mut PlayoutClock, parcel: &mut BytesMut) -> bool {
        match control {
            Some(Control::Clear(epoch)) => self.clear_for(epoch, clock, parcel).await,
            Some(Control::Played(epoch, position, at)) => {
                clock.marked(epoch, position, at);
                true
            }
            Some(Control::Close) | None => {
                self.is_asked = true;
                false
            }
        }
    }

    /// Forgets here and at the caller's end what was sent before this epoch, once.
    async fn clear_for(&mut self, epoch: Epoch, clock: &mut PlayoutClock, parcel: &mut BytesMut) -> bool {
        if clock.reading().epoch >= epoch {
            return true;
        }
        parcel.clear();
        let written = self.write(MediaFrame::Clear).await;
        clock.cleared(epoch, Instant::now());
        written
    }

    async fn item(&mut self, item: OutItem, clock: &mut PlayoutClock, parcel: &mut BytesMut) -> bool {
        let current = Epoch(self.epoch.load(Ordering::Acquire));
        // A `clear` that found its queue full is made good before anything of its epoch is heard.
        if !self.clear_for(current, clock, parcel).await {
            return false;
        }
        match item {
            OutItem::Audio(epoch, audio) if epoch == current => self.audio(audio, clock, parcel).await,
            OutItem::Mark(epoch, position) if epoch == current => {
                self.send(parcel, clock).await && self.write(MediaFrame::Mark(format_mark(epoch, position))).await
            }
            OutItem::Audio(..) | OutItem::Mark(..) => true,
        }
    }

    async fn audio(&mut self, audio: Bytes, clock: &mut PlayoutClock, parcel: &mut BytesMut) -> bool {
        let is_enough = (parcel.len() + audio.len()) as u64 >= limits::AUDIO_OUT_PARCEL_SAMPLES;
        let goes_out = is_enough || Instant::now() >= urgent_at(clock);
        if goes_out && parcel.is_empty() {
            return self.sound(audio, clock).await;
        }
        parcel.extend_from_slice(&audio);
        !goes_out || self.send(parcel, clock).await
    }

    async fn send(&mut self, parcel: &mut BytesMut, clock: &mut PlayoutClock) -> bool {
        parcel.is_empty() || self.sound(parcel.split().freeze(), clock).await
    }

    async fn sound(&mut self, audio: Bytes, clock: &mut PlayoutClock) -> bool {
        let samples = audio.len() as u64;
        let written = self.write(MediaFrame::Audio(audio)).await;
        clock.sent(samples, Instant::now());
        written
    }

    async fn write(&mut self, frame: MediaFrame) -> bool {
        matches!(within(limits::MEDIA_WRITE_TIMEOUT_MS, self.sink.send(frame)).await, Ok(Ok(())))
    }
}

/// When more audio must be on its way, so that the caller hears no hole.
fn urgent_at(clock: &PlayoutClock) -> Instant {
    let ends_at = clock.reading().ends_at;
    ends_at.checked_sub(limits::AUDIO_OUT_LEAD_MS).unwrap_or(ends_at)
}

fn format_mark(epoch: Epoch, position: u64) -> String {
    format!("{}:{position}", epoch.0)
}

/// Reads a mark's name back; none for a name that Otto did not give.
pub(super) fn parse_mark(name: &str) -> Option<(Epoch, u64)> {
    let (epoch, position) = name.split_once(':')?;
    Some((Epoch(epoch.parse().ok()?), position.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_come_back_as_they_went() {
        assert_eq!(parse_mark(&format_mark(Epoch(3), 48_000)), Some((Epoch(3), 48_000)));
        for name in ["", "3", "a:b", "1:2:3", "-1:4"] {
            assert_eq!(parse_mark(name), None, "{name}");
        }
    }
}
