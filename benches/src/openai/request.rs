//! A request as the vendor reads it: parsed leniently, checked strictly.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::models;
use super::tools::{Menu, Tool};
use super::wire::ApiError;

/// Who a message is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Instructions, under either of their names (`system`, `developer`).
    System,
    /// The caller.
    User,
    /// The model.
    Assistant,
    /// A tool's result.
    Tool,
}

/// A call that the model made earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolCall {
    /// Its id, which the tool message repeats.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// Arguments as JSON text.
    pub arguments: String,
}

/// One message of the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who it is from.
    pub role: Role,
    /// Its text; parts are joined.
    pub content: Option<String>,
    /// Calls, in an assistant's message.
    pub tool_calls: Vec<ToolCall>,
    /// The call that a tool's message answers.
    pub tool_call_id: Option<String>,
}

/// Which of the vendor's interfaces a request came in by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `/v1/chat/completions`.
    ChatCompletions,
    /// `/v1/responses`.
    Responses,
}

/// A request that passed the checks.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Where it came in.
    pub endpoint: Endpoint,
    /// The model asked for.
    pub model: String,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// Whether a stream ends with a usage chunk.
    pub include_usage: bool,
    /// Whether chunks carry random padding.
    pub include_obfuscation: bool,
    /// Whether several tools may be called at once.
    pub parallel_tool_calls: bool,
    /// The conversation.
    pub messages: Vec<Message>,
    /// The tools.
    pub tools: Arc<[Tool]>,
    /// The body as it came, without its tools.
    pub body: Value,
    /// How long it was, in bytes.
    pub body_bytes: usize,
}

/// A body with its tools as text: they are its longest part, and what they say is known mostly.
#[derive(Deserialize)]
pub(super) struct Body<'a> {
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

impl<'a> Body<'a> {
    /// Reads a body: its tools, as text, and what else is in it.
    pub(super) fn read(body: &'a [u8]) -> Result<(&'a str, Value), ApiError> {
        let Body { tools, fields } = json(body)?;
        Ok((tools.map_or("[]", RawValue::get), Value::Object(fields)))
    }
}

impl Request {
    /// Parses and checks a body.
    pub fn parse(body: &[u8]) -> Result<Self, ApiError> {
        Request::read(body, &Menu::default())
    }

    pub(super) fn read(bytes: &[u8], menu: &Menu) -> Result<Self, ApiError> {
        let (tools, body) = Body::read(bytes)?;
        let model = required_text(&body, "model")?;
        let messages = body["messages"].as_array().filter(|list| !list.is_empty());
        let messages = messages.ok_or_else(|| ApiError::missing("messages"))?;
        let messages = messages.iter().enumerate().map(|(i, m)| message(i, m)).collect::<Result<Vec<_>, _>>()?;
        let tools = menu.read(Endpoint::ChatCompletions, tools)?;
        check_tool_options(&body, &tools)?;
        check_model(&model, &body, &tools)?;
        check_tool_answers(&messages)?;
        let options = &body["stream_options"];
        let stream = body["stream"].as_bool().unwrap_or(false);
        if !options.is_null() && !stream {
            let text = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
            return Err(ApiError::bad_request(text, Some("stream_options")));
        }
        Ok(Request {
            endpoint: Endpoint::ChatCompletions,
            model,
            stream,
            include_usage: options["include_usage"].as_bool().unwrap_or(false),
            include_obfuscation: options["include_obfuscation"].as_bool().unwrap_or(true),
            parallel_tool_calls: body["parallel_tool_calls"].as_bool().unwrap_or(true),
            messages,
            tools,
            body,
            body_bytes: bytes.len(),
        })
    }

    /// Whether a tool of this name is on offer.
    pub fn has_tool(&self, name: &str) -> bool {
        self.tools.iter().any(|tool| tool.name == name)
    }

    /// All instructions, one after the other.
    pub fn instructions(&self) -> String {
        let system = self.messages.iter().filter(|message| message.role == Role::System);
        system.filter_map(|message| message.content.as_deref()).collect::<Vec<_>>().join("\n")
    }
}

pub(super) fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ApiError> {
    serde_json::from_slice(body)
        .map_err(|_| ApiError::bad_request("We could not parse the JSON body of your request.", None))
}

pub(super) fn required_text(value: &Value, name: &str) -> Result<String, ApiError> {
    value[name].as_str().map(str::to_owned).ok_or_else(|| ApiError::missing(name))
}

fn message(index: usize, value: &Value) -> Result<Message, ApiError> {
    let at = |field: &str| format!("messages[{index}].{field}");
    let role = match value["role"].as_str() {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        Some("tool") => Role::Tool,
        _ => return Err(ApiError::bad_request("Invalid value for role.", Some(&at("role")))),
    };
    let content = content(&value["content"]).map_err(|text| ApiError::bad_request(&text, Some(&at("content"))))?;
    let calls = value["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default();
    if value["tool_calls"].is_array() && calls.is_empty() {
        return Err(ApiError::bad_request("Invalid 'tool_calls': empty array.", Some(&at("tool_calls"))));
    }
    let tool_calls = calls.iter().map(|call| tool_call(&at("tool_calls"), call)).collect::<Result<Vec<_>, _>>()?;
    if content.is_none() && tool_calls.is_empty() {
        return Err(ApiError::bad_request(
            "Invalid value for 'content': expected a string, got null.",
            Some(&at("content")),
        ));
    }
    let tool_call_id = value["tool_call_id"].as_str().map(str::to_owned);
    if role == Role::Tool && tool_call_id.is_none() {
        return Err(ApiError::missing(&at("tool_call_id")));
    }
    Ok(Message { role, content, tool_calls, tool_call_id })
}

pub(super) fn content(value: &Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Array(parts) => {
            let texts: Option<Vec<&str>> = parts.iter().map(|part| part["text"].as_str()).collect();
            texts.map(|texts| Some(texts.concat())).ok_or_else(|| "The simulator reads text parts alone.".to_owned())
        }
        _ => Err("Invalid type for 'content'.".to_owned()),
    }
}

fn tool_call(at: &str, value: &Value) -> Result<ToolCall, ApiError> {
    let function = &value["function"];
    let field = |value: &Value, name: &str| {
        value[name].as_str().map(str::to_owned).ok_or_else(|| ApiError::missing(&format!("{at}.{name}")))
    };
    if value["type"].as_str() != Some("function") {
        return Err(ApiError::missing(&format!("{at}.type")));
    }
    Ok(ToolCall { id: field(value, "id")?, name: field(function, "name")?, arguments: field(function, "arguments")? })
}

fn check_tool_options(body: &Value, tools: &[Tool]) -> Result<(), ApiError> {
    let unfit = ["tool_choice", "parallel_tool_calls"].into_iter().find(|name| !body[*name].is_null());
    match unfit.filter(|_| tools.is_empty()) {
        Some(name) => {
            let text = format!("'{name}' is only allowed when 'tools' are specified.");
            Err(ApiError::bad_request(&text, Some(name)))
        }
        None => Ok(()),
    }
}

/// Rules that came with newer models: see section 0 of the sheet that this was written from.
fn check_model(model: &str, body: &Value, tools: &[Tool]) -> Result<(), ApiError> {
    let newer = models::is_newer(model);
    let effort = body["reasoning_effort"].as_str();
    if newer && !body["max_tokens"].is_null() {
        let text = "Unsupported parameter: 'max_tokens' is not supported with this model. Use \
                    'max_completion_tokens' instead.";
        return Err(ApiError::unsupported(text, "max_tokens"));
    }
    models::check_thinking(model, effort, "reasoning_effort", &body["temperature"])?;
    let needs_none = ["gpt-5.6", "gpt-6"].iter().any(|prefix| model.starts_with(prefix));
    let allows_omission = ["gpt-5.4", "gpt-5.5"].iter().any(|prefix| model.starts_with(prefix)) && effort.is_none();
    let restricted = needs_none || model.starts_with("gpt-5.4") || model.starts_with("gpt-5.5");
    if restricted && !tools.is_empty() && effort != Some("none") && !allows_omission {
        let text = format!(
            "Function tools with reasoning_effort are not supported for {model} in /v1/chat/completions. To use \
             function tools, use /v1/responses or set reasoning_effort to 'none'."
        );
        return Err(ApiError::bad_request(&text, Some("reasoning_effort")));
    }
    Ok(())
}

/// Every tool call is answered by exactly one tool message right after it, and no tool message lacks its call.
fn check_tool_answers(messages: &[Message]) -> Result<(), ApiError> {
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        match (&message.role, message.tool_call_id.as_deref()) {
            (Role::Tool, Some(id)) => {
                let index = open.iter().position(|open| *open == id).ok_or_else(|| {
                    ApiError::bad_request(
                        "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with \
                         'tool_calls'.",
                        Some("messages"),
                    )
                })?;
                open.remove(index);
            }
            _ if !open.is_empty() => break,
            _ => open.extend(message.tool_calls.iter().map(|call| call.id.as_str())),
        }
    }
    if open.is_empty() {
        return Ok(());
    }
    let text = format!(
        "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. \
         The following tool_call_ids did not have response messages: {}",
        open.join(", ")
    );
    Err(ApiError::bad_request(&text, Some("messages")))
}
