//! The task that owns a speech-to-text session: audio from the ring into the socket, events back. It ends with the
//! session and gives the ring back, with what has not been heard still in it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::{broadcast, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::Pumped;
use crate::events::{AudioInDropped, emit};
use crate::limits;
use crate::ports::{SpeechToText, SttInput, SttSession, VendorError, VendorErrorKind};

const STT: &str = "speech-to-text";

type Ring = broadcast::Receiver<Bytes>;

pub(super) async fn run(
    port: Arc<dyn SpeechToText>,
    audio: oneshot::Receiver<Ring>,
    tell: &(impl Fn(Pumped) -> bool + Sync),
) {
    let timed_out = |_| VendorError::new(STT, VendorErrorKind::TimedOut, "connecting took too long");
    let connected = timeout(limits::STT_CONNECT_TIMEOUT_MS, port.connect()).await.map_err(timed_out);
    let (mut pump, error) = match connected.and_then(|session| session) {
        Ok(session) => {
            let mut pump = Pump::new(session, audio);
            let error = pump.run(tell).await;
            (pump.audio, error)
        }
        Err(error) => (Audio::Coming(audio), error),
    };
    tell(Pumped::Lost(error, pump.take()));
}

/// The ring, or the promise of it: the session may be open before the stream is.
enum Audio {
    Coming(oneshot::Receiver<Ring>),
    Here(Ring),
    Gone,
}

impl Audio {
    /// The next frame; for ever when there is none to come.
    async fn frame(&mut self) -> Bytes {
        loop {
            match self {
                Self::Coming(coming) => match coming.await {
                    Ok(ring) => *self = Self::Here(ring),
                    Err(_) => *self = Self::Gone,
                },
                Self::Here(ring) => match ring.recv().await {
                    Ok(frame) => return frame,
                    Err(broadcast::error::RecvError::Lagged(frames)) => emit(AudioInDropped { frames }),
                    Err(broadcast::error::RecvError::Closed) => *self = Self::Gone,
                },
                Self::Gone => std::future::pending().await,
            }
        }
    }

    fn backlog(&self) -> usize {
        if let Self::Here(ring) = self { ring.len() } else { 0 }
    }

    fn take(&mut self) -> Option<Ring> {
        match std::mem::replace(self, Self::Gone) {
            Self::Here(ring) => Some(ring),
            Self::Coming(mut coming) => coming.try_recv().ok(),
            Self::Gone => None,
        }
    }
}

struct Pump {
    session: SttSession,
    audio: Audio,
    last_sent: Instant,
    replay_at: Instant,
}

impl Pump {
    fn new(session: SttSession, audio: oneshot::Receiver<Ring>) -> Self {
        let now = Instant::now();
        Self { session, audio: Audio::Coming(audio), last_sent: now, replay_at: now }
    }

    /// Runs until the session is over.
    async fn run(&mut self, tell: &(impl Fn(Pumped) -> bool + Sync)) -> VendorError {
        loop {
            let keep_alive_at = self.last_sent + limits::STT_KEEP_ALIVE_EVERY_MS;
            let backlog = self.audio.backlog() >= limits::STT_BACKLOG_FRAMES;
            let sent = tokio::select! {
                biased;
                event = self.session.events.next() => match event {
                    Some(Ok(event)) => {
                        tell(Pumped::Event(event));
                        Ok(())
                    }
                    Some(Err(error)) => Err(error),
                    None => Err(VendorError::new(STT, VendorErrorKind::Unreachable, "the session has ended")),
                },
                () = sleep_until(self.replay_at), if backlog && self.replay_at > Instant::now() => Ok(()),
                frame = self.audio.frame(), if !backlog || self.replay_at <= Instant::now() => {
                    self.replay_at = Instant::now() + limits::STT_REPLAY_EVERY_MS;
                    self.send(SttInput::Audio(frame)).await
                }
                () = sleep_until(keep_alive_at) => self.send(SttInput::KeepAlive).await,
            };
            if let Err(error) = sent {
                return error;
            }
        }
    }

    async fn send(&mut self, input: SttInput) -> Result<(), VendorError> {
        self.last_sent = Instant::now();
        let write = self.session.input.send(input);
        let stuck = |_| VendorError::new(STT, VendorErrorKind::TimedOut, "the socket takes no more audio");
        timeout(limits::STT_WRITE_TIMEOUT_MS, write).await.map_err(stuck).and_then(|sent| sent)
    }
}

const _: () = assert!(limits::STT_REPLAY_EVERY_MS.as_millis() < Duration::from_millis(20).as_millis());
