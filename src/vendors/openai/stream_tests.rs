//! Chunks as the vendor sends them, chunks as compatible servers send them, and chunks that nobody should send.

use otto_actors::ports::VendorErrorKind;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::vendors::openai::gather::{ARGUMENTS_MAX_BYTES, TEXT_MAX_BYTES, TOOL_CALLS_MAX};
use crate::vendors::openai::testing::{self, call, done, text};

/// What comes of a completion.
fn run(chunks: &[&str]) -> (Vec<ModelEvent>, Option<VendorErrorKind>) {
    testing::run::<Accumulator>(chunks)
}

const FINISH: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

#[test]
fn text_comes_at_once_and_usage_last() {
    let (events, error) = run(&[
        r#"{"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":"",
            "refusal":null},"finish_reason":null,"logprobs":null}],"usage":null,"obfuscation":"aZ"}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}],"usage":null}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"lo"},"finish_reason":null}],"usage":null}"#,
        FINISH,
        r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11}}"#,
        "[DONE]",
    ]);
    assert_eq!(events, [text("Hel"), text("lo"), done(Some(9), Some(2))]);
    assert_eq!(error, None);
}

#[test]
fn interleaved_calls_are_keyed_by_index() {
    let (events, error) = run(&[
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"b","type":"function",
            "function":{"name":"g","arguments":""}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x"}
            },{"index":1,"function":{"arguments":"not json"}}]}}]}"#,
        r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\":1}"}}]}}]}"#,
        FINISH,
    ]);
    let end = ModelEvent::Done(ModelEnd::default());
    assert_eq!(events, [call("a", "f", r#"{"x":1}"#), call("b", "g", "not json"), end], "stop, and yet tool calls");
    assert_eq!(error, None);
}

#[test]
fn a_cut_reply_runs_no_tools() {
    let (events, error) = run(&[
        r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}}]}"#,
        r#"{"choices":[{"delta":{},"finish_reason":"length"}]}"#,
    ]);
    assert_eq!(events, [ModelEvent::Done(ModelEnd { truncated: true, ..ModelEnd::default() })]);
    assert_eq!(error, None);
}

#[test]
fn arguments_that_were_cut_never_become_a_call() {
    use VendorErrorKind::*;
    let begun = r#"{"choices":[{"delta":{"content":"One moment.","tool_calls":[{"index":0,"id":"a",
        "function":{"name":"book","arguments":"{\"time\":\"1"}}]}}]}"#;
    let failed = r#"{"error":{"type":"server_error"}}"#;
    let filtered = r#"{"choices":[{"delta":{},"finish_reason":"content_filter"}]}"#;
    for (ends, kind) in
        [(vec![], Unreachable), (vec!["[DONE]"], Unreachable), (vec![failed], Failed), (vec![filtered], Rejected)]
    {
        let chunks: Vec<&str> = [begun].into_iter().chain(ends).collect();
        assert_eq!(run(&chunks), (vec![text("One moment.")], Some(kind)));
    }
}

#[test]
fn a_call_without_arguments_has_empty_ones() {
    let called = r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]},
        "finish_reason":"tool_calls"}]}"#;
    assert_eq!(run(&[called]).0[0], call("a", "f", "{}"));
}

#[test]
fn what_compatible_servers_leave_out_is_made_up() {
    let (events, _) =
        run(&[r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}}]}"#, FINISH]);
    let [ModelEvent::ToolCall(only), ModelEvent::Done(_)] = &events[..] else { panic!("{events:?}") };
    assert!(only.id.starts_with("call_0_") && only.name == "f" && only.arguments == "{}");

    let (events, _) = run(&[
        r#"{"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"1"}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"id":"b","function":{"name":"g","arguments":"2"}}]}}]}"#,
        r#"{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"3"}}]}}]}"#,
        FINISH,
    ]);
    assert_eq!(events[..2], [call("a", "f", "1"), call("b", "g", "23")], "no index: a new id is a new call");
}

#[test]
fn no_two_calls_share_an_id() {
    let (events, _) = run(&[r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}},
            {"index":1,"id":"a","function":{"name":"g"}}]},"finish_reason":"tool_calls"}]}"#]);
    let [ModelEvent::ToolCall(first), ModelEvent::ToolCall(second), _] = &events[..] else { panic!("{events:?}") };
    assert_ne!(first.id, second.id);
}

#[test]
fn failures_have_a_kind() {
    use VendorErrorKind::*;
    let long = format!(r#"{{"choices":[{{"delta":{{"content":"{}"}}}}]}}"#, "x".repeat(TEXT_MAX_BYTES + 1));
    for (chunks, kind) in [
        (vec![], Unreachable),
        (vec![r#"{"choices":[{"delta":{"content":"Hi"}}]}"#], Unreachable),
        (vec!["[DONE]"], Unreachable),
        (vec!["{"], Protocol),
        (vec![r#"{"error":{"message":"m","type":"server_error","param":null,"code":null}}"#], Failed),
        (vec![r#"{"error":{"type":"rate_limit_error","code":"slow_down"}}"#], RateLimited),
        (vec![r#"{"choices":[{"delta":{},"finish_reason":"content_filter"}]}"#], Rejected),
        (vec![r#"{"choices":[{"delta":{"tool_calls":[{"index":0}]},"finish_reason":"stop"}]}"#], Protocol),
        (vec![long.as_str()], Protocol),
    ] {
        assert_eq!(run(&chunks).1, Some(kind), "{:.80?}", chunks);
    }
}

#[test]
fn arguments_and_calls_have_limits() {
    let fragment = |index: usize, size: usize| {
        let calls = json!([{"index": index, "function": {"arguments": "x".repeat(size)}}]);
        json!({"choices": [{"delta": {"tool_calls": calls}}]}).to_string()
    };
    let mut reply = Accumulator::default();
    assert!((0..5).map(|_| reply.chunk(&fragment(0, ARGUMENTS_MAX_BYTES / 4))).any(|result| result.is_err()));
    let mut reply = Accumulator::default();
    assert!((0..=TOOL_CALLS_MAX).map(|index| reply.chunk(&fragment(index, 0))).any(|result| result.is_err()));
}

proptest! {
    #[test]
    fn any_text_is_survived(chunks in proptest::collection::vec(".*", 0..4)) {
        run(&chunks.iter().map(String::as_str).collect::<Vec<_>>());
    }

    #[test]
    fn any_damage_is_survived(at in 0..FINISH.len(), with in any::<char>(), index in any::<u64>()) {
        let mut damaged = FINISH.to_owned();
        damaged.replace_range(at..=at, with.encode_utf8(&mut [0; 4]));
        let odd = format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{{"index":{index}}},{{"id":"n"}}]}}}}]}}"#);
        run(&[&odd, &damaged, FINISH]);
    }

    #[test]
    fn nothing_follows_the_end(tail in ".*") {
        let mut reply = Accumulator::default();
        reply.chunk(FINISH).unwrap();
        reply.chunk("[DONE]").unwrap();
        prop_assert_eq!(reply.chunk(&tail), Ok(vec![]));
        prop_assert_eq!(reply.end(), Ok(vec![]));
    }
}
