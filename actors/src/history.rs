//! The conversation as the model will see it, and the truth about it: what Otto said is cut to what was heard. Pure.
//!
//! The turn and the call both keep a history and apply the same operations to it, so that either can be started again
//! from the other.

use std::collections::{HashMap, HashSet};

use crate::domain::{TurnId, UtteranceId};
use crate::limits;
use crate::ports::{Message, ToolCall};

/// What a tool call that was never carried out is answered with.
const NOT_DONE: &str =
    r#"{"success":false,"error":"interrupted","message":"The caller interrupted; this was not carried out."}"#;

/// One entry of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// What the caller said.
    User(String),
    /// What Otto said and did.
    Assistant {
        /// The turn it answers.
        turn: TurnId,
        /// What spoke the text.
        utterance: UtteranceId,
        /// The text: all of it until it is known how much was heard.
        text: String,
        /// Tool calls in the model's order.
        tool_calls: Vec<ToolCall>,
    },
    /// What came of a tool call.
    Tool {
        /// Which call.
        tool_call_id: String,
        /// JSON.
        content: String,
    },
}

/// A change to the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HistoryOp {
    /// A new entry at the end.
    Add(Entry),
    /// Only this much of an utterance was heard.
    Cut {
        /// Which utterance.
        utterance: UtteranceId,
        /// What was heard of it.
        heard: String,
    },
}

/// The conversation so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    entries: Vec<Entry>,
}

impl History {
    /// A history read back from a snapshot.
    #[must_use]
    pub fn from_entries(entries: Vec<Entry>) -> Self {
        Self { entries }
    }

    /// All entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Carries out a change.
    pub fn apply(&mut self, op: HistoryOp) {
        match op {
            HistoryOp::Add(entry) => self.entries.push(entry),
            HistoryOp::Cut { utterance: cut, heard } => {
                let spoken = self.entries.iter_mut().rev().find_map(|entry| match entry {
                    Entry::Assistant { utterance, text, .. } if *utterance == cut => Some(text),
                    _ => None,
                });
                if let Some(text) = spoken {
                    *text = heard;
                }
            }
        }
    }

    /// Whether an utterance has its entry already.
    #[must_use]
    pub fn has_utterance(&self, wanted: UtteranceId) -> bool {
        self.entries.iter().any(|e| matches!(e, Entry::Assistant { utterance, .. } if *utterance == wanted))
    }

    /// Whether a tool call of that name was made before.
    #[must_use]
    pub fn has_tool_call(&self, id: &str) -> bool {
        self.tool_calls().any(|(_, call)| call.id == id)
    }

    /// Otto's latest words, if they belong to this turn.
    #[must_use]
    pub fn said_last(&self, wanted: TurnId) -> Option<UtteranceId> {
        self.entries.iter().rev().find_map(|entry| match entry {
            Entry::Assistant { turn, utterance, text, .. } => {
                Some((*turn == wanted && !text.is_empty()).then_some(*utterance))
            }
            _ => None,
        })?
    }

    /// The turn of Otto's latest words, if the caller has said nothing since.
    #[must_use]
    pub fn answered_last(&self) -> Option<TurnId> {
        self.entries.iter().rev().find_map(|entry| match entry {
            Entry::User(_) => Some(None),
            Entry::Assistant { turn, .. } => Some(Some(*turn)),
            Entry::Tool { .. } => None,
        })?
    }

    /// What an utterance says, as far as it is known to be heard.
    #[must_use]
    pub fn text_of(&self, wanted: UtteranceId) -> Option<&str> {
        self.entries.iter().rev().find_map(|entry| match entry {
            Entry::Assistant { utterance, text, .. } if *utterance == wanted => Some(text.as_str()),
            _ => None,
        })
    }

    /// Whether Otto's latest words are a question.
    #[must_use]
    pub fn ends_with_question(&self) -> bool {
        matches!(self.entries.last(), Some(Entry::Assistant { text, .. }) if text.trim_end().ends_with('?'))
    }

    fn tool_calls(&self) -> impl Iterator<Item = (TurnId, &ToolCall)> {
        self.entries.iter().flat_map(|entry| {
            let (turn, calls) = match entry {
                Entry::Assistant { turn, tool_calls, .. } => (*turn, tool_calls.as_slice()),
                _ => (TurnId::default(), [].as_slice()),
            };
            calls.iter().map(move |call| (turn, call))
        })
    }

    /// The tool calls that have no result yet, each with the turn that made it.
    #[must_use]
    pub fn unanswered(&self) -> Vec<(TurnId, ToolCall)> {
        let answered: HashSet<&str> = self
            .entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Tool { tool_call_id, .. } => Some(tool_call_id.as_str()),
                _ => None,
            })
            .collect();
        let open = |(_, call): &(TurnId, &ToolCall)| !answered.contains(call.id.as_str());
        self.tool_calls().filter(open).map(|(turn, call)| (turn, call.clone())).collect()
    }

    /// Whether the caller waits for an answer: Otto's last word was not the end of a reply, or a tool has not come back.
    #[must_use]
    pub fn answer_is_owed(&self) -> bool {
        let ended = match self.entries.last() {
            None => true,
            Some(Entry::User(_) | Entry::Tool { .. }) => false,
            Some(Entry::Assistant { tool_calls, .. }) => tool_calls.is_empty(),
        };
        !ended || !self.unanswered().is_empty()
    }

    /// The history as a request may carry it: every tool call is followed by exactly one result, in the order of the
    /// calls, whatever happened meanwhile; empty utterances are left out; only the latest part is kept.
    #[must_use]
    pub fn for_model(&self) -> Vec<Message> {
        let results: HashMap<&str, &str> = self
            .entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Tool { tool_call_id, content } => Some((tool_call_id.as_str(), content.as_str())),
                _ => None,
            })
            .collect();
        let mut messages = Vec::with_capacity(self.entries.len());
        for entry in self.latest() {
            match entry {
                Entry::User(text) => messages.push(Message::User(text.clone())),
                Entry::Assistant { text, tool_calls, .. } if !(text.is_empty() && tool_calls.is_empty()) => {
                    messages.push(Message::Assistant { text: text.clone(), tool_calls: tool_calls.clone() });
                    messages.extend(tool_calls.iter().map(|call| Message::Tool {
                        tool_call_id: call.id.clone(),
                        content: (*results.get(call.id.as_str()).unwrap_or(&NOT_DONE)).to_owned(),
                    }));
                }
                Entry::Assistant { .. } | Entry::Tool { .. } => {}
            }
        }
        messages
    }

    fn latest(&self) -> &[Entry] {
        let surplus = self.entries.len().saturating_sub(limits::HISTORY_MESSAGES);
        let rest = &self.entries[surplus..];
        // A request must not begin in the middle of an answer.
        let begin = if surplus == 0 { 0 } else { rest.iter().position(|e| matches!(e, Entry::User(_))).unwrap_or(0) };
        &rest[begin..]
    }

    /// The conversation as text, a line an utterance, for the call log.
    #[must_use]
    pub fn transcript(&self) -> String {
        let line = |entry: &Entry| match entry {
            Entry::User(text) => Some(format!("Caller: {text}")),
            Entry::Assistant { text, .. } if !text.is_empty() => Some(format!("Otto: {text}")),
            _ => None,
        };
        self.entries.iter().filter_map(line).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str) -> ToolCall {
        ToolCall { id: id.into(), name: "t".into(), arguments: "{}".into() }
    }

    fn said(utterance: u64, text: &str, calls: &[&str]) -> Entry {
        let tool_calls = calls.iter().map(|id| call(id)).collect();
        Entry::Assistant { turn: TurnId(1), utterance: UtteranceId(utterance), text: text.into(), tool_calls }
    }

    fn result(id: &str) -> Entry {
        Entry::Tool { tool_call_id: id.into(), content: format!("\"{id}\"") }
    }

    fn user(text: &str) -> Entry {
        Entry::User(text.into())
    }

    #[test]
    fn every_tool_call_has_one_result_right_after_it() {
        // The caller interrupted while two tools ran; one result came late, the other never.
        let history = History::from_entries(vec![
            user("book it"),
            said(1, "", &["a", "b", "c"]),
            result("b"),
            user("no, wait"),
            result("a"),
        ]);
        let shape: Vec<String> = history
            .for_model()
            .iter()
            .map(|m| match m {
                Message::User(_) => "user".into(),
                Message::Assistant { tool_calls, .. } => format!("assistant {}", tool_calls.len()),
                Message::Tool { tool_call_id, content } => format!("{tool_call_id} {}", content.len() > 5),
            })
            .collect();
        assert_eq!(shape, ["user", "assistant 3", "a false", "b false", "c true", "user"]);
    }

    #[test]
    fn an_utterance_is_cut_to_what_was_heard_and_left_out_when_nothing_was() {
        let mut history =
            History::from_entries(vec![user("hi"), said(1, "Hello there, friend", &[]), said(2, "More", &[])]);
        history.apply(HistoryOp::Cut { utterance: UtteranceId(1), heard: "Hello".into() });
        history.apply(HistoryOp::Cut { utterance: UtteranceId(2), heard: String::new() });
        let expected = [Message::User("hi".into()), Message::Assistant { text: "Hello".into(), tool_calls: vec![] }];
        assert_eq!(history.for_model(), expected);
    }

    #[test]
    fn a_long_history_begins_with_the_caller() {
        let turn = |n| [user("q"), said(n, "", &["x"]), result("x"), said(n + 1, "a", &[])];
        let history = History::from_entries((0..100).flat_map(turn).collect());
        let messages = history.for_model();
        assert!(messages.len() <= limits::HISTORY_MESSAGES);
        assert!(matches!(messages[0], Message::User(_)));
    }

    #[test]
    fn an_answer_is_owed_after_the_caller_and_after_a_tool() {
        let owed = |entries: Vec<Entry>| History::from_entries(entries).answer_is_owed();
        assert!(!owed(vec![]));
        assert!(!owed(vec![said(1, "Hello", &[])]));
        assert!(owed(vec![user("hi")]));
        assert!(owed(vec![user("hi"), said(1, "", &["a"])]));
        assert!(owed(vec![user("hi"), said(1, "", &["a"]), result("a")]));
    }
}
