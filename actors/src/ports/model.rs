//! The language model: one reply at a time, as a stream.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use serde_json::value::RawValue;

use super::VendorError;

/// Thinks.
#[async_trait]
pub trait LanguageModel: Send + Sync {
    /// Starts one reply. Dropping the stream cancels it.
    async fn reply(&self, request: ModelRequest) -> Result<ModelStream, VendorError>;
}

/// A reply as it comes. It ends after [`ModelEvent::Done`] or an error.
pub type ModelStream = BoxStream<'static, Result<ModelEvent, VendorError>>;

/// Everything a model needs for one reply.
#[derive(Debug, Clone)]
pub struct ModelRequest {
    /// What never changes during a call, so that the vendor can cache it.
    pub instructions: Arc<str>,
    /// What is known of this call and this moment.
    pub situation: String,
    /// The conversation so far; every tool call in it has exactly one tool message.
    pub history: Vec<Message>,
    /// What the model may call.
    pub tools: Arc<[ToolSpec]>,
}

/// One message of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// What the caller said.
    User(String),
    /// What Otto said and did.
    Assistant {
        /// What was (or will be) heard; empty when only tools were called.
        text: String,
        /// Its tool calls, in the model's order.
        tool_calls: Vec<ToolCall>,
    },
    /// What came of a tool call.
    Tool {
        /// [`ToolCall::id`].
        tool_call_id: String,
        /// JSON.
        content: String,
    },
}

/// A tool as the model sees it.
#[derive(Debug, Clone)]
pub struct ToolSpec {
    /// Letters, digits, `_` and `-`, at most 64.
    pub name: &'static str,
    /// When to call it.
    pub description: &'static str,
    /// Strict JSON schema of its arguments, as JSON: an object, closed, all properties required.
    pub parameters: Box<RawValue>,
}

/// A model's wish to run a tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// The model's name for this call.
    pub id: String,
    /// Which tool.
    pub name: String,
    /// JSON as the model wrote it; may be anything.
    pub arguments: String,
}

/// A piece of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelEvent {
    /// Some more text, never empty.
    Text(String),
    /// One whole tool call.
    ToolCall(ToolCall),
    /// The reply is complete.
    Done(ModelEnd),
}

/// How a reply ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelEnd {
    /// The reply hit the length limit: the text is cut and tool calls are not to be trusted.
    pub truncated: bool,
    /// Tokens of the request, when the vendor says so.
    pub prompt_tokens: Option<u64>,
    /// Tokens of the reply, when the vendor says so.
    pub completion_tokens: Option<u64>,
}
