//! The decisions of a turn: when it ends, what is asked of the model, what is said, which tools run, what an
//! interruption undoes. Pure: inputs in, effects out, no clock.

mod saying;

use std::collections::HashSet;

use super::answer::{Answer, Step};
use super::words;
use crate::domain::{TurnId, UtteranceId};
use crate::history::{Entry, History, HistoryOp};
use crate::limits;
use crate::ports::{ModelEnd, ModelEvent, ToolCall, VendorError};

/// What happens to a turn.
#[derive(Debug)]
pub(super) enum Input {
    /// The stream has started: this is said first.
    Greet(String),
    /// The speech-to-text heard words.
    Words { text: String, is_final: bool, speech_final: bool },
    /// The speech-to-text heard no word for a while.
    UtteranceEnd,
    /// A key was pressed.
    Key(char),
    /// A timer is over.
    Due(TurnTimer),
    /// The model said something, in this step of this turn.
    Model { step: Step, event: Result<ModelEvent, VendorError> },
    /// A tool call has its result.
    ToolDone { tool_call_id: String, content: String, end: Option<EndKind> },
    /// An utterance was heard to its end.
    Spoken(UtteranceId),
    /// Speech was stopped; this much was heard of each utterance that was not yet over.
    Cut(Vec<(UtteranceId, TurnId, String)>),
    /// The actor was started again in the middle of a call.
    Resume(Resume),
}

/// What a turn wants done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Effect {
    /// This turn may act from now on, no earlier one.
    Begin(TurnId),
    /// The history changes.
    History(HistoryOp),
    /// Ask the model with the history as it is.
    AskModel(Step),
    /// Stop listening to the model.
    StopModel,
    /// Say this.
    Say { turn: TurnId, utterance: UtteranceId, text: String },
    /// The utterance is complete.
    Finish(UtteranceId),
    /// Stop speaking and report what was heard.
    Hush,
    /// The caller interrupted with these words.
    BargeIn(String),
    /// Run a tool.
    RunTool { turn: TurnId, call: ToolCall },
    /// Set a timer anew.
    Arm(TurnTimer),
    /// Forget a timer.
    Disarm(TurnTimer),
    /// All is said: end the call.
    End(EndKind),
}

/// The timers of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum TurnTimer {
    /// Words, and then nothing.
    Silence,
    /// A tool takes longer than a moment.
    Filler,
    /// The model takes long to its first word; set with every request.
    Thinking,
}

/// How Otto ends a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndKind {
    /// Goodbye.
    HangUp,
    /// A human takes over.
    Transfer,
}

/// What a turn that is started again needs to know beside the history.
#[derive(Debug, Clone, Default)]
pub struct Resume {
    /// Utterances that are still being spoken.
    pub speaking: Vec<UtteranceId>,
    /// The call was to end after them.
    pub ending: Option<EndKind>,
    /// They are being stopped: an [`Input::Cut`] is on its way.
    pub hushing: bool,
}

/// Fixed texts of the shop.
#[derive(Debug, Clone)]
pub(super) struct Texts {
    pub(super) filler: String,
    pub(super) trouble: String,
    pub(super) goodbye: String,
    pub(super) transfer: String,
}

/// A turn, and the conversation it belongs to.
#[derive(Debug)]
pub(super) struct TurnMachine {
    texts: Texts,
    history: History,
    turn: TurnId,
    /// The caller's new turn has begun with an interruption, but its words are not complete.
    open: bool,
    last_utterance: UtteranceId,
    finals: String,
    interim: String,
    /// The words that a turn was ended on before they were final: their final is no new turn.
    taken: String,
    keys: String,
    answer: Option<Answer>,
    speaking: HashSet<UtteranceId>,
    ending: Option<EndKind>,
    /// Tool calls of interrupted turns that have no result yet.
    orphans: HashSet<String>,
    awaiting_cut: bool,
    resuming: bool,
    effects: Vec<Effect>,
}

impl TurnMachine {
    pub(super) fn new(texts: Texts, history: History, turn: TurnId, last_utterance: UtteranceId) -> Self {
        let (finals, interim, taken, keys, speaking, orphans, effects) = Default::default();
        Self {
            texts,
            history,
            turn,
            open: false,
            last_utterance,
            finals,
            interim,
            taken,
            keys,
            answer: None,
            speaking,
            ending: None,
            orphans,
            awaiting_cut: false,
            resuming: false,
            effects,
        }
    }

    pub(super) fn history(&self) -> &History {
        &self.history
    }

    /// Takes one input and says what is to be done about it, in order.
    pub(super) fn step(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Greet(text) => self.greet(text),
            Input::Words { text, is_final, speech_final } => self.words(&text, is_final, speech_final),
            Input::UtteranceEnd | Input::Due(TurnTimer::Silence) => self.end_of_turn(),
            Input::Key(key) => self.key(key),
            Input::Due(timer) => self.filler(timer),
            Input::Model { step, event } => self.model(step, event),
            Input::ToolDone { tool_call_id, content, end } => self.tool_done(tool_call_id, content, end),
            Input::Spoken(utterance) => self.spoken(utterance),
            Input::Cut(heard) => self.cut(heard),
            Input::Resume(resume) => self.resume(resume),
        }
        std::mem::take(&mut self.effects)
    }

    // The caller ------------------------------------------------------------------------------------------------------

    fn words(&mut self, text: &str, is_final: bool, speech_final: bool) {
        if !text.is_empty() && !words::same(text, &self.taken) {
            self.taken.clear();
            if self.is_busy() && !self.open {
                if !words::interrupt(text) {
                    return;
                }
                self.interrupt(text);
            }
            if is_final {
                let finals = words::join(&self.finals, text);
                self.finals = finals.chars().take(limits::USER_TEXT_MAX_CHARS).collect();
                self.interim.clear();
            } else {
                text.clone_into(&mut self.interim);
            }
            self.effects.push(Effect::Arm(TurnTimer::Silence));
        }
        if speech_final {
            self.end_of_turn();
        }
    }

    fn key(&mut self, key: char) {
        if self.is_busy() && !self.open {
            self.interrupt("");
        }
        if key == '#' {
            return self.end_of_turn();
        }
        self.keys.push(key);
        self.effects.push(Effect::Arm(TurnTimer::Silence));
    }

    fn is_busy(&self) -> bool {
        self.answer.is_some() || !self.speaking.is_empty() || self.ending.is_some()
    }

    /// The caller takes the turn: what the old one still wanted is void from here on.
    fn interrupt(&mut self, text: &str) {
        if let Some(answer) = self.answer.take() {
            self.effects.push(Effect::StopModel);
            self.effects.push(Effect::Disarm(TurnTimer::Filler));
            self.note_unfinished(&answer);
            self.orphans.extend(answer.into_running_tools());
        }
        self.ending = None;
        self.open_turn();
        if !self.speaking.is_empty() {
            self.hush();
            self.effects.push(Effect::BargeIn(text.to_owned()));
        }
    }

    /// What a reply has said so far, until it is known how much of it was heard.
    fn note_unfinished(&mut self, answer: &Answer) {
        let Some(utterance) = answer.utterance().filter(|u| !self.history.has_utterance(*u)) else { return };
        let (turn, text) = (answer.turn(), answer.text_so_far().to_owned());
        self.note(HistoryOp::Add(Entry::Assistant { turn, utterance, text, tool_calls: Vec::new() }));
    }

    fn open_turn(&mut self) {
        if !self.open {
            self.open = true;
            self.turn = self.turn.next();
            self.effects.push(Effect::Begin(self.turn));
        }
    }

    /// The caller has finished: two ends of one utterance are one, for nothing is left to end the second time.
    fn end_of_turn(&mut self) {
        let said = words::join(&self.finals, &self.interim);
        let keys = std::mem::take(&mut self.keys);
        self.finals.clear();
        self.taken = std::mem::take(&mut self.interim);
        self.effects.push(Effect::Disarm(TurnTimer::Silence));
        let text = match (said.is_empty(), keys.is_empty()) {
            (true, true) => return,
            (false, true) => said,
            (true, false) => format!("(keys pressed: {keys})"),
            (false, false) => format!("{said} (keys pressed: {keys})"),
        };
        self.open_turn();
        self.open = false;
        self.note(HistoryOp::Add(Entry::User(text)));
        self.answer = Some(Answer::waiting(self.turn));
        self.ask_when_ready();
    }

    // The model -------------------------------------------------------------------------------------------------------

    /// The model is asked once the history is true: what was heard is known and no old tool call is in the air.
    fn ask_when_ready(&mut self) {
        if self.awaiting_cut || !self.orphans.is_empty() {
            return;
        }
        if self.answer.as_ref().is_some_and(Answer::tools_are_done) {
            return self.after_tools();
        }
        if let Some(step) = self.answer.as_mut().and_then(Answer::start_if_waiting) {
            self.effects.push(Effect::AskModel(step));
        }
    }

    fn model(&mut self, step: Step, event: Result<ModelEvent, VendorError>) {
        let Some(answer) = self.answer.as_mut().filter(|answer| answer.is_at(step)) else { return };
        match event {
            Ok(ModelEvent::Text(text)) => {
                let clauses = answer.text(&text);
                clauses.into_iter().for_each(|clause| self.say_clause(clause));
            }
            Ok(ModelEvent::ToolCall(call)) => answer.tool_call(call),
            Ok(ModelEvent::Done(end)) => self.model_done(end),
            Err(error) => self.model_failed(&error),
        }
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
        self.finish_utterance();
        let Some(answer) = self.answer.as_mut() else { return };
        let turn = answer.turn();
        let history = &self.history;
        let (text, calls) = answer.complete(end.truncated, |id| history.has_tool_call(id));
        if text.trim().is_empty() && calls.is_empty() {
            return self.trouble();
        }
        let utterance = answer.utterance().unwrap_or_default();
        let tool_calls = calls.clone();
        // Before any of them runs: who takes over in the middle of it knows what was under way.
        self.note(HistoryOp::Add(Entry::Assistant { turn, utterance, text, tool_calls }));
        if calls.is_empty() {
            self.answer = None;
            return self.end_if_all_is_said();
        }
        self.effects.push(Effect::Arm(TurnTimer::Filler));
        self.effects.extend(calls.into_iter().map(|call| Effect::RunTool { turn, call }));
    }

    fn model_failed(&mut self, error: &VendorError) {
        let Some(answer) = self.answer.as_mut() else { return };
        if answer.utterance().is_some() {
            // Something was said already: it stands, and the caller can go on.
            return self.model_done(ModelEnd { truncated: true, ..ModelEnd::default() });
        }
        match answer.retry(error.is_transient()) {
            Some(step) => self.effects.push(Effect::AskModel(step)),
            None => self.trouble(),
        }
    }

    /// The model gave nothing to say.
    fn trouble(&mut self) {
        self.answer = None;
        let text = self.texts.trouble.clone();
        self.say_whole(text, true);
    }

    // Tools -----------------------------------------------------------------------------------------------------------

    fn tool_done(&mut self, tool_call_id: String, content: String, end: Option<EndKind>) {
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
        match answer.next_step() {
            Some(step) => self.effects.push(Effect::AskModel(step)),
            None => self.trouble(),
        }
    }

    fn say_goodbye(&mut self, end: EndKind) {
        let said = self.answer.take().is_some_and(|answer| answer.utterance().is_some());
        self.ending = Some(end);
        if !said {
            let text = match end {
                EndKind::HangUp => self.texts.goodbye.clone(),
                EndKind::Transfer => self.texts.transfer.clone(),
            };
            self.say_whole(text, true);
        }
        self.end_if_all_is_said();
    }
}
