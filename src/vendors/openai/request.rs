//! The request body of `/chat/completions`, borrowed from a [`ModelRequest`].

use otto_actors::ports::{Message, ModelRequest, ToolCall, ToolSpec};
use serde::Serialize;
use serde_json::value::RawValue;

use super::gather::readable;
use super::models::{MaxTokens, Model};

/// Steady answers; sent only to models that take it.
const TEMPERATURE: f32 = 0.3;
/// Steers requests with the same beginning to the same cache.
const PROMPT_CACHE_KEY: &str = "otto-v1";

/// What the bodies of both interfaces have in common.
#[derive(Serialize)]
pub(super) struct Common<'a> {
    model: &'a str,
    stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'static str>,
}

impl<'a> Common<'a> {
    pub(super) fn new(name: &'a str, first_party: bool, request: &ModelRequest) -> Self {
        let has_tools = !request.tools.is_empty();
        Self {
            model: name,
            stream: true,
            tool_choice: has_tools.then_some("auto"),
            parallel_tool_calls: has_tools.then_some(true),
            temperature: Model::named(name).temperature.then_some(TEMPERATURE),
            prompt_cache_key: first_party.then_some(PROMPT_CACHE_KEY),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Body<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    messages: Vec<WireMessage<'a>>,
    stream_options: StreamOptions,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<Tool<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<bool>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    include_obfuscation: Option<bool>,
}

#[derive(Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
enum WireMessage<'a> {
    System {
        content: &'a str,
    },
    User {
        content: &'a str,
    },
    Assistant {
        content: Option<&'a str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<WireCall<'a>>,
    },
    Tool {
        tool_call_id: &'a str,
        content: &'a str,
    },
}

#[derive(Serialize)]
struct WireCall<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: WireFunction<'a>,
}

#[derive(Serialize)]
struct WireFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

#[derive(Serialize)]
struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: ToolFunction<'a>,
}

#[derive(Serialize)]
struct ToolFunction<'a> {
    name: &'a str,
    description: &'a str,
    strict: bool,
    parameters: &'a RawValue,
}

impl<'a> Body<'a> {
    /// `first_party` says that the server is OpenAI's own and knows its newest fields.
    pub(super) fn new(name: &'a str, first_party: bool, request: &'a ModelRequest) -> Self {
        let model = Model::named(name);
        Self {
            common: Common::new(name, first_party, request),
            messages: messages(request),
            stream_options: StreamOptions { include_usage: true, include_obfuscation: first_party.then_some(false) },
            tools: request.tools.iter().map(tool).collect(),
            reasoning_effort: model.reasoning_effort,
            max_tokens: (model.max_tokens == MaxTokens::Old).then_some(model.reply_max_tokens()),
            max_completion_tokens: (model.max_tokens == MaxTokens::New).then_some(model.reply_max_tokens()),
            store: first_party.then_some(false),
        }
    }
}

/// The instructions come first, since what never changes is cached by its beginning.
fn messages(request: &ModelRequest) -> Vec<WireMessage<'_>> {
    [&*request.instructions, request.situation.as_str()]
        .into_iter()
        .filter(|content| !content.is_empty())
        .map(|content| WireMessage::System { content })
        .chain(request.history.iter().filter_map(message))
        .collect()
}

fn message(message: &Message) -> Option<WireMessage<'_>> {
    Some(match message {
        Message::User(content) => WireMessage::User { content },
        // Content may be absent only beside tool calls; a message with neither says nothing.
        Message::Assistant { text, tool_calls } if text.is_empty() && tool_calls.is_empty() => return None,
        Message::Assistant { text, tool_calls } => WireMessage::Assistant {
            content: (!text.is_empty()).then_some(text),
            tool_calls: tool_calls.iter().map(call).collect(),
        },
        Message::Tool { tool_call_id, content } => WireMessage::Tool { tool_call_id, content },
    })
}

fn call(call: &ToolCall) -> WireCall<'_> {
    let function = WireFunction { name: &call.name, arguments: readable(&call.arguments) };
    WireCall { id: &call.id, kind: "function", function }
}

fn tool(spec: &ToolSpec) -> Tool<'_> {
    let ToolSpec { name, description, parameters } = spec;
    Tool { kind: "function", function: ToolFunction { name, description, strict: true, parameters } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendors::openai::testing::{request, tools};
    use serde_json::{Value, json};

    fn messages() -> Value {
        json!([
            {"role": "system", "content": "rules"},
            {"role": "system", "content": "now"},
            {"role": "user", "content": "hi"},
            {"role": "assistant", "content": null, "tool_calls":
                [{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "{}"},
            {"role": "assistant", "content": "hello"},
        ])
    }

    #[test]
    fn openai_gets_all_it_knows() {
        let request = request(tools());
        assert_eq!(
            serde_json::to_value(Body::new("gpt-6-luna", true, &request)).unwrap(),
            json!({
                "model": "gpt-6-luna", "messages": messages(), "stream": true,
                "stream_options": {"include_usage": true, "include_obfuscation": false},
                "tools": [{"type": "function", "function":
                    {"name": "f", "description": "does", "strict": true, "parameters": {"type": "object"}}}],
                "tool_choice": "auto", "parallel_tool_calls": true, "reasoning_effort": "none",
                "max_completion_tokens": 400, "store": false, "prompt_cache_key": "otto-v1",
            })
        );
    }

    #[test]
    fn arguments_that_are_no_json_do_not_go_back() {
        let mut request = request(vec![]);
        for (written, sent) in [("{\"a\":", "{}"), ("", "{}"), ("7", "{}"), ("{\"a\":1}", "{\"a\":1}")] {
            let call = ToolCall { id: "call_1".into(), name: "f".into(), arguments: written.into() };
            request.history = vec![Message::Assistant { text: String::new(), tool_calls: vec![call] }];
            let body = serde_json::to_value(Body::new("gpt-6-luna", true, &request)).unwrap();
            assert_eq!(body["messages"][2]["tool_calls"][0]["function"]["arguments"], sent);
        }
    }

    #[test]
    fn a_compatible_server_gets_what_all_know() {
        let request = request(vec![]);
        let body = serde_json::to_value(Body::new("llama", false, &request)).unwrap();
        let mut expected = json!({
            "model": "llama", "messages": messages(), "stream": true, "stream_options": {"include_usage": true},
            "max_tokens": 400,
        });
        expected["temperature"] = body["temperature"].clone();
        assert_eq!(body, expected);
        assert!((body["temperature"].as_f64().unwrap() - 0.3).abs() < 1e-6);
    }
}
