//! What is said, in which order, and what was heard of it. Pure: inputs and the play-out clock in, effects out.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::PlaybackReport;
use super::flush_budget::FlushBudget;
use super::pump::Pumped;
use crate::domain::{TurnId, UtteranceId};
use crate::limits;
use crate::media_plane::{Epoch, Playout, duration};
use crate::ports::VendorError;
use crate::speech::{AudioSpan, Rate, Utterance};

/// Sessions that may be lost in a row without a sound in between; then the leg has failed.
const LOST_IN_A_ROW: u32 = 8;
/// The pause before the second attempt; each further one doubles it.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) enum Input {
    Open,
    Say { turn: TurnId, utterance: UtteranceId, text: String },
    Finish(UtteranceId),
    Hush,
    Played(Epoch, u64),
    Pumped { session: u64, what: Pumped },
    Due(PlaybackTimer),
}

#[derive(Debug, PartialEq)]
pub(super) enum Effect {
    /// Open a session; the epoch is filled up to `position`.
    Connect {
        session: u64,
        position: u64,
    },
    Speak(String),
    Flush,
    /// Forget everything at the caller's end and in the session.
    Clear,
    /// Forget everything at the caller's end.
    ClearLine,
    Arm(PlaybackTimer, Duration),
    Report(PlaybackReport),
    Fail(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum PlaybackTimer {
    /// Connect again.
    Connect,
    /// A flush is free again.
    Flush,
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
}

/// How far an utterance has been handed to the session.
#[derive(Debug, Default, Clone, Copy)]
struct Handed {
    bytes: usize,
    flushed: bool,
}

#[derive(Debug)]
pub(super) struct PlaybackMachine {
    /// In the order in which they are heard, with what the session in use has of each.
    queue: VecDeque<(Utterance, Handed)>,
    session: Session,
    number: u64,
    /// How far the epoch is filled with whole utterances.
    filled: u64,
    lost_in_a_row: u32,
    flushes: FlushBudget,
    rate: Rate,
    effects: Vec<Effect>,
}

impl PlaybackMachine {
    pub(super) fn new(unfinished: Vec<Utterance>, rate: Rate) -> Self {
        let queue = unfinished.into_iter().map(|u| (u, Handed::default())).collect();
        let (flushes, effects) = Default::default();
        Self { queue, session: Session::Closed, number: 0, filled: 0, lost_in_a_row: 0, flushes, rate, effects }
    }

    pub(super) fn step(&mut self, input: Input, playout: Playout, now: Instant) -> Vec<Effect> {
        match input {
            Input::Open => self.open(playout, now),
            Input::Say { turn, utterance, text } => self.say(turn, utterance, &text, now),
            Input::Finish(utterance) => self.finish(utterance, now),
            Input::Hush => self.hush(playout, now),
            Input::Played(epoch, position) => self.played(epoch, position),
            Input::Pumped { session, what } if session == self.number => self.pumped(what, playout, now),
            Input::Pumped { .. } => {}
            Input::Due(timer) => self.due(timer, playout, now),
        }
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

    /// Gives the session what it has not got, in order: all text of an utterance, its one flush, then the next.
    fn hand_over(&mut self, now: Instant) {
        if self.session != Session::Ready {
            return;
        }
        for (utterance, handed) in &mut self.queue {
            let rest = &utterance.pending()[handed.bytes..];
            if !rest.is_empty() {
                self.effects.push(Effect::Speak(rest.to_owned()));
                handed.bytes += rest.len();
            }
            if !utterance.complete {
                return;
            }
            if !handed.flushed {
                if let Err(wait) = self.flushes.take(now) {
                    self.effects.push(Effect::Arm(PlaybackTimer::Flush, wait));
                    return;
                }
                handed.flushed = true;
                self.effects.push(Effect::Flush);
            }
        }
    }

    // Interruption ----------------------------------------------------------------------------------------------------

    fn hush(&mut self, playout: Playout, now: Instant) {
        let rate = self.rate;
        let heard = |(u, _): (Utterance, Handed)| (u.id, u.turn, u.heard(playout, now, rate).to_owned());
        let cut: Vec<_> = self.queue.drain(..).map(heard).collect();
        if !cut.is_empty() {
            self.filled = 0;
            match self.session {
                Session::Ready | Session::Clearing => {
                    self.session = Session::Clearing;
                    self.effects.push(Effect::Clear);
                }
                Session::Connecting | Session::Closed => self.effects.push(Effect::ClearLine),
            }
        }
        self.effects.push(Effect::Report(PlaybackReport::Cut(cut)));
    }

    // The session -----------------------------------------------------------------------------------------------------

    fn open(&mut self, playout: Playout, now: Instant) {
        if !self.queue.is_empty() {
            self.say_again(playout, now);
        }
        // Marks that came back while nobody was there are not sent again.
        if let Some(end) = self.queue.iter().filter_map(|(u, _)| u.audio?.end).max() {
            self.wait_for_mark(end, playout, now);
        }
        self.connect();
    }

    fn connect(&mut self) {
        self.number += 1;
        self.session = Session::Connecting;
        self.effects.push(Effect::Connect { session: self.number, position: self.filled });
    }

    fn pumped(&mut self, what: Pumped, playout: Playout, now: Instant) {
        match what {
            Pumped::Connected | Pumped::Cleared => {
                self.session = Session::Ready;
                self.hand_over(now);
            }
            // Said before the session was told to forget: it belongs to what was interrupted.
            Pumped::Began { .. } | Pumped::Ended { .. } if self.session == Session::Clearing => {}
            Pumped::Began { epoch, position, first_byte } => self.began(epoch, position, first_byte),
            Pumped::Ended { epoch, position } => self.ended(epoch, position, playout, now),
            Pumped::Warning(error) => self.effects.push(Effect::Report(PlaybackReport::Trouble(error))),
            Pumped::Lost(error) => self.lost(&error, playout, now),
        }
    }

    /// The utterance whose audio the session is delivering: flushes come back in order.
    fn in_delivery(&mut self) -> Option<&mut Utterance> {
        self.queue.iter_mut().map(|(u, _)| u).find(|u| u.audio.is_none_or(|audio| audio.end.is_none()))
    }

    fn began(&mut self, epoch: Epoch, start: u64, first_byte: Instant) {
        self.lost_in_a_row = 0;
        let Some(utterance) = self.in_delivery() else { return };
        let audio = AudioSpan { epoch, start, end: None };
        utterance.audio = Some(audio);
        let (id, resumed_at) = (utterance.id, utterance.resumed_at);
        self.effects.push(Effect::Report(PlaybackReport::Started { utterance: id, first_byte }));
        self.effects.push(Effect::Report(PlaybackReport::Placed { utterance: id, resumed_at, audio }));
    }

    fn ended(&mut self, epoch: Epoch, end: u64, playout: Playout, now: Instant) {
        self.filled = end;
        let Some(utterance) = self.in_delivery() else { return };
        let start = utterance.audio.map_or(end, |audio| audio.start);
        let audio = AudioSpan { epoch, start, end: Some(end) };
        utterance.audio = Some(audio);
        let (id, resumed_at) = (utterance.id, utterance.resumed_at);
        let chars = utterance.pending().chars().count() as u64;
        self.rate.learn(chars, end - start);
        self.effects.push(Effect::Report(PlaybackReport::Placed { utterance: id, resumed_at, audio }));
        self.wait_for_mark(end, playout, now);
    }

    fn wait_for_mark(&mut self, end: u64, playout: Playout, now: Instant) {
        let plays = duration(end.saturating_sub(playout.played(now)));
        self.effects.push(Effect::Arm(PlaybackTimer::Mark, plays + limits::MARK_GRACE_MS));
    }

    fn lost(&mut self, error: &VendorError, playout: Playout, now: Instant) {
        self.lost_in_a_row += 1;
        if !error.is_transient() || self.lost_in_a_row > LOST_IN_A_ROW {
            return self.effects.push(Effect::Fail(error.to_string()));
        }
        self.session = Session::Connecting;
        self.effects.push(Effect::Report(PlaybackReport::Trouble(error.clone())));
        self.say_again(playout, now);
        let doubled = PAUSE_FIRST.saturating_mul(1 << (self.lost_in_a_row - 1).min(8));
        let pause = error.retry_after.unwrap_or_default().max(doubled).min(PAUSE_MAX);
        self.effects.push(Effect::Arm(PlaybackTimer::Connect, pause));
    }

    /// What the lost session (or the lost actor) had not delivered whole is said again, from the first sentence that
    /// was not heard.
    fn say_again(&mut self, playout: Playout, now: Instant) {
        let rate = self.rate;
        let is_whole = |u: &Utterance| u.audio.is_some_and(|a| a.end.is_some() && a.epoch == playout.epoch);
        // Half an utterance is on its way to the caller: it is taken back, and with it all that was queued before.
        let take_back = self.queue.iter().any(|(u, _)| u.audio.is_some() && !is_whole(u));
        for (utterance, handed) in &mut self.queue {
            if !take_back && is_whole(utterance) {
                self.filled = self.filled.max(utterance.audio.and_then(|a| a.end).unwrap_or_default());
                *handed = Handed { bytes: utterance.pending().len(), flushed: true };
                continue;
            }
            let heard = utterance.heard(playout, now, rate).to_owned();
            utterance.resumed_at = utterance.first_unheard_sentence(&heard);
            utterance.audio = None;
            *handed = Handed::default();
        }
        if take_back {
            self.filled = 0;
            self.effects.push(Effect::ClearLine);
        }
        self.skip_what_is_silent();
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
                self.effects.push(Effect::Report(PlaybackReport::Spoken { utterance: done.id, text: done.text }));
            }
        }
    }

    fn due(&mut self, timer: PlaybackTimer, playout: Playout, now: Instant) {
        match timer {
            PlaybackTimer::Connect => self.connect(),
            PlaybackTimer::Flush => self.hand_over(now),
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
