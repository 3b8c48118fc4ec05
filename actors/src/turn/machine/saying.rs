//! What a turn says, what was heard of it, and how a turn that was started again goes on.

use super::{Effect, Resume, TurnMachine, TurnTimer};
use crate::domain::{TurnId, UtteranceId};
use crate::history::{Entry, HistoryOp};
use crate::turn::answer::Answer;

impl TurnMachine {
    // Speech ----------------------------------------------------------------------------------------------------------

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

    /// The caller has waited long enough to hear that somebody is there.
    pub(super) fn filler(&mut self, timer: TurnTimer) {
        if self.answer.as_mut().is_some_and(|answer| answer.wants_filler(timer)) {
            let text = self.texts.filler.clone();
            self.say_whole(text, false);
        }
    }

    pub(super) fn spoken(&mut self, utterance: UtteranceId) {
        self.speaking.remove(&utterance);
        self.taken.clear();
        self.end_if_all_is_said();
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
            if self.history.has_utterance(utterance) {
                self.note(HistoryOp::Cut { utterance, heard });
            } else if self.resuming && !heard.is_empty() && self.answer.is_none() {
                // The old incarnation took the rest of this reply with it. While the answer is being given again it is
                // still owed, and the history must not say otherwise.
                self.note(HistoryOp::Add(Entry::Assistant { turn, utterance, text: heard, tool_calls: Vec::new() }));
            }
        }
        self.awaiting_cut = false;
        self.resuming = false;
        self.ask_when_ready();
    }

    pub(super) fn note(&mut self, op: HistoryOp) {
        self.history.apply(op.clone());
        self.effects.push(Effect::History(op));
    }

    // Starting again --------------------------------------------------------------------------------------------------

    pub(super) fn resume(&mut self, resume: Resume) {
        self.speaking.extend(resume.speaking);
        (self.ending, self.awaiting_cut) = (resume.ending, resume.hushing);
        if !self.history.answer_is_owed() {
            return self.end_if_all_is_said();
        }
        // The old incarnation died in the middle of its answer: a reply that broke off is cut, the answer is begun again,
        // and its tool calls are run again, which their identity makes harmless. Those of an interrupted turn run in
        // that turn, which may not act any more: they only say what had come of them.
        let broke_off = self.speaking.iter().any(|utterance| !self.history.has_utterance(*utterance));
        if broke_off && self.ending.is_none() {
            self.resuming = true;
            self.hush();
        }
        let calls = self.history.unanswered();
        let (ours, old): (Vec<_>, Vec<_>) = calls.iter().partition(|(turn, _)| *turn == self.turn);
        self.orphans.extend(old.into_iter().map(|(_, call)| call.id.clone()));
        let said = self.history.said_last(self.turn).filter(|_| self.ending.is_some() || !ours.is_empty());
        let ours = ours.into_iter().map(|(_, call)| call.id.clone());
        self.answer = Some(Answer::resumed(self.turn, ours, said, self.ending.take()));
        self.effects.extend(calls.into_iter().map(|(turn, call)| Effect::RunTool { turn, call }));
        self.ask_when_ready();
    }
}
