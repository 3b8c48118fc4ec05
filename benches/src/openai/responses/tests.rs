//! The wire of `/v1/responses`: the events of a stream, the checks of a request, and faults within a stream.

use serde_json::{Value, json};

use super::*;
use crate::knobs::When;
use crate::openai::tests::post_to;
use crate::openai::{LlmFault, Reply, Scripted};
use crate::testing::world;

fn body(extra: Value) -> Value {
    let mut body = json!({"model": "gpt-6-luna", "stream": true, "store": false, "reasoning": {"effort": "none"},
        "instructions": "rules", "input": [{"role": "user", "content": "hello"}]});
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    body
}

/// The data of a stream, each beside an `event:` line that says its type.
fn events(text: &str) -> Vec<Value> {
    let event = |block: &str| {
        let lines: Vec<&str> = block.lines().filter(|line| !line.starts_with(':')).collect();
        let data: Value = serde_json::from_str(lines.last()?.strip_prefix("data: ")?).unwrap();
        assert_eq!(lines[0].strip_prefix("event: "), data["type"].as_str());
        Some(data)
    };
    text.split("\n\n").filter_map(event).collect()
}

#[tokio::test]
async fn a_stream_has_the_vendors_shape() {
    let world = world().await;
    let calls = Reply::call("lookup", &json!({})).and_call("slots", &json!({"service": "Oil change"}));
    world.openai.set_brain(Scripted::new([Reply { text: Some("One moment please.".into()), ..calls }]));
    let (status, text) = post_to(&world, "responses", &body(json!({}))).await;
    assert_eq!(status, 200);
    let events = events(&text);
    let kind = |event: &Value| event["type"].as_str().unwrap().to_owned();
    assert_eq!((kind(&events[0]), kind(&events[1])), ("response.created".into(), "response.in_progress".into()));
    let of = |wanted: &str| events.iter().filter(|event| event["type"] == wanted).cloned().collect::<Vec<_>>();
    let deltas = |wanted: &str, index: u64| -> String {
        of(wanted).iter().filter(|e| e["output_index"] == index).map(|e| e["delta"].as_str().unwrap()).collect()
    };
    assert_eq!(deltas("response.output_text.delta", 0), "One moment please.");
    assert_eq!(deltas("response.function_call_arguments.delta", 2), r#"{"service":"Oil change"}"#);
    let items = of("response.output_item.done");
    assert_eq!(items[2]["item"]["name"], "slots");
    assert!(items[2]["item"]["call_id"].as_str().unwrap().starts_with("call_"));
    let last = events.last().unwrap();
    assert_eq!((kind(last), &last["response"]["output"][2]), ("response.completed".into(), &items[2]["item"]));
    assert!(last["response"]["usage"]["input_tokens"].is_u64());
    assert!(events.iter().enumerate().all(|(number, event)| event["sequence_number"] == number));
    assert!(!text.contains("[DONE]"));
    assert_eq!((world.openai.completed(), world.openai.aborted()), (1, 0));
    world.shutdown().await;
}

#[tokio::test]
async fn a_model_that_must_think_shows_its_thoughts_and_takes_them_back() {
    let world = world().await;
    world.openai.set_brain(Scripted::new([Reply::call("lookup", &json!({})), Reply::say("Done.")]));
    let model = json!({"model": "gpt-6-astra", "reasoning": {"effort": "low"}, "stream": false});
    let (_, text) = post_to(&world, "responses", &body(model.clone())).await;
    let response: Value = serde_json::from_str(&text).unwrap();
    let [thought, call] = response["output"].as_array().unwrap().as_slice() else { panic!("{text}") };
    assert_eq!((thought["type"].as_str(), call["type"].as_str()), (Some("reasoning"), Some("function_call")));
    let mut next = body(model);
    let output = json!({"type": "function_call_output", "call_id": call["call_id"], "output": "{}"});
    let mut call = call.clone();
    call.as_object_mut().unwrap().remove("id");
    next["input"].as_array_mut().unwrap().extend([thought.clone(), call, output]);
    assert_eq!(post_to(&world, "responses", &next).await.0, 200);
    next["input"][1]["encrypted_content"] = json!("forged");
    assert_eq!(post_to(&world, "responses", &next).await.0, 400);
    world.shutdown().await;
}

#[tokio::test]
async fn faults_strike_within_a_stream() {
    let world = world().await;
    let mut ends = Vec::new();
    for fault in [LlmFault::ErrorAfterChunks(2), LlmFault::Length, LlmFault::DropAfterChunks(2), LlmFault::Quota] {
        world.openai.knobs().inject(fault, When::Next(1));
        ends.push(post_to(&world, "responses", &body(json!({}))).await);
    }
    assert_eq!(events(&ends[0].1).last().unwrap()["code"], "server_error");
    let last = events(&ends[1].1).pop().unwrap();
    assert_eq!(last["type"], "response.incomplete");
    assert_eq!(last["response"]["incomplete_details"]["reason"], "max_output_tokens");
    assert_eq!((ends[2].1.as_str(), ends[3].0), ("broken", 429));
    world.shutdown().await;
}

/// What is wrong with a request, or nothing.
fn check(extra: Value) -> Option<String> {
    Request::parse_response(body(extra).to_string().as_bytes()).err().map(|error| {
        assert_eq!(error.status, 400);
        error.param.unwrap_or_default()
    })
}

#[test]
fn fields_and_values_are_checked() {
    let parameters = json!({"type": "object", "additionalProperties": false, "required": [], "properties": {}});
    let flat = json!([{"type": "function", "name": "f", "parameters": parameters}]);
    let nested = json!([{"type": "function", "function": {"name": "f", "parameters": parameters}}]);
    let loose = json!([{"type": "function", "name": "f", "parameters": {"type": "object"}}]);
    for (extra, expected) in [
        (json!({"tools": flat, "parallel_tool_calls": true, "max_output_tokens": 400}), None),
        (json!({"tools": nested}), Some("tools[0].name")),
        (json!({"tools": loose}), Some("tools[0].parameters")),
        (json!({"messages": []}), Some("messages")),
        (json!({"max_completion_tokens": 9}), Some("max_completion_tokens")),
        (json!({"stream_options": {"include_usage": true}}), Some("stream_options.include_usage")),
        (json!({"max_output_tokens": 3}), Some("max_output_tokens")),
        (json!({"temperature": 0.3, "reasoning": {"effort": "low"}}), Some("temperature")),
        (json!({"model": "gpt-6-astra"}), Some("reasoning.effort")),
        (json!({"reasoning": {"effort": "minimal"}}), Some("reasoning.effort")),
        (json!({"model": "gpt-4o-mini"}), Some("reasoning.effort")),
        (json!({"input": []}), Some("input")),
        (json!({"input": [{"role": "tool", "content": "x"}]}), Some("input[0].role")),
        (json!({"input": [{"type": "tool_result"}]}), Some("input[0].type")),
    ] {
        assert_eq!(check(extra.clone()).as_deref(), expected, "{extra}");
    }
}

#[test]
fn calls_and_outputs_belong_together() {
    let call = |id: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"});
    let output = |id: &str| json!({"type": "function_call_output", "call_id": id, "output": "{}"});
    let user = json!({"type": "message", "role": "user", "content": "hm"});
    assert_eq!(check(json!({"input": [user, call("a"), call("b"), output("b"), output("a")]})), None);
    let mut stored = call("a");
    stored["id"] = json!("fc_1");
    for bad in [
        json!([user, call("a")]),
        json!([user, output("a")]),
        json!([user, call("a"), output("a"), output("a")]),
        json!([user, stored, output("a")]),
    ] {
        assert_eq!(check(json!({"input": bad})).as_deref(), Some("input"), "{bad}");
    }
    let parsed = body(json!({"input": [user, call("a"), call("b"), output("b"), output("a")]})).to_string();
    let roles: Vec<Role> =
        Request::parse_response(parsed.as_bytes()).unwrap().messages.into_iter().map(|m| m.role).collect();
    assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::Tool, Role::Tool]);
}
