//! What a turn says, what was heard of it, and what is noted.

use super::{Caller, Effect, EndKind, TurnMachine, TurnTimer};
use crate::domain::{TurnId, UtteranceId};
use crate::history::{Entry, HistoryOp};

impl TurnMachine {
    pub(super) fn greet(&mut self, text: String) {
        self.say_whole(text, true);
    }

    /// Says a whole utterance that does not come from the model.
    pub(super) fn say_whole(&mut self, text: String, remember: bool) {
        self.last_utterance = self.last_utterance.next();
        let (turn, utterance) = (self.turn, self.last_utterance);
        self.speaking.insert(utterance);
        self.effects.push(Effect::Say { turn, utterance, text: text.clone() });
        self.effects.push(Effect::Finish(utterance));
        if remember {
            self.note(HistoryOp::Add(Entry::Assistant { turn, utterance, text, tool_calls: Vec::new() }));
        }
    }

    /// Says this, and then the call ends.
    pub(super) fn take_leave(&mut self, text: String, end: EndKind) {
        self.ending = Some(end);
        self.effects.push(Effect::Ending(end));
        self.say_whole(text, true);
    }

    /// Whatever goes on is over: this is said as soon as the voice has stopped, and then the call ends.
    pub(super) fn leave(&mut self, text: String) {
        self.believe();
        self.drop_guess();
        if self.is_busy() {
            self.give_up_the_turn(false);
        }
        self.caller = Caller::default();
        self.effects
            .extend([TurnTimer::Silence, TurnTimer::Stable, TurnTimer::Keys, TurnTimer::Murmur].map(Effect::Disarm));
        if !self.speaking.is_empty() {
            self.hush();
        }
        self.leaving = Some(text);
        self.leave_if_silent();
    }

    fn leave_if_silent(&mut self) {
        if !self.awaiting_cut {
            self.leaving.take().into_iter().for_each(|text| self.take_leave(text, EndKind::HangUp));
        }
    }

    pub(super) fn spoken(&mut self, utterance: UtteranceId) {
        self.speaking.remove(&utterance);
        self.caller.taken.clear();
        self.end_if_all_is_said();
        if self.answer_was_murmured() {
            self.caller.finals = std::mem::take(&mut self.caller.murmur);
            self.end_of_turn();
        }
    }

    pub(super) fn end_if_all_is_said(&mut self) {
        if self.speaking.is_empty() && self.answer.is_none() {
            self.effects.extend(self.ending.take().map(Effect::End));
        }
    }

    /// Stops the voice, once: what was heard comes back as one [`super::Input::Cut`].
    pub(super) fn hush(&mut self) {
        if !std::mem::replace(&mut self.awaiting_cut, true) {
            self.effects.push(Effect::Hush);
        }
    }

    pub(super) fn cut(&mut self, heard: Vec<(UtteranceId, TurnId, String)>) {
        self.speaking.clear();
        for (utterance, turn, heard) in heard {
            if let Some(doubt) = self.doubt.as_mut() {
                doubt.heard(utterance, &heard);
            }
            if self.history.has_utterance(utterance) {
                self.note(HistoryOp::Cut { utterance, heard });
            } else if self.resuming && !heard.is_empty() && self.notes_lost_words() {
                // The old incarnation took the rest of this reply with it.
                self.note(HistoryOp::Add(Entry::Assistant { turn, utterance, text: heard, tool_calls: Vec::new() }));
                self.effects.extend(self.answer.is_some().then_some(Effect::GoesOn));
            }
        }
        self.awaiting_cut = false;
        self.resuming = false;
        if self.doubt.as_ref().is_some_and(|doubt| doubt.over) {
            return self.false_alarm();
        }
        if self.leaving.is_some() {
            return self.leave_if_silent();
        }
        self.ask_when_ready();
        self.guess();
    }

    /// While an answer is being given again from its beginning it is still owed, and the history must not say otherwise.
    fn notes_lost_words(&self) -> bool {
        self.answer.as_ref().is_none_or(super::Answer::goes_on)
    }

    /// Changes the history. A guess was made on another one.
    pub(super) fn note(&mut self, op: HistoryOp) {
        self.drop_guess();
        self.history.apply(op.clone());
        self.effects.push(Effect::History(op));
    }
}
