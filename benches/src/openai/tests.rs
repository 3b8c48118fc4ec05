//! The wire: the shape of a stream, the checks of a request, and faults within a stream.

use serde_json::{Value, json};

use super::*;
use crate::knobs::When;
use crate::testing::{env, world};
use crate::{OPENAI_KEY, World};

async fn post(world: &World, body: &Value) -> (u16, String) {
    post_to(world, "chat/completions", body).await
}

pub(super) async fn post_to(world: &World, path: &str, body: &Value) -> (u16, String) {
    let url = format!("{}/{path}", env(world, "OPENAI_BASE_URL"));
    let request = reqwest::Client::new().post(url).bearer_auth(OPENAI_KEY).json(body);
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.text().await.unwrap_or_else(|_| "broken".to_owned()))
}

fn request(extra: Value) -> Value {
    let mut body = json!({"model": "gpt-6-luna", "stream": true, "reasoning_effort": "none",
        "messages": [{"role": "user", "content": "hello"}]});
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn chunks(body: &str) -> Vec<Value> {
    let data = body.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

#[tokio::test]
async fn a_stream_has_the_vendors_shape() {
    let world = world().await;
    let calls =
        Reply::call("lookup", &json!({})).and_call("slots", &json!({"date": "2026-11-24", "service": "Oil change"}));
    world.openai.set_brain(Scripted::new([Reply { text: Some("One moment please.".into()), ..calls }]));
    let body = request(json!({"stream_options": {"include_usage": true}}));
    let (status, text) = post(&world, &body).await;
    assert_eq!(status, 200);
    assert!(text.ends_with("data: [DONE]\n\n"));
    let chunks = chunks(&text);
    let mut first = chunks[0].clone();
    assert!(first["id"].as_str().unwrap().starts_with("chatcmpl-") && first["obfuscation"].is_string(), "{first}");
    first.as_object_mut().unwrap().retain(|name, _| !["id", "choices", "obfuscation"].contains(&name.as_str()));
    let same = json!({"object": "chat.completion.chunk", "created": 1_780_000_000, "model": "gpt-6-luna",
        "service_tier": "default", "system_fingerprint": null, "usage": null});
    assert_eq!(first, same);
    assert_eq!(chunks[0]["choices"][0]["delta"], json!({"role": "assistant", "content": "", "refusal": null}));
    let deltas: Vec<&Value> = chunks.iter().map(|chunk| &chunk["choices"][0]["delta"]).collect();
    let said: String = deltas.iter().filter_map(|delta| delta["content"].as_str()).collect();
    assert_eq!(said, "One moment please.");
    let mut arguments = [String::new(), String::new()];
    let mut names = Vec::new();
    for call in deltas.iter().filter_map(|delta| delta["tool_calls"].as_array()).flatten() {
        names.extend(call["function"]["name"].as_str());
        assert_eq!(call["id"].is_string(), call["function"]["name"].is_string());
        arguments[call["index"].as_u64().unwrap() as usize] += call["function"]["arguments"].as_str().unwrap();
    }
    assert_eq!(names, ["lookup", "slots"]);
    assert_eq!(serde_json::from_str::<Value>(&arguments[1]).unwrap()["service"], "Oil change");
    let [.., finish, usage] = &chunks[..] else { panic!() };
    assert_eq!(finish["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!((&usage["choices"], usage["usage"]["total_tokens"].is_u64()), (&json!([]), true));
    assert!(finish["obfuscation"].is_string());
    assert_eq!((world.openai.completed(), world.openai.aborted()), (1, 0));
    world.shutdown().await;
}

#[tokio::test]
async fn a_stream_without_extras_has_none() {
    let world = world().await;
    let body = request(json!({"stream_options": {"include_obfuscation": false}}));
    let (_, text) = post(&world, &body).await;
    assert!(chunks(&text).iter().all(|chunk| chunk["obfuscation"].is_null() && chunk["choices"] != json!([])));
    world.shutdown().await;
}

#[tokio::test]
async fn faults_strike_within_a_stream() {
    let world = world().await;
    let mut ends = Vec::new();
    for fault in
        [LlmFault::ErrorAfterChunks(2), LlmFault::CutAfterChunks(2), LlmFault::DropAfterChunks(2), LlmFault::Quota]
    {
        world.openai.knobs().inject(fault, When::Next(1));
        ends.push(post(&world, &request(json!({}))).await);
    }
    assert!(ends[0].1.contains("server_error") && !ends[0].1.contains("[DONE]"));
    assert!(!ends[1].1.ends_with("\n\n"));
    assert_eq!(ends[2].1, "broken");
    assert_eq!(ends[3].0, 429);
    world.shutdown().await;
}

/// What is wrong with a request, or nothing.
fn check(extra: Value) -> Option<String> {
    Request::parse(request(extra).to_string().as_bytes()).err().map(|error| {
        assert_eq!(error.status, 400);
        error.param.unwrap_or_default()
    })
}

fn tool(parameters: Value) -> Value {
    json!([{"type": "function", "function": {"name": "f", "strict": true, "parameters": parameters}}])
}

#[test]
fn tool_calls_are_answered_once_each() {
    let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let assistant = json!({"role": "assistant", "content": null, "tool_calls": [call("a"), call("b")]});
    let tool = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "{}"});
    let user = json!({"role": "user", "content": "hm"});
    let messages = |list: &[&Value]| check(json!({"messages": list}));
    assert_eq!(messages(&[&user, &assistant, &tool("b"), &tool("a"), &user]), None);
    for bad in [
        vec![user.clone(), assistant.clone(), tool("a"), user.clone(), tool("b")],
        vec![user.clone(), assistant.clone(), tool("a")],
        vec![user.clone(), assistant.clone(), tool("a"), tool("b"), tool("b")],
        vec![user.clone(), tool("a")],
    ] {
        assert_eq!(messages(&bad.iter().collect::<Vec<_>>()).as_deref(), Some("messages"));
    }
}

#[test]
fn strict_schemas_are_checked_in_depth() {
    let good = json!({"type": "object", "additionalProperties": false, "required": ["a"],
        "properties": {"a": {"type": ["string", "null"]}}});
    assert_eq!(check(json!({"tools": tool(good.clone())})), None);
    let mut optional = good.clone();
    optional["required"] = json!([]);
    let mut open = good.clone();
    open["additionalProperties"] = json!(true);
    let mut nested = good.clone();
    nested["properties"]["a"] = json!({"type": "array", "items": {"type": "object", "properties": {}}});
    for bad in [optional, open, nested, json!({"type": "string"})] {
        assert_eq!(check(json!({"tools": tool(bad)})).as_deref(), Some("tools[0].function.parameters"));
    }
}

#[test]
fn newer_models_have_their_rules() {
    let tools = tool(json!({"type": "object", "additionalProperties": false, "required": [], "properties": {}}));
    let effort = Some("reasoning_effort".to_owned());
    assert_eq!(check(json!({"tools": tools, "reasoning_effort": null})), effort);
    assert_eq!(check(json!({"tools": tools, "reasoning_effort": "low", "model": "gpt-5.4-mini"})), effort);
    assert_eq!(check(json!({"tools": tools, "reasoning_effort": null, "model": "gpt-5.4-mini"})), None);
    assert_eq!(check(json!({"tools": tools, "reasoning_effort": null, "model": "gpt-4o-mini", "max_tokens": 9})), None);
    assert_eq!(check(json!({"max_tokens": 9})).as_deref(), Some("max_tokens"));
    assert_eq!(check(json!({"stream": false, "stream_options": {}})).as_deref(), Some("stream_options"));
}

#[tokio::test]
async fn a_missing_key_is_an_error_in_the_vendors_shape() {
    let world = world().await;
    let url = format!("{}/models", env(&world, "OPENAI_BASE_URL"));
    let response = reqwest::get(url).await.unwrap();
    assert_eq!(response.status(), 401);
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(body["error"]["type"], "invalid_request_error");
    world.shutdown().await;
}
