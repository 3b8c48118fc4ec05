//! `POST /v1/responses`: a request as the vendor reads it, checked strictly, becomes the same [`Request`] that a chat
//! completion is, so that the same brain answers both. `wire` has the answer. Source: OpenAI's openapi.json of
//! 2026-08-21.

pub(super) mod wire;

use serde_json::Value;

use super::request::{self, Body, Endpoint};
use super::tools::Menu;
use super::wire::ApiError;
use super::{Message, Request, Role, ToolCall, models};

/// The fields of a body that the spec has. Another one is refused, as is one of the other interface.
const KNOWN: [&str; 31] = [
    "background",
    "context_management",
    "conversation",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "moderation",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// The least `max_output_tokens`.
const OUTPUT_TOKENS_MIN: u64 = 16;

/// Longest `call_id` that is taken back.
const CALL_ID_MAX: usize = 64;

impl Request {
    /// Parses and checks a body of `/v1/responses`.
    pub fn parse_response(body: &[u8]) -> Result<Self, ApiError> {
        Request::read_response(body, &Menu::default())
    }

    pub(super) fn read_response(bytes: &[u8], menu: &Menu) -> Result<Self, ApiError> {
        let (tools, body) = Body::read(bytes)?;
        check_fields(&body)?;
        let model = request::required_text(&body, "model")?;
        let effort = body["reasoning"]["effort"].as_str();
        models::check_thinking(&model, effort, "reasoning.effort", &body["temperature"])?;
        let tools = menu.read(Endpoint::Responses, tools)?;
        let messages = messages(&body)?;
        Ok(Request {
            endpoint: Endpoint::Responses,
            model,
            stream: body["stream"].as_bool().unwrap_or(false),
            include_usage: true,
            include_obfuscation: body["stream_options"]["include_obfuscation"].as_bool().unwrap_or(true),
            parallel_tool_calls: body["parallel_tool_calls"].as_bool().unwrap_or(true),
            messages,
            tools,
            body,
            body_bytes: bytes.len(),
        })
    }
}

fn check_fields(body: &Value) -> Result<(), ApiError> {
    let unknown = |name: &str| {
        let error = ApiError::bad_request(&format!("Unknown parameter: '{name}'."), Some(name));
        Err(ApiError { code: Some("unknown_parameter".to_owned()), ..error })
    };
    let fields = body.as_object().into_iter().flatten();
    if let Some((name, _)) = fields.into_iter().find(|(name, _)| !KNOWN.contains(&name.as_str())) {
        return unknown(name);
    }
    let options = body["stream_options"].as_object();
    if options.is_some_and(|options| options.keys().any(|name| name != "include_obfuscation")) {
        return unknown("stream_options.include_usage");
    }
    if options.is_some() && body["stream"] != true {
        let text = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(ApiError::bad_request(text, Some("stream_options")));
    }
    if body["max_output_tokens"].as_u64().is_some_and(|tokens| tokens < OUTPUT_TOKENS_MIN) {
        let text = "Invalid 'max_output_tokens': integer below minimum value.";
        return Err(ApiError::bad_request(text, Some("max_output_tokens")));
    }
    Ok(())
}

fn messages(body: &Value) -> Result<Vec<Message>, ApiError> {
    let mut messages = Vec::new();
    if let Some(instructions) = body["instructions"].as_str() {
        messages.push(said(Role::System, instructions));
    }
    match &body["input"] {
        Value::String(text) => messages.push(said(Role::User, text)),
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                add(&mut messages, &format!("input[{index}]"), item)?;
            }
        }
        _ => return Err(ApiError::missing("input")),
    }
    check_outputs(&messages)?;
    Ok(messages)
}

fn said(role: Role, text: &str) -> Message {
    Message { role, content: Some(text.to_owned()), tool_calls: Vec::new(), tool_call_id: None }
}

/// Adds an input item; what one reply said and called becomes one message.
fn add(messages: &mut Vec<Message>, at: &str, item: &Value) -> Result<(), ApiError> {
    let text =
        |name: &str| item[name].as_str().map(str::to_owned).ok_or_else(|| ApiError::missing(&format!("{at}.{name}")));
    let call_id = || text("call_id").and_then(|id| checked_call_id(id, at));
    match item["type"].as_str() {
        None | Some("message") => messages.push(message(at, item)?),
        Some("function_call") => {
            if !item["id"].is_null() {
                // The simulator stores nothing, whatever the request said.
                let text = format!("Item with id '{}' not found.", item["id"].as_str().unwrap_or_default());
                return Err(ApiError::bad_request(&text, Some("input")));
            }
            let call = ToolCall { id: call_id()?, name: text("name")?, arguments: text("arguments")? };
            match messages.last_mut() {
                Some(last) if last.role == Role::Assistant => last.tool_calls.push(call),
                _ => messages.push(Message { content: None, tool_calls: vec![call], ..said(Role::Assistant, "") }),
            }
        }
        Some("function_call_output") => {
            messages.push(Message { tool_call_id: Some(call_id()?), ..said(Role::Tool, &text("output")?) });
        }
        Some("reasoning") => {
            if !item["summary"].is_array() || !text("encrypted_content")?.starts_with(wire::THOUGHT_MARK) {
                let text = "The encrypted content could not be verified.";
                return Err(ApiError::bad_request(text, Some(&format!("{at}.encrypted_content"))));
            }
        }
        Some(_) => return Err(ApiError::bad_request("Invalid value for type.", Some(&format!("{at}.type")))),
    }
    Ok(())
}

fn checked_call_id(id: String, at: &str) -> Result<String, ApiError> {
    if (1..=CALL_ID_MAX).contains(&id.len()) {
        return Ok(id);
    }
    let param = format!("{at}.call_id");
    let text = format!("Invalid '{param}': string too long. Expected a string with maximum length {CALL_ID_MAX}.");
    Err(ApiError::bad_request(&text, Some(&param)))
}

fn message(at: &str, item: &Value) -> Result<Message, ApiError> {
    let role = match item["role"].as_str() {
        Some("system" | "developer") => Role::System,
        Some("user") => Role::User,
        Some("assistant") => Role::Assistant,
        _ => return Err(ApiError::bad_request("Invalid value for role.", Some(&format!("{at}.role")))),
    };
    let param = format!("{at}.content");
    let content = request::content(&item["content"]).map_err(|text| ApiError::bad_request(&text, Some(&param)))?;
    Ok(said(role, &content.ok_or_else(|| ApiError::missing(&param))?))
}

/// Every call has its output and every output its call, in whatever order.
fn check_outputs(messages: &[Message]) -> Result<(), ApiError> {
    let refuse = |text: String| Err(ApiError::bad_request(&text, Some("input")));
    let mut open: Vec<&str> = Vec::new();
    for message in messages {
        if let Some(id) = message.tool_call_id.as_deref() {
            let Some(index) = open.iter().position(|open| *open == id) else {
                return refuse(format!("No tool call found for function call output with call_id {id}."));
            };
            open.remove(index);
        }
        open.extend(message.tool_calls.iter().map(|call| call.id.as_str()));
    }
    match open.first() {
        None => Ok(()),
        Some(id) => refuse(format!("No tool output found for function call {id}.")),
    }
}

#[cfg(test)]
mod tests;
