//! One answer in the making: the model's steps, what it says and the tools it waits for. Pure.

use std::collections::HashSet;

use super::clauses::{Clauses, ends_sentence};
use super::machine::EndKind;
use crate::domain::{TurnId, UtteranceId};
use crate::limits;
use crate::ports::ToolCall;

/// One request to the model, by its number in the life of the machine. What comes from an older one is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Step(pub(super) u32);

#[derive(Debug)]
enum Phase {
    /// Not asked yet.
    Waiting,
    /// To be asked again after a pause.
    Pausing,
    /// The model is talking.
    Model(Step),
    /// Tools are running.
    Tools(HashSet<String>),
}

/// An answer in the making.
#[derive(Debug)]
pub(super) struct Answer {
    turn: TurnId,
    phase: Phase,
    steps: u32,
    attempts: u32,
    clauses: Clauses,
    text: String,
    calls: Vec<ToolCall>,
    utterance: Option<UtteranceId>,
    /// Something of the reply in hand is noted already.
    noted: bool,
    /// It goes on with one that broke off when the actor died.
    goes_on: bool,
    fillers: u32,
    end: Option<EndKind>,
}

impl Answer {
    /// An answer whose model has not been asked.
    pub(super) fn waiting(turn: TurnId) -> Self {
        let (clauses, text, calls) = Default::default();
        Self {
            turn,
            phase: Phase::Waiting,
            steps: 0,
            attempts: 0,
            clauses,
            text,
            calls,
            utterance: None,
            noted: false,
            goes_on: false,
            fillers: 0,
            end: None,
        }
    }

    /// An answer that goes on with one that broke off.
    pub(super) fn going_on(turn: TurnId) -> Self {
        Self { goes_on: true, noted: true, ..Self::waiting(turn) }
    }

    /// An answer that is nothing but the end of the call.
    pub(super) fn ending(turn: TurnId, end: EndKind) -> Self {
        Self::resumed(turn, std::iter::empty(), None, Some(end))
    }

    /// An answer that waits for tools first, if there are any; `said` is what was spoken along with them. One that was
    /// to `end` the call asks the model no more.
    pub(super) fn resumed(
        turn: TurnId,
        tools: impl Iterator<Item = String>,
        said: Option<UtteranceId>,
        end: Option<EndKind>,
    ) -> Self {
        let tools: HashSet<_> = tools.collect();
        let phase = if tools.is_empty() && end.is_none() { Phase::Waiting } else { Phase::Tools(tools) };
        Self { phase, utterance: said, end, ..Self::waiting(turn) }
    }

    /// The same answer in a later turn. Its tools are not waited for any more: the model is asked again.
    pub(super) fn moved_to(mut self, turn: TurnId) -> Self {
        self.turn = turn;
        self.phase = match self.phase {
            Phase::Model(step) => Phase::Model(step),
            Phase::Tools(_) if self.end.is_some() => Phase::Tools(HashSet::new()),
            Phase::Tools(_) | Phase::Waiting | Phase::Pausing => {
                self.utterance = None;
                Phase::Waiting
            }
        };
        self
    }

    pub(super) fn turn(&self) -> TurnId {
        self.turn
    }

    pub(super) fn utterance(&self) -> Option<UtteranceId> {
        self.utterance
    }

    pub(super) fn end(&self) -> Option<EndKind> {
        self.end
    }

    pub(super) fn goes_on(&self) -> bool {
        self.goes_on
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Waiting)
    }

    pub(super) fn is_pausing(&self) -> bool {
        matches!(self.phase, Phase::Pausing)
    }

    /// The request that is being answered.
    pub(super) fn step(&self) -> Option<Step> {
        if let Phase::Model(step) = self.phase { Some(step) } else { None }
    }

    pub(super) fn is_at(&self, step: Step) -> bool {
        self.step() == Some(step)
    }

    /// The model is asked.
    pub(super) fn asked(&mut self, step: Step) {
        self.phase = Phase::Model(step);
    }

    /// Some text; the clauses that are whole now, and whether these are the first words.
    pub(super) fn text(&mut self, text: &str) -> (Vec<String>, bool) {
        let first = self.text.is_empty() && self.utterance.is_none();
        self.text.push_str(text);
        (self.clauses.push(text), first)
    }

    /// The text that was given to the voice.
    pub(super) fn given(&self) -> &str {
        self.text.strip_suffix(self.clauses.waiting()).unwrap_or(&self.text)
    }

    pub(super) fn rest_of_text(&mut self) -> Option<String> {
        self.clauses.finish()
    }

    /// Whether a reply that was cut by its length is an answer as it is: its last sentence is whole and it called nothing.
    pub(super) fn stands_when_cut(&self) -> bool {
        self.calls.is_empty() && ends_sentence(&self.text)
    }

    /// Whether the caller gets a whole sentence out of what was given to the voice.
    pub(super) fn has_whole_sentence(&self) -> bool {
        self.noted || ends_sentence(self.given())
    }

    /// Drops the text that was not given to the voice.
    pub(super) fn drop_rest(&mut self) {
        self.text = self.given().to_owned();
        self.clauses.finish();
    }

    pub(super) fn speak_as(&mut self, utterance: UtteranceId) {
        self.utterance = Some(utterance);
    }

    /// What was said so far becomes an utterance of its own; what is still to come will be another.
    pub(super) fn break_off(&mut self) -> Option<(UtteranceId, String)> {
        let utterance = self.utterance.take()?;
        let given = self.given().to_owned();
        self.text.drain(..given.len());
        self.noted = true;
        Some((utterance, given))
    }

    /// What was said so far was stopped; `rest` of it is said again, as `utterance`.
    pub(super) fn say_again(&mut self, rest: &str, utterance: Option<UtteranceId>) {
        let given = self.given().len();
        self.text.replace_range(..given, rest);
        self.utterance = utterance;
        self.noted = true;
    }

    pub(super) fn tool_call(&mut self, call: ToolCall) {
        if self.calls.len() < limits::TOOL_CALLS_PER_REPLY {
            self.calls.push(call);
        }
    }

    /// Whether the reply has come to nothing.
    pub(super) fn is_empty(&self, truncated: bool) -> bool {
        self.text.trim().is_empty() && !self.noted && (truncated || self.calls.is_empty())
    }

    /// The step is over: its text and its tool calls, which are now being waited for. A cut reply's calls are dropped,
    /// and a call with the name of an earlier one gets a name of its own, since a name is part of an effect's identity.
    pub(super) fn complete(&mut self, truncated: bool, used: impl Fn(&str) -> bool) -> (String, Vec<ToolCall>) {
        let mut calls = std::mem::take(&mut self.calls);
        if truncated {
            calls.clear();
        }
        let mut seen = HashSet::new();
        for (index, call) in calls.iter_mut().enumerate() {
            let is_taken = |id: &str| id.is_empty() || used(id) || seen.contains(id);
            let given = call.id.clone();
            let mut number = index;
            while is_taken(&call.id) {
                call.id = format!("{given}_{}_{}_{number}", self.turn, self.steps + 1);
                number += limits::TOOL_CALLS_PER_REPLY;
            }
            seen.insert(call.id.clone());
        }
        self.phase = Phase::Tools(seen);
        (self.attempts, self.noted) = (0, false);
        (std::mem::take(&mut self.text), calls)
    }

    /// Whether another attempt is left.
    pub(super) fn may_retry(&self) -> bool {
        self.attempts + 1 < limits::MODEL_ATTEMPTS
    }

    /// The request failed. Whether it is worth another attempt.
    pub(super) fn retry(&mut self, may_succeed: bool) -> bool {
        self.attempts += 1;
        self.clauses = Clauses::default();
        self.text.clear();
        self.calls.clear();
        self.phase = Phase::Pausing;
        may_succeed && self.attempts < limits::MODEL_ATTEMPTS
    }

    /// A tool is done; false when this answer does not wait for it.
    pub(super) fn tool_done(&mut self, id: &str, end: Option<EndKind>) -> bool {
        let Phase::Tools(waiting) = &mut self.phase else { return false };
        let ours = waiting.remove(id);
        if ours {
            self.end = self.end.or(end);
        }
        ours
    }

    pub(super) fn tools_are_done(&self) -> bool {
        matches!(&self.phase, Phase::Tools(waiting) if waiting.is_empty())
    }

    /// Whether tools are running and nothing was said along with them.
    pub(super) fn works_in_silence(&self) -> bool {
        matches!(&self.phase, Phase::Tools(waiting) if !waiting.is_empty()) && self.utterance.is_none()
    }

    /// How many fillers the caller has heard.
    pub(super) fn fillers(&self) -> u32 {
        self.fillers
    }

    pub(super) fn count_filler(&mut self) {
        self.fillers += 1;
    }

    /// The model may be asked again with the tools' results, unless it has been asked too often.
    pub(super) fn next_step(&mut self) -> bool {
        self.steps += 1;
        self.utterance = None;
        self.phase = Phase::Waiting;
        self.steps < limits::MODEL_STEPS_PER_TURN
    }

    /// The tools that are still running.
    pub(super) fn running_tools(&self) -> impl Iterator<Item = &String> {
        let running = if let Phase::Tools(waiting) = &self.phase { Some(waiting) } else { None };
        running.into_iter().flatten()
    }
}
