//! What the tests of both wire formats share.

use otto_actors::ports::{Message, ModelEnd, ModelEvent, ModelRequest, ToolCall, ToolSpec, VendorErrorKind};
use serde_json::json;
use serde_json::value::to_raw_value;

use super::reading::Accumulate;

/// What comes of a stream: the events, and the sort of error that ended it.
pub(super) fn run<A: Accumulate + Default>(chunks: &[&str]) -> (Vec<ModelEvent>, Option<VendorErrorKind>) {
    let mut reply = A::default();
    let mut events = Vec::new();
    for chunk in chunks {
        match reply.chunk(chunk) {
            Ok(more) => events.extend(more),
            Err(error) => return (events, Some(error.kind)),
        }
    }
    match reply.end() {
        Ok(more) => (events.into_iter().chain(more).collect(), None),
        Err(error) => (events, Some(error.kind)),
    }
}

pub(super) fn text(text: &str) -> ModelEvent {
    ModelEvent::Text(text.into())
}

pub(super) fn call(id: &str, name: &str, arguments: &str) -> ModelEvent {
    ModelEvent::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments: arguments.into() })
}

pub(super) fn done(prompt_tokens: Option<u64>, completion_tokens: Option<u64>) -> ModelEvent {
    ModelEvent::Done(ModelEnd { truncated: false, prompt_tokens, completion_tokens })
}

/// A request with every sort of message in it.
pub(super) fn request(tools: Vec<ToolSpec>) -> ModelRequest {
    let call = ToolCall { id: "call_1".into(), name: "f".into(), arguments: r#"{"a":1}"#.into() };
    ModelRequest {
        instructions: "rules".into(),
        situation: "now".into(),
        history: vec![
            Message::User("hi".into()),
            Message::Assistant { text: String::new(), tool_calls: vec![call] },
            Message::Tool { tool_call_id: "call_1".into(), content: "{}".into() },
            Message::Assistant { text: String::new(), tool_calls: vec![] },
            Message::Assistant { text: "hello".into(), tool_calls: vec![] },
        ],
        tools: tools.into(),
    }
}

/// One tool.
pub(super) fn tools() -> Vec<ToolSpec> {
    let parameters = to_raw_value(&json!({"type": "object"})).unwrap();
    vec![ToolSpec { name: "f", description: "does", parameters }]
}
