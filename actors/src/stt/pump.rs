//! The task that owns a speech-to-text session: the caller's voice into the socket, events back. It begins with what no
//! session before it has understood, and ends with its own.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::loudness::{Doubt, Unanswered};
use super::silence::Silence;
use super::{Heard, Pumped};
use crate::events::{AudioInDropped, emit};
use crate::limits;
use crate::media_plane::{Voice, VoiceReader, VoiceRing, duration, is_audible, samples};
use crate::ports::{SpeechToText, SttEvent, SttInput, SttSession, Transcript, VendorError, VendorErrorKind};
use crate::tasks::within;

const STT: &str = "speech-to-text";

pub(super) async fn run(
    port: Arc<dyn SpeechToText>,
    voice: oneshot::Receiver<VoiceRing>,
    patience: bool,
    tell: &(impl Fn(Pumped) -> bool + Sync),
) {
    let timed_out = |_| VendorError::new(STT, VendorErrorKind::TimedOut, "connecting took too long");
    let connected = timeout(limits::STT_CONNECT_TIMEOUT_MS, port.connect()).await.map_err(timed_out);
    let error = match connected.and_then(|session| session) {
        Ok(session) => {
            tell(Pumped::Opened);
            Pump::new(session, voice, patience).run(tell).await
        }
        Err(error) => error,
    };
    tell(Pumped::Lost(error));
}

/// The caller's voice, or the promise of it: the session may be open before the stream is.
enum Source {
    Coming(oneshot::Receiver<VoiceRing>),
    Here(VoiceReader),
    Gone,
}

impl Source {
    /// The next audio and the position after it, or none when the voice has only just come; for ever when there is none
    /// to come.
    async fn frame(&mut self) -> Option<(Bytes, u64)> {
        loop {
            match self {
                Self::Coming(coming) => {
                    *self = coming.await.map_or(Self::Gone, |ring| Self::Here(begin(&ring)));
                    return None;
                }
                Self::Here(reader) => match reader.next().await {
                    Voice::Frame(audio, end) => return Some((audio, end)),
                    Voice::Lost(samples) => emit(AudioInDropped { samples }),
                },
                Self::Gone => std::future::pending().await,
            }
        }
    }

    fn has_backlog(&self) -> bool {
        matches!(self, Self::Here(reader) if reader.backlog() >= limits::STT_BACKLOG_SAMPLES)
    }

    fn has_caught_up(&self) -> bool {
        matches!(self, Self::Here(reader) if reader.backlog() <= limits::STT_LAG_SAMPLES)
    }
}

/// Begins with what was not understood yet. Silence at its beginning is passed over: sending it would only make what is
/// said next late.
fn begin(ring: &VoiceRing) -> VoiceReader {
    let mut reader = ring.reader();
    let samples = reader.pass_over(limits::STT_LEAD_SAMPLES, |audio| !is_audible(audio));
    if samples > 0 {
        emit(AudioInDropped { samples });
    }
    reader
}

struct Pump {
    session: SttSession,
    source: Source,
    last_sent: Instant,
    /// One timer for the whole session: it finds out when it is over whether something was sent meanwhile.
    keep_alive: Pin<Box<Sleep>>,
    /// While there is a backlog: when more may be sent.
    replay_at: Instant,
    /// Samples sent in this session: its times count from here.
    sent: u64,
    /// The stream's position after the last of them.
    position: u64,
    unanswered: Unanswered,
    silence: Silence,
    /// A voice without an answer is no proof that the session is dead.
    patience: bool,
    caught_up: bool,
}

impl Pump {
    fn new(session: SttSession, voice: oneshot::Receiver<VoiceRing>, patience: bool) -> Self {
        let (now, source) = (Instant::now(), Source::Coming(voice));
        let keep_alive = Box::pin(sleep_until(now + limits::STT_KEEP_ALIVE_EVERY_MS));
        let (sent, position, unanswered, silence, caught_up) = Default::default();
        Self {
            session,
            source,
            last_sent: now,
            keep_alive,
            replay_at: now,
            sent,
            position,
            unanswered,
            silence,
            patience,
            caught_up,
        }
    }

    /// Runs until the session is over.
    async fn run(&mut self, tell: &(impl Fn(Pumped) -> bool + Sync)) -> VendorError {
        loop {
            if !self.caught_up && self.source.has_caught_up() {
                self.caught_up = true;
                tell(Pumped::CaughtUp);
            }
            let replay_at = self.replay_at;
            let held_back = self.source.has_backlog() && self.replay_at > Instant::now();
            let done = tokio::select! {
                biased;
                event = self.session.events.next() => self.event(event, tell),
                () = async { sleep_until(replay_at).await }, if held_back => Ok(()),
                frame = self.source.frame(), if !held_back => match frame {
                    Some((audio, end)) => self.audio(audio, end, tell).await,
                    None => Ok(()),
                },
                () = &mut self.keep_alive => self.keep_alive().await,
            };
            if let Err(error) = done {
                return error;
            }
            self.listen_for_silence(tell);
        }
    }

    fn listen_for_silence(&mut self, tell: &(impl Fn(Pumped) -> bool + Sync)) {
        if self.silence.is_awaited()
            && let Source::Here(reader) = &self.source
            && self.silence.has_fallen(reader.last_sound())
        {
            tell(Pumped::FellSilent);
        }
    }

    /// The stream's position at a time of this session.
    fn position_at(&self, time: Duration) -> u64 {
        self.position.saturating_sub(self.sent.saturating_sub(samples(time)))
    }

    fn event(
        &mut self,
        event: Option<Result<SttEvent, VendorError>>,
        tell: &(impl Fn(Pumped) -> bool + Sync),
    ) -> Result<(), VendorError> {
        let ended = || VendorError::new(STT, VendorErrorKind::Unreachable, "the session has ended");
        let event = event.ok_or_else(ended)??;
        self.unanswered.answered();
        let heard = match &event {
            SttEvent::Transcript(words) if self.sent > 0 => self.words(words),
            _ => Heard::default(),
        };
        tell(Pumped::Event(event, heard));
        Ok(())
    }

    fn words(&mut self, words: &Transcript) -> Heard {
        let end = self.position_at(words.audio_end);
        let until = words.last_word_end.map(|end| self.position_at(end));
        if words.speech_final {
            self.silence.ended();
        } else if !words.text.is_empty() {
            self.silence.words(self.position_at(words.audio_start), end, until);
        }
        Heard { understood: words.is_final.then_some(end), until }
    }

    async fn audio(
        &mut self,
        audio: Bytes,
        end: u64,
        tell: &(impl Fn(Pumped) -> bool + Sync),
    ) -> Result<(), VendorError> {
        let (fast, real) = limits::STT_REPLAY_SPEED;
        let plays = duration(audio.len() as u64);
        // Counted from the plan, not from now: a timer that fires late must not make the replay slower than speech.
        let behind = Instant::now().checked_sub(limits::STT_REPLAY_BURST_MS);
        self.replay_at = behind.map_or(self.replay_at, |behind| self.replay_at.max(behind)) + plays * real / fast;
        self.sent += audio.len() as u64;
        self.position = end;
        let doubt = self.unanswered.sent(&audio, self.patience);
        self.send(SttInput::Audio(audio)).await?;
        match doubt {
            Doubt::None => Ok(()),
            Doubt::Unheard => {
                tell(Pumped::Unheard);
                Ok(())
            }
            Doubt::Stalled => Err(VendorError::new(STT, VendorErrorKind::TimedOut, "the vendor says nothing any more")),
        }
    }

    async fn keep_alive(&mut self) -> Result<(), VendorError> {
        let now = Instant::now();
        if now >= self.last_sent + limits::STT_KEEP_ALIVE_EVERY_MS {
            self.send(SttInput::KeepAlive).await?;
        }
        self.keep_alive.as_mut().reset(self.last_sent + limits::STT_KEEP_ALIVE_EVERY_MS);
        Ok(())
    }

    async fn send(&mut self, input: SttInput) -> Result<(), VendorError> {
        self.last_sent = Instant::now();
        let write = self.session.input.send(input);
        let stuck = |_| VendorError::new(STT, VendorErrorKind::TimedOut, "the socket takes no more audio");
        within(limits::STT_WRITE_TIMEOUT_MS, write).await.map_err(stuck).and_then(|sent| sent)
    }
}
