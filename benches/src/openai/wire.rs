//! The wire shapes: errors, whole completions, and the chunks of a stream.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rand::Rng;
use rand::rngs::StdRng;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Finish, LlmFault, Reply, Request};

/// Creation time that every answer carries: nothing depends on it.
pub(super) const CREATED: u64 = 1_780_000_000;

/// An error in the vendor's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// What is wrong.
    pub message: String,
    /// The family, such as `invalid_request_error`.
    pub kind: String,
    /// The offending parameter.
    pub param: Option<String>,
    /// The vendor's code.
    pub code: Option<String>,
}

impl ApiError {
    pub(super) fn new(status: u16, kind: &str, message: &str, code: Option<&str>) -> Self {
        let code = code.map(str::to_owned);
        ApiError { status, message: message.to_owned(), kind: kind.to_owned(), param: None, code }
    }

    pub(super) fn bad_request(message: &str, param: Option<&str>) -> Self {
        let error = ApiError::new(400, "invalid_request_error", message, None);
        ApiError { param: param.map(str::to_owned), ..error }
    }

    pub(super) fn missing(param: &str) -> Self {
        let error = ApiError::bad_request(&format!("Missing required parameter: '{param}'."), Some(param));
        ApiError { code: Some("missing_required_parameter".to_owned()), ..error }
    }

    pub(super) fn unsupported(message: &str, param: &str) -> Self {
        ApiError { code: Some("unsupported_parameter".to_owned()), ..ApiError::bad_request(message, Some(param)) }
    }

    pub(super) fn missing_key() -> Self {
        ApiError::new(401, "invalid_request_error", "You didn't provide an API key.", None)
    }

    pub(super) fn invalid_key() -> Self {
        ApiError::new(401, "invalid_request_error", "Incorrect API key provided.", Some("invalid_api_key"))
    }

    pub(super) fn server(message: &str) -> Self {
        ApiError::new(500, "server_error", message, None)
    }

    pub(super) fn body(&self) -> Value {
        json!({"error": {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}})
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let request_id = format!("req_{}", Uuid::new_v4().simple());
        (status, [("x-request-id", request_id)], Json(self.body())).into_response()
    }
}

/// The answer of a fault that refuses the request, if it is one.
pub(super) fn refusal(fault: &LlmFault) -> Option<Response> {
    let (error, retry_after_s) = match fault {
        LlmFault::Quota => {
            let text = "You exceeded your current quota, please check your plan and billing details.";
            (ApiError::new(429, "insufficient_quota", text, Some("insufficient_quota")), None)
        }
        LlmFault::Status { status: 429, retry_after_s } => {
            let text = "Rate limit reached for requests.";
            (ApiError::new(429, "requests", text, Some("rate_limit_exceeded")), *retry_after_s)
        }
        LlmFault::Status { status, retry_after_s } => {
            (ApiError::new(*status, "server_error", "The server had an error. Sorry about that!", None), *retry_after_s)
        }
        _ => return None,
    };
    let mut response = error.into_response();
    if let Some(seconds) = retry_after_s {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    Some(response)
}

/// A whole completion, for a request that is not streamed.
pub(super) fn completion(request: &Request, reply: &Reply) -> Value {
    let calls: Vec<Value> = reply
        .tool_calls
        .iter()
        .map(|(name, arguments)| {
            json!({"id": call_id(), "type": "function", "function": {"name": name, "arguments": arguments}})
        })
        .collect();
    let mut message = json!({"role": "assistant", "content": reply.text, "refusal": null, "annotations": []});
    if !calls.is_empty() {
        message["tool_calls"] = Value::Array(calls);
    }
    json!({"id": completion_id(), "object": "chat.completion", "created": CREATED, "model": request.model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason(reply)}],
        "usage": usage(request, reply), "service_tier": "default", "system_fingerprint": null})
}

/// What a chunk says. Fields stand in the order of their names.
#[derive(Serialize)]
struct Choice<'a> {
    delta: Delta<'a>,
    finish_reason: Option<&'static str>,
    index: u32,
    logprobs: (),
}

#[derive(Serialize)]
#[serde(untagged)]
enum Delta<'a> {
    Begin { content: Option<&'static str>, refusal: (), role: &'static str },
    Text { content: &'a str },
    Call(Value),
    End {},
}

impl Delta<'_> {
    /// Characters of the answer in it.
    fn characters(&self) -> usize {
        if let Delta::Text { content } = self { content.chars().count() } else { 0 }
    }
}

/// The events of a streamed answer, in order and without `[DONE]`, with the characters of the answer in each.
pub(super) fn events(request: &Request, reply: &Reply, rng: &mut StdRng) -> Vec<(String, usize)> {
    let content = reply.text.is_some().then_some("");
    let mut deltas = vec![Delta::Begin { content, refusal: (), role: "assistant" }];
    let texts = reply.text.iter().flat_map(|text| tokens(text, rng));
    deltas.extend(texts.map(|content| Delta::Text { content }));
    deltas.extend(call_deltas(&reply.tool_calls, rng).into_iter().map(Delta::Call));
    deltas.push(Delta::End {});
    // All but the choice is the same in every chunk, and is written as text once.
    let head = format!(r#","created":{CREATED},"id":"{}","model":{}"#, completion_id(), json!(request.model));
    let tail = r#","object":"chat.completion.chunk","service_tier":"default","system_fingerprint":null,"usage":"#;
    let mut events = Vec::with_capacity(deltas.len() + 1);
    for delta in deltas {
        let characters = delta.characters();
        let finish_reason = matches!(delta, Delta::End {}).then(|| finish_reason(reply));
        let choice = Choice { delta, finish_reason, index: 0, logprobs: () };
        let choice = serde_json::to_string(&choice).expect("a choice is JSON");
        let padded = request.include_obfuscation.then(|| format!(r#","obfuscation":"{}""#, padding(rng)));
        let padded = padded.unwrap_or_default();
        events.push((["data: {\"choices\":[", &choice, "]", &head, &padded, tail, "null}\n\n"].concat(), characters));
    }
    if request.include_usage {
        let usage = usage(request, reply).to_string();
        events.push((["data: {\"choices\":[]", &head, tail, &usage, "}\n\n"].concat(), 0));
    }
    events
}

/// Pieces of about a token each: a word with the space before it, long ones in two.
pub(super) fn tokens<'a>(text: &'a str, rng: &mut StdRng) -> Vec<&'a str> {
    let mut tokens = Vec::new();
    for piece in text.split_inclusive(' ') {
        let middle = piece.char_indices().nth(5).map(|(index, _)| index);
        match middle {
            Some(middle) if rng.random_bool(0.5) => {
                tokens.push(&piece[..middle]);
                tokens.push(&piece[middle..]);
            }
            _ => tokens.push(piece),
        }
    }
    tokens
}

/// Deltas of tool calls: each call's id and name once, its arguments in fragments, parallel calls interleaved.
fn call_deltas(calls: &[(String, String)], rng: &mut StdRng) -> Vec<Value> {
    let begin = calls.iter().enumerate().map(|(index, (name, _))| {
        json!({"tool_calls": [{"index": index, "id": call_id(), "type": "function",
            "function": {"name": name, "arguments": ""}}]})
    });
    let rest = fragments(calls, rng)
        .into_iter()
        .map(|(index, fragment)| json!({"tool_calls": [{"index": index, "function": {"arguments": fragment}}]}));
    begin.chain(rest).collect()
}

/// The arguments of all calls in small pieces, each with the index of its call, in an order that mixes them.
pub(super) fn fragments(calls: &[(String, String)], rng: &mut StdRng) -> Vec<(usize, String)> {
    let mut fragments = Vec::new();
    let mut rest: Vec<(usize, &str)> =
        calls.iter().enumerate().map(|(index, (_, arguments))| (index, arguments.as_str())).collect();
    while !rest.is_empty() {
        let turn = rng.random_range(0..rest.len());
        let (index, arguments) = &mut rest[turn];
        let length = rng.random_range(1..=8_usize);
        let end = arguments.char_indices().nth(length).map_or(arguments.len(), |(end, _)| end);
        let (fragment, tail) = arguments.split_at(end);
        if !fragment.is_empty() {
            fragments.push((*index, fragment.to_owned()));
        }
        *arguments = tail;
        rest.retain(|(_, arguments)| !arguments.is_empty());
    }
    fragments
}

fn finish_reason(reply: &Reply) -> &'static str {
    match reply.finish {
        Finish::Length => "length",
        Finish::ContentFilter => "content_filter",
        Finish::Natural if reply.tool_calls.is_empty() => "stop",
        Finish::Natural => "tool_calls",
    }
}

/// Usage at four characters a token.
pub(super) fn usage(request: &Request, reply: &Reply) -> Value {
    let prompt = request.body_bytes / 4;
    let spoken = reply.text.as_deref().map_or(0, str::len);
    let called: usize = reply.tool_calls.iter().map(|(name, arguments)| name.len() + arguments.len()).sum();
    let completion = (spoken + called) / 4 + 1;
    json!({"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0, "cache_write_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0}})
}

pub(super) fn padding(rng: &mut StdRng) -> String {
    let length = rng.random_range(1..12);
    (0..length).map(|_| char::from(rng.random_range(b'a'..=b'z'))).collect()
}

fn completion_id() -> String {
    format!("chatcmpl-{}", Uuid::new_v4().simple())
}

pub(super) fn call_id() -> String {
    format!("call_{}", &Uuid::new_v4().simple().to_string()[..24])
}
