//! One answer in the making: the model's steps, what it says and the tools it waits for. Pure.

use std::collections::HashSet;

use super::clauses::Clauses;
use super::machine::{EndKind, TurnTimer};
use crate::domain::{TurnId, UtteranceId};
use crate::limits;
use crate::ports::ToolCall;

/// One request to the model. What comes from an older one is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Step {
    /// The turn it answers.
    pub(super) turn: TurnId,
    /// Counts the requests of the turn, repetitions included.
    pub(super) request: u32,
}

#[derive(Debug)]
enum Phase {
    /// Not asked yet.
    Waiting,
    /// The model is talking.
    Model,
    /// Tools are running.
    Tools(HashSet<String>),
}

/// An answer in the making.
#[derive(Debug)]
pub(super) struct Answer {
    turn: TurnId,
    phase: Phase,
    requests: u32,
    steps: u32,
    attempts: u32,
    clauses: Clauses,
    text: String,
    calls: Vec<ToolCall>,
    utterance: Option<UtteranceId>,
    filler_said: bool,
    end: Option<EndKind>,
}

impl Answer {
    /// An answer whose model has not been asked.
    pub(super) fn waiting(turn: TurnId) -> Self {
        let (clauses, text, calls) = Default::default();
        Self {
            turn,
            phase: Phase::Waiting,
            requests: 0,
            steps: 0,
            attempts: 0,
            clauses,
            text,
            calls,
            utterance: None,
            filler_said: false,
            end: None,
        }
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

    pub(super) fn turn(&self) -> TurnId {
        self.turn
    }

    pub(super) fn utterance(&self) -> Option<UtteranceId> {
        self.utterance
    }

    pub(super) fn end(&self) -> Option<EndKind> {
        self.end
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Waiting)
    }

    pub(super) fn is_at(&self, step: Step) -> bool {
        matches!(self.phase, Phase::Model) && step == self.current()
    }

    fn current(&self) -> Step {
        Step { turn: self.turn, request: self.requests }
    }

    pub(super) fn start_if_waiting(&mut self) -> Option<Step> {
        self.is_waiting().then(|| self.request())
    }

    fn request(&mut self) -> Step {
        self.phase = Phase::Model;
        self.requests += 1;
        self.current()
    }

    /// Some text; the clauses that are whole now.
    pub(super) fn text(&mut self, text: &str) -> Vec<String> {
        self.text.push_str(text);
        self.clauses.push(text)
    }

    pub(super) fn text_so_far(&self) -> &str {
        &self.text
    }

    pub(super) fn rest_of_text(&mut self) -> Option<String> {
        self.clauses.finish()
    }

    pub(super) fn speak_as(&mut self, utterance: UtteranceId) {
        self.utterance = Some(utterance);
    }

    pub(super) fn tool_call(&mut self, call: ToolCall) {
        if self.calls.len() < limits::TOOL_CALLS_PER_REPLY {
            self.calls.push(call);
        }
    }

    /// The step is over: its text and its tool calls, which are now being waited for. A cut reply's calls are dropped,
    /// and a call with the name of an earlier one gets a name of its own, since a name is part of an effect's identity.
    pub(super) fn complete(&mut self, truncated: bool, used: impl Fn(&str) -> bool) -> (String, Vec<ToolCall>) {
        let mut calls = if truncated { Vec::new() } else { std::mem::take(&mut self.calls) };
        let mut seen = HashSet::new();
        for (index, call) in calls.iter_mut().enumerate() {
            let is_taken = |id: &str| id.is_empty() || used(id) || seen.contains(id);
            let given = call.id.clone();
            let mut number = index;
            while is_taken(&call.id) {
                call.id = format!("{given}_{}_{}_{number}", self.turn, self.requests);
                number += limits::TOOL_CALLS_PER_REPLY;
            }
            seen.insert(call.id.clone());
        }
        self.phase = Phase::Tools(seen);
        self.attempts = 0;
        (std::mem::take(&mut self.text), calls)
    }

    /// The request failed before anything was said. None when it is not worth another attempt.
    pub(super) fn retry(&mut self, transient: bool) -> Option<Step> {
        self.attempts += 1;
        self.clauses = Clauses::default();
        self.text.clear();
        self.calls.clear();
        (transient && self.attempts < limits::MODEL_ATTEMPTS).then(|| self.request())
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

    /// Whether the caller should hear a filler now; at most one in an answer, and none after words of this answer.
    pub(super) fn wants_filler(&mut self, timer: TurnTimer) -> bool {
        let at_work = match (timer, &self.phase) {
            (TurnTimer::Thinking, Phase::Model) => true,
            (TurnTimer::Filler, Phase::Tools(waiting)) => !waiting.is_empty(),
            _ => false,
        };
        at_work && self.utterance.is_none() && !std::mem::replace(&mut self.filler_said, true)
    }

    /// Asks the model again with the tools' results; none when it has been asked too often.
    pub(super) fn next_step(&mut self) -> Option<Step> {
        self.steps += 1;
        self.utterance = None;
        (self.steps < limits::MODEL_STEPS_PER_TURN).then(|| self.request())
    }

    /// The answer is interrupted; the tools that are still running.
    pub(super) fn into_running_tools(self) -> HashSet<String> {
        match self.phase {
            Phase::Tools(waiting) => waiting,
            Phase::Waiting | Phase::Model => HashSet::new(),
        }
    }
}
