//! The typed events of a streamed response become [`ModelEvent`]s: text at once, tool calls and the end with the terminal
//! event. Pure, so that it can be fuzzed.

use otto_actors::ports::{ModelEnd, ModelEvent, VendorError};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::vendors::openai::errors::{self, protocol};
use crate::vendors::openai::gather::Gathered;
use crate::vendors::openai::reading::Accumulate;

/// Thoughts of one reply that are kept, in bytes.
const THOUGHTS_MAX_BYTES: usize = 64 * 1024;

/// The events that say something to a phone call; all others are passed over.
#[derive(Deserialize)]
#[serde(tag = "type")]
enum Event {
    #[serde(rename = "response.output_text.delta", alias = "response.refusal.delta")]
    Text { delta: String },
    #[serde(rename = "response.output_item.added")]
    Added { output_index: u64, item: Value },
    #[serde(rename = "response.output_item.done")]
    ItemDone { output_index: u64, item: Value },
    #[serde(rename = "response.function_call_arguments.delta")]
    Arguments { output_index: u64, delta: String },
    #[serde(rename = "response.function_call_arguments.done")]
    ArgumentsDone { output_index: u64, arguments: String },
    #[serde(rename = "response.completed")]
    Completed { response: Response },
    #[serde(rename = "response.incomplete")]
    Incomplete { response: Response },
    #[serde(rename = "response.failed")]
    Failed { response: Response },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Response {
    error: Option<Value>,
    incomplete_details: Option<Details>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Details {
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

/// Gathers one reply.
#[derive(Debug, Default)]
pub struct Accumulator {
    gathered: Gathered,
    thoughts: Vec<Value>,
    thoughts_bytes: usize,
    done: bool,
}

impl Accumulate for Accumulator {
    fn chunk(&mut self, data: &str) -> Result<Vec<ModelEvent>, VendorError> {
        if self.done {
            return Ok(Vec::new());
        }
        // Not of this interface, but compatible servers may end with it as they do on the other one.
        if data.trim() == "[DONE]" {
            return self.end();
        }
        let shape = |_| protocol("an event that is not of the known shape");
        let value: Value = serde_json::from_str(data).map_err(shape)?;
        if value["type"] == "error" || value.get("error").is_some_and(|error| !error.is_null()) {
            return Err(errors::in_event(data));
        }
        self.event(Event::deserialize(value).map_err(shape)?)
    }

    fn end(&mut self) -> Result<Vec<ModelEvent>, VendorError> {
        if self.done { Ok(Vec::new()) } else { Err(errors::cut()) }
    }

    fn is_done(&self) -> bool {
        self.done
    }
}

impl Accumulator {
    /// The reply's reasoning items, as they go back to the vendor.
    pub(super) fn take_thoughts(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.thoughts)
    }

    fn event(&mut self, event: Event) -> Result<Vec<ModelEvent>, VendorError> {
        match event {
            Event::Text { delta } => return Ok(self.gathered.text(delta)?.into_iter().collect()),
            Event::Added { output_index, item } => self.name(output_index, &item)?,
            Event::ItemDone { output_index, item } => self.item(output_index, item)?,
            Event::Arguments { output_index, delta } => self.gathered.arguments(output_index, &delta)?,
            Event::ArgumentsDone { output_index, arguments } => {
                self.gathered.whole_arguments(output_index, &arguments)?;
            }
            Event::Completed { response } => return self.completed(&response),
            Event::Incomplete { response } => return self.incomplete(&response),
            Event::Failed { response } => return Err(errors::in_stream(&response.error.unwrap_or_default())),
            Event::Other => {}
        }
        Ok(Vec::new())
    }

    fn name(&mut self, index: u64, item: &Value) -> Result<(), VendorError> {
        if item["type"] != "function_call" {
            return Ok(());
        }
        let field = |name: &str| item[name].as_str().map(str::to_owned);
        // A result is matched by `call_id`; `id` names the item alone.
        self.gathered.name(index, field("call_id"), field("name"))
    }

    fn item(&mut self, index: u64, mut item: Value) -> Result<(), VendorError> {
        if let (Some("reasoning"), Some(content)) = (item["type"].as_str(), item["encrypted_content"].as_str()) {
            self.thoughts_bytes += content.len();
            if self.thoughts_bytes <= THOUGHTS_MAX_BYTES {
                let [id, summary, content] = ["id", "summary", "encrypted_content"].map(|name| item[name].take());
                self.thoughts
                    .push(json!({"type": "reasoning", "id": id, "summary": summary, "encrypted_content": content}));
            }
            return Ok(());
        }
        self.name(index, &item)?;
        match (item["type"].as_str(), item["arguments"].as_str()) {
            (Some("function_call"), Some(arguments)) => self.gathered.whole_arguments(index, arguments),
            _ => Ok(()),
        }
    }

    fn completed(&mut self, response: &Response) -> Result<Vec<ModelEvent>, VendorError> {
        self.done = true;
        let calls = self.gathered.take_calls()?.into_iter().map(ModelEvent::ToolCall);
        Ok(calls.chain([ModelEvent::Done(end(response, false))]).collect())
    }

    fn incomplete(&mut self, response: &Response) -> Result<Vec<ModelEvent>, VendorError> {
        self.done = true;
        let reason = response.incomplete_details.as_ref().and_then(|details| details.reason.as_deref());
        if reason == Some("content_filter") {
            return Err(errors::filtered());
        }
        self.gathered.drop_calls();
        Ok(vec![ModelEvent::Done(end(response, true))])
    }
}

fn end(response: &Response, truncated: bool) -> ModelEnd {
    let usage = response.usage.as_ref();
    ModelEnd {
        truncated,
        prompt_tokens: usage.and_then(|usage| usage.input_tokens),
        completion_tokens: usage.and_then(|usage| usage.output_tokens),
    }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
