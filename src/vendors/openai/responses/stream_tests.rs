//! Events as the vendor sends them, and events that nobody should send.

use otto_actors::ports::VendorErrorKind::{self, *};
use proptest::prelude::*;

use super::*;
use crate::vendors::openai::gather::{ARGUMENTS_MAX_BYTES, TEXT_MAX_BYTES, TOOL_CALLS_MAX};
use crate::vendors::openai::testing::{call, done, run, text};

const COMPLETED: &str = r#"{"type":"response.completed","sequence_number":9,"response":{"id":"resp_1","status":"completed",
    "error":null,"incomplete_details":null,"usage":{"input_tokens":9,"output_tokens":2,"total_tokens":11}}}"#;

/// What comes of a response.
fn events(chunks: &[&str]) -> (Vec<ModelEvent>, Option<VendorErrorKind>) {
    run::<Accumulator>(chunks)
}

fn added(index: usize, id: &str, name: &str) -> String {
    json!({"type": "response.output_item.added", "output_index": index, "item":
        {"type": "function_call", "id": format!("fc_{id}"), "call_id": id, "name": name, "arguments": ""}})
    .to_string()
}

fn piece(index: usize, delta: &str) -> String {
    json!({"type": "response.function_call_arguments.delta", "item_id": "fc", "output_index": index, "delta": delta})
        .to_string()
}

fn end() -> ModelEvent {
    done(Some(9), Some(2))
}

#[test]
fn text_comes_at_once_and_the_end_with_the_usage() {
    let (events, error) = events(&[
        r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1"}}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"message","role":"assistant"}}"#,
        r#"{"type":"response.output_text.delta","item_id":"msg","output_index":0,"content_index":0,"delta":"Hel",
            "logprobs":[],"obfuscation":"aZ"}"#,
        r#"{"type":"response.output_text.delta","output_index":0,"delta":""}"#,
        r#"{"type":"response.output_text.delta","output_index":0,"delta":"lo"}"#,
        r#"{"type":"response.output_text.done","output_index":0,"text":"Hello"}"#,
        r#"{"type":"response.refusal.delta","output_index":0,"delta":"!"}"#,
        r#"{"type":"response.brandnew","delta":{"not":"text"}}"#,
        COMPLETED,
    ]);
    assert_eq!((events, error), (vec![text("Hel"), text("lo"), text("!"), end()], None));
}

#[test]
fn interleaved_calls_are_keyed_by_index_and_named_by_call_id() {
    let (events, error) = events(&[
        &added(2, "b", "g"),
        &added(1, "a", "f"),
        &piece(1, "{\"x"),
        &piece(2, "not json"),
        &piece(1, "\":1}"),
        COMPLETED,
    ]);
    assert_eq!(events, [call("a", "f", r#"{"x":1}"#), call("b", "g", "not json"), end()]);
    assert_eq!(error, None);
}

#[test]
fn whole_arguments_replace_the_pieces() {
    let arguments = r#"{"type":"response.function_call_arguments.done","output_index":0,"name":"f","arguments":"{}"}"#;
    let item = r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","id":"fc",
        "call_id":"a","name":"f","arguments":"{}","status":"completed"}}"#;
    for ends in [vec![arguments], vec![item], vec![arguments, item]] {
        let begin = [added(0, "a", "f"), piece(0, "{")];
        let chunks: Vec<&str> = begin.iter().map(String::as_str).chain(ends).chain([COMPLETED]).collect();
        assert_eq!(events(&chunks).0, [call("a", "f", "{}"), end()]);
    }
    assert_eq!(events(&[item, COMPLETED]).0, [call("a", "f", "{}"), end()], "the item alone is enough");
}

#[test]
fn a_cut_reply_runs_no_tools() {
    let incomplete =
        r#"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"max_output_tokens"}}}"#;
    let (events, error) = events(&[&added(0, "a", "f"), &piece(0, "{"), incomplete]);
    assert_eq!(events, [ModelEvent::Done(ModelEnd { truncated: true, ..ModelEnd::default() })]);
    assert_eq!(error, None);
}

#[test]
fn arguments_that_were_cut_never_become_a_call() {
    let failed = r#"{"type":"response.failed","response":{"error":{"code":"server_error","message":"m"}}}"#;
    let error = r#"{"type":"error","code":"server_error","message":"m","param":null}"#;
    let filtered = r#"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"content_filter"}}}"#;
    let said = r#"{"type":"response.output_text.delta","output_index":0,"delta":"One moment."}"#;
    for (ends, kind) in [
        (vec![], Unreachable),
        (vec!["[DONE]"], Unreachable),
        (vec![failed], Failed),
        (vec![error], Failed),
        (vec![filtered], Rejected),
    ] {
        let begun = [said.to_owned(), added(1, "a", "book"), piece(1, "{\"time\":\"1")];
        let chunks: Vec<&str> = begun.iter().map(String::as_str).chain(ends).collect();
        assert_eq!(events(&chunks), (vec![text("One moment.")], Some(kind)));
    }
}

#[test]
fn a_call_without_arguments_has_empty_ones() {
    assert_eq!(events(&[&added(0, "a", "f"), COMPLETED]).0, [call("a", "f", "{}"), end()]);
}

#[test]
fn failures_have_a_kind() {
    let failed = |code: &str| {
        json!({"type": "response.failed", "response": {"error": {"code": code, "message": "Jane said"}}}).to_string()
    };
    let long = json!({"type": "response.output_text.delta", "delta": "x".repeat(TEXT_MAX_BYTES + 1)}).to_string();
    let filtered = r#"{"type":"response.incomplete","response":{"incomplete_details":{"reason":"content_filter"}}}"#;
    for (chunks, kind) in [
        (vec![], Unreachable),
        (vec![r#"{"type":"response.output_text.delta","delta":"Hi"}"#], Unreachable),
        (vec!["[DONE]"], Unreachable),
        (vec!["{"], Protocol),
        (vec![r#"{"type":"response.output_text.delta","delta":7}"#], Protocol),
        (vec![r#"{"type":"response.failed","response":{}}"#], Failed),
        (vec![failed("server_error").as_str()], Failed),
        (vec![failed("rate_limit_exceeded").as_str()], RateLimited),
        (vec![failed("invalid_prompt").as_str()], Rejected),
        (vec![failed("insufficient_quota").as_str()], QuotaExhausted),
        (vec![r#"{"type":"error","code":"server_error","message":"m","param":null,"sequence_number":1}"#], Failed),
        (vec![r#"{"type":"error","error":{"type":"insufficient_quota"}}"#], QuotaExhausted),
        (vec![r#"{"error":{"type":"rate_limit_error"}}"#], RateLimited),
        (vec![filtered], Rejected),
        (vec![piece(0, "{}").as_str(), COMPLETED], Protocol),
        (vec![long.as_str()], Protocol),
    ] {
        assert_eq!(events(&chunks).1, Some(kind), "{:.80?}", chunks);
    }
}

#[test]
fn arguments_calls_and_thoughts_have_limits() {
    let mut reply = Accumulator::default();
    let part = "x".repeat(ARGUMENTS_MAX_BYTES / 4);
    assert!((0..5).map(|_| reply.chunk(&piece(0, &part))).any(|result| result.is_err()));
    let mut reply = Accumulator::default();
    assert!((0..=TOOL_CALLS_MAX).map(|index| reply.chunk(&added(index, "a", "f"))).any(|result| result.is_err()));
    let mut reply = Accumulator::default();
    let item = json!({"type": "reasoning", "encrypted_content": "x".repeat(THOUGHTS_MAX_BYTES / 4)});
    let thought = json!({"type": "response.output_item.done", "output_index": 0, "item": item}).to_string();
    (0..8).for_each(|_| drop(reply.chunk(&thought).unwrap()));
    assert_eq!(reply.take_thoughts().len(), 4);
}

proptest! {
    #[test]
    fn any_text_is_survived(chunks in proptest::collection::vec(".*", 0..4)) {
        events(&chunks.iter().map(String::as_str).collect::<Vec<_>>());
    }

    #[test]
    fn any_damage_is_survived(at in 0..COMPLETED.len(), with in any::<char>(), index in any::<usize>()) {
        let mut damaged = COMPLETED.to_owned();
        damaged.replace_range(at..=at, with.encode_utf8(&mut [0; 4]));
        events(&[&added(index, "a", "f"), &damaged, COMPLETED]);
    }

    #[test]
    fn nothing_follows_the_end(tail in ".*") {
        let mut reply = Accumulator::default();
        reply.chunk(COMPLETED).unwrap();
        prop_assert_eq!(reply.chunk(&tail), Ok(vec![]));
        prop_assert_eq!(reply.end(), Ok(vec![]));
    }
}
