//! When the voice is away: what was lost is said again, over requests if the socket stays away, and is handed to
//! somebody else if that fails too. The caller is never left in silence for long.

use std::time::Duration;

use tokio::time::Instant;

use super::{Effect, Handed, PlaybackMachine, PlaybackTimer, Session};
use crate::limits;
use crate::media_plane::Playout;
use crate::playback::PlaybackReport;
use crate::playback::pump::Over;
use crate::ports::{VendorError, VendorErrorKind};
use crate::speech::Utterance;

/// Sockets that may be lost in a row, without an utterance delivered whole in between, before requests are used.
const SOCKETS_IN_A_ROW: u32 = 2;
/// The same for requests; then no way to speak is left.
const REQUESTS_IN_A_ROW: u32 = 2;
/// Before the next attempt.
const PAUSE: Duration = Duration::from_millis(100);

/// What was lost in a row.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Losses {
    sockets: u32,
    requests: u32,
}

impl Losses {
    /// An utterance was delivered whole.
    pub(super) fn forgive(&mut self, over: Over) {
        match over {
            Over::Socket => *self = Self::default(),
            Over::Requests => self.requests = 0,
        }
    }

    fn are_too_many(self) -> bool {
        self.requests >= REQUESTS_IN_A_ROW
    }

    fn count(&mut self, over: Over, error: &VendorError) {
        match over {
            // An attempt that cost the caller a time-out, or another one that is not wanted, is not repeated at once.
            Over::Socket if is_dear(error) => self.sockets = SOCKETS_IN_A_ROW,
            Over::Socket => self.sockets += 1,
            Over::Requests => self.requests += 1,
        }
    }
}

fn is_dear(error: &VendorError) -> bool {
    error.kind == VendorErrorKind::TimedOut || error.retry_after.is_some() || !error.is_transient()
}

impl PlaybackMachine {
    // Losing a session ------------------------------------------------------------------------------------------------

    pub(super) fn lost(&mut self, error: &VendorError, playout: Playout, now: Instant) {
        let sound_until = playout.ends_at.min(now);
        self.effects.push(Effect::Report(PlaybackReport::Trouble(error.clone())));
        self.lost.count(self.over, error);
        self.session = Session::Connecting;
        self.say_again(playout, now);
        if self.is_due() {
            self.be_quiet_since(sound_until, now);
        }
        if self.lost.are_too_many() {
            // What becomes of it is decided after the step.
            return;
        }
        let (over, after) = if self.lost.sockets < SOCKETS_IN_A_ROW {
            (Over::Socket, PAUSE)
        } else {
            self.effects.push(Effect::Arm(PlaybackTimer::Socket, limits::TTS_SOCKET_AGAIN_MS));
            (Over::Requests, if self.lost.requests == 0 { Duration::ZERO } else { PAUSE })
        };
        self.connect(over, after);
        self.hand_over(now);
    }

    /// Speech goes over requests; with nothing to say, the socket gets another chance.
    pub(super) fn try_socket(&mut self) {
        if self.over != Over::Requests || self.session == Session::Mute {
            return;
        }
        if self.session == Session::Ready && self.in_delivery().is_none() {
            return self.connect(Over::Socket, Duration::ZERO);
        }
        self.effects.push(Effect::Arm(PlaybackTimer::Socket, limits::TTS_SOCKET_AGAIN_MS));
    }

    /// What the lost session (or the lost actor) had not delivered whole is said again, from the first sentence that
    /// was not heard. Answers how far the epoch is filled with what is whole.
    pub(super) fn say_again(&mut self, playout: Playout, now: Instant) -> u64 {
        let rate = self.rate;
        let is_whole = |u: &Utterance| u.audio.is_some_and(|a| a.end.is_some() && a.epoch == playout.epoch);
        // What was played without a session is not lost with one.
        let stays = |u: &Utterance, handed: &Handed| is_whole(u) || (handed.bytes > 0 && !handed.spoken);
        // Half an utterance is on its way to the caller, or will be: it is taken back, and with it all that was queued
        // before.
        let half = |u: &Utterance, handed: &Handed| (u.audio.is_some() || handed.played) && !stays(u, handed);
        let take_back = self.queue.iter().any(|(u, handed)| half(u, handed));
        let mut filled = 0;
        for (utterance, handed) in &mut self.queue {
            if !take_back && stays(utterance, handed) {
                filled = utterance.audio.and_then(|a| a.end).unwrap_or(filled);
                continue;
            }
            let heard = utterance.heard(playout, now, rate).to_owned();
            utterance.resumed_at = utterance.first_unheard_sentence(&heard);
            utterance.audio = None;
            *handed = Handed { filler: handed.filler, ..Handed::default() };
        }
        if take_back {
            self.effects.push(Effect::ClearLine);
        }
        self.skip_what_is_silent();
        filled
    }

    // Silence ---------------------------------------------------------------------------------------------------------

    /// Whether something should be heard and is not on its way.
    fn is_due(&mut self) -> bool {
        if matches!(self.session, Session::Closed | Session::Mute) {
            return false;
        }
        self.in_delivery().is_some_and(|(u, handed)| match u.audio {
            None => !u.pending().trim().is_empty(),
            Some(_) => !handed.spoken && handed.bytes < u.pending().len(),
        })
    }

    /// After every step: begins or ends waiting for a sound, and draws the line when nothing is left to wait for.
    pub(super) fn watch(&mut self, playout: Playout, now: Instant) {
        let is_due = self.is_due();
        if self.lost.are_too_many() && self.session == Session::Connecting {
            if !is_due {
                // With nothing to say any more there is time for another attempt.
                self.lost.requests = 0;
                self.connect(Over::Requests, PAUSE);
            } else if self.queue.iter().all(|(u, _)| u.complete) {
                return self.give_up(playout, now);
            }
        }
        match (is_due, self.quiet_since) {
            (false, _) => self.quiet_since = None,
            (true, None) => self.be_quiet_since(playout.ends_at.max(now), now),
            (true, Some(_)) => {}
        }
    }

    fn be_quiet_since(&mut self, since: Instant, now: Instant) {
        if self.quiet_since.is_none() {
            self.quiet_since = Some(since);
            self.look_again_at(since + limits::TTS_FILLER_AFTER_MS, now);
        }
    }

    fn look_again_at(&mut self, then: Instant, now: Instant) {
        self.effects.push(Effect::Arm(PlaybackTimer::Quiet, then.saturating_duration_since(now)));
    }

    /// Something should be heard. Is it silent, and for how long?
    pub(super) fn quiet(&mut self, playout: Playout, now: Instant) {
        let Some(since) = self.quiet_since else { return };
        let since = since.max(playout.ends_at);
        if now < since + limits::TTS_FILLER_AFTER_MS {
            return self.look_again_at(since + limits::TTS_FILLER_AFTER_MS, now);
        }
        if self.play_filler() {
            return self.look_again_at(now + limits::TTS_FILLER_AFTER_MS, now);
        }
        if now < since + limits::TTS_SILENCE_MAX_MS {
            return self.look_again_at(since + limits::TTS_SILENCE_MAX_MS, now);
        }
        // A session that could speak waits for the rest of the text, which is not its fault.
        let waits_for_text = self.session == Session::Ready && self.in_delivery().is_some_and(|(u, _)| !u.complete);
        if waits_for_text {
            return self.look_again_at(now + limits::TTS_FILLER_AFTER_MS, now);
        }
        self.give_up(playout, now);
    }

    /// Once for every utterance.
    fn play_filler(&mut self) -> bool {
        let Some(filler) = self.repertoire.filler() else { return false };
        let fresh = self.in_delivery().is_some_and(|(_, handed)| !std::mem::replace(&mut handed.filler, true));
        if fresh {
            self.effects.push(Effect::Fill(filler));
        }
        fresh
    }

    /// No way to speak is left: what was not heard is for somebody else to say.
    fn give_up(&mut self, playout: Playout, now: Instant) {
        self.session = Session::Mute;
        let rate = self.rate;
        let rest = |(u, _): &(Utterance, Handed)| {
            let unheard = u.first_unheard_sentence(u.heard(playout, now, rate));
            u.text[unheard..].trim().to_owned()
        };
        let rest: Vec<String> = self.queue.iter().map(rest).filter(|text| !text.is_empty()).collect();
        self.effects.push(Effect::Report(PlaybackReport::Mute { rest: rest.join(" ") }));
    }
}
