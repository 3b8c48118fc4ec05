//! The task that writes the telephony socket: control first, then audio of the current epoch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::SinkExt as _;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::playout::{Playout, PlayoutClock};
use super::reader::{MediaListener, MediaSignal, deliver};
use super::{Epoch, OutItem};
use crate::limits;
use crate::ports::{MediaFrame, MediaSink};

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
}

pub(super) async fn run(mut writer: Writer) {
    let mut clock = PlayoutClock::new(Instant::now());
    while writer.step(&mut clock).await {
        writer.publish.send_replace(clock.reading());
    }
    let _ = timeout(limits::MEDIA_WRITE_TIMEOUT_MS, writer.sink.close()).await;
    deliver(MediaSignal::Closed { hung_up: false }, &mut writer.signals_to).await;
}

impl Writer {
    /// Writes one thing; false when the stream is over.
    async fn step(&mut self, clock: &mut PlayoutClock) -> bool {
        tokio::select! {
            biased;
            control = self.control_queue.recv() => self.control(control, clock).await,
            item = self.audio_queue.recv() => match item {
                Some(item) => self.item(item, clock).await,
                None => false,
            },
        }
    }

    async fn control(&mut self, control: Option<Control>, clock: &mut PlayoutClock) -> bool {
        match control {
            Some(Control::Clear(epoch)) => self.clear_for(epoch, clock).await,
            Some(Control::Played(epoch, position, at)) => {
                clock.marked(epoch, position, at);
                true
            }
            Some(Control::Close) | None => false,
        }
    }

    /// Forgets at the caller's end what was sent before this epoch, once.
    async fn clear_for(&mut self, epoch: Epoch, clock: &mut PlayoutClock) -> bool {
        if clock.reading().epoch >= epoch {
            return true;
        }
        let written = self.write(MediaFrame::Clear).await;
        clock.cleared(epoch, Instant::now());
        written
    }

    async fn item(&mut self, item: OutItem, clock: &mut PlayoutClock) -> bool {
        let current = Epoch(self.epoch.load(Ordering::Acquire));
        // A `clear` that found its queue full is made good before anything of its epoch is heard.
        if !self.clear_for(current, clock).await {
            return false;
        }
        match item {
            OutItem::Audio(epoch, audio) if epoch == current => {
                let samples = audio.len() as u64;
                let written = self.write(MediaFrame::Audio(audio)).await;
                clock.sent(samples, Instant::now());
                written
            }
            OutItem::Mark(epoch, position) if epoch == current => {
                self.write(MediaFrame::Mark(format_mark(epoch, position))).await
            }
            OutItem::Audio(..) | OutItem::Mark(..) => true,
        }
    }

    async fn write(&mut self, frame: MediaFrame) -> bool {
        matches!(timeout(limits::MEDIA_WRITE_TIMEOUT_MS, self.sink.send(frame)).await, Ok(Ok(())))
    }
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
