//! The chunks of a streamed completion become [`ModelEvent`]s: text at once, tool calls when the choice is finished,
//! the end when the stream has said all. Pure, so that it can be fuzzed.

use otto_actors::ports::{ModelEnd, ModelEvent, VendorError};
use serde::Deserialize;
use serde_json::Value;

use super::errors::{self, protocol};
use super::gather::Gathered;
use super::reading::Accumulate;

/// The data of the last event of a stream.
const DONE: &str = "[DONE]";

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

/// Gathers one reply.
#[derive(Debug, Default)]
pub struct Accumulator {
    gathered: Gathered,
    /// The call that a fragment without an index continues.
    last_call: u64,
    finished: bool,
    done: bool,
    end: ModelEnd,
}

impl Accumulate for Accumulator {
    fn chunk(&mut self, data: &str) -> Result<Vec<ModelEvent>, VendorError> {
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

    /// With `[DONE]` or without.
    fn end(&mut self) -> Result<Vec<ModelEvent>, VendorError> {
        if self.done {
            return Ok(Vec::new());
        }
        if !self.finished {
            return Err(errors::cut());
        }
        self.done = true;
        Ok(vec![ModelEvent::Done(self.end)])
    }

    fn is_done(&self) -> bool {
        self.done
    }

    /// The choice is finished; the usage and `[DONE]` are still to come.
    fn is_finished(&self) -> bool {
        self.finished
    }
}

impl Accumulator {
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
        for text in [delta.content, delta.refusal].into_iter().flatten() {
            events.extend(self.gathered.text(text)?);
        }
        delta.tool_calls.into_iter().flatten().try_for_each(|fragment| self.fragment(fragment))
    }

    fn fragment(&mut self, fragment: Fragment) -> Result<(), VendorError> {
        let index = fragment.index.unwrap_or_else(|| self.index_of(fragment.id.as_deref()));
        self.last_call = index;
        let Function { name, arguments } = fragment.function.unwrap_or(Function { name: None, arguments: None });
        self.gathered.name(index, fragment.id, name)?;
        self.gathered.arguments(index, &arguments.unwrap_or_default())
    }

    /// Some compatible servers leave the index out: a new id begins a new call, anything else continues the last one.
    fn index_of(&self, id: Option<&str>) -> u64 {
        let Some(id) = id.filter(|id| !id.is_empty()) else { return self.last_call };
        self.gathered.index_of(id).unwrap_or_else(|| self.gathered.next_index())
    }

    fn finish(&mut self, reason: &str, events: &mut Vec<ModelEvent>) -> Result<(), VendorError> {
        self.finished = true;
        match reason {
            "content_filter" => return Err(errors::filtered()),
            "length" => {
                self.end.truncated = true;
                self.gathered.drop_calls();
            }
            // Whether there are tool calls shows in their presence: a forced call ends with `stop`.
            _ => events.extend(self.gathered.take_calls()?.into_iter().map(ModelEvent::ToolCall)),
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
