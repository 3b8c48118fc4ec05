//! The task that reads the telephony socket: audio into the ring, everything else to whoever listens.

use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::writer::{Control, parse_mark};
use super::{Epoch, VoiceRing};
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
    voice: VoiceRing,
    mut signals_to: watch::Receiver<Option<MediaListener>>,
    control: mpsc::Sender<Control>,
) {
    let mut hung_up = false;
    while let Some(event) = source.next().await {
        let signal = match event {
            MediaEvent::Audio(audio) => {
                voice.push(audio);
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
    // The other side waits for the end of the connection once both have said goodbye.
    drop(source);
    let _ = control.try_send(Control::Close);
    // The end is told to every listener: one may die with this signal in its mailbox. The call's end ends this task.
    loop {
        deliver(MediaSignal::Closed { hung_up }, &mut signals_to).await;
        if signals_to.changed().await.is_err() {
            return;
        }
    }
}
