//! The task that reads the telephony socket: audio into the ring, everything else to whoever listens.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::Instant;

use super::Epoch;
use super::writer::{Control, parse_mark};
use crate::ports::{MediaAnomaly, MediaEvent, MediaSource};

/// What the control plane hears of a media stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaSignal {
    /// A key was pressed.
    Dtmf(char),
    /// All audio of an epoch up to a position has been played.
    Played(Epoch, u64),
    /// A message that the protocol does not allow was dropped.
    Anomaly(MediaAnomaly),
    /// The stream is over.
    Closed {
        /// Whether the other side announced it with a `stop`.
        hung_up: bool,
    },
}

/// Takes signals; returns false when it cannot any more.
#[derive(Clone)]
pub struct MediaListener(Arc<dyn Fn(MediaSignal) -> bool + Send + Sync>);

impl MediaListener {
    /// A listener that is a function.
    pub fn new(listener: impl Fn(MediaSignal) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(listener))
    }
}

impl std::fmt::Debug for MediaListener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MediaListener")
    }
}

/// Delivers a signal; while the listener is being restarted it waits, and the socket with it.
pub(super) async fn deliver(signal: MediaSignal, to: &mut watch::Receiver<Option<MediaListener>>) {
    loop {
        let listener = match to.wait_for(Option::is_some).await {
            Ok(listener) => listener.clone(),
            Err(_) => return,
        };
        if listener.is_some_and(|listener| (listener.0)(signal.clone())) || to.changed().await.is_err() {
            return;
        }
    }
}

pub(super) async fn run(
    mut source: MediaSource,
    audio_in: broadcast::Sender<Bytes>,
    mut signals_to: watch::Receiver<Option<MediaListener>>,
    control: mpsc::Sender<Control>,
) {
    let mut hung_up = false;
    while let Some(event) = source.next().await {
        let signal = match event {
            MediaEvent::Audio(audio) => {
                // No speech-to-text at this moment: the frame is lost, as it would be on a line that is not listened to.
                let _ = audio_in.send(audio);
                continue;
            }
            MediaEvent::Mark(name) => match parse_mark(&name) {
                Some((epoch, position)) => {
                    let _ = control.try_send(Control::Played(epoch, position, Instant::now()));
                    MediaSignal::Played(epoch, position)
                }
                None => MediaSignal::Anomaly(MediaAnomaly::Malformed),
            },
            MediaEvent::Dtmf(key) => MediaSignal::Dtmf(key),
            MediaEvent::Anomaly(anomaly) => MediaSignal::Anomaly(anomaly),
            MediaEvent::Stop => {
                hung_up = true;
                break;
            }
        };
        deliver(signal, &mut signals_to).await;
    }
    let _ = control.try_send(Control::Close);
    deliver(MediaSignal::Closed { hung_up }, &mut signals_to).await;
}
