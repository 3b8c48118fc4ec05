//! The wire shapes of `/v1/responses`: the whole response, and the typed events of a stream.

use rand::rngs::StdRng;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::openai::wire::{CREATED, call_id, fragments, padding, tokens, usage};
use crate::openai::{Finish, Reply, Request, models};

/// How encrypted thoughts begin that the simulator has thought itself.
pub(super) const THOUGHT_MARK: &str = "gAAAA";

/// An item of the output under construction: the events that build it, and what it is in the end.
struct Item {
    events: Vec<Value>,
    whole: Value,
}

/// A whole response, for a request that is not streamed.
pub(in crate::openai) fn response(request: &Request, reply: &Reply) -> Value {
    let calls = reply.tool_calls.iter().map(|(name, arguments)| call_item(name, arguments));
    let message = reply.text.iter().map(|text| message_item(&id("msg"), text));
    let output: Vec<Value> = thought(request).into_iter().chain(message).chain(calls).collect();
    shell(request, reply, &output)
}

/// All events of a streamed response, in order.
pub(in crate::openai) fn events(request: &Request, reply: &Reply, rng: &mut StdRng) -> Vec<Value> {
    let begun = |kind: &str| {
        let mut response = shell(request, reply, &[]);
        (response["status"], response["usage"]) = (json!("in_progress"), Value::Null);
        response["incomplete_details"] = Value::Null;
        json!({"type": kind, "response": response})
    };
    let mut events = vec![begun("response.created"), begun("response.in_progress")];
    let mut output = Vec::new();
    for item in thought(request).map(thought_events).into_iter().chain(reply.text.as_deref().map(|t| spoken(t, rng))) {
        events.extend(item.events.into_iter().map(|event| at(event, output.len())));
        output.push(item.whole);
    }
    calls(reply, rng, &mut events, &mut output);
    let end = if reply.finish == Finish::Natural { "response.completed" } else { "response.incomplete" };
    events.push(json!({"type": end, "response": shell(request, reply, &output)}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(number);
        if request.include_obfuscation && event["delta"].is_string() {
            event["obfuscation"] = json!(padding(rng));
        }
    }
    events
}

/// An error within a stream; there is no object around it here.
pub(in crate::openai) fn error(kind: &str, message: &str, number: usize) -> Value {
    json!({"type": "error", "code": kind, "message": message, "param": null, "sequence_number": number})
}

fn at(mut event: Value, index: usize) -> Value {
    event["output_index"] = json!(index);
    event
}

fn shell(request: &Request, reply: &Reply, output: &[Value]) -> Value {
    let (status, reason) = match reply.finish {
        Finish::Natural => ("completed", None),
        Finish::Length => ("incomplete", Some("max_output_tokens")),
        Finish::ContentFilter => ("incomplete", Some("content_filter")),
    };
    let counted = usage(request, reply);
    json!({"id": id("resp"), "object": "response", "created_at": CREATED, "status": status, "error": null,
        "incomplete_details": reason.map(|reason| json!({"reason": reason})), "model": request.model,
        "output": output, "store": request.body["store"].as_bool().unwrap_or(true),
        "parallel_tool_calls": request.parallel_tool_calls, "tool_choice": "auto", "tools": [],
        "usage": {"input_tokens": counted["prompt_tokens"], "output_tokens": counted["completion_tokens"],
            "total_tokens": counted["total_tokens"], "input_tokens_details": {"cached_tokens": 0,
            "cache_write_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}})
}

/// The thoughts of a model that cannot be told not to think.
fn thought(request: &Request) -> Option<Value> {
    let content = format!("{THOUGHT_MARK}{}", Uuid::new_v4().simple());
    models::always_thinks(&request.model)
        .then(|| json!({"id": id("rs"), "type": "reasoning", "summary": [], "encrypted_content": content}))
}

fn thought_events(whole: Value) -> Item {
    let mut begun = whole.clone();
    begun["encrypted_content"] = json!(THOUGHT_MARK);
    let events = vec![
        json!({"type": "response.output_item.added", "item": begun}),
        json!({"type": "response.output_item.done", "item": whole}),
    ];
    Item { events, whole }
}

fn message_item(id: &str, text: &str) -> Value {
    json!({"id": id, "type": "message", "status": "completed", "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]})
}

fn spoken(text: &str, rng: &mut StdRng) -> Item {
    let id = id("msg");
    let whole = message_item(&id, text);
    let part = |kind: &str, text: &str| {
        json!({"type": kind, "item_id": id, "content_index": 0,
            "part": {"type": "output_text", "text": text, "annotations": [], "logprobs": []}})
    };
    let begun = json!({"id": id, "type": "message", "status": "in_progress", "role": "assistant", "content": []});
    let mut events =
        vec![json!({"type": "response.output_item.added", "item": begun}), part("response.content_part.added", "")];
    events.extend(tokens(text, rng).into_iter().map(|token| {
        json!({"type": "response.output_text.delta", "item_id": id, "content_index": 0, "delta": token,
            "logprobs": []})
    }));
    events.push(json!({"type": "response.output_text.done", "item_id": id, "content_index": 0, "text": text,
        "logprobs": []}));
    events.push(part("response.content_part.done", text));
    events.push(json!({"type": "response.output_item.done", "item": whole}));
    Item { events, whole }
}

fn call_item(name: &str, arguments: &str) -> Value {
    json!({"id": id("fc"), "type": "function_call", "status": "completed", "call_id": call_id(), "name": name,
        "arguments": arguments})
}

/// Parallel calls, their arguments interleaved.
fn calls(reply: &Reply, rng: &mut StdRng, events: &mut Vec<Value>, output: &mut Vec<Value>) {
    let first = output.len();
    output.extend(reply.tool_calls.iter().map(|(name, arguments)| call_item(name, arguments)));
    let items = &output[first..];
    for (index, item) in items.iter().enumerate() {
        let mut begun = item.clone();
        (begun["status"], begun["arguments"]) = (json!("in_progress"), json!(""));
        events.push(at(json!({"type": "response.output_item.added", "item": begun}), first + index));
    }
    for (index, delta) in fragments(&reply.tool_calls, rng) {
        let event = json!({"type": "response.function_call_arguments.delta", "item_id": items[index]["id"],
            "delta": delta});
        events.push(at(event, first + index));
    }
    for (index, item) in items.iter().enumerate() {
        let done = json!({"type": "response.function_call_arguments.done", "item_id": item["id"],
            "name": item["name"], "arguments": item["arguments"]});
        events.push(at(done, first + index));
        events.push(at(json!({"type": "response.output_item.done", "item": item}), first + index));
    }
}

fn id(kind: &str) -> String {
    format!("{kind}_{}", Uuid::new_v4().simple())
}
