//! What the model is asked, what becomes of its reply, and the tools it calls.

use super::{Answer, Effect, EndKind, Entry, HistoryOp, Question, Step, TurnMachine, TurnTimer};
use crate::limits;
use crate::ports::{ModelEnd, ModelEvent, VendorError};

impl TurnMachine {
    // Asking ----------------------------------------------------------------------------------------------------------

    /// The model is asked once the history is true: what was heard is known and no old tool call is in the air.
    pub(super) fn ask_when_ready(&mut self) {
        if !self.history_is_true() {
            return;
        }
        if self.answer.as_ref().is_some_and(Answer::tools_are_done) {
            return self.after_tools();
        }
        if self.answer.as_ref().is_some_and(Answer::is_waiting) {
            self.ask();
        }
    }

    pub(super) fn history_is_true(&self) -> bool {
        !self.awaiting_cut && self.orphans.is_empty()
    }

    fn ask(&mut self) {
        let step = self.next_request();
        let Some(answer) = self.answer.as_mut() else { return };
        answer.asked(step);
        self.effects.push(Effect::AskModel(Question { step, guess: None }));
    }

    pub(super) fn next_request(&mut self) -> Step {
        self.requests += 1;
        Step(self.requests)
    }

    pub(super) fn ask_after_pause(&mut self) {
        if self.answer.as_ref().is_some_and(Answer::is_pausing) {
            self.ask();
        }
    }

    // The reply -------------------------------------------------------------------------------------------------------

    pub(super) fn model(&mut self, step: Step, event: Result<ModelEvent, VendorError>) {
        let Some(answer) = self.answer.as_mut().filter(|answer| answer.is_at(step)) else {
            return self.keep_back(step, event);
        };
        match event {
            Ok(ModelEvent::Text(text)) => {
                let (clauses, first) = answer.text(&text);
                self.effects.extend(first.then_some(Effect::FirstWord));
                clauses.into_iter().for_each(|clause| self.say_clause(clause));
            }
            Ok(ModelEvent::ToolCall(call)) => answer.tool_call(call),
            Ok(ModelEvent::Done(end)) => self.model_done(end),
            Err(error) => self.model_failed(&error),
        }
    }

    /// The model stops in the middle of a reply: what it has said is heard to its end, so that the silence after it is
    /// known.
    pub(super) fn model_pauses(&mut self, step: Step) {
        if self.answer.as_ref().is_some_and(|answer| answer.is_at(step)) {
            self.break_off();
        }
    }

    /// What was said of the reply is an utterance of its own; the rest will be another.
    fn break_off(&mut self) {
        let Some(answer) = self.answer.as_mut() else { return };
        let turn = answer.turn();
        let Some((utterance, text)) = answer.break_off() else { return };
        self.effects.push(Effect::Finish(utterance));
        self.note(HistoryOp::Add(Entry::Assistant { turn, utterance, text, tool_calls: Vec::new() }));
        self.effects.push(Effect::GoesOn);
    }

    fn say_clause(&mut self, text: String) {
        let Some(answer) = self.answer.as_mut() else { return };
        let turn = answer.turn();
        let utterance = match answer.utterance() {
            Some(utterance) => utterance,
            None => {
                self.last_utterance = self.last_utterance.next();
                answer.speak_as(self.last_utterance);
                self.speaking.insert(self.last_utterance);
                self.last_utterance
            }
        };
        self.effects.push(Effect::Say { turn, utterance, text });
    }

    fn finish_utterance(&mut self) {
        if let Some(rest) = self.answer.as_mut().and_then(Answer::rest_of_text) {
            self.say_clause(rest);
        }
        if let Some(utterance) = self.answer.as_ref().and_then(Answer::utterance) {
            self.effects.push(Effect::Finish(utterance));
        }
    }

    fn model_done(&mut self, end: ModelEnd) {
        let Some(answer) = self.answer.as_mut() else { return };
        if end.truncated && !answer.stands_when_cut() {
            if answer.may_retry() || !answer.has_whole_sentence() {
                self.break_off();
                return self.try_again(true, None);
            }
            answer.drop_rest();
        }
        if answer.is_empty(end.truncated) {
            return self.try_again(true, None);
        }
        self.troubles = 0;
        self.finish_utterance();
        let Some(answer) = self.answer.as_mut() else { return };
        let turn = answer.turn();
        let history = &self.history;
        let (text, calls) = answer.complete(end.truncated, |id| history.has_tool_call(id));
        let utterance = answer.utterance().unwrap_or_default();
        if !text.trim().is_empty() || !calls.is_empty() {
            // Before any of them runs: who takes over in the middle of it knows what was under way.
            let tool_calls = calls.clone();
            self.note(HistoryOp::Add(Entry::Assistant { turn, utterance, text, tool_calls }));
        }
        if calls.is_empty() {
            self.answer = None;
            return self.end_if_all_is_said();
        }
        self.effects.push(Effect::Arm(TurnTimer::Filler));
        self.effects.extend(calls.into_iter().map(|call| Effect::RunTool { turn, call }));
    }

    fn model_failed(&mut self, error: &VendorError) {
        let in_time = error.retry_after.is_none_or(|pause| pause <= limits::MODEL_RETRY_AFTER_MAX_MS);
        // What was said in whole clauses stands; the model is asked for the rest.
        self.break_off();
        self.try_again(error.is_transient() && in_time, error.retry_after);
    }

    fn try_again(&mut self, may_succeed: bool, pause: Option<std::time::Duration>) {
        let Some(answer) = self.answer.as_mut() else { return };
        if !answer.retry(may_succeed) {
            return self.trouble();
        }
        match pause {
            Some(pause) if !pause.is_zero() => self.effects.push(Effect::RetryAfter(pause)),
            _ => self.ask(),
        }
    }

    /// The model gave nothing to say. The second time in a row somebody else has to help.
    pub(super) fn trouble(&mut self) {
        self.answer = None;
        self.troubles += 1;
        if self.troubles == 1 {
            let text = self.rules.texts.trouble.clone();
            return self.say_whole(text, true);
        }
        let end = if self.rules.can_transfer { EndKind::Transfer } else { EndKind::HangUp };
        let text = self.rules.texts.apology.clone();
        self.take_leave(text, end);
    }

    // Tools -----------------------------------------------------------------------------------------------------------

    pub(super) fn tool_done(&mut self, tool_call_id: String, content: String, end: Option<EndKind>) {
        let ours = self.answer.as_mut().is_some_and(|answer| answer.tool_done(&tool_call_id, end));
        let orphaned = self.orphans.remove(&tool_call_id);
        if !ours && !orphaned {
            return;
        }
        self.note(HistoryOp::Add(Entry::Tool { tool_call_id, content }));
        self.ask_when_ready();
    }

    fn after_tools(&mut self) {
        self.effects.push(Effect::Disarm(TurnTimer::Filler));
        let Some(answer) = self.answer.as_mut() else { return };
        if let Some(end) = answer.end() {
            return self.say_goodbye(end);
        }
        if answer.next_step() { self.ask() } else { self.trouble() }
    }

    fn say_goodbye(&mut self, end: EndKind) {
        let said = self.answer.take().is_some_and(|answer| answer.utterance().is_some());
        self.ending = Some(end);
        if !said {
            let text = match end {
                EndKind::HangUp => self.rules.texts.goodbye.clone(),
                EndKind::Transfer => self.rules.texts.transfer.clone(),
            };
            self.say_whole(text, true);
        }
        self.end_if_all_is_said();
    }
}
