//! The request body of `/responses`, borrowed from a [`ModelRequest`].

use otto_actors::ports::{Message, ModelRequest, ToolCall, ToolSpec};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::thoughts::Thoughts;
use crate::vendors::openai::gather::readable;
use crate::vendors::openai::models::Model;
use crate::vendors::openai::request::Common;

#[derive(Serialize)]
pub(in crate::vendors::openai) struct Body<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    instructions: &'a str,
    input: Vec<Item<'a>>,
    /// The vendor keeps what was said for 30 days unless it is told not to, whoever's server it is.
    store: bool,
    max_output_tokens: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
struct Reasoning {
    effort: &'static str,
}

#[derive(Serialize)]
struct StreamOptions {
    include_obfuscation: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Item<'a> {
    Ours(Ours<'a>),
    /// An item of the vendor's, as it came.
    Thought(Value),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Ours<'a> {
    Message {
        role: &'static str,
        content: &'a str,
    },
    /// Without an `id`: that would be a reference to an item that the vendor was told not to store.
    FunctionCall {
        call_id: &'a str,
        name: &'a str,
        arguments: &'a str,
    },
    FunctionCallOutput {
        call_id: &'a str,
        output: &'a str,
    },
}

#[derive(Serialize)]
struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    description: &'a str,
    strict: bool,
    parameters: &'a RawValue,
}

impl<'a> Body<'a> {
    /// `first_party` says that the server is OpenAI's own and knows its newest fields.
    pub(in crate::vendors::openai) fn new(
        name: &'a str,
        first_party: bool,
        request: &'a ModelRequest,
        thoughts: &Thoughts,
    ) -> Self {
        let model = Model::named(name);
        Self {
            common: Common::new(name, first_party, request),
            instructions: &request.instructions,
            input: input(request, thoughts),
            store: false,
            max_output_tokens: model.reply_max_tokens(),
            tools: request.tools.iter().map(tool).collect(),
            reasoning: model.reasoning_effort.map(|effort| Reasoning { effort }),
            stream_options: first_party.then_some(StreamOptions { include_obfuscation: false }),
        }
    }
}

fn input<'a>(request: &'a ModelRequest, thoughts: &Thoughts) -> Vec<Item<'a>> {
    let situation = Some(request.situation.as_str()).filter(|content| !content.is_empty());
    let mut input: Vec<Item<'a>> = situation.map(|content| message("system", content)).into_iter().collect();
    let answering = request.history.iter().rposition(|message| matches!(message, Message::User(_))).unwrap_or(0);
    for (at, entry) in request.history.iter().enumerate() {
        match entry {
            Message::User(content) => input.push(message("user", content)),
            Message::Assistant { text, tool_calls } => {
                // Thoughts from before the caller's last words are of no more use to the model.
                let first = tool_calls.first().filter(|_| at > answering);
                let before = first.and_then(|call| thoughts.before(&call.id));
                input.extend(before.iter().flat_map(|items| items.iter().cloned()).map(Item::Thought));
                input.extend((!text.is_empty()).then(|| message("assistant", text)));
                input.extend(tool_calls.iter().map(call));
            }
            Message::Tool { tool_call_id: call_id, content: output } => {
                input.push(Item::Ours(Ours::FunctionCallOutput { call_id, output }));
            }
        }
    }
    input
}

fn message<'a>(role: &'static str, content: &'a str) -> Item<'a> {
    Item::Ours(Ours::Message { role, content })
}

fn call(call: &ToolCall) -> Item<'_> {
    Item::Ours(Ours::FunctionCall { call_id: &call.id, name: &call.name, arguments: readable(&call.arguments) })
}

fn tool(spec: &ToolSpec) -> Tool<'_> {
    let ToolSpec { name, description, parameters } = spec;
    Tool { kind: "function", name, description, strict: true, parameters }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::openai::testing::{request, tools};
    use serde_json::json;

    fn body(model: &str, first_party: bool, request: &ModelRequest) -> Value {
        serde_json::to_value(Body::new(model, first_party, request, &Thoughts::default())).unwrap()
    }

    fn input() -> Value {
        json!([
            {"type": "message", "role": "system", "content": "now"},
            {"type": "message", "role": "user", "content": "hi"},
            {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{\"a\":1}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "{}"},
            {"type": "message", "role": "assistant", "content": "hello"},
        ])
    }

    #[test]
    fn openai_gets_all_it_knows() {
        assert_eq!(
            body("gpt-6-luna", true, &request(tools())),
            json!({
                "model": "gpt-6-luna", "instructions": "rules", "input": input(), "stream": true, "store": false,
                "max_output_tokens": 400, "reasoning": {"effort": "none"},
                "tools": [{"type": "function", "name": "f", "description": "does", "strict": true,
                    "parameters": {"type": "object"}}],
                "tool_choice": "auto", "parallel_tool_calls": true,
                "stream_options": {"include_obfuscation": false}, "prompt_cache_key": "otto-v1",
            })
        );
    }

    #[test]
    fn a_model_that_must_think_gets_the_least_effort_and_room() {
        let body = body("gpt-6-astra", true, &request(vec![]));
        assert_eq!(body["reasoning"], json!({"effort": "low"}));
        assert!(body["max_output_tokens"].as_u64().unwrap() > 1_000);
        assert!(body.get("temperature").is_none() && body.get("tool_choice").is_none());
    }

    #[test]
    fn a_compatible_server_gets_what_all_know() {
        let mut body = body("llama", false, &request(vec![]));
        assert!((body["temperature"].take().as_f64().unwrap() - 0.3).abs() < 1e-6);
        let expected = json!({"model": "llama", "instructions": "rules", "input": input(), "stream": true,
            "store": false, "max_output_tokens": 400, "temperature": null});
        assert_eq!(body, expected);
    }
}
