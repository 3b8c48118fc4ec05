//! A telephone line without a telephone: plays everything at once and says so.

use futures_util::{StreamExt as _, sink, stream};
use otto_actors::ports::{MediaEvent, MediaFrame, MediaSink, MediaSource, VendorError};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The caller's end of the line.
pub(super) struct Line {
    events: mpsc::WeakUnboundedSender<MediaEvent>,
    closed: CancellationToken,
}

/// Otto's end; the line is closed when it is dropped.
struct Speaking {
    events: mpsc::UnboundedSender<MediaEvent>,
    _open: DropGuard,
}

impl Line {
    /// A line, and its halves as the actors take them.
    pub(super) fn open() -> (Self, MediaSource, MediaSink) {
        let (events, mut played) = mpsc::unbounded_channel();
        let closed = CancellationToken::new();
        let line = Self { events: events.downgrade(), closed: closed.clone() };
        let speaking = Speaking { events, _open: closed.drop_guard() };
        let sink = sink::unfold(speaking, |speaking: Speaking, frame: MediaFrame| async move {
            if let MediaFrame::Mark(name) = frame {
                // Fails only when nobody listens to the line any more.
                let _ = speaking.events.send(MediaEvent::Mark(name));
            }
            Ok::<_, VendorError>(speaking)
        });
        let source = stream::poll_fn(move |cx| played.poll_recv(cx));
        (line, source.boxed(), Box::pin(sink))
    }

    /// The caller hangs up.
    pub(super) fn hang_up(&self) {
        if let Some(events) = self.events.upgrade() {
            let _ = events.send(MediaEvent::Stop);
        }
    }

    /// Resolves when Otto's side has closed the line.
    pub(super) async fn closed(&self) {
        self.closed.cancelled().await;
    }
}
