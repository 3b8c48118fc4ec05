//! What a turn says, what was heard of it, and how a turn that was started again goes on.

use super::{Effect, Resume, TurnMachine};
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

    pub(super) fn spoken(&mut self, utterance: UtteranceId) {
        self.speaking.remove(&utterance);
        self.end_if_all_is_said();
    }

    pub(super) fn end_if_all_is_said(&mut self) {
        if let (Some(end), true, true) = (self.ending, self.speaking.is_empty(), self.answer.is_none()) {
            self.effects.push(Effect::End(end));
        }
    }

    pub(super) fn cut(&mut self, heard: Vec<(UtteranceId, TurnId, String)>) {
        self.speaking.clear();
        for (utterance, turn, heard) in heard {
            if self.history.has_utterance(utterance) {
                self.note(HistoryOp::Cut { utterance, heard });
            } else if self.resuming && !heard.is_empty() {
                // The old incarnation took the rest of this reply with it.
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
        self.ending = resume.ending;
        if !self.history.answer_is_owed() {
            return self.end_if_all_is_said();
        }
        // The old incarnation died in the middle of its answer: what it was saying is cut, the answer is begun again,
        // and its tool calls are run again, which their identity makes harmless.
        let calls = self.history.unanswered();
        if !self.speaking.is_empty() && self.ending.is_none() {
            self.awaiting_cut = true;
            self.resuming = true;
            self.effects.push(Effect::Hush);
        }
        let turn = self.turn;
        self.answer = Some(Answer::resumed(turn, calls.iter().map(|call| call.id.clone())));
        self.effects.extend(calls.into_iter().map(|call| Effect::RunTool { turn, call }));
        match (self.ending, self.answer.as_ref().is_some_and(Answer::is_waiting)) {
            (Some(end), true) => self.say_goodbye(end),
            _ => self.ask_when_ready(),
        }
    }
}
