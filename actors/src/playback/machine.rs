//! What is said, in which order, and what was heard of it. Pure: inputs and the play-out clock in, effects out. How
//! text goes to the session is in machine/giving.rs, what happens when the voice is away in machine/away.rs.

mod away;
mod giving;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::PlaybackReport;
use super::flush_budget::FlushBudget;
use super::phrases::{Prepared, Repertoire};
use super::pump::{Flush, Over, Pumped};
use crate::domain::{TurnId, UtteranceId};
use crate::limits;
use crate::media_plane::{Epoch, Playout, duration};
use crate::speech::{AudioSpan, Rate, Utterance};

#[derive(Debug)]
pub(super) enum Input {
    Open,
    Say {
        turn: TurnId,
        utterance: UtteranceId,
        text: String,
    },
    Finish(UtteranceId),
    Hush,
    Played(Epoch, u64),
    /// The audio of a text of this call is there.
    Prepared(Prepared),
    Pumped {
        session: u64,
        what: Pumped,
    },
    Due(PlaybackTimer),
}

#[derive(Debug, PartialEq)]
pub(super) enum Effect {
    /// The line is open; its epoch is filled up to here.
    Begin {
        position: u64,
    },
    /// Open a session, in place of any other, after a pause.
    Connect {
        session: u64,
        over: Over,
        after: Duration,
    },
    Speak(String),
    Flush(Flush),
    /// The flush before was the utterance's last.
    Seal,
    /// Play the beginning of an utterance without the session.
    Play(Bytes),
    /// An utterance that was played is whole.
    End,
    /// Play what belongs to no utterance.
    Fill(Bytes),
    /// Forget everything at the caller's end and in the session.
    Clear,
    /// Forget everything at the caller's end.
    ClearLine,
    Arm(PlaybackTimer, Duration),
    Report(PlaybackReport),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum PlaybackTimer {
    /// The socket is worth another attempt.
    Socket,
    /// Something should be heard, and nothing is.
    Quiet,
    /// An utterance should be over by the play-out clock, but its mark has not come.
    Mark,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Session {
    /// The line is not open yet.
    Closed,
    Connecting,
    Ready,
    /// Waits for the vendor to have forgotten.
    Clearing,
    /// No way to speak is left: somebody else says what is left.
    Mute,
}

/// How far an utterance has been handed over.
#[derive(Debug, Default, Clone, Copy)]
struct Handed {
    bytes: usize,
    /// Its beginning was played without the session.
    played: bool,
    /// Some of it went to the session, and not only to the line.
    spoken: bool,
    /// Up to here it was flushed, so that its beginning is heard early.
    flushed: usize,
    /// Its end is known.
    ended: bool,
    /// The caller was asked to wait for it.
    filler: bool,
}

#[derive(Debug)]
pub(super) struct PlaybackMachine {
    /// In the order in which they are heard, with what was handed over of each.
    queue: VecDeque<(Utterance, Handed)>,
    repertoire: Repertoire,
    session: Session,
    number: u64,
    over: Over,
    lost: away::Losses,
    /// Since when nothing is heard though something should be.
    quiet_since: Option<Instant>,
    flushes: FlushBudget,
    rate: Rate,
    effects: Vec<Effect>,
}

impl PlaybackMachine {
    pub(super) fn new(unfinished: Vec<Utterance>, repertoire: Repertoire) -> Self {
        let queue = unfinished.into_iter().map(|u| (u, Handed::default())).collect();
        let (lost, quiet_since, flushes, rate, effects) = Default::default();
        let (session, number, over) = (Session::Closed, 0, Over::Socket);
        Self { queue, repertoire, session, number, over, lost, quiet_since, flushes, rate, effects }
    }

    pub(super) fn step(&mut self, input: Input, playout: Playout, now: Instant) -> Vec<Effect> {
        match input {
            Input::Open => self.open(playout, now),
            Input::Say { turn, utterance, text } => self.say(turn, utterance, &text, now),
            Input::Finish(utterance) => self.finish(utterance, now),
            Input::Hush => self.hush(playout, now),
            Input::Played(epoch, position) => self.played(epoch, position),
            Input::Prepared(prepared) => self.prepared(prepared, now),
            Input::Pumped { session, what } => self.pumped(session, what, playout, now),
            Input::Due(timer) => self.due(timer, playout, now),
        }
        self.watch(playout, now);
        std::mem::take(&mut self.effects)
    }

    // Text ------------------------------------------------------------------------------------------------------------

    fn say(&mut self, turn: TurnId, id: UtteranceId, text: &str, now: Instant) {
        if self.queue.back().is_none_or(|(last, _)| last.id != id) {
            // A new utterance completes the one before it.
            if let Some((last, _)) = self.queue.back_mut() {
                last.complete = true;
            }
            self.queue.push_back((Utterance::new(id, turn), Handed::default()));
        }
        if let Some((last, _)) = self.queue.back_mut() {
            last.text.push_str(text);
        }
        self.hand_over(now);
    }

    fn finish(&mut self, id: UtteranceId, now: Instant) {
        if let Some((utterance, _)) = self.queue.iter_mut().find(|(u, _)| u.id == id) {
            utterance.complete = true;
            self.skip_what_is_silent();
            self.hand_over(now);
        }
    }

    fn prepared(&mut self, prepared: Prepared, now: Instant) {
        self.repertoire.prepared = Some(prepared);
        self.hand_over(now);
    }

    // Interruption ----------------------------------------------------------------------------------------------------

    fn hush(&mut self, playout: Playout, now: Instant) {
        let rate = self.rate;
        let in_session = self.session == Session::Ready && self.queue.iter().any(|(_, handed)| handed.spoken);
        let heard = |(u, _): (Utterance, Handed)| {
            self.repertoire.said(&u.text);
            (u.id, u.turn, u.heard(playout, now, rate).to_owned())
        };
        let cut: Vec<_> = self.queue.drain(..).map(heard).collect();
        if in_session {
            self.session = Session::Clearing;
            self.effects.push(Effect::Clear);
        } else if !cut.is_empty() {
            self.effects.push(Effect::ClearLine);
        }
        self.effects.push(Effect::Report(PlaybackReport::Cut(cut)));
    }

    // The session -----------------------------------------------------------------------------------------------------

    fn open(&mut self, playout: Playout, now: Instant) {
        let filled = if self.queue.is_empty() { 0 } else { self.say_again(playout, now) };
        // Marks that came back while nobody was there are not sent again.
        if let Some(end) = self.queue.iter().filter_map(|(u, _)| u.audio?.end).max() {
            self.wait_for_mark(end, playout, now);
        }
        self.effects.push(Effect::Begin { position: filled });
        self.connect(Over::Socket, Duration::ZERO);
        self.hand_over(now);
    }

    fn connect(&mut self, over: Over, after: Duration) {
        self.number += 1;
        (self.session, self.over) = (Session::Connecting, over);
        self.flushes = FlushBudget::default();
        self.effects.push(Effect::Connect { session: self.number, over, after });
    }

    fn pumped(&mut self, session: u64, what: Pumped, playout: Playout, now: Instant) {
        let is_current = session == self.number && self.session != Session::Mute;
        match what {
            Pumped::Connected | Pumped::Cleared if is_current => {
                self.session = Session::Ready;
                self.hand_over(now);
            }
            // Told before the line was cleared: it belongs to what was interrupted.
            Pumped::Began { epoch, .. } | Pumped::Ended { epoch, .. } if epoch != playout.epoch => {}
            Pumped::Began { epoch, position, first_byte } => self.began(epoch, position, first_byte),
            Pumped::Ended { epoch, position } => self.ended(epoch, position, playout, now),
            Pumped::Warning(error) => self.effects.push(Effect::Report(PlaybackReport::Trouble(error))),
            Pumped::Lost(error) if is_current => self.lost(&error, playout, now),
            Pumped::Connected | Pumped::Cleared | Pumped::Lost(_) => {}
        }
    }

    /// The utterance whose audio is being delivered: flushes come back in order.
    fn in_delivery(&mut self) -> Option<&mut (Utterance, Handed)> {
        self.queue.iter_mut().find(|(u, _)| u.audio.is_none_or(|audio| audio.end.is_none()))
    }

    fn began(&mut self, epoch: Epoch, start: u64, first_byte: Instant) {
        // What was begun without the session may go on with it.
        let Some((utterance, _)) = self.in_delivery().filter(|(u, _)| u.audio.is_none()) else { return };
        let audio = AudioSpan { epoch, start, end: None };
        utterance.audio = Some(audio);
        let (id, resumed_at) = (utterance.id, utterance.resumed_at);
        self.effects.push(Effect::Report(PlaybackReport::Started { utterance: id, first_byte }));
        self.effects.push(Effect::Report(PlaybackReport::Placed { utterance: id, resumed_at, audio }));
    }

    fn ended(&mut self, epoch: Epoch, end: u64, playout: Playout, now: Instant) {
        let Some((utterance, handed)) = self.in_delivery() else { return };
        let start = utterance.audio.map_or(end, |audio| audio.start);
        let audio = AudioSpan { epoch, start, end: Some(end) };
        utterance.audio = Some(audio);
        let (id, resumed_at, spoken) = (utterance.id, utterance.resumed_at, handed.spoken);
        let chars = utterance.pending().chars().count() as u64;
        self.rate.learn(chars, end - start);
        if spoken {
            self.lost.forgive(self.over);
        }
        self.effects.push(Effect::Report(PlaybackReport::Placed { utterance: id, resumed_at, audio }));
        self.wait_for_mark(end, playout, now);
        // What waited for its end can go on.
        self.hand_over(now);
    }

    fn wait_for_mark(&mut self, end: u64, playout: Playout, now: Instant) {
        let plays = duration(end.saturating_sub(playout.played(now)));
        self.effects.push(Effect::Arm(PlaybackTimer::Mark, plays + limits::MARK_GRACE_MS));
    }

    /// What was heard to its last word is over: the vendor gives no sound for no text, and no end of it.
    fn skip_what_is_silent(&mut self) {
        let is_silent = |u: &Utterance| u.complete && u.audio.is_none() && u.pending().trim().is_empty();
        while let Some((done, _)) = self.queue.pop_front_if(|(first, _)| is_silent(first)) {
            self.effects.push(Effect::Report(PlaybackReport::Spoken { utterance: done.id, text: done.text }));
        }
    }

    // Play-out --------------------------------------------------------------------------------------------------------

    fn played(&mut self, epoch: Epoch, position: u64) {
        while let Some((first, _)) = self.queue.front() {
            let over = first.audio.is_some_and(|a| a.epoch == epoch && a.end.is_some_and(|end| end <= position));
            if !over {
                return;
            }
            if let Some((done, _)) = self.queue.pop_front() {
                self.repertoire.said(&done.text);
                self.effects.push(Effect::Report(PlaybackReport::Spoken { utterance: done.id, text: done.text }));
            }
        }
    }

    fn due(&mut self, timer: PlaybackTimer, playout: Playout, now: Instant) {
        match timer {
            PlaybackTimer::Socket => self.try_socket(),
            PlaybackTimer::Quiet => self.quiet(playout, now),
            PlaybackTimer::Mark => self.mark_missed(playout, now),
        }
    }

    /// The far end has not returned a mark: the clock decides, and is asked again while audio is left.
    fn mark_missed(&mut self, playout: Playout, now: Instant) {
        self.played(playout.epoch, playout.played(now));
        if self.queue.front().is_some_and(|(u, _)| u.audio.is_some_and(|a| a.end.is_some())) {
            self.effects.push(Effect::Arm(PlaybackTimer::Mark, limits::MARK_GRACE_MS));
        }
    }
}
