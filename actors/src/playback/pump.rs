//! The task that owns a text-to-speech session: text in, audio out to the line, marks between.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use crate::limits;
use crate::media_plane::{Epoch, LineOut};
use crate::ports::{TextToSpeech, TtsEvent, TtsInput, TtsSession, VendorError, VendorErrorKind};

const TTS: &str = "text-to-speech";

/// What the actor tells its session.
#[derive(Debug)]
pub(super) enum PumpCommand {
    /// Text whose audio belongs to this epoch.
    Speak(Epoch, String),
    Flush,
    /// Forget everything; audio from now on belongs to this epoch.
    Clear(Epoch),
}

/// What a session tells its actor. Positions count the samples of the epoch.
#[derive(Debug)]
pub(super) enum Pumped {
    Connected,
    /// The first audio after a flush (or at all) begins here.
    Began {
        epoch: Epoch,
        position: u64,
        first_byte: Instant,
    },
    /// All audio of one flush ends here.
    Ended {
        epoch: Epoch,
        position: u64,
    },
    /// The session is ready for new text.
    Cleared,
    Lost(VendorError),
    Warning(VendorError),
}

pub(super) async fn run(
    port: Arc<dyn TextToSpeech>,
    out: LineOut,
    filled: (Epoch, u64),
    commands: mpsc::Receiver<PumpCommand>,
    tell: &(impl Fn(Pumped) + Sync),
) {
    let slow = |_| VendorError::new(TTS, VendorErrorKind::TimedOut, "connecting took too long");
    let connected = timeout(limits::TTS_CONNECT_TIMEOUT_MS, port.connect()).await.map_err(slow);
    let error = match connected.and_then(|session| session) {
        Ok(session) => {
            tell(Pumped::Connected);
            Pump::new(session, out, filled, commands).run(tell).await
        }
        Err(error) => error,
    };
    tell(Pumped::Lost(error));
}

struct Pump {
    session: TtsSession,
    out: LineOut,
    commands: mpsc::Receiver<PumpCommand>,
    epoch: Epoch,
    /// Samples of this epoch that were queued.
    position: u64,
    marked: u64,
    /// The next audio is the first of a flush.
    fresh: bool,
    /// Flushes whose audio is not complete.
    flushes: u32,
    /// `Clear`s that were not answered: audio until then is old.
    clears: u32,
    /// When silence of the vendor counts as a stall.
    deadline: Instant,
}

impl Pump {
    /// `filled` is how far an epoch was filled by an earlier session, as far as its actor knows; after that actor's
    /// failure the line knows better. An interruption meanwhile has begun another epoch, of which nothing is filled.
    fn new(session: TtsSession, out: LineOut, filled: (Epoch, u64), commands: mpsc::Receiver<PumpCommand>) -> Self {
        let epoch = out.epoch();
        let queued = if filled.0 == epoch { filled.1 } else { 0 };
        let playout = out.playout();
        let position = if playout.epoch == epoch { playout.sent.max(queued) } else { queued };
        let deadline = Instant::now();
        Self { session, out, commands, epoch, position, marked: position, fresh: true, flushes: 0, clears: 0, deadline }
    }

    async fn run(mut self, tell: &(impl Fn(Pumped) + Sync)) -> VendorError {
        loop {
            let waiting = self.flushes > 0 || self.clears > 0;
            let done = tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(command) => self.command(command).await,
                    None => Err(VendorError::new(TTS, VendorErrorKind::Unreachable, "not needed any more")),
                },
                event = self.session.events.next() => match event {
                    Some(event) => match event {
                        Ok(event) => self.event(event, tell).await,
                        Err(error) => Err(error),
                    },
                    None => Err(VendorError::new(TTS, VendorErrorKind::Unreachable, "the session has ended")),
                },
                () = sleep_until(self.deadline), if waiting => {
                    Err(VendorError::new(TTS, VendorErrorKind::TimedOut, "no audio in time"))
                }
            };
            if let Err(error) = done {
                return error;
            }
        }
    }

    async fn command(&mut self, command: PumpCommand) -> Result<(), VendorError> {
        let (input, patience) = match command {
            PumpCommand::Speak(epoch, text) => {
                if epoch != self.epoch {
                    self.begin(epoch);
                }
                return self.send(TtsInput::Speak(text)).await;
            }
            PumpCommand::Flush => {
                self.flushes += 1;
                (TtsInput::Flush, limits::TTS_STALL_TIMEOUT_MS)
            }
            PumpCommand::Clear(epoch) => {
                self.clears += 1;
                self.flushes = 0;
                self.begin(epoch);
                (TtsInput::Clear, limits::TTS_CLEAR_TIMEOUT_MS)
            }
        };
        self.deadline = Instant::now() + patience;
        self.send(input).await
    }

    fn begin(&mut self, epoch: Epoch) {
        (self.epoch, self.position, self.marked, self.fresh) = (epoch, 0, 0, true);
    }

    async fn send(&mut self, input: TtsInput) -> Result<(), VendorError> {
        let stuck = |_| VendorError::new(TTS, VendorErrorKind::TimedOut, "the socket takes no more text");
        timeout(limits::TTS_STALL_TIMEOUT_MS, self.session.input.send(input)).await.map_err(stuck).and_then(|sent| sent)
    }

    async fn event(&mut self, event: TtsEvent, tell: &(impl Fn(Pumped) + Sync)) -> Result<(), VendorError> {
        match event {
            TtsEvent::Audio(_) | TtsEvent::Flushed if self.clears > 0 => Ok(()),
            TtsEvent::Audio(audio) => self.audio(audio, tell).await,
            TtsEvent::Flushed => self.flushed(tell).await,
            TtsEvent::Cleared => {
                self.clears = self.clears.saturating_sub(1);
                if self.clears == 0 {
                    tell(Pumped::Cleared);
                }
                Ok(())
            }
            TtsEvent::Warning(text) => {
                tell(Pumped::Warning(VendorError::new(TTS, VendorErrorKind::Protocol, text)));
                Ok(())
            }
        }
    }

    async fn audio(&mut self, audio: Bytes, tell: &(impl Fn(Pumped) + Sync)) -> Result<(), VendorError> {
        let (samples, begins, first_byte) = (audio.len() as u64, self.position, Instant::now());
        self.deadline = first_byte + limits::TTS_STALL_TIMEOUT_MS;
        self.queue(Some(audio)).await?;
        self.position += samples;
        if std::mem::take(&mut self.fresh) {
            tell(Pumped::Began { epoch: self.epoch, position: begins, first_byte });
        }
        if self.position - self.marked >= limits::MARK_EVERY_SAMPLES {
            self.queue(None).await?;
        }
        Ok(())
    }

    async fn flushed(&mut self, tell: &(impl Fn(Pumped) + Sync)) -> Result<(), VendorError> {
        self.flushes = self.flushes.saturating_sub(1);
        self.fresh = true;
        self.deadline = Instant::now() + limits::TTS_STALL_TIMEOUT_MS;
        // Told before the mark can come back.
        tell(Pumped::Ended { epoch: self.epoch, position: self.position });
        self.queue(None).await
    }

    /// Queues audio, or a mark where it has got to.
    async fn queue(&mut self, audio: Option<Bytes>) -> Result<(), VendorError> {
        let closed = |_| VendorError::new(TTS, VendorErrorKind::Unreachable, "the caller's stream is closed");
        match audio {
            Some(audio) => self.out.audio(self.epoch, audio).await.map_err(closed),
            None => {
                self.marked = self.position;
                self.out.mark(self.epoch, self.position).await.map_err(closed)
            }
        }
    }
}
