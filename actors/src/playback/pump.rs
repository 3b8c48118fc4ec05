//! The task that owns the way from text to the line: the text-to-speech session, whichever it is at the time, and what
//! is played without one. Text in, audio out to the line, marks between.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, SinkExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::whole;
use crate::limits;
use crate::media_plane::{Epoch, LineClosed, LineOut};
use crate::ports::{TextToSpeech, TtsEvent, TtsInput, TtsSession, VendorError, VendorErrorKind};

const TTS: &str = "text-to-speech";
/// Longer audio is queued in pieces of 400 ms, so that marks can stand between them and no buffer grows for one of them.
const PIECE_SAMPLES: usize = 3_200;

/// How text is sent to the vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Socket,
    /// Sentence by sentence, each in a request of its own.
    Requests,
}

/// What a flush is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flush {
    /// The beginning of an utterance shall be heard before the rest is known.
    Beginning,
    /// The utterance is whole.
    End,
}

/// What the actor tells its pump.
#[derive(Debug)]
pub(super) enum PumpCommand {
    /// Open a session in place of any other, after a pause.
    Connect { session: u64, over: Over, after: Duration },
    /// Text whose audio belongs to this epoch.
    Speak(Epoch, String),
    /// Synthesise what was given so far.
    Flush(Flush),
    /// Nothing was given since the last flush: that one was the last of the utterance.
    Seal,
    /// Audio that is there already, the beginning of an utterance. Needs no session.
    Play(Epoch, Bytes),
    /// The end of an utterance that had no other audio.
    End,
    /// Audio that belongs to no utterance.
    Fill(Epoch, Bytes),
    /// Forget everything; audio from now on belongs to this epoch.
    Clear(Epoch),
}

/// What the pump tells its actor. Positions count the samples of the epoch.
#[derive(Debug)]
pub(super) enum Pumped {
    Connected,
    /// The first audio after a flush (or at all) begins here.
    Began {
        epoch: Epoch,
        position: u64,
        first_byte: Instant,
    },
    /// All audio of one utterance ends here.
    Ended {
        epoch: Epoch,
        position: u64,
    },
    /// The session is ready for new text.
    Cleared,
    Lost(VendorError),
    Warning(VendorError),
}

/// Why a step of the pump did not succeed.
enum Broken {
    Session(VendorError),
    /// Nobody listens any more.
    Line,
}

impl From<VendorError> for Broken {
    fn from(error: VendorError) -> Self {
        Self::Session(error)
    }
}

impl From<LineClosed> for Broken {
    fn from(LineClosed: LineClosed) -> Self {
        Self::Line
    }
}

/// The session in use.
enum Link {
    Away,
    Opening(BoxFuture<'static, Result<TtsSession, VendorError>>),
    Open(TtsSession),
}

enum Linked {
    Opened(Result<TtsSession, VendorError>),
    Said(Option<Result<TtsEvent, VendorError>>),
}

impl Link {
    async fn next(&mut self) -> Linked {
        match self {
            Self::Away => std::future::pending().await,
            Self::Opening(opening) => Linked::Opened(opening.await),
            Self::Open(session) => Linked::Said(session.events.next().await),
        }
    }
}

async fn open(port: Arc<dyn TextToSpeech>, over: Over, after: Duration) -> Result<TtsSession, VendorError> {
    sleep(after).await;
    let slow = |_| VendorError::new(TTS, VendorErrorKind::TimedOut, "connecting took too long");
    match over {
        Over::Socket => {
            timeout(limits::TTS_CONNECT_TIMEOUT_MS, port.connect()).await.map_err(slow).and_then(|session| session)
        }
        Over::Requests => Ok(whole::session(port)),
    }
}

pub(super) struct Pump<T> {
    port: Arc<dyn TextToSpeech>,
    out: LineOut,
    commands: mpsc::Receiver<PumpCommand>,
    tell: T,
    link: Link,
    session: u64,
    epoch: Epoch,
    /// Samples of this epoch that were queued.
    position: u64,
    marked: u64,
    /// The next audio is the first of an utterance.
    fresh: bool,
    /// Words of the utterance were given, and no sound of it has come.
    owes_sound: bool,
    /// Flushes whose audio is not complete, the oldest first.
    flushes: VecDeque<Flush>,
    /// `Clear`s that were not answered: audio until then is old.
    clears: u32,
    /// The vendor said that it will not do something: it gets less patience.
    warned: bool,
    /// When silence of the vendor counts as a stall.
    deadline: Instant,
}

impl<T: Fn(u64, Pumped) + Send + Sync> Pump<T> {
    /// `filled` is how far this epoch was filled by an earlier incarnation, as far as is known; the line knows better.
    pub(super) fn new(
        port: Arc<dyn TextToSpeech>,
        out: LineOut,
        filled: u64,
        commands: mpsc::Receiver<PumpCommand>,
        tell: T,
    ) -> Self {
        let (epoch, playout, deadline) = (out.epoch(), out.playout(), Instant::now());
        let position = playout.sent.max(filled);
        let (session, flushes, clears, warned, owes_sound) = Default::default();
        let (link, marked, fresh) = (Link::Away, position, true);
        Self {
            port,
            out,
            commands,
            tell,
            link,
            session,
            epoch,
            position,
            marked,
            fresh,
            owes_sound,
            flushes,
            clears,
            warned,
            deadline,
        }
    }

    /// Commands and audio are few, so what is done about them is on the heap and the task is small.
    pub(super) async fn run(&mut self) {
        loop {
            let (waiting, deadline) = (!self.flushes.is_empty() || self.clears > 0, self.deadline);
            let step = tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(command) => Box::pin(self.command(command)).await,
                    None => Err(Broken::Line),
                },
                linked = self.link.next() => Box::pin(self.linked(linked)).await,
                () = async { sleep_until(deadline).await }, if waiting => {
                    Err(VendorError::new(TTS, VendorErrorKind::TimedOut, "no audio in time").into())
                }
            };
            match step {
                Ok(()) => {}
                Err(Broken::Session(error)) => {
                    self.unlink(Link::Away);
                    (self.tell)(self.session, Pumped::Lost(error));
                }
                Err(Broken::Line) => return,
            }
        }
    }

    // Commands --------------------------------------------------------------------------------------------------------

    async fn command(&mut self, command: PumpCommand) -> Result<(), Broken> {
        match command {
            PumpCommand::Connect { session, over, after } => {
                self.session = session;
                self.unlink(Link::Opening(open(Arc::clone(&self.port), over, after).boxed()));
                Ok(())
            }
            PumpCommand::Speak(epoch, text) => {
                self.at(epoch);
                self.owes_sound |= self.fresh && text.contains(char::is_alphanumeric);
                self.send(TtsInput::Speak(text)).await
            }
            PumpCommand::Flush(flush) => {
                self.flushes.push_back(flush);
                self.deadline = Instant::now() + limits::TTS_STALL_TIMEOUT_MS;
                self.send(TtsInput::Flush).await
            }
            PumpCommand::Seal => match self.flushes.back_mut() {
                Some(last) => {
                    *last = Flush::End;
                    Ok(())
                }
                None => self.ended().await,
            },
            PumpCommand::Play(epoch, audio) => {
                self.at(epoch);
                self.audio(audio).await
            }
            PumpCommand::End => self.ended().await,
            PumpCommand::Fill(epoch, audio) => {
                self.at(epoch);
                self.pour(audio).await?;
                self.mark().await
            }
            PumpCommand::Clear(epoch) => {
                (self.clears, self.warned) = (self.clears + 1, false);
                self.flushes.clear();
                self.at(epoch);
                self.deadline = Instant::now() + limits::TTS_CLEAR_TIMEOUT_MS;
                self.send(TtsInput::Clear).await
            }
        }
    }

    fn unlink(&mut self, link: Link) {
        self.link = link;
        (self.clears, self.warned, self.fresh, self.owes_sound) = (0, false, true, false);
        self.flushes.clear();
    }

    fn at(&mut self, epoch: Epoch) {
        if epoch != self.epoch {
            (self.epoch, self.position, self.marked, self.fresh, self.owes_sound) = (epoch, 0, 0, true, false);
        }
    }

    async fn send(&mut self, input: TtsInput) -> Result<(), Broken> {
        // A session that has just ended takes nothing; its last word is on its way to the actor.
        let Link::Open(session) = &mut self.link else {
            self.flushes.clear();
            self.clears = 0;
            return Ok(());
        };
        let stuck = |_| VendorError::new(TTS, VendorErrorKind::TimedOut, "the session takes no more text");
        Ok(timeout(limits::TTS_STALL_TIMEOUT_MS, session.input.send(input)).await.map_err(stuck)??)
    }

    // The session -----------------------------------------------------------------------------------------------------

    async fn linked(&mut self, linked: Linked) -> Result<(), Broken> {
        match linked {
            Linked::Opened(session) => {
                self.link = Link::Open(session?);
                (self.tell)(self.session, Pumped::Connected);
                Ok(())
            }
            Linked::Said(Some(event)) => self.event(event?).await,
            Linked::Said(None) => {
                Err(VendorError::new(TTS, VendorErrorKind::Unreachable, "the session has ended").into())
            }
        }
    }

    async fn event(&mut self, event: TtsEvent) -> Result<(), Broken> {
        match event {
            TtsEvent::Audio(_) | TtsEvent::Flushed if self.clears > 0 => Ok(()),
            TtsEvent::Audio(audio) => {
                self.warned = false;
                self.audio(audio).await?;
                self.wait_for_more();
                Ok(())
            }
            TtsEvent::Flushed => {
                self.wait_for_more();
                match self.flushes.pop_front() {
                    Some(Flush::Beginning) => Ok(()),
                    // Taken for said, it would never be heard.
                    Some(Flush::End) if self.owes_sound => {
                        Err(VendorError::new(TTS, VendorErrorKind::Protocol, "words without a sound").into())
                    }
                    Some(Flush::End) | None => self.ended().await,
                }
            }
            TtsEvent::Cleared => {
                self.clears = self.clears.saturating_sub(1);
                if self.clears == 0 {
                    (self.tell)(self.session, Pumped::Cleared);
                }
                Ok(())
            }
            TtsEvent::Warning(text) => {
                (self.tell)(self.session, Pumped::Warning(VendorError::new(TTS, VendorErrorKind::Protocol, text)));
                if !self.flushes.is_empty() {
                    self.warned = true;
                    self.deadline = self.deadline.min(Instant::now() + limits::TTS_WARNING_TIMEOUT_MS);
                }
                Ok(())
            }
        }
    }

    fn wait_for_more(&mut self) {
        let patience = if self.warned { limits::TTS_WARNING_TIMEOUT_MS } else { limits::TTS_STALL_TIMEOUT_MS };
        self.deadline = Instant::now() + patience;
    }

    // The line --------------------------------------------------------------------------------------------------------

    /// Audio of an utterance.
    async fn audio(&mut self, audio: Bytes) -> Result<(), Broken> {
        let (position, first_byte) = (self.position, Instant::now());
        self.pour(audio).await?;
        self.owes_sound = false;
        if std::mem::take(&mut self.fresh) {
            (self.tell)(self.session, Pumped::Began { epoch: self.epoch, position, first_byte });
        }
        Ok(())
    }

    /// The utterance in hand is whole.
    async fn ended(&mut self) -> Result<(), Broken> {
        self.fresh = true;
        // Told before the mark can come back.
        (self.tell)(self.session, Pumped::Ended { epoch: self.epoch, position: self.position });
        self.mark().await
    }

    async fn pour(&mut self, mut audio: Bytes) -> Result<(), Broken> {
        while !audio.is_empty() {
            let piece = audio.split_to(audio.len().min(PIECE_SAMPLES));
            let samples = piece.len() as u64;
            self.out.audio(self.epoch, piece).await?;
            self.position += samples;
            if self.position - self.marked >= limits::MARK_EVERY_SAMPLES {
                self.mark().await?;
            }
        }
        Ok(())
    }

    /// A mark where the audio has got to.
    async fn mark(&mut self) -> Result<(), Broken> {
        self.marked = self.position;
        Ok(self.out.mark(self.epoch, self.position).await?)
    }
}
