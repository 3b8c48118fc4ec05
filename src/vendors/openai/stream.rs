//! The chunks of a streamed completion become [`ModelEvent`]s: text at once, tool calls when the choice is finished,
//! the end when the stream has said all. Pure, so that it can be fuzzed.

use std::collections::{BTreeMap, BTreeSet};

use otto_actors::ports::{ModelEnd, ModelEvent, ToolCall, VendorError, VendorErrorKind};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{VENDOR, errors};

/// The data of the last event of a stream.
const DONE: &str = "[DONE]";
/// Text of one reply that is taken, in bytes.
const TEXT_MAX_BYTES: usize = 64 * 1024;
/// Arguments of all tool calls of one reply that are taken, in bytes.
const ARGUMENTS_MAX_BYTES: usize = 64 * 1024;
/// Names and ids are at most this long, in bytes.
const NAME_MAX_BYTES: usize = 256;
/// Tool calls of one reply that are taken; the router refuses far fewer.
const TOOL_CALLS_MAX: usize = 64;

#[derive(Deserialize)]
struct Chunk {
    choices: Option<Vec<Choice>>,
    usage: Option<Usage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    index: Option<u64>,
    delta: Option<Delta>,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
    refusal: Option<String>,
    tool_calls: Option<Vec<Fragment>>,
}

#[derive(Deserialize)]
struct Fragment {
    index: Option<u64>,
    id: Option<String>,
    function: Option<Function>,
}

#[derive(Deserialize)]
struct Function {
    name: Option<String>,
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

/// Gathers one reply. Feed it the data of every server-sent event, then [`Accumulator::end`] when the stream ends.
#[derive(Debug, Default)]
pub struct Accumulator {
    text_bytes: usize,
    arguments_bytes: usize,
    calls: BTreeMap<u64, ToolCall>,
    /// The call that a fragment without an index continues.
    last_call: u64,
    finished: bool,
    done: bool,
    end: ModelEnd,
}

impl Accumulator {
    /// Nothing of a reply has come yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the reply is complete: nothing more is read.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Whether the choice is finished and only the usage or the end of the stream is still to come.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Takes the data of one event.
    ///
    /// # Errors
    /// When the vendor reports an error, breaks its protocol or a limit; the reply is over then.
    pub fn chunk(&mut self, data: &str) -> Result<Vec<ModelEvent>, VendorError> {
        if self.done {
            return Ok(Vec::new());
        }
        if data.trim() == DONE {
            return self.end();
        }
        let chunk: Chunk =
            serde_json::from_str(data).map_err(|_| protocol("a chunk that is not of the known shape"))?;
        if let Some(error) = chunk.error {
            return Err(errors::in_stream(&error));
        }
        if let Some(usage) = chunk.usage {
            self.end.prompt_tokens = usage.prompt_tokens.or(self.end.prompt_tokens);
            self.end.completion_tokens = usage.completion_tokens.or(self.end.completion_tokens);
        }
        let mut events = Vec::new();
        for choice in chunk.choices.unwrap_or_default() {
            // One choice was asked for; more would be spoken over each other.
            if choice.index.unwrap_or(0) == 0 && !self.finished {
                self.choice(choice, &mut events)?;
            }
        }
        Ok(events)
    }

    /// The stream has ended, with `[DONE]` or without.
    ///
    /// # Errors
    /// When the reply was not finished: the stream was cut.
    pub fn end(&mut self) -> Result<Vec<ModelEvent>, VendorError> {
        if self.done {
            return Ok(Vec::new());
        }
        if !self.finished {
            return Err(VendorError::new(VENDOR, VendorErrorKind::Unreachable, "the stream was cut"));
        }
        self.done = true;
        Ok(vec![ModelEvent::Done(self.end)])
    }

    fn choice(&mut self, choice: Choice, events: &mut Vec<ModelEvent>) -> Result<(), VendorError> {
        if let Some(delta) = choice.delta {
            self.delta(delta, events)?;
        }
        match choice.finish_reason.as_deref() {
            None | Some("") => Ok(()),
            Some(reason) => self.finish(reason, events),
        }
    }

    fn delta(&mut self, delta: Delta, events: &mut Vec<ModelEvent>) -> Result<(), VendorError> {
        // A refusal is what the model wants the caller to hear.
        for text in [delta.content, delta.refusal].into_iter().flatten().filter(|text| !text.is_empty()) {
            self.text_bytes += text.len();
            within(self.text_bytes, TEXT_MAX_BYTES, "the reply is too long")?;
            events.push(ModelEvent::Text(text));
        }
        delta.tool_calls.into_iter().flatten().try_for_each(|fragment| self.fragment(fragment))
    }

    fn fragment(&mut self, fragment: Fragment) -> Result<(), VendorError> {
        let index = fragment.index.unwrap_or_else(|| self.index_of(fragment.id.as_deref()));
        self.last_call = index;
        let call = self.calls.entry(index).or_insert_with(|| ToolCall {
            id: String::new(),
            name: String::new(),
            arguments: String::new(),
        });
        // The id and the name come whole and once; a server that repeats them changes nothing.
        set_once(&mut call.id, fragment.id);
        let Function { name, arguments } = fragment.function.unwrap_or(Function { name: None, arguments: None });
        set_once(&mut call.name, name);
        let arguments = arguments.unwrap_or_default();
        call.arguments.push_str(&arguments);
        self.arguments_bytes += arguments.len();
        within(call.id.len().max(call.name.len()), NAME_MAX_BYTES, "a tool call's name is too long")?;
        within(self.arguments_bytes, ARGUMENTS_MAX_BYTES, "the arguments are too long")?;
        within(self.calls.len(), TOOL_CALLS_MAX, "too many tool calls")
    }

    /// Some compatible servers leave the index out: a new id begins a new call, anything else continues the last one.
    fn index_of(&self, id: Option<&str>) -> u64 {
        let Some(id) = id.filter(|id| !id.is_empty()) else { return self.last_call };
        let known = self.calls.iter().find(|(_, call)| call.id == id).map(|(index, _)| *index);
        known.unwrap_or_else(|| self.calls.keys().next_back().map_or(0, |last| last.saturating_add(1)))
    }

    fn finish(&mut self, reason: &str, events: &mut Vec<ModelEvent>) -> Result<(), VendorError> {
        self.finished = true;
        match reason {
            "content_filter" => Err(VendorError::new(
                VENDOR,
                VendorErrorKind::Rejected,
                "the vendor's content filter stopped the reply",
            )),
            "length" => {
                self.end.truncated = true;
                self.calls.clear();
                Ok(())
            }
            // Whether there are tool calls shows in their presence: a forced call ends with `stop`.
            _ => self.tool_calls(events),
        }
    }

    fn tool_calls(&mut self, events: &mut Vec<ModelEvent>) -> Result<(), VendorError> {
        let mut ids = BTreeSet::new();
        for (index, mut call) in std::mem::take(&mut self.calls) {
            if call.name.is_empty() {
                return Err(protocol("a tool call without a name"));
            }
            // The id is the identity of the call's effect, so it must be one's own.
            if call.id.is_empty() || ids.contains(&call.id) {
                call.id = format!("call_{index}_{}", Uuid::new_v4().simple());
            }
            ids.insert(call.id.clone());
            events.push(ModelEvent::ToolCall(call));
        }
        Ok(())
    }
}

fn set_once(field: &mut String, value: Option<String>) {
    if field.is_empty() {
        *field = value.unwrap_or_default();
    }
}

fn within(size: usize, max: usize, text: &'static str) -> Result<(), VendorError> {
    if size > max { Err(protocol(text)) } else { Ok(()) }
}

fn protocol(text: &'static str) -> VendorError {
    VendorError::new(VENDOR, VendorErrorKind::Protocol, text)
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
