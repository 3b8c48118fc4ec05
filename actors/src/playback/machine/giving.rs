//! How text becomes sound: from what is ready without a session, else through the session, in order and within the
//! vendor's limit of flushes.

use std::time::Duration;

use tokio::time::Instant;

use super::{Effect, PlaybackMachine, Session};
use crate::playback::pump::{Flush, Over};

/// What became of one utterance's turn to be handed over.
#[derive(PartialEq, Eq)]
enum Given {
    /// All of it; the next one may follow.
    Whole,
    /// The session has all of it and has not delivered it.
    Pending,
    /// Something is missing: what comes after it waits too.
    Waits,
}

/// The vendor begins by itself once it has a sentence.
fn ends_sentence(text: &str) -> bool {
    text.trim_end().ends_with(['.', '!', '?'])
}

impl PlaybackMachine {
    /// Hands over what was not handed over yet, in order: all text of an utterance, its one end, then the next.
    pub(super) fn hand_over(&mut self, now: Instant) {
        if matches!(self.session, Session::Closed | Session::Mute) {
            return;
        }
        let mut busy = false;
        for index in 0..self.queue.len() {
            match self.give(index, busy, now) {
                Given::Whole => {}
                Given::Pending => busy = true,
                Given::Waits => return,
            }
        }
    }

    /// `busy`: the session has not delivered everything of the utterances before this one.
    fn give(&mut self, index: usize, busy: bool, now: Instant) -> Given {
        let (utterance, handed) = &mut self.queue[index];
        if utterance.audio.is_some_and(|audio| audio.end.is_some()) {
            return Given::Whole;
        }
        let pending = utterance.pending();
        if handed.bytes == 0 && !busy {
            let ready = Some(pending).filter(|text| !text.is_empty()).and_then(|text| self.repertoire.get(text));
            if let Some(audio) = ready {
                (handed.bytes, handed.played) = (pending.len(), true);
                self.effects.push(Effect::Play(audio));
            }
        }
        let rest = pending[handed.bytes..].to_owned();
        if !rest.is_empty() {
            if self.session != Session::Ready {
                return Given::Waits;
            }
            if !handed.spoken && self.over == Over::Socket && self.flushes.is_spent(now) {
                // The limit is the socket's: another one has it whole.
                if !busy {
                    self.connect(Over::Socket, Duration::ZERO);
                }
                return Given::Waits;
            }
            let is_first = !std::mem::replace(&mut handed.spoken, true);
            handed.bytes += rest.len();
            let is_early = is_first && !busy && self.over == Over::Socket && !ends_sentence(&rest);
            self.effects.push(Effect::Speak(rest));
            if is_early && !utterance.complete && self.flushes.has_plenty(now) {
                handed.flushed = handed.bytes;
                self.flushes.take(now);
                self.effects.push(Effect::Flush(Flush::Beginning));
            }
        }
        if !utterance.complete {
            return Given::Waits;
        }
        if !std::mem::replace(&mut handed.ended, true) {
            // The vendor answers to no flush of nothing.
            let is_flushed = handed.flushed > 0 && pending[handed.flushed..].trim().is_empty();
            self.effects.push(match handed.spoken {
                true if is_flushed => Effect::Seal,
                true => {
                    self.flushes.take(now);
                    Effect::Flush(Flush::End)
                }
                false => Effect::End,
            });
        }
        if handed.spoken { Given::Pending } else { Given::Whole }
    }
}
